import type {
  Output,
  OutputPlace,
  Page,
  PageRequest,
  TaskQueries,
  UsageFilter,
  UsageKind,
  UsageSum,
} from '../store/store.ts'
import type { ResolvedTask } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import type { TaskRecord } from '../task/task.ts'
import { check } from './admit.ts'
import { cancelTask } from './cancel.ts'
import type { Core } from './core.ts'
import { type FollowOptions, followOutput, type OutputEvent, outputStart } from './follow-output.ts'
import { type RetryTaskOptions, retryTask } from './retry.ts'
import { type SubmitOptions, submitAs } from './submit.ts'

/** What the calls of one model used; `cost` is absent when no call has a known one. */
export type ModelUsage = Omit<UsageSum, 'key' | 'unpricedCalls'> & { model: string }

/** Tasks as an operator sees them: any type, as records. What the store answers is passed on as it is. */
export interface Tasks extends Pick<TaskQueries, 'list' | 'children' | 'counts' | 'attempts' | 'logs'> {
  /** Throws TASK_NOT_FOUND. */
  get(taskId: string): Promise<TaskRecord>
  /** What the model calls used, by model; with `tree`, of all tasks below it too. */
  usage(taskId: string, options?: { tree?: boolean }): Promise<readonly ModelUsage[]>
  /**
   * What model calls used, summed by task, user, subject, day (UTC) or model: the newest days and tasks first, else by the key. A page has
   * `pageSize` keys, default 50. Costs are in the currency of the price list.
   */
  usageReport(filter: UsageFilter, request: Partial<PageRequest> & { by: UsageKind }): Promise<Page<UsageSum>>
  /** What the newest attempt that wrote has written, after a place: at most `limit` pieces, default 1,000. */
  output(taskId: string, from?: OutputPlace, limit?: number): Promise<Output>
  /**
   * Follows the output of a task as it grows, until the task has ended. Throws TASK_NOT_FOUND, ENGINE_STOPPED when the engine stops, and
   * what the store throws. Abort the signal to end it while it waits.
   */
  followOutput(taskId: string, options?: FollowOptions): AsyncIterable<OutputEvent>
  /**
   * Checks what would be submitted, and writes nothing: its parameters by the schema of the type, and what the type itself refuses. Throws
   * TASK_TYPE_UNKNOWN, PARAMETERS_INVALID, the refusal.
   */
  check(taskType: string, parameters: unknown, options?: { userId?: string }): Promise<void>
  /**
   * Submits a task by the name of its type, as `engine.submit`. `isNew`: this call created it, not an earlier one of the same
   * idempotency key. Throws TASK_TYPE_UNKNOWN.
   */
  submit(
    taskType: string,
    parameters: unknown,
    options?: SubmitOptions,
  ): Promise<{ record: TaskRecord; isNew: boolean }>
  /** See `handle.cancel`. `ifVersion`: only if the task still has this version. Throws TASK_CHANGED. */
  cancel(taskId: string, options?: { ifVersion?: number }): Promise<void>
  /** Has an ended task run again, and below it what did not complete. Returns how many tasks run again. */
  retry(taskId: string, options?: RetryTaskOptions): Promise<number>
}

/** The tasks of an engine. */
export function tasksOf(core: Core): Tasks {
  const { queries } = core.store
  return {
    async get(taskId) {
      const [record] = await queries.get([taskId])
      if (record !== undefined) return record
      throw new QuillworkError('TASK_NOT_FOUND', `There is no task ${taskId}.`)
    },
    list: (filter, page) => queries.list(filter, page),
    children: (parentTaskId, filter, page) => queries.children(parentTaskId, filter, page),
    counts: () => queries.counts(),
    attempts: taskId => queries.attempts(taskId),
    logs: (taskId, after, limit) => queries.logs(taskId, after, limit),
    usage: (taskId, { tree = false } = {}) => usageByModel(queries, tree ? { treeOf: taskId } : { taskId }),
    usageReport: (filter, request) => queries.usageReport(filter, { pageSize: 50, ...request }),
    output: (taskId, from = outputStart, limit = 1_000) => core.store.output.read(taskId, from, limit),
    followOutput: (taskId, options = {}) => followOutput(core, taskId, options),
    async check(taskType, parameters, { userId } = {}) {
      await check(core, typeOf(core, taskType), parameters, userId)
    },
    async submit(taskType, parameters, options = {}) {
      return submitAs(core, typeOf(core, taskType), {
        parameters,
        options,
        as: (record, isNew) => ({ record, isNew }),
      })
    },
    cancel: (taskId, { ifVersion } = {}) => cancelTask(core, taskId, ifVersion),
    retry: (taskId, options) => retryTask(core, taskId, options),
  }
}

function typeOf(core: Core, taskType: string): ResolvedTask {
  const task = core.tasks.get(taskType)
  if (task !== undefined) return task
  const known = [...core.tasks.keys()].join(', ')
  throw new QuillworkError(
    'TASK_TYPE_UNKNOWN',
    `There is no task type ${JSON.stringify(taskType)}; the types are ${known}.`,
  )
}

/** Models per page. */
const perPage = 200

async function usageByModel(queries: TaskQueries, filter: UsageFilter): Promise<ModelUsage[]> {
  const models: ModelUsage[] = []
  let page: Page<UsageSum> | undefined
  do {
    const from = page?.nextPageToken === undefined ? {} : { pageToken: page.nextPageToken }
    page = await queries.usageReport(filter, { by: 'model', pageSize: perPage, ...from })
    for (const { key: model, unpricedCalls: _, ...sum } of page.items) models.push({ model, ...sum })
  } while (page.nextPageToken !== undefined)
  return models
}
