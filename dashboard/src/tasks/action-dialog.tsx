import { Stack, Text } from '@mantine/core'
import { useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { Confirm } from '../parts/confirm.tsx'
import { notifyDone } from '../parts/notify.ts'
import { TaskNames } from '../parts/task-names.tsx'
import { ActionRun } from './action-run.tsx'
import { type RunProgress, runForEach } from './run-for-each.ts'
import { act, hindranceOf, type TaskAction } from './task-actions.ts'

/** What is to be done to which tasks. */
export interface AskedAction {
  action: TaskAction
  tasks: readonly Task[]
}

export interface ActionDialogProps extends AskedAction {
  onClose: () => void
}

/** Asks before tasks are cancelled or tried again, does it, and tells what it could not be done to. */
export function ActionDialog({ action, tasks, onClose }: ActionDialogProps) {
  const said = useTranslations(`tasks.acts.${action}`)
  const [progress, setProgress] = useState<RunProgress<Task>>()
  const [isRunning, setIsRunning] = useState(false)
  const stopping = useRef(new AbortController())

  const run = async (over: readonly Task[]) => {
    setIsRunning(true)
    stopping.current = new AbortController()
    setProgress({ total: over.length, done: 0, failures: [] })
    const { signal } = stopping.current
    const end = await runForEach(over, ({ id }) => act(action, id), { signal, onProgress: setProgress })
    setIsRunning(false)
    setProgress(end)
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
