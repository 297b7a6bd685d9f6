import { Alert, Button, Group, Spoiler, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconBan } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import { useTranslations } from 'use-intl'
import { type Task, wordsOf } from '../api/task.ts'
import { useOutput } from '../live/follow-output.ts'
import { CopyThis } from '../parts/export-text.tsx'
import { TextLink } from '../parts/links.tsx'
import { MayAct } from '../parts/may.tsx'
import { notifyDone, useNotifyError } from '../parts/notify.tsx'
import type { Scene } from '../queries/novel-queries.ts'
import { useTaskAction } from './scene-writes.ts'

/** What of the result of the task that last wrote a scene is shown. */
interface SceneResult {
  failed?: readonly { number: number; message: string; authorMessage?: string }[]
}

/** What became of the last writing of a scene, as long as it matters: a failure, a stop. A text in its place, or a candidate, speaks for itself. */
export function Outcome({ task, scene }: { task: Task; scene: Scene }) {
  const [dismissed, setDismissed] = useState('')
  const name = `${task.id} ${task.attempt}`
  if (!task.done || dismissed === name || isPast(task, scene.textOrigin)) return null
  const dismiss = () => setDismissed(name)
  if (task.status === 'COMPLETED') {
    const { failed = [] } = (task.result ?? {}) as SceneResult
    return failed.length === 0 ? null : <NotAll failed={failed} onDismiss={dismiss} />
  }
  if (task.status === 'CANCELLED') return <Stopped task={task} onDismiss={dismiss} />
  return <Failed task={task} onDismiss={dismiss} />
}

/** Returns whether the text, or the summary, was written again since the task ended: its outcome is past then. */
export function isPast({ timestamps }: Task, origin: { writtenAt?: string } | undefined): boolean {
  const { completedAt } = timestamps
  if (completedAt === undefined || origin?.writtenAt === undefined) return false
  return Date.parse(origin.writtenAt) > Date.parse(completedAt)
}

/** How an end appears. */
const appearances = {
  notAll: { color: 'yellow', Icon: IconAlertTriangle },
  failed: { color: 'red', Icon: IconAlertTriangle },
  stopped: { color: 'gray', Icon: IconBan },
} as const

interface EndProps {
  kind: keyof typeof appearances
  /** What happened. */
  children: ReactNode
  /** What can be done about it. */
  action?: ReactNode
  onDismiss: () => void
}

/** How a writing ended, and what can be done about it. */
function End({ kind, children, action, onDismiss }: EndProps) {
  const t = useTranslations()
  const { color, Icon } = appearances[kind]
  return (
    <Alert
      color={color}
      icon={<Icon aria-hidden />}
      title={t(`scenes.outcome.${kind}Title`)}
      data-outcome={kind}
      {...(kind === 'failed' ? { role: 'alert' } : {})}
    >
      <Stack gap="sm">
        {children}
        <Group gap="xs">
          {action}
          <Button size="xs" variant="subtle" onClick={onDismiss}>
            {t('actions.dismiss')}
          </Button>
        </Group>
      </Stack>
    </Alert>
  )
}

type Dismissible = Pick<EndProps, 'onDismiss'>

function NotAll({ failed, onDismiss }: Dismissible & { failed: NonNullable<SceneResult['failed']> }) {
  return (
    <End kind="notAll" onDismiss={onDismiss}>
      {failed.map(({ number, ...error }) => (
        <Text key={number} size="sm" {...(error.authorMessage === undefined ? { lang: 'en' } : {})}>
          {wordsOf(error)}
        </Text>
      ))}
    </End>
  )
}

function Failed({ task, onDismiss }: Dismissible & { task: Task }) {
  const t = useTranslations('scenes.outcome')
  const why = wordsOf(task.errorInfo)
  return (
    <End
      kind="failed"
      action={
        <MayAct task={task}>
          <TryAgain task={task} />
        </MayAct>
      }
      onDismiss={onDismiss}
    >
      {why !== undefined && <Text size="sm">{why}</Text>}
      <Text size="sm">{t('failedKept')}</Text>
      <WhatCame task={task} />
      <Text size="xs" c="dimmed">
        {task.errorInfo !== undefined && `${t('code', { code: task.errorInfo.code })} · `}
        <TextLink to="/tasks/$taskId" params={{ taskId: task.id }} inherit underline="always">
          {t('toTask')}
        </TextLink>
      </Text>
    </End>
  )
}

function Stopped({ task, onDismiss }: Dismissible & { task: Task }) {
  const t = useTranslations('scenes.outcome')
  return (
    <End
      kind="stopped"
      action={
        <MayAct task={task}>
          <TryAgain task={task} />
        </MayAct>
      }
      onDismiss={onDismiss}
    >
      <Text size="sm">{t('stopped')}</Text>
      <WhatCame task={task} />
    </End>
  )
}

/** What was written before the end, to read and to copy: it was paid for. */
function WhatCame({ task }: { task: Task }) {
  const t = useTranslations('scenes.outcome')
  const { text } = useOutput(task.id, true)
  if (text === '') return null
  return (
    <Stack gap="xs">
      <Text size="sm">{t('cameUntil')}</Text>
      <Spoiler maxHeight={120} showLabel={t('showAll')} hideLabel={t('showLess')}>
        <Text component="div" className="prose" data-came>
          {text}
        </Text>
      </Spoiler>
      <CopyThis text={text} />
    </Stack>
  )
}

function TryAgain({ task }: { task: Task }) {
  const t = useTranslations()
  const { again } = useTaskAction(task.id)
  const notifyError = useNotifyError()
  return (
    <Button
      size="xs"
      loading={again.isPending}
      onClick={() =>
        again.mutate(undefined, {
          onSuccess: () => notifyDone(t('scenes.outcome.goesOn')),
          onError: notifyError,
        })
      }
    >
      {t('actions.retry')}
    </Button>
  )
}
