import { api, dataOf } from '../api/client.ts'
import type { paths } from '../api/schema.ts'
import type { TaskPage } from '../live/apply.ts'
import type { TasksSearch } from '../queries/search.ts'

/** What the API is asked for when tasks are listed. */
export type TaskQuery = Omit<
  NonNullable<paths['/v1/tasks']['get']['parameters']['query']>,
  'pageSize' | 'pageToken'
>

/** Tasks of a page, where nothing else is wanted. */
export const tasksPerPage = 50
/** The most that the API gives at once. */
export const mostPerPage = 200

/** The listing that an address stands for. */
export function taskQueryOf(search: TasksSearch): TaskQuery {
  const { status, type, user, lane, tag, after, before, all, order } = search
  return {
    ...(status === undefined ? {} : { status }),
    ...(type === undefined ? {} : { taskType: type }),
    ...(user === undefined ? {} : { userId: user }),
    ...(lane === undefined ? {} : { lane }),
    ...(tag === undefined ? {} : { tag }),
    ...(after === undefined ? {} : { createdAfter: after }),
    ...(before === undefined ? {} : { createdBefore: before }),
    ...(all === true ? {} : { rootsOnly: 'true' }),
    ...(order === undefined ? {} : { order }),
  }
}

/** Reads a page of a listing. `pageToken`: where the page before ended; undefined for the first. */
export function readTasks(
  query: TaskQuery,
  { pageToken, pageSize = tasksPerPage }: { pageToken?: string | undefined; pageSize?: number },
  signal: AbortSignal,
): Promise<TaskPage> {
  const paging = { pageSize, ...(pageToken === undefined ? {} : { pageToken }) }
  return dataOf(api.GET('/v1/tasks', { params: { query: { ...query, ...paging } }, signal }))
}
