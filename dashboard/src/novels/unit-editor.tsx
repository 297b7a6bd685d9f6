import { Stack } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { ApiError, api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { useUnsaved } from '../parts/dialog.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { SummaryForm } from '../parts/summary-editor.tsx'
import { ifMatch } from '../queries/novel-queries.ts'

/** Most characters of such a summary. */
const longest = 10_000

interface UnitEditorProps {
  novelId: string
  /** As it is now: its summary is shown above. */
  unit: components['schemas']['UnitSummary']
  /** What it is the summary of. */
  title: string
  language: string | undefined
  onClose: () => void
}

/**
 * Lets a person write the summary of the book, a volume or a chapter. Where it was changed meanwhile, nothing is overwritten unseen: what is there is shown
 * above, and what was typed stays, to be saved over that.
 */
export function UnitEditor({ novelId, unit, title, language, onClose }: UnitEditorProps) {
  const t = useTranslations('novels.story')
  const queries = useQueryClient()
  const before = unit.summary?.text ?? ''
  const [text, setText] = useState(before)
  const { mutate, error, isPending } = useMutation({
    mutationFn: () => {
      const params = { path: { novelId, unitId: unit.id }, header: ifMatch(unit) }
      return dataOf(
        api.PUT('/v1/novels/{novelId}/summaries/{unitId}', { params, body: { text: text.trim() } }),
      )
    },
    async onError(failure) {
      if (!(failure instanceof ApiError) || failure.status !== 412) return
      await queries.invalidateQueries({ queryKey: keys.unitSummary(novelId, unit.id) })
    },
    async onSuccess(saved) {
      queries.setQueryData(keys.unitSummary(novelId, unit.id), saved)
      await queries.invalidateQueries({ queryKey: keys.summaries(novelId) })
      onClose()
    },
  })
  const isChanged = text !== before
  // Saved as it is, a summary that is out of date is right again.
  const canSave = isChanged || unit.state === 'out-of-date'
  const question = useUnsaved(isChanged && !isPending)
  return (
    <Stack gap="sm">
      <SummaryForm
        text={text}
        label={title}
        description={t('emptyLeaves')}
        longest={longest}
        isChanged={isChanged}
        canSave={canSave}
        isPending={isPending}
        language={language}
        onType={setText}
        onSave={() => (canSave && !isPending ? mutate() : undefined)}
        onClose={onClose}
      />
      {error !== null && <ErrorNotice error={error} />}
      {question}
    </Stack>
  )
}
