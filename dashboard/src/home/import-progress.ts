import { useInfiniteQuery } from '@tanstack/react-query'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { Task } from '../api/task.ts'
import { stepsOf } from '../parts/task-progress.tsx'

/** A step of an import, and how far it is. */
export interface ImportStep {
  readonly name: 'parsing' | 'summarising' | 'indexing'
  readonly state: 'ahead' | 'now' | 'done'
  /** Chapters of the first, scenes of the others. `total` 0: not known yet. */
  readonly done: number
  readonly total: number
}

/** The sub-tasks of an import, by the step that they are. */
const stepOfKey: Readonly<Record<string, ImportStep['name']>> = {
  parse: 'parsing',
  summaries: 'summarising',
  index: 'indexing',
  words: 'indexing',
}

/** The steps of an import that has not ended, from its sub-tasks. Kept in date by the live stream. */
export function useImportSteps(task: Task): readonly ImportStep[] {
  const filter = { pageSize: 10 }
  const { data } = useInfiniteQuery({
    queryKey: keys.childList(task.id, filter),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ signal }) =>
      dataOf(
        api.GET('/v1/tasks/{taskId}/children', {
          params: { path: { taskId: task.id }, query: filter },
          signal,
        }),
      ),
    getNextPageParam: ({ nextPageToken }) => nextPageToken,
  })
  const parts = data?.pages.flatMap(page => page.items) ?? []
  return stepNames(task).map(name => stepFrom(name, task, partOf(name, parts)))
}

function stepNames({ parameters }: Task): ImportStep['name'][] {
  const isShort =
    typeof parameters === 'object' &&
    parameters !== null &&
    'summarise' in parameters &&
    parameters.summarise === false
  return isShort ? ['parsing', 'indexing'] : ['parsing', 'summarising', 'indexing']
}

/** The newest sub-task of a step: an index of words is made where the one of a model failed. */
function partOf(name: ImportStep['name'], parts: readonly Task[]): Task | undefined {
  return parts.findLast(({ subTaskKey }) => stepOfKey[subTaskKey ?? ''] === name)
}

function stepFrom(name: ImportStep['name'], task: Task, part: Task | undefined): ImportStep {
  if (part === undefined) return { name, state: 'ahead', done: 0, total: 0 }
  if (part.done || task.done) return { name, state: 'done', done: 1, total: 1 }
  const { done = 0, total = 0 } = stepsOf(part) ?? {}
  return { name, state: 'now', done, total }
}

/** How far an import is as a whole, 0 to 1: each step is an equal part. */
export function shareOf(steps: readonly ImportStep[]): number {
  const shares = steps.map(({ state, done, total }) =>
    state === 'done' ? 1 : total === 0 ? 0 : Math.min(1, done / total),
  )
  return shares.reduce((sum, share) => sum + share, 0) / Math.max(1, steps.length)
}
