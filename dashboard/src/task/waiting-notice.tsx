import { Alert, Button, Group, Text } from '@mantine/core'
import { IconCoins, IconHourglass } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useTranslations } from 'use-intl'
import { keys } from '../api/keys.ts'
import type { Task } from '../api/task.ts'
import { Countdown } from '../parts/time.tsx'
import { runTaskNow } from '../queries/task-queries.ts'
import { useWriting } from '../text/format.ts'
import { belowOf } from './below.ts'
import { BudgetDialog } from './budget.tsx'
import classes from './task.module.css'

/** What a task waits for, and what can be done about it. Nothing for one that works or has ended. */
export function WaitingNotice({ task }: { task: Task }) {
  const { done, status, phase, waitingFor, cancelRequestedAt } = task
  if (done) return null
  if (cancelRequestedAt !== undefined) return <Cancelling />
  if (waitingFor?.kind === 'budget') return <BudgetWait task={task} {...waitingFor} />
  if (waitingFor?.kind === 'limit') return <LimitWait task={task} limit={waitingFor.limit} />
  if (status === 'RETRYING') return <TimedWait title="retryTitle" task={task} />
  if (status === 'QUEUED') return <QueueWait task={task} />
  return phase === 'awaiting-subtasks' ? <PartsWait task={task} /> : null
}

function Notice({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Alert variant="default" className={classes['notice']} icon={<IconHourglass aria-hidden />} title={title}>
      {children}
    </Alert>
  )
}

function Cancelling() {
  const t = useTranslations('task.waiting')
  return <Notice title={t('cancelling')} />
}

function TimedWait({ title, task }: { title: 'retryTitle' | 'startTitle'; task: Task }) {
  const t = useTranslations('task.waiting')
  const { nextAttemptTimestamp: at } = task
  return (
    <Notice title={t(title)}>
      {at !== undefined && <NextAttempt at={at} />}
      <RunNow task={task} />
    </Notice>
  )
}

function RunNow({ task }: { task: Task }) {
  const t = useTranslations('task.waiting')
  const queries = useQueryClient()
  const run = useMutation({
    mutationFn: () => runTaskNow(task.id),
    // Where it ran meanwhile, the page shows that.
    onSettled: () => queries.invalidateQueries({ queryKey: keys.task(task.id) }),
  })
  return (
    <Group mt="xs">
      <Button size="xs" loading={run.isPending} onClick={() => run.mutate()}>
        {t('runNow')}
      </Button>
    </Group>
  )
}

function NextAttempt({ at }: { at: string }) {
  const t = useTranslations('task.waiting')
  return (
    <Text size="sm">
      {t('at')} <Countdown at={at} />
    </Text>
  )
}

function LimitWait({ task, limit }: { task: Task; limit: string }) {
  const t = useTranslations('task.waiting')
  const { nextAttemptTimestamp: at } = task
  return (
    <Notice title={t('limitTitle')}>
      <Text size="sm">{t('limitText', { limit })}</Text>
      {at !== undefined && <NextAttempt at={at} />}
    </Notice>
  )
}

function QueueWait({ task }: { task: Task }) {
  const { lane, nextAttemptTimestamp: at } = task
  const t = useTranslations('task.waiting')
  if (at !== undefined && Date.parse(at) > Date.now()) return <TimedWait title="startTitle" task={task} />
  return (
    <Notice title={t('queueTitle')}>
      <Text size="sm">{t('queueText', { lane })}</Text>
    </Notice>
  )
}

function PartsWait({ task }: { task: Task }) {
  const t = useTranslations('task.waiting')
  const units = useTranslations('units')
  const { open } = belowOf(task)
  if (open === 0) return null
  return (
    <Text size="sm" c="dimmed">
      {t('below', { open: units('tasks', { count: open }) })}
    </Text>
  )
}

function BudgetWait({ task, rootTaskId, tasks }: { task: Task; rootTaskId: string; tasks?: number }) {
  const t = useTranslations('task.waiting')
  const [isOpen, setIsOpen] = useState(false)
  const need = task.errorInfo?.need
  return (
    <Alert
      variant="default"
      className={classes['notice']}
      data-tone="uneasy"
      icon={<IconCoins aria-hidden />}
      title={tasks === undefined ? t('budgetTitle') : t('budgetBelow', { count: tasks })}
    >
      <Text size="sm">{task.errorInfo?.authorMessage ?? t('budgetText')}</Text>
      {need !== undefined && <Need tokens={need.tokens} />}
      <Group mt="xs">
        <Button size="xs" onClick={() => setIsOpen(true)}>
          {t('raise')}
        </Button>
      </Group>
      {isOpen && <BudgetDialog rootTaskId={rootTaskId} onClose={() => setIsOpen(false)} />}
    </Alert>
  )
}

function Need({ tokens }: { tokens: number }) {
  const t = useTranslations('task.waiting')
  const units = useTranslations('units')
  const writing = useWriting()
  return (
    <Text size="sm" title={writing.number(tokens)}>
      {t('budgetNeed', { tokens: units('tokens', { count: tokens }) })}
    </Text>
  )
}
