import { Stack } from '@mantine/core'
import { queryOptions, useQueryClient } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { Conflict } from '../parts/conflict.tsx'
import { useUnsaved } from '../parts/dialog.tsx'
import { SummaryForm } from '../parts/summary-editor.tsx'
import { ifMatch } from '../queries/novel-queries.ts'
import { useVersionedEdit } from '../queries/versioned-edit.ts'

/** Most characters of such a summary. */
const longest = 10_000

type UnitSummary = components['schemas']['UnitSummary']

/** Reads the summary of a unit of a novel. */
export function unitSummaryQuery(novelId: string, unitId: string) {
  const params = { path: { novelId, unitId } }
  return queryOptions({
    queryKey: keys.unitSummary(novelId, unitId),
    queryFn: () => dataOf(api.GET('/v1/novels/{novelId}/summaries/{unitId}', { params })),
  })
}

interface UnitEditorProps {
  novelId: string
  /** As it is now: its summary is shown above. */
  unit: UnitSummary
  /** What it is the summary of. */
  title: string
  language: string | undefined
  onClose: () => void
}

/** Lets a person write the summary of the book, a volume or a chapter. */
export function UnitEditor({ novelId, unit, title, language, onClose }: UnitEditorProps) {
  const t = useTranslations('novels.story')
  const edit = useUnitEdit(novelId, unit, onClose)
  const { typed, isChanged, isPending, theirs, error } = edit
  // Saved as it is, a summary that is out of date is right again.
  const canSave = isChanged || unit.state === 'out-of-date'
  const question = useUnsaved(isChanged)
  return (
    <Stack gap="sm">
      {theirs !== undefined ? (
        <Conflict mine={typed} theirs={theirs} language={language} edit={edit} />
      ) : (
        <SummaryForm
          text={typed}
          label={title}
          description={t('emptyLeaves')}
          longest={longest}
          isChanged={isChanged}
          canSave={canSave}
          isPending={isPending}
          error={error}
          language={language}
          onType={edit.type}
          onSave={() => (canSave ? edit.save() : undefined)}
          onClose={onClose}
        />
      )}
      {question}
    </Stack>
  )
}

function useUnitEdit(novelId: string, unit: UnitSummary, onClose: () => void) {
  const queries = useQueryClient()
  const query = unitSummaryQuery(novelId, unit.id)
  return useVersionedEdit(versioned(unit), {
    async write(text, version) {
      const params = { path: { novelId, unitId: unit.id }, header: ifMatch({ version }) }
      const body = { text: text.trim() }
      const saved = await dataOf(api.PUT('/v1/novels/{novelId}/summaries/{unitId}', { params, body }))
      queries.setQueryData(query.queryKey, saved)
      return versioned(saved)
    },
    read: async () => versioned(await queries.fetchQuery({ ...query, staleTime: 0 })),
    onSaved(isAll) {
      void queries.invalidateQueries({ queryKey: keys.summaries(novelId) })
      if (isAll) onClose()
    },
  })
}

function versioned({ summary, version }: UnitSummary) {
  return { value: summary?.text ?? '', version }
}
