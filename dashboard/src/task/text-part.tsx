import { Loader, Paper, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { Task } from '../api/task.ts'
import { useOutput } from '../live/follow-output.ts'
import { ButtonLink } from '../parts/links.tsx'
import { subjectOf } from '../parts/subject.ts'

/** Task types of the product that write no text of their own. */
const writeNothing: ReadonlySet<string> = new Set([
  'ImportNovel',
  'ParseFile',
  'BatchGenerateSummary',
  'BatchGenerateScene',
  'SceneBrief',
  'Vectorize',
])

/** Whether a task has written any text; asked again while it lives, until it has. */
export function useHasText({ id, taskType, subTaskStatusSummary }: Task): boolean {
  const { data } = useQuery({
    queryKey: [...keys.output(id), 'any'],
    queryFn: async () => {
      const answer = await dataOf(api.GET('/v1/tasks/{taskId}/output', { params: { path: { taskId: id } } }))
      return typeof answer === 'object' && answer.attempt > 0
    },
    enabled: ({ state }) =>
      state.data !== true && subTaskStatusSummary === undefined && !writeNothing.has(taskType),
  })
  return data ?? false
}

/** The text that a task has written so far, as it grows. */
export function TextPart({ task }: { task: Task }) {
  const t = useTranslations('task.output')
  const { text, attempt } = useOutput(task.id, task.done)
  const { novelId, sceneId } = subjectOf(task)
  return (
    <Stack gap="sm">
      {novelId !== undefined && sceneId !== undefined && (
        <ButtonLink
          to="/novels/$novelId/scenes/$sceneId"
          params={{ novelId, sceneId }}
          variant="light"
          w="fit-content"
          maw="100%"
        >
          {t('openScene')}
        </ButtonLink>
      )}
      <Text size="sm" c="dimmed">
        {attempt > 0 && t('attempt', { attempt })} <TextState task={task} />
      </Text>
      <Paper withBorder p="lg">
        {text === '' ? (
          <Loader size="sm" type="dots" aria-label={t('label')} />
        ) : (
          <section className="prose" aria-label={t('label')}>
            {text}
          </section>
        )}
      </Paper>
    </Stack>
  )
}

function TextState({ task: { done, status } }: { task: Task }) {
  const t = useTranslations('task.output')
  if (!done) return t('writing')
  return status === 'COMPLETED' ? null : t('ended')
}
