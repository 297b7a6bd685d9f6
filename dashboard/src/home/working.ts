import { useInfiniteQuery } from '@tanstack/react-query'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { liveStatuses } from '../api/statuses.ts'
import type { Task } from '../api/task.ts'
import type { Upload } from './sending/send-file.ts'
import type { Novel } from './shelf.ts'

/** Most tasks that the page shows; the list of tasks has all. */
const shown = 8

const filter = { status: [...liveStatuses], rootsOnly: 'true' as const, pageSize: shown }

/** What is being worked on: the newest tasks without a parent that have not ended, and whether there are more. */
export interface Working {
  tasks: readonly Task[]
  hasMore: boolean
}

/** What is being worked on; `data` is undefined until the server has said. Kept in date by the live stream. */
export function useWorking() {
  const query = useInfiniteQuery({
    queryKey: keys.taskList(filter),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ signal }) => dataOf(api.GET('/v1/tasks', { params: { query: filter }, signal })),
    getNextPageParam: ({ nextPageToken }) => nextPageToken,
    refetchOnMount: 'always',
  })
  const working: Working | undefined = query.data && {
    tasks: query.data.pages.flatMap(page => page.items),
    hasMore: query.hasNextPage,
  }
  return { ...query, data: working }
}

/** What a task is about, as far as it can be told. */
export interface Subject {
  novelId?: string
  title?: string
}

/**
 * What a task is about. The novel stands in its tags; before it is on the shelf, the upload and what was chosen for it tell the title.
 */
export function subjectOf(task: Task, novels: readonly Novel[], uploads: readonly Upload[]): Subject {
  const parameters = fieldsOf(task.parameters)
  const upload = uploads.find(({ confirmation }) => confirmation?.taskId === task.id)
  const tag = task.tags.find(each => each.startsWith('novel:'))?.slice('novel:'.length)
  const novelId = tag ?? textOf(parameters['novelId']) ?? upload?.confirmation?.novelId
  const title =
    novels.find(({ id }) => id === novelId)?.title ?? textOf(parameters['title']) ?? upload?.fileName
  return { ...(novelId === undefined ? {} : { novelId }), ...(title === undefined ? {} : { title }) }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
