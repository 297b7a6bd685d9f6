import { Button, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { codeOf } from '../api/client.ts'
import type { Task } from '../api/task.ts'
import { useBulkSubmit } from '../parts/bulk-dialog.tsx'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { ProgressBar } from '../parts/progress.tsx'
import { ErrorNotice, useErrorText } from '../parts/states.tsx'
import { TaskNames } from '../parts/task-name.tsx'
import { act, hindranceOf, type TaskAction } from './task-actions.ts'

/** What is to be done to which tasks. */
export interface AskedAction {
  action: TaskAction
  tasks: readonly Task[]
}

export interface ActionDialogProps extends AskedAction {
  /** The run has ended; `settled`: the tasks that it has nothing left to do for. */
  onEnd: (settled: readonly Task[]) => void
  onClose: () => void
}

/** Asks before tasks are cancelled or tried again. One is done here; of several the server makes a task. */
export function ActionDialog({ action, tasks, onEnd, onClose }: ActionDialogProps) {
  const said = useTranslations(`tasks.acts.${action}`)
  const [progress, setProgress] = useState<RunProgress<Task>>()
  const [isRunning, setIsRunning] = useState(false)
  const submit = useBulkSubmit(onClose)

  const run = async (over: readonly Task[]) => {
    const [task] = over
    if (task === undefined) return
    if (over.length > 1) return submit.mutate({ action, filter: { taskIds: over.map(({ id }) => id) } })
    setIsRunning(true)
    setProgress({ total: 1, done: 0, failures: [] })
    const failures = await act(action, task.id).then(
      () => [],
      (error: unknown) => [{ item: task, error }],
    )
    setProgress({ total: 1, done: 1 - failures.length, failures })
    setIsRunning(false)
    onEnd(failures.length === 0 ? tasks : [])
    if (failures.length > 0) return
    notifyDone(said('done', { count: 1 }))
    onClose()
  }

  if (progress === undefined)
    return (
      <Question
        {...{ action, tasks, onClose }}
        onConfirm={run}
        isBusy={submit.isPending}
        error={submit.error}
      />
    )
  return (
    <ActionRun
      action={action}
      progress={progress}
      isRunning={isRunning}
      onAgain={() => run(progress.failures.map(({ item }) => item))}
      onClose={onClose}
    />
  )
}

interface QuestionProps extends AskedAction {
  onConfirm: (able: readonly Task[]) => void
  isBusy: boolean
  error: unknown
  onClose: () => void
}

/** Says what will happen to how many, and names those that it cannot be done to. */
function Question({ action, tasks, onConfirm, isBusy, error, onClose }: QuestionProps) {
  const t = useTranslations('tasks')
  const said = useTranslations(`tasks.acts.${action}`)
  const able = tasks.filter(task => hindranceOf(action, task) === undefined)
  const unable = tasks.filter(task => hindranceOf(action, task) !== undefined)
  const count = able.length
  return (
    <Confirm
      title={said('title', { count })}
      action={count === 0 ? t('nothingToDo') : said('verb', { count })}
      isDangerous={action === 'cancel'}
      isBusy={isBusy}
      onConfirm={() => (count === 0 ? onClose() : onConfirm(able))}
      onClose={onClose}
    >
      <Stack gap="sm">
        {count > 0 && <Text>{said('text', { count })}</Text>}
        <TaskNames tasks={able} />
        {unable.length > 0 && (
          <>
            <Text fw={600}>{said('unable', { count: unable.length })}</Text>
            <TaskNames tasks={unable} note={task => t(`hindrance.${hindranceOf(action, task) ?? 'ended'}`)} />
          </>
        )}
        {error !== null && <ErrorNotice error={error} />}
      </Stack>
    </Confirm>
  )
}

/** How far an action on many tasks is; when it has ended, what it could not be done to and why. */
function ActionRun(props: {
  action: TaskAction
  progress: RunProgress<Task>
  isRunning: boolean
  onAgain: () => void
  onClose: () => void
}) {
  const { action, progress, isRunning, onAgain, onClose } = props
  const t = useTranslations()
  const said = useTranslations(`tasks.acts.${action}`)
  const { total, done, failures } = progress
  return (
    <Dialog
      centered
      onClose={onClose}
      title={said(isRunning ? 'running' : 'ended')}
      closeLabel={t('actions.close')}
    >
      <Stack>
        <ProgressBar
          done={done + failures.length}
          total={total}
          label={said('running')}
          step={t('tasks.runSummary', { done, total, failed: failures.length })}
        />
        <Failures failures={failures} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('actions.close')}
          </Button>
          {failures.length > 0 && (
            <Button onClick={onAgain}>{t('tasks.again', { count: failures.length })}</Button>
          )}
        </Group>
      </Stack>
    </Dialog>
  )
}

/** The failures, gathered by what the server said. */
function Failures({ failures }: { failures: RunProgress<Task>['failures'] }) {
  const t = useTranslations('errors')
  const errorText = useErrorText()
  const codes = [...new Set(failures.map(({ error }) => codeOf(error)))]
  return codes.map(code => {
    const of = failures.filter(({ error }) => codeOf(error) === code)
    return (
      <Stack key={code} gap={4} role="alert">
        <Text size="sm">{errorText(of[0]?.error)}</Text>
        <Text size="xs" c="dimmed">
          {t('code', { code })}
        </Text>
        <TaskNames tasks={of.map(({ item }) => item)} />
      </Stack>
    )
  })
}

/** One of many that it could not be done to. */
interface Failure<T> {
  readonly item: T
  readonly error: unknown
}

/** How far a run over many is. */
interface RunProgress<T> {
  readonly total: number
  readonly done: number
  readonly failures: readonly Failure<T>[]
}
