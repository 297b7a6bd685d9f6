import { Button, Group, Stack } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { Form } from '../parts/form.tsx'
import { LongText } from '../parts/long-text.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { Panel } from '../parts/panel.tsx'
import { ErrorNotice, Pending } from '../parts/states.tsx'
import { ViewFields } from '../parts/view-fields.tsx'
import { ifMatch } from '../queries/novel-queries.ts'

type Narration = components['schemas']['NovelNarration']

/** How the novel is written where a scene says nothing else: point of view, tense, style sheet, voice. */
export function NarrationPart({ novelId }: { novelId: string }) {
  const t = useTranslations('codex.narration')
  const { data, error, refetch } = useQuery({
    queryKey: keys.narration(novelId),
    queryFn: () => dataOf(api.GET('/v1/novels/{novelId}/narration', { params: { path: { novelId } } })),
  })
  return (
    <Panel title={t('title')} hint={t('hint')} data-narration>
      {data === undefined ? (
        <Pending error={error} onRetry={refetch} />
      ) : (
        <NarrationForm key={data.version} novelId={novelId} seen={data} />
      )}
    </Panel>
  )
}

/** Saves over the version that the person saw. */
function useSave(novelId: string, seen: Narration) {
  const t = useTranslations('codex.narration')
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ version: _, ...narration }: Narration) =>
      dataOf(
        api.PUT('/v1/novels/{novelId}/narration', {
          params: { path: { novelId }, header: ifMatch(seen) },
          body: narration,
        }),
      ),
    onSuccess(saved) {
      queries.setQueryData(keys.narration(novelId), saved)
      // What a scene is told depends on its point of view.
      void queries.invalidateQueries({ queryKey: keys.codex(novelId) })
      notifyDone(t('saved'))
    },
  })
}

function NarrationForm({ novelId, seen }: { novelId: string; seen: Narration }) {
  const t = useTranslations('codex.narration')
  const [fields, setFields] = useState(seen)
  const { mutate, isPending, error } = useSave(novelId, seen)
  const isChanged = JSON.stringify(fields) !== JSON.stringify(seen)
  return (
    <Form onSubmit={() => mutate(fields)}>
      <Stack>
        <ViewFields fields={fields} onChange={view => setFields({ ...withoutView(fields), ...view })} />
        <LongText
          label={t('styleSheet')}
          description={t('styleSheetHint')}
          maxLength={4_000}
          value={fields.styleSheet}
          onType={text => setFields({ ...fields, styleSheet: text })}
        />
        <LongText
          label={t('voiceSample')}
          description={t('voiceSampleHint')}
          maxLength={6_000}
          value={fields.voiceSample}
          onType={text => setFields({ ...fields, voiceSample: text })}
        />
        {error !== null && <ErrorNotice error={error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={isPending} disabled={!isChanged}>
            {t('save')}
          </Button>
        </Group>
      </Stack>
    </Form>
  )
}

function withoutView({ pov: _, povCharacter: __, tense: ___, ...rest }: Narration) {
  return rest
}
