import { Alert, Checkbox, Stack, Text } from '@mantine/core'
import { IconInfoCircle } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { ApiError, codeOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { newIdempotencyKey } from '../api/request-key.ts'
import { type Task, wordsOf } from '../api/task.ts'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { JsonInput, largestEdited, readJson } from '../parts/json-input.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import {
  cancelTask,
  type RetryWith,
  readTask,
  rerunTask,
  retryTask,
  undoTexts,
  useTrace,
} from '../queries/task-queries.ts'
import { belowOf } from './below.ts'

const effects: Partial<Record<Task['status'], 'waiting' | 'paused'>> = {
  QUEUED: 'waiting',
  RETRYING: 'paused',
}

/** Asks whether a task is to be cancelled, says what that does, and does it. */
export function CancelDialog({ task, onClose }: { task: Task; onClose: () => void }) {
  const t = useTranslations('task.cancel')
  const cancel = useCancel(task)
  const { open } = belowOf(task)
  return (
    <Confirm
      title={t('title')}
      action={t('action')}
      isDangerous
      isBusy={cancel.isPending}
      onClose={onClose}
      onConfirm={() =>
        cancel.mutate(undefined, {
          onSuccess({ status }) {
            notifyDone(t(status === 'CANCELLED' ? 'done' : 'asked'))
            onClose()
          },
        })
      }
    >
      <Text>{t(effects[task.status] ?? 'running')}</Text>
      {open > 0 && <Text>{t('below', { count: open })}</Text>}
      <Text c="dimmed">{t('later')}</Text>
      {cancel.error !== null && <Refusal error={cancel.error} task={task} />}
    </Confirm>
  )
}

/** Asks whether a task is to run again, says what that does, and does it. */
export function RetryDialog({ task, onClose }: { task: Task; onClose: () => void }) {
  const t = useTranslations('task.retry')
  const retry = useRetry(task)
  const { incomplete, total } = belowOf(task)
  const [repeatSteps, setRepeatSteps] = useState<string[]>([])
  const { errorInfo } = task
  return (
    <Confirm
      title={t('title')}
      action={t('action')}
      isBusy={retry.isPending}
      onClose={onClose}
      onConfirm={() =>
        retry.mutate(repeatSteps.length === 0 ? undefined : { repeatSteps }, {
          onSuccess({ retried }) {
            notifyDone(t('done', { count: retried }))
            onClose()
          },
        })
      }
    >
      {incomplete > 0 && <Text>{t('below', { count: incomplete })}</Text>}
      {incomplete === 0 && (
        <Text>{repeatSteps.length === 0 ? t('alone') : t('paidAgain', { count: repeatSteps.length })}</Text>
      )}
      {task.parentTaskId !== undefined && <Text>{t('above')}</Text>}
      {total === 0 && <RepeatSteps taskId={task.id} chosen={repeatSteps} onChosen={setRepeatSteps} />}
      {errorInfo?.errorClass === 'permanent' && incomplete === 0 && (
        <Text c="dimmed">{t('hopeless', { reason: wordsOf(errorInfo) })}</Text>
      )}
      {retry.error !== null && <Refusal error={retry.error} task={task} />}
    </Confirm>
  )
}

/** Lets a person choose the finished steps that run again; none, unless the person says so. A wait that is over stays over. */
function RepeatSteps(props: { taskId: string; chosen: string[]; onChosen: (steps: string[]) => void }) {
  const { taskId, chosen, onChosen } = props
  const t = useTranslations('task.retry')
  const finished = useTrace(taskId).data?.steps.filter(step => !step.startsWith('ctx.')) ?? []
  const steps = finished.toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }))
  if (steps.length === 0) return null
  return (
    <details>
      <summary>{t('steps', { count: steps.length })}</summary>
      <Checkbox.Group label={t('stepsAgain')} value={chosen} onChange={onChosen} mt="xs">
        <Stack gap={4} mt={4} mah={240} style={{ overflowY: 'auto' }}>
          {steps.map(step => (
            <Checkbox key={step} value={step} label={step} size="xs" />
          ))}
        </Stack>
      </Checkbox.Group>
    </details>
  )
}

/** Asks whether an ended task is to run anew, does it, and goes to the new task. */
export function RerunDialog({ task, onClose }: { task: Task; onClose: () => void }) {
  const t = useTranslations('task.rerun')
  const navigate = useNavigate()
  // A second press, and a second request after an answer that was lost, find the task of the first.
  const [key] = useState(newIdempotencyKey)
  const rerun = useMutation({ mutationFn: () => rerunTask(task.id, key) })
  return (
    <Confirm
      title={t('title')}
      action={t('action')}
      isBusy={rerun.isPending}
      onClose={onClose}
      onConfirm={() =>
        rerun.mutate(undefined, {
          onSuccess({ id: taskId }) {
            onClose()
            void navigate({ to: '/tasks/$taskId', params: { taskId } })
          },
        })
      }
    >
      <Text>{t('text')}</Text>
      {rerun.error !== null && <Refusal error={rerun.error} task={task} />}
    </Confirm>
  )
}

/** Asks whether the texts of a tree of tasks are to be undone, does it, and says what stayed. */
export function UndoDialog({ task, onClose }: { task: Task; onClose: () => void }) {
  const t = useTranslations('task.undo')
  const queries = useQueryClient()
  const undo = useMutation({
    mutationFn: () => undoTexts(task.id),
    onSuccess({ undone, leftScenes }) {
      notifyDone(t('done', { undone, left: leftScenes }))
      onClose()
    },
    onSettled: () =>
      Promise.all(['scenes', 'novels'].map(key => queries.invalidateQueries({ queryKey: [key] }))),
  })
  return (
    <Confirm
      title={t('title')}
      action={t('action')}
      isBusy={undo.isPending}
      onClose={onClose}
      onConfirm={() => undo.mutate()}
    >
      <Text>{t('text')}</Text>
      {undo.error !== null && <Refusal error={undo.error} task={task} />}
    </Confirm>
  )
}

/** Lets the parameters of a task that failed be changed, and has it run again with them. */
export function EditDialog({ task, onClose }: { task: Task; onClose: () => void }) {
  const t = useTranslations('task')
  const retry = useRetry(task)
  const [before] = useState(() => JSON.stringify(task.parameters ?? {}, null, 2))
  const [text, setText] = useState(before)
  if (before.length > largestEdited)
    return (
      <Dialog onClose={onClose} title={t('edit.title')} size="lg">
        <JsonView value={task.parameters} label={t('edit.label')} fileName={`${task.id}.json`} />
      </Dialog>
    )
  const given = readJson(text)
  const submit = () => {
    if (!given.isValid) return
    retry.mutate(
      { parameters: given.value },
      {
        onSuccess({ retried }) {
          notifyDone(t('retry.done', { count: retried }))
          onClose()
        },
      },
    )
  }
  return (
    <Dialog onClose={onClose} title={t('edit.title')} size="lg" isUnsaved={text !== before}>
      <DialogForm
        onSubmit={submit}
        action={t('edit.action')}
        isBusy={retry.isPending}
        isDisabled={!given.isValid}
      >
        <Text>{t('edit.text')}</Text>
        <JsonInput
          label={t('edit.label')}
          text={text}
          onText={setText}
          error={given.isValid ? undefined : t('edit.invalid', { reason: given.reason })}
          minRows={6}
        />
        {retry.error !== null && <Refusal error={retry.error} task={task} />}
      </DialogForm>
    </Dialog>
  )
}

const worded = [
  'TASK_ALREADY_ENDED',
  'TASK_NOT_RETRYABLE',
  'TASK_NOT_WAITING',
  'TASK_CHANGED',
  'TASK_NOT_FOUND',
] as const

/** Why something was not done to a task: in words where it moved on meanwhile. `task`: as it is now. */
export function Refusal({ error, task }: { error: unknown; task: Task }) {
  const t = useTranslations('task.refusals')
  const status = useTranslations('status')
  const known = worded.find(code => code === codeOf(error))
  if (known === undefined) return <ErrorNotice error={error} />
  return (
    <Alert color="yellow" icon={<IconInfoCircle aria-hidden />} role="alert">
      {t(known, { status: status(task.status) })}
    </Alert>
  )
}

/** Times that an action is tried again when the task changed in a way that does not matter. */
const mostTries = 5

/**
 * Does something to a task as the person saw it. The version rises with every step of progress, which does not matter here: when only
 * that moved, the task is read again and the same is asked for once more. Rejects with the 412 when its status is another one.
 */
async function whileAsSeen<T>(seen: Task, act: (ifMatch: string) => Promise<T>): Promise<T> {
  let task = seen
  for (let tries = 1; ; tries++) {
    try {
      return await act(`"${task.version}"`)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 412 || tries === mostTries) throw error
      task = await readTask(seen.id)
      if (!isAsSeen(task, seen)) throw error
    }
  }
}

/** Of a task that lives only that it does; of one that has ended, how it did. */
function isAsSeen(task: Task, seen: Task): boolean {
  if (task.done !== seen.done) return false
  const isSameEnd = task.status === seen.status && task.attempt === seen.attempt
  return !seen.done || (isSameEnd && task.deadLetter?.openedAt === seen.deadLetter?.openedAt)
}

/** Cancels a task and everything below it, if it still is as it was when the person was asked. */
function useCancel(shown: Task) {
  const [task] = useState(shown)
  const learn = useLearn()
  return useMutation({
    mutationFn: () => whileAsSeen(task, ifMatch => cancelTask(task.id, ifMatch)),
    onSuccess: learn,
    onError: () => learn(undefined, task.id),
  })
}

/**
 * Has a task run again, and below it what did not complete, if it still is as it was when the person was asked.
 */
function useRetry(shown: Task) {
  const [task] = useState(shown)
  const learn = useLearn()
  return useMutation({
    mutationFn: (how?: RetryWith) => whileAsSeen(task, ifMatch => retryTask(task.id, ifMatch, how)),
    onSuccess: answer => learn(answer.task),
    onError: () => learn(undefined, task.id),
  })
}

/** Takes over what an action returned, and has everything else about the task read again. */
export function useLearn(): (task: Task | undefined, taskId?: string) => void {
  const queries = useQueryClient()
  return (task, taskId = task?.id ?? '') => {
    if (task !== undefined) queries.setQueryData(keys.task(taskId), task)
    void queries.invalidateQueries({
      queryKey: task === undefined ? keys.task(taskId) : keys.attempts(taskId),
    })
  }
}
