/** What an operator asks and does: tasks of any type as records, and the health of the parts. */
import type { BrokerHealth } from '../broker/broker.ts'
import { atMost } from '../runtime/at-most.ts'
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
import { defined } from '../task/defined.ts'
import type { ResolvedTask } from '../task/definition.ts'
import { startOfDay } from '../task/duration.ts'
import { QuillworkError } from '../task/errors.ts'
import { everyItem } from '../task/page.ts'
import type { SubmitOptions } from '../task/submission.ts'
import type { TaskRecord } from '../task/task.ts'
import { messageOf } from '../task/thrown.ts'
import { cancelTask, cancelTree } from './cancel.ts'
import type { Core, EngineCounts } from './core.ts'
import { endOf } from './handle.ts'
import { type FollowOptions, followOutput, type OutputEvent, outputStart } from './output.ts'
import { readTask } from './read-task.ts'
import { moveTask, type TagChange, tagTask } from './relabel.ts'
import {
  type RerunOptions,
  type RetryTaskOptions,
  rerunTask,
  retryTask,
  runTaskNow,
  stepsOf,
} from './retry.ts'
import { check, submitAs } from './submit.ts'

/** What the calls of one model used; `cost` is absent when no call has a known one. */
export type ModelUsage = Omit<UsageSum, 'key' | 'unpricedCalls' | 'estimatedCalls'> & { model: string }

/** Tasks as an operator sees them: any type, as records. */
export interface Tasks
  extends Pick<TaskQueries, 'list' | 'withIdPrefix' | 'children' | 'counts' | 'attempts' | 'calls' | 'logs'> {
  /** Returns the names of the finished steps that an attempt would not run again, in no order. */
  steps(taskId: string): Promise<readonly string[]>
  /** Throws TASK_NOT_FOUND. */
  get(taskId: string): Promise<TaskRecord>
  /** What the model calls used that are kept by call, see `usageSince`, by model; with `tree`, of all tasks below it too. */
  usage(taskId: string, options?: { tree?: boolean }): Promise<readonly ModelUsage[]>
  /**
   * Returns the time, epoch milliseconds, before which calls of the task may be missing in sums by task and by tree, because its tree has
   * ended and they became sums by day; undefined where it has them all. Throws TASK_NOT_FOUND.
   */
  usageSince(taskId: string): Promise<number | undefined>
  /**
   * What model calls used, summed by task, user, subject, day (UTC) or model: the newest days and tasks first, else by the key. A page has
   * `pageSize` keys, default 50. Costs are in the currency of the price list.
   */
  usageReport(filter: UsageFilter, request: Partial<PageRequest> & { by: UsageKind }): Promise<Page<UsageSum>>
  /** The output of the newest attempt that wrote, after a place: at most `limit` pieces, default 1,000. */
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
  /** Resolves once the task has ended, at once where it has. Rejects with the reason of the signal; throws TASK_NOT_FOUND. */
  ended(taskId: string, options: { signal: AbortSignal }): Promise<void>
  /** See `handle.cancel`. `ifVersion`: only if the task still has this version. Throws TASK_CHANGED. */
  cancel(taskId: string, options?: { ifVersion?: number }): Promise<void>
  /** Cancels what is live of a task and below it, all of it when this resolves. What has ended, or is gone, stays as it is. */
  cancelTree(taskId: string): Promise<void>
  /** Has an ended task run again, below it what did not complete, and what was not attempted because it did not. Returns how many tasks run again. */
  retry(taskId: string, options?: RetryTaskOptions): Promise<number>
  /**
   * Has a task run now that waits for a time: for its start, its next attempt, a limit or a budget. One that then finds no capacity waits
   * again. `ifVersion`: only if the task still has this version. Throws TASK_NOT_WAITING, also for one that waits for another sub-task; TASK_CHANGED.
   */
  runNow(taskId: string, options?: { ifVersion?: number }): Promise<void>
  /**
   * Adds tags to a task in whatever status, and takes tags from it. An attempt that runs keeps those that it began with. Returns whether anything
   * changed. Throws TASK_NOT_FOUND, TASK_CHANGED, OPTION_INVALID.
   */
  tag(taskId: string, change: TagChange): Promise<boolean>
  /**
   * Has a waiting task wait in another lane. `ifVersion`: only if the task still has this version. Returns whether it was in another one. Throws
   * LANE_UNKNOWN, TASK_NOT_FOUND, TASK_NOT_WAITING for one that runs or has ended, TASK_CHANGED.
   */
  move(taskId: string, lane: string, options?: { ifVersion?: number }): Promise<boolean>
  /** Submits an ended task anew, with what it was submitted with unless the options say otherwise. Throws TASK_NOT_ENDED. */
  rerun(taskId: string, options?: RerunOptions): Promise<{ record: TaskRecord; isNew: boolean }>
}

/** Returns the tasks of an engine. */
export function tasksOf(core: Core): Tasks {
  const { queries } = core.store
  return {
    get: taskId => readTask(core, taskId),
    list: (filter, page) => queries.list(filter, page),
    withIdPrefix: (...asked) => queries.withIdPrefix(...asked),
    children: (parentTaskId, filter, page) => queries.children(parentTaskId, filter, page),
    counts: userId => queries.counts(userId),
    attempts: taskId => queries.attempts(taskId),
    calls: (taskId, limit) => queries.calls(taskId, limit),
    steps: async taskId => stepsOf(core, await readTask(core, taskId)),
    logs: (taskId, after, limit) => queries.logs(taskId, after, limit),
    usage: (taskId, { tree = false } = {}) => usageByModel(queries, tree ? { treeOf: taskId } : { taskId }),
    usageSince: taskId => usageSince(core, taskId),
    usageReport: (filter, request) => queries.usageReport(filter, { pageSize: 50, ...request }),
    output: (taskId, from = outputStart, limit = 1_000) => core.store.output.read(taskId, from, limit),
    followOutput: (taskId, options = {}) => followOutput(core, taskId, options),
    async check(taskType, parameters, options) {
      await check(core, typeOf(core, taskType), parameters, options)
    },
    async submit(taskType, parameters, options = {}) {
      const as = (record: TaskRecord, isNew: boolean) => ({ record, isNew })
      return submitAs(core, typeOf(core, taskType), { parameters, options, as })
    },
    async ended(taskId, options) {
      await endOf(core, taskId, -1, options)
    },
    cancel: (taskId, { ifVersion } = {}) => cancelTask(core, taskId, ifVersion),
    cancelTree: taskId => cancelTree(core, taskId),
    retry: (taskId, options) => retryTask(core, taskId, options),
    runNow: (taskId, { ifVersion } = {}) => runTaskNow(core, taskId, ifVersion),
    tag: (taskId, change) => tagTask(core, taskId, change),
    move: (taskId, lane, { ifVersion } = {}) => moveTask(core, taskId, lane, ifVersion),
    rerun: (taskId, options) => rerunTask(core, taskId, options),
  }
}

/** Returns a task type by its name. Throws TASK_TYPE_UNKNOWN. */
export function typeOf(core: Core, taskType: string): ResolvedTask {
  const task = core.tasks.get(taskType)
  if (task !== undefined) return task
  const known = [...core.tasks.keys()].join(', ')
  const message = `There is no task type ${JSON.stringify(taskType)}; the types are ${known}.`
  throw new QuillworkError('TASK_TYPE_UNKNOWN', message)
}

/** Models per page. */
const perPage = 200

/** Returns what calls used, by model. */
export async function usageByModel(queries: TaskQueries, filter: UsageFilter): Promise<ModelUsage[]> {
  const sums = everyItem(perPage, page => queries.usageReport(filter, { by: 'model', ...page }))
  const models: ModelUsage[] = []
  for await (const { key: model, unpricedCalls: _, estimatedCalls: _e, ...used } of sums)
    models.push({ model, ...used })
  return models
}

async function usageSince(core: Core, taskId: string): Promise<number | undefined> {
  const { createdAt, rootTaskId } = await readTask(core, taskId)
  const since = startOfDay(core.store.tasks.now() - core.settings.usageRetention.callsMs)
  if (createdAt >= since) return undefined
  const [root] = await core.store.queries.get([rootTaskId])
  // Those of a tree that runs, or did not complete, are kept.
  const isKept = root !== undefined && root.round === 0 && !root.status.startsWith('COMPLETED')
  return isKept ? undefined : since
}

/** How the parts of an engine are doing. */
export interface EngineHealth {
  /** `problem` is what the store reported; absent while it answers. */
  readonly store: { readonly kind: string; readonly problem?: string }
  /** Absent where the broker is in the process, and cannot be away. */
  readonly broker?: { readonly kind: string } & BrokerHealth
  /** When the last sweep of this process ended, epoch milliseconds; absent before the first, and where another process sweeps. */
  readonly sweptAt?: number
  /** Milliseconds since then, by the clock of this process. */
  readonly sweepAgeMs?: number
  /** Attempts that this process runs. */
  readonly running: number
  readonly counts: Readonly<EngineCounts>
}

/** Returns how the parts are doing; a store that does not answer in time is a problem in the answer, not an error. */
export async function healthOf(core: Core): Promise<EngineHealth> {
  const { store, broker } = core
  const remote = broker.remote?.health()
  return defined({
    store: defined({ kind: store.kind, problem: await storeProblem(core) }),
    broker: remote === undefined ? undefined : { kind: broker.kind, ...remote },
    sweptAt: core.swept.at === 0 ? undefined : core.swept.at,
    sweepAgeMs: core.swept.at === 0 ? undefined : core.clock.now() - core.swept.at,
    running: core.running.size,
    counts: core.counts,
  })
}

/** Milliseconds that the store has to answer: the caller wants to know of the other parts too. */
const answerWithinMs = 1_500

async function storeProblem({ store, clock }: Core): Promise<string | undefined> {
  const late = () => `The store did not answer within ${answerWithinMs} ms.`
  try {
    return await atMost(answerWithinMs, askStore(store), late, clock)
  } catch (error) {
    return messageOf(error)
  }
}

async function askStore(store: Core['store']): Promise<undefined> {
  // The smallest question: counting what waits may take long where much does.
  await store.queries.get([''])
  await store.takesWrites?.()
}
