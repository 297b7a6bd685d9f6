import { Alert, Button, Group, Text, Textarea } from '@mantine/core'
import { IconCoins, IconHourglass } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { keys } from '../api/keys.ts'
import { useMayAct } from '../api/me.ts'
import { newIdempotencyKey } from '../api/request-key.ts'
import type { Task } from '../api/task.ts'
import { Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { ButtonLink, TextLink } from '../parts/links.tsx'
import { MayAct } from '../parts/may.tsx'
import { useNotifyError } from '../parts/notify.tsx'
import { subjectOf } from '../parts/subject.ts'
import { Countdown } from '../parts/time.tsx'
import { runTaskNow, signalTask, useIsPaused } from '../queries/task-queries.ts'
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
  if (waitingFor?.kind === 'signal') return <SignalWait task={task} {...waitingFor} />
  if (waitingFor?.kind === 'time') return <TimedWait title="timeTitle" task={task} />
  if (waitingFor?.kind === 'sub-task') return <SiblingWait taskId={waitingFor.taskId} name={waitingFor.key} />
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

function TimedWait({ title, task }: { title: 'retryTitle' | 'startTitle' | 'timeTitle'; task: Task }) {
  const t = useTranslations('task.waiting')
  const { nextAttemptTimestamp: at } = task
  return (
    <Notice title={t(title)}>
      {at !== undefined && <NextAttempt at={at} />}
      <MayAct task={task}>
        <RunNow task={task} />
      </MayAct>
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

function SignalWait({ task, signals, until }: { task: Task; signals: readonly string[]; until?: string }) {
  const t = useTranslations('task.waiting')
  const [name, setName] = useState<string>()
  const mayAct = useMayAct()
  const { novelId, sceneId } = subjectOf(task)
  if (signals.includes('review') && novelId !== undefined)
    return <ReviewWait novelId={novelId} {...defined({ sceneId })} />
  return (
    <Notice title={t('signalTitle')}>
      <Text size="sm">{t('signalText', { signals: signals.join(', ') })}</Text>
      {until !== undefined && (
        <Text size="sm">
          {t('signalUntil')} <Countdown at={until} />
        </Text>
      )}
      <Group mt="xs">
        {mayAct(task) &&
          signals.map(each => (
            <Button key={each} size="xs" onClick={() => setName(each)}>
              {t('sendSignal', { signal: each })}
            </Button>
          ))}
      </Group>
      {name !== undefined && <SignalDialog task={task} name={name} onClose={() => setName(undefined)} />}
    </Notice>
  )
}

/** Leads to where it is decided: a scene tells by itself what was decided about its candidates. */
function ReviewWait({ novelId, sceneId }: { novelId: string; sceneId?: string }) {
  const t = useTranslations('task.waiting')
  return (
    <Notice title={t('reviewTitle')}>
      <Text size="sm">{t(sceneId === undefined ? 'reviewPlanText' : 'reviewText')}</Text>
      <Group mt="xs">
        {sceneId === undefined ? (
          <ButtonLink size="xs" to="/novels/$novelId" params={{ novelId }}>
            {t('reviewPlan')}
          </ButtonLink>
        ) : (
          <ButtonLink size="xs" to="/novels/$novelId/scenes/$sceneId" params={{ novelId, sceneId }}>
            {t('review')}
          </ButtonLink>
        )}
      </Group>
    </Notice>
  )
}

function SiblingWait({ taskId, name }: { taskId: string; name: string }) {
  const t = useTranslations('task.waiting')
  return (
    <Notice title={t('siblingTitle')}>
      <Text size="sm">
        {t('siblingText')}{' '}
        <TextLink to="/tasks/$taskId" params={{ taskId }} size="sm">
          {name}
        </TextLink>
      </Text>
    </Notice>
  )
}

function SignalDialog({ task, name, onClose }: { task: Task; name: string; onClose: () => void }) {
  const t = useTranslations('task.waiting')
  const queries = useQueryClient()
  const notifyError = useNotifyError()
  const [text, setText] = useState('')
  // Sent again, as after a broken connection, it is the same signal.
  const [key] = useState(newIdempotencyKey)
  const payload = jsonOf(text)
  const send = useMutation({
    mutationFn: () => signalTask(task.id, { name, payload: payload?.value }, key),
    onSuccess: onClose,
    onError: notifyError,
    onSettled: () => queries.invalidateQueries({ queryKey: keys.task(task.id) }),
  })
  return (
    <Dialog title={t('sendSignal', { signal: name })} isUnsaved={text !== ''} onClose={onClose}>
      <DialogForm
        onSubmit={() => send.mutate()}
        action={t('send')}
        isBusy={send.isPending}
        isDisabled={payload === undefined}
      >
        <Textarea
          label={t('payload')}
          description={t('payloadHelp')}
          value={text}
          error={payload === undefined && t('payloadInvalid')}
          onChange={event => setText(event.currentTarget.value)}
          autosize
          minRows={4}
          maxRows={16}
          classNames={{ input: 'numbers' }}
        />
      </DialogForm>
    </Dialog>
  )
}

/** Returns the value of a JSON text; of an empty one none. Undefined for what is no JSON. */
function jsonOf(text: string): { value?: unknown } | undefined {
  if (text.trim() === '') return {}
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

function QueueWait({ task }: { task: Task }) {
  const { lane, nextAttemptTimestamp: at } = task
  const t = useTranslations('task.waiting')
  const isPaused = useIsPaused(lane)
  if (at !== undefined && Date.parse(at) > Date.now()) return <TimedWait title="startTitle" task={task} />
  if (isPaused)
    return (
      <Notice title={t('pausedTitle')}>
        <Text size="sm">{t('pausedText', { lane })}</Text>
        <TextLink to="/settings" size="sm">
          {t('toLanes')}
        </TextLink>
      </Notice>
    )
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
      <MayAct task={task}>
        <Group mt="xs">
          <Button size="xs" onClick={() => setIsOpen(true)}>
            {t('raise')}
          </Button>
        </Group>
      </MayAct>
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
