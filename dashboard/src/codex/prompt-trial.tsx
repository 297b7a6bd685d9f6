import { Alert, Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { useCapabilities, whyOff } from '../api/capabilities.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { CostNotice } from '../parts/cost-notice.tsx'
import { usualPrompt } from '../parts/instructions.ts'
import { May } from '../parts/may.tsx'
import { ExpectedUse, PromptBlocks, PromptProblem } from '../parts/prompt-blocks.tsx'
import { ReferenceNotice } from '../parts/reference-notice.tsx'
import { ScenePicker } from '../parts/scene-picker.tsx'
import { ErrorNotice, Pending } from '../parts/states.tsx'
import { useIsReference } from '../queries/novel-queries.ts'
import { useSubmitAndOpen } from '../queries/task-queries.ts'

/** The prompts that a scene can be tried with. */
type Tried = 'generate-scene' | 'continue-scene'

/** Whether a scene can be tried with a prompt. */
export function tried(name: string): name is Tried {
  return name === 'generate-scene' || name === 'continue-scene'
}

/** Milliseconds without typing before the prompt is filled. */
const stillMs = 400

interface TrialProps {
  novelId: string
  name: Tried
  /** As it is typed; it need not be saved. */
  text: string
}

/** Fills a prompt for a scene without paying, and has one candidate written with it. */
export function PromptTrial({ novelId, name, text }: TrialProps) {
  const t = useTranslations('prompts.trial')
  const [sceneId, setSceneId] = useState('')
  const [still] = useDebouncedValue(text, stillMs)
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="trial-title" data-trial>
      <Stack gap="sm">
        <Title order={2} id="trial-title">
          {t('title')}
        </Title>
        <Text size="sm" c="dimmed">
          {t('text')}
        </Text>
        <ScenePicker novelId={novelId} label={t('scene')} sceneId={sceneId} onPick={setSceneId} />
        {sceneId !== '' && (
          <Filled key={sceneId} {...{ novelId, sceneId, name }} text={still} isStill={still === text} />
        )}
      </Stack>
    </Paper>
  )
}

interface FilledProps extends TrialProps {
  sceneId: string
  /** Nothing was typed since: what is written is written with what is shown. */
  isStill: boolean
}

/** The prompt of the scene, or why there is none with this text. */
function Filled({ novelId, sceneId, name, text, isStill }: FilledProps) {
  const t = useTranslations('prompts.trial')
  const prompts = { [name]: text }
  const part = name === 'continue-scene' ? 2 : 1
  const { data, error, refetch } = useQuery({
    queryKey: keys.preview(sceneId, { prompts, part }),
    queryFn: ({ signal }) =>
      dataOf(
        api.POST('/v1/scenes/{sceneId}:preview', {
          params: { path: { sceneId } },
          body: { ...usualPrompt, prompts, part },
          signal,
        }),
      ),
    retry: false,
  })
  if (error !== null) return <ErrorNotice error={error} />
  if (data === undefined) return <Pending error={error} onRetry={refetch} lines={5} />
  return (
    <Stack gap="xs">
      {data.problem !== undefined && <PromptProblem problem={data.problem} />}
      {data.prompt?.name !== name && <Alert color="gray">{t('onePart')}</Alert>}
      <ExpectedUse preview={data} />
      <May need="write">
        <WriteOne {...{ novelId, sceneId, prompts, isStill }} />
      </May>
      <PromptBlocks blocks={data.blocks} />
    </Stack>
  )
}

interface WriteOneProps {
  novelId: string
  sceneId: string
  prompts: { [name in Tried]?: string }
  isStill: boolean
}

/** Has one candidate written; the text of the scene stays. */
function WriteOne({ novelId, sceneId, prompts, isStill }: WriteOneProps) {
  const t = useTranslations('prompts.trial')
  const { data: capabilities } = useCapabilities()
  const parameters = { novelId, sceneId, prompts, accept: 'by-author' }
  const planned = { taskType: 'GenerateScene', lane: 'default', parameters }
  const to = { to: '/novels/$novelId/scenes/$sceneId', params: { novelId, sceneId } } as const
  const { mutate, isPending, error } = useSubmitAndOpen(planned, { to })
  const isReference = useIsReference(novelId)
  if (capabilities === undefined || whyOff(capabilities, 'GenerateScene') !== undefined) return null
  if (isReference) return <ReferenceNotice />
  return (
    <Stack gap="xs">
      <CostNotice planned={planned} />
      {error !== null && <ErrorNotice error={error} />}
      <Group>
        <Button loading={isPending} disabled={!isStill} onClick={() => mutate()}>
          {t('write')}
        </Button>
      </Group>
    </Stack>
  )
}
