/** What an operator asks and does: tasks of any type as records, lanes, and the health of the parts. */
import type { BrokerHealth } from '../broker/broker.ts'
import type { LimitUse } from '../rate-limit/limiter.ts'
import { atMost } from '../runtime/at-most.ts'
import type {
  LaneState,
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
import { type FollowOptions, followOutput, type OutputEvent, outputStart } from './output.ts'
import { readTask } from './read-task.ts'
import { type RerunOptions, type RetryTaskOptions, rerunTask, retryTask, runTaskNow } from './retry.ts'
import { slotsOf } from './settings.ts'
import { check, requireLane, submitAs } from './submit.ts'
import { rejoinLimits } from './wake.ts'

/** What the calls of one model used; `cost` is absent when no call has a known one. */
export type ModelUsage = Omit<UsageSum, 'key' | 'unpricedCalls' | 'estimatedCalls'> & { model: string }

/** Tasks as an operator sees them: any type, as records. */
export interface Tasks extends Pick<TaskQueries, 'list' | 'children' | 'counts' | 'attempts' | 'logs'> {
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
  /** Submits an ended task anew, with what it was submitted with unless the options say otherwise. Throws TASK_NOT_ENDED. */
  rerun(taskId: string, options?: RerunOptions): Promise<{ record: TaskRecord; isNew: boolean }>
}

/** Returns the tasks of an engine. */
export function tasksOf(core: Core): Tasks {
  const { queries } = core.store
  return {
    get: taskId => readTask(core, taskId),
    list: (filter, page) => queries.list(filter, page),
    children: (parentTaskId, filter, page) => queries.children(parentTaskId, filter, page),
    counts: () => queries.counts(),
    attempts: taskId => queries.attempts(taskId),
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
    cancel: (taskId, { ifVersion } = {}) => cancelTask(core, taskId, ifVersion),
    cancelTree: taskId => cancelTree(core, taskId),
    retry: (taskId, options) => retryTask(core, taskId, options),
    runNow: (taskId, { ifVersion } = {}) => runTaskNow(core, taskId, ifVersion),
    rerun: (taskId, options) => rerunTask(core, taskId, options),
  }
}

function typeOf(core: Core, taskType: string): ResolvedTask {
  const task = core.tasks.get(taskType)
  if (task !== undefined) return task
  const known = [...core.tasks.keys()].join(', ')
  const message = `There is no task type ${JSON.stringify(taskType)}; the types are ${known}.`
  throw new QuillworkError('TASK_TYPE_UNKNOWN', message)
}

/** Models per page. */
const perPage = 200

async function usageByModel(queries: TaskQueries, filter: UsageFilter): Promise<ModelUsage[]> {
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

/** A lane, with what this process runs of it. */
export interface LaneInfo extends LaneState {
  /** Worker slots of this process. */
  slots: number
  /** Attempts of the lane that this process runs. */
  running: number
}

/** The named work queues. Pausing survives a restart; running attempts go on. */
export interface Lanes {
  list(): Promise<readonly LaneInfo[]>
  /** Throws LANE_UNKNOWN. */
  pause(lane: string): Promise<void>
  /** Throws LANE_UNKNOWN. */
  resume(lane: string): Promise<void>
}

/** Returns the lanes of an engine. */
export function lanesOf(core: Core): Lanes {
  async function setPaused(lane: string, paused: boolean): Promise<void> {
    requireLane(core, lane)
    await core.store.lanes.setPaused(lane, paused)
    core.broker.remote?.sendControl({ kind: 'lanes' })
    core.wakeRelay()
  }

  return {
    async list() {
      const states = new Map((await core.store.lanes.lanes()).map(state => [state.lane, state]))
      const attempts = [...core.running.values()]
      return slotsOf(core.settings).map(({ lane, slots }) => {
        const state = states.get(lane) ?? { lane, paused: false, waiting: 0 }
        return { ...state, slots, running: attempts.filter(({ record }) => record.lane === lane).length }
      })
    },
    pause: lane => setPaused(lane, true),
    resume: lane => setPaused(lane, false),
  }
}

/** The limits of calls, by key. */
export interface Limits {
  /** What is limited or parked, in any process, and how much of it is in use. Throws while the store is away, where processes share the limits. */
  list(): Promise<readonly LimitUse[]>
  /**
   * Lets the calls under a limit go on at once: forgets that its provider asked to wait and what counts against its minute, and gives the tasks that
   * wait new places, in the order of their submission. Throws LIMIT_UNKNOWN; STORE_FAILED while the shared state of the limit cannot be changed.
   */
  reset(key: string): Promise<LimitUse>
}

/** Returns the limits of an engine. */
export function limitsOf(core: Core): Limits {
  const { limiter } = core
  const unused = { limit: {}, inFlight: 0, waiting: 0, requests: 0, tokens: 0 }
  const useOf = (key: string) => limiter.describe(key).find(use => use.key === key)
  return {
    async list() {
      await limiter.refresh?.()
      return limiter.describe()
    },
    async reset(key) {
      if (!limiter.isKnown(key) && useOf(key) === undefined) {
        const known = limiter.describe().map(use => use.key)
        const message = `There is no limit ${JSON.stringify(key)}. Limits of this server: ${known.join(', ') || 'none'}.`
        throw new QuillworkError('LIMIT_UNKNOWN', message, { details: { limit: key } })
      }
      await limiter.reset(key)
      await rejoinLimits(core, key)
      return useOf(key) ?? { key, ...unused }
    },
  }
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
