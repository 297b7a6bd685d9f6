import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { ApiError } from '../api/problem.ts'
import type { Task } from '../api/task.ts'
import { readTask } from '../queries/task-queries.ts'

/** Times that a task is looked at again when it changed in a way that does not matter. */
const mostLooks = 5

/**
 * Does something to a task as the person saw it. The version rises with every step of progress, which is nobody's business here: when only
 * that moved, the task is read again and the same is asked for once more. Rejects with the 412 when its status is another one.
 */
async function whileAsSeen<T>(seen: Task, act: (ifMatch: string) => Promise<T>): Promise<T> {
  let task = seen
  for (let looks = 1; ; looks++) {
    try {
      return await act(`"${task.version}"`)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 412 || looks === mostLooks) throw error
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
export function useCancel(shown: Task) {
  const [task] = useState(shown)
  const learn = useLearn()
  return useMutation({
    mutationFn: () =>
      whileAsSeen(task, ifMatch =>
        dataOf(
          api.POST('/v1/tasks/{taskId}:cancel', {
            params: { path: { taskId: task.id }, header: { 'if-match': ifMatch } },
          }),
        ),
      ),
    onSuccess: learn,
    onError: () => learn(undefined, task.id),
  })
}

/**
 * Has a task run again, and below it what did not complete, if it still is as it was when the person was asked. `parameters`: with these
 * instead of its own.
 */
export function useRetry(shown: Task) {
  const [task] = useState(shown)
  const learn = useLearn()
  return useMutation({
    mutationFn: (edited?: { parameters: unknown }) =>
      whileAsSeen(task, ifMatch =>
        dataOf(
          api.POST('/v1/tasks/{taskId}:retry', {
            params: { path: { taskId: task.id }, header: { 'if-match': ifMatch } },
            body: edited ?? {},
          }),
        ),
      ),
    onSuccess: answer => learn(answer.task),
    onError: () => learn(undefined, task.id),
  })
}

/** Takes over what an action answered, and has everything else about the task read again. */
function useLearn(): (task: Task | undefined, taskId?: string) => void {
  const queries = useQueryClient()
  return (task, taskId = task?.id ?? '') => {
    if (task !== undefined) queries.setQueryData(keys.task(taskId), task)
    void queries.invalidateQueries({
      queryKey: task === undefined ? keys.task(taskId) : keys.attempts(taskId),
    })
  }
}
