import { Stack, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { JsonView } from '../parts/json-view.tsx'
import { Empty } from '../parts/states.tsx'

/** What a task was submitted with. */
export function ParametersPart({ task: { id, parameters } }: { task: Task }) {
  const t = useTranslations('task.values')
  if (parameters === undefined || isBare(parameters))
    return <Empty title={t('noParameters')} text={t('noParametersText')} />
  return (
    <Stack gap="xs">
      <JsonView value={parameters} label={t('parameters')} fileName={`${id}-parameters.json`} />
      <Text size="xs" c="dimmed">
        {t('note')}
      </Text>
    </Stack>
  )
}

/** What a task made. */
export function ResultPart({ task: { id, result, done } }: { task: Task }) {
  const t = useTranslations('task.values')
  if (result === undefined)
    return <Empty title={t('noResult')} text={t(done ? 'noResultEnded' : 'noResultLive')} />
  return (
    <Stack gap="xs">
      <JsonView value={result} label={t('result')} fileName={`${id}-result.json`} />
      <Text size="xs" c="dimmed">
        {t('note')}
      </Text>
    </Stack>
  )
}

function isBare(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
