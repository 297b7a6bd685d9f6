import { Button, Group, Stack } from '@mantine/core'
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { Conflict } from '../parts/conflict.tsx'
import { useUnsaved } from '../parts/dialog.tsx'
import { Form } from '../parts/form.tsx'
import { LongText } from '../parts/long-text.tsx'
import { FieldsOfWriters, May } from '../parts/may.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { Panel } from '../parts/panel.tsx'
import { ErrorNotice, Pending } from '../parts/states.tsx'
import { useViewText, ViewFields } from '../parts/view-fields.tsx'
import { ifMatch, useOutline } from '../queries/novel-queries.ts'
import { useVersionedEdit } from '../queries/versioned-edit.ts'

type Narration = components['schemas']['NovelNarration']

function narrationQuery(novelId: string) {
  return queryOptions({
    queryKey: keys.narration(novelId),
    queryFn: () => dataOf(api.GET('/v1/novels/{novelId}/narration', { params: { path: { novelId } } })),
  })
}

/** How the novel is written where a scene says nothing else: point of view, tense, style sheet, voice. */
export function NarrationPart({ novelId }: { novelId: string }) {
  const t = useTranslations('codex.narration')
  const { data, error, refetch } = useQuery(narrationQuery(novelId))
  return (
    <Panel title={t('title')} hint={t('hint')} data-narration>
      {data === undefined ? (
        <Pending error={error} onRetry={refetch} />
      ) : (
        <NarrationForm novelId={novelId} there={data} />
      )}
    </Panel>
  )
}

function useNarrationEdit(novelId: string, there: Narration) {
  const t = useTranslations('codex.narration')
  const queries = useQueryClient()
  const query = narrationQuery(novelId)
  return useVersionedEdit(versioned(there), {
    async write(body, version) {
      const params = { path: { novelId }, header: ifMatch({ version }) }
      const saved = await dataOf(api.PUT('/v1/novels/{novelId}/narration', { params, body }))
      queries.setQueryData(query.queryKey, saved)
      return versioned(saved)
    },
    read: async () => versioned(await queries.fetchQuery({ ...query, staleTime: 0 })),
    onSaved() {
      // What the prompt of a scene has depends on its point of view.
      void queries.invalidateQueries({ queryKey: keys.codex(novelId) })
      notifyDone(t('saved'))
    },
  })
}

function versioned({ version, ...value }: Narration) {
  return { value, version }
}

function NarrationForm({ novelId, there }: { novelId: string; there: Narration }) {
  const t = useTranslations('codex.narration')
  const edit = useNarrationEdit(novelId, there)
  const { typed: fields, type, isChanged, theirs, isPending, error } = edit
  const { data: novel } = useOutline(novelId)
  const question = useUnsaved(isChanged)
  const viewText = useViewText()
  const textOf = (narration: typeof fields) =>
    [viewText(narration), narration.styleSheet, narration.voiceSample]
      .filter(text => text !== '')
      .join('\n\n')
  if (theirs !== undefined)
    return (
      <>
        <Conflict mine={textOf(fields)} theirs={textOf(theirs)} language={novel?.language} edit={edit} />
        {question}
      </>
    )
  return (
    <>
      <Form onSubmit={() => edit.save()}>
        <Stack>
          <FieldsOfWriters>
            <Stack>
              <ViewFields fields={fields} onChange={view => type({ ...withoutView(fields), ...view })} />
              <LongText
                label={t('styleSheet')}
                description={t('styleSheetHint')}
                maxLength={4_000}
                value={fields.styleSheet}
                onType={text => type({ ...fields, styleSheet: text })}
              />
              <LongText
                label={t('voiceSample')}
                description={t('voiceSampleHint')}
                maxLength={6_000}
                value={fields.voiceSample}
                onType={text => type({ ...fields, voiceSample: text })}
              />
            </Stack>
          </FieldsOfWriters>
          {error !== null && <ErrorNotice error={error} />}
          <May need="write">
            <Group justify="flex-end">
              <Button type="submit" loading={isPending} disabled={!isChanged}>
                {t('save')}
              </Button>
            </Group>
          </May>
        </Stack>
      </Form>
      {question}
    </>
  )
}

function withoutView({ pov: _, povCharacter: __, tense: ___, ...rest }: Omit<Narration, 'version'>) {
  return rest
}
