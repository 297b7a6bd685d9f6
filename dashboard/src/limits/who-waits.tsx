import { List, Stack, Text, Title } from '@mantine/core'
import { useId } from 'react'
import { useTranslations } from 'use-intl'
import type { components } from '../api/schema.ts'
import { TextLink } from '../parts/links.tsx'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { Countdown, useNow } from '../parts/time.tsx'
import { useWriting } from '../text/format.ts'

type Waiter = components['schemas']['LimitWaiter']

/** Who waits for a limit: those that are served next, in their order, and the one that has waited for the longest. */
export function WhoWaits({ limit }: { limit: components['schemas']['Limit'] }) {
  const { waiting, next = [], longestWaiting: longest } = limit
  const t = useTranslations('limits.waits')
  const id = useId()
  if (next.length === 0 || longest === undefined) return null
  const isNamed = next.some(({ taskId, since }) => taskId === longest.taskId && since === longest.since)
  const more = waiting - next.length
  return (
    <Stack gap={4} component="section" aria-labelledby={id} data-who-waits>
      <Title order={3} size="h5" id={id}>
        {t('title')}
      </Title>
      <List type="ordered" size="sm" spacing={2}>
        {next.map((waiter, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: places in a queue; a task may hold two
          <List.Item key={place} data-waiter={waiter.taskId}>
            <WaiterLine waiter={waiter} />
            <Text span inherit c="dimmed">
              {' · '}
              {t('expected')} <Countdown at={waiter.expectedAt} />
            </Text>
          </List.Item>
        ))}
      </List>
      {more > 0 && <Text size="sm">{t('more', { count: more })}</Text>}
      {!isNamed && (
        <Text size="sm" data-longest={longest.taskId}>
          {t('longest')} <WaiterLine waiter={longest} />
        </Text>
      )}
    </Stack>
  )
}

/** Who it is, and how long it has waited. */
function WaiterLine({ waiter: { taskId, taskType, since } }: { waiter: Waiter }) {
  const t = useTranslations('limits.waits')
  const writing = useWriting()
  const typeName = useTaskTypeName()
  const now = useNow()
  // Clocks differ: never less than nothing.
  const time = writing.duration(Math.max(0, now - Date.parse(since)))
  return (
    <>
      {taskId === undefined ? (
        t('unnamed')
      ) : (
        <TextLink to="/tasks/$taskId" params={{ taskId }} size="sm">
          <span title={taskId}>
            {typeName(taskType ?? '')} …{taskId.slice(-6)}
          </span>
        </TextLink>
      )}{' '}
      <Text span inherit c="dimmed" className="numbers">
        {t('since', { time })}
      </Text>
    </>
  )
}
