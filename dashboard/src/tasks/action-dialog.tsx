import { Button, Group, Stack, Text } from '@mantine/core'
import { useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { codeOf } from '../api/client.ts'
import type { Task } from '../api/task.ts'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { ProgressBar } from '../parts/progress.tsx'
import { useErrorText } from '../parts/states.tsx'
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

/** Asks before tasks are cancelled or tried again, does it, and says what it could not be done to. */
export function ActionDialog({ action, tasks, onEnd, onClose }: ActionDialogProps) {
  const said = useTranslations(`tasks.acts.${action}`)
  const [progress, setProgress] = useState<RunProgress<Task>>()
  const [isRunning, setIsRunning] = useState(false)
  const stopping = useRef(new AbortController())
  /** Those that it was not done to yet. */
  const left = useRef(new Set<Task>())

  const run = async (over: readonly Task[]) => {
    for (const task of over) left.current.add(task)
    setIsRunning(true)
    stopping.current = new AbortController()
    setProgress({ total: over.length, done: 0, failures: [] })
    const { signal } = stopping.current
    const one = async (task: Task) => {
      await act(action, task.id)
      left.current.delete(task)
    }
    const end = await runForEach(over, one, { signal, onProgress: setProgress })
    setIsRunning(false)
    setProgress(end)
    onEnd(tasks.filter(task => !left.current.has(task)))
    if (end.failures.length > 0 || signal.aborted) return
    notifyDone(said('done', { count: end.done }))
    onClose()
  }

  if (progress === undefined)
    return <Question action={action} tasks={tasks} onConfirm={run} onClose={onClose} />
  return (
    <ActionRun
      action={action}
      progress={progress}
      isRunning={isRunning}
      onStop={() => stopping.current.abort()}
      onAgain={() => run(progress.failures.map(({ item }) => item))}
      onClose={onClose}
    />
  )
}

interface QuestionProps extends AskedAction {
  onConfirm: (able: readonly Task[]) => void
  onClose: () => void
}

/** Says what will happen to how many, and names those that it cannot be done to. */
function Question({ action, tasks, onConfirm, onClose }: QuestionProps) {
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
      isBusy={false}
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
      </Stack>
    </Confirm>
  )
}

/** How far an action on many tasks is; when it has ended, what it could not be done to and why. */
function ActionRun(props: {
  action: TaskAction
  progress: RunProgress<Task>
  isRunning: boolean
  onStop: () => void
  onAgain: () => void
  onClose: () => void
}) {
  const { action, progress, isRunning, onStop, onAgain, onClose } = props
  const t = useTranslations()
  const said = useTranslations(`tasks.acts.${action}`)
  const { total, done, failures } = progress
  return (
    <Dialog
      centered
      onClose={isRunning ? onStop : onClose}
      title={said(isRunning ? 'running' : 'ended')}
      closeLabel={t(isRunning ? 'actions.stop' : 'actions.close')}
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
          {isRunning ? (
            <Button variant="default" onClick={onStop}>
              {t('actions.stop')}
            </Button>
          ) : (
            <>
              <Button variant="default" onClick={onClose}>
                {t('actions.close')}
              </Button>
              {failures.length > 0 && (
                <Button onClick={onAgain}>{t('tasks.again', { count: failures.length })}</Button>
              )}
            </>
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

/** Requests at a time: quick enough for hundreds, and never in the way of what the page itself asks for. */
const atATime = 4

/**
 * Does something to each of many, a few at a time. One that fails does not keep the others. When the signal fires no more are begun.
 * Resolves with what became of them.
 */
async function runForEach<T>(
  items: readonly T[],
  act: (item: T) => Promise<unknown>,
  options: { signal: AbortSignal; onProgress: (progress: RunProgress<T>) => void },
): Promise<RunProgress<T>> {
  const failures: Failure<T>[] = []
  let done = 0
  const progress = (): RunProgress<T> => ({ total: items.length, done, failures: [...failures] })
  const left = items.values()
  const work = async () => {
    for (const item of left) {
      if (options.signal.aborted) return
      try {
        await act(item)
        done += 1
      } catch (error) {
        failures.push({ item, error })
      }
      options.onProgress(progress())
    }
  }
  await Promise.all(Array.from({ length: atATime }, work))
  return progress()
}
