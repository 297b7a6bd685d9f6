import type { StandardSchemaV1 } from '@standard-schema/spec'
import { decode } from './codec.ts'
import { defined } from './defined.ts'
import { moduleOf, requireSchemas, submissionDefaults } from './definition-checks.ts'
import { type Duration, durationMs } from './duration.ts'
import type { Erasure } from './erasure.ts'
import { type ErrorInfo, QuillworkError } from './errors.ts'
import type { OwnTasks } from './own-tasks.ts'
import type { AllowedCall, BudgetHold, ExpectedCall, Permit, Spending, Usage } from './paid-call.ts'
import { type RetryOptions, type RetryPolicy, retryPolicy } from './retry-policy.ts'
import type { Priority, TaskRecord } from './task.ts'

/** Any schema of the Standard Schema kind (zod, valibot, arktype, ...). */
export type Schema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output>
/** What a schema takes. */
export type In<S extends Schema> = StandardSchemaV1.InferInput<S>
/** What a schema gives. */
export type Out<S extends Schema> = StandardSchemaV1.InferOutput<S>
/** A value or a promise of it. */
export type Awaitable<T> = T | Promise<T>

/** What a client needs to know of a task to submit it and to read its result; no handler is loaded. */
export interface TaskType<P extends Schema = Schema, R extends Schema = Schema, G extends Schema = Schema> {
  /** Unique name, stored with every task: letters, digits, `_`, `.` and `-`, at most 100. */
  readonly type: string
  readonly parameters: P
  readonly result: R
  readonly progress?: G
  /** The lane that a submission without one goes to: 1 to 60 letters, digits, `_` or `-`; default `'default'`. */
  readonly lane?: string
  /** How long after its submission a task fails if it has not ended; default none. */
  readonly deadline?: Duration
  /** Version of the parameters schema, from 1; raise it when stored parameters would no longer parse. */
  readonly parametersVersion?: number
}

/** What a hook that may refuse a submission gets beside the parameters. */
export interface Admission<S> {
  readonly services: S
  readonly userId: string
  /** The ended task that this one would run anew; absent of a submission of its own. */
  readonly rerunOf?: string
}

/** How tasks of a type are run. */
export interface TaskOptions<P extends Schema, S = unknown> {
  /**
   * Refuses what cannot be done before it is accepted: called with parsed parameters when a task of the type is submitted by itself or by
   * a schedule (not as a sub-task), in a process whose engine has the definition; also when the idempotency key will find an earlier task.
   * Throws the refusal, which reaches the submitter: as it is if it has a code of the catalogue, else as SUBMISSION_REFUSED.
   */
  admit?(parameters: Out<P>, context: Admission<S>): Awaitable<void>
  /** How long one attempt may run; default 30 minutes. Its signal fires, and the attempt ends as a timeout. */
  attemptTimeout?: Duration
  /**
   * How long one attempt may go without a finished step, progress, output or a submitted sub-task; default as long as it may run. Its signal
   * fires, and the attempt ends as a timeout (ATTEMPT_STALLED).
   */
  stallTimeout?: Duration
  retry?: RetryOptions
  /** Turns parameters that an older version stored into what today's schema takes. */
  upgradeParameters?(stored: unknown, fromVersion: number): In<P>
}

/** How a step is run. */
export interface StepOptions {
  /**
   * Tries the step again within the attempt, in its slot, when it fails with an error that can pass; default not. `maxAttempts` defaults to 3,
   * `backoff` to 1 s, 4 s, 15 s.
   */
  retry?: Omit<RetryOptions, 'inLanes'>
  /** False: its value only says what is about to happen. It renews no retries; default true. */
  isProgress?: boolean
  /** True: its value belongs to the task, and stays when a person changes the parameters; default false, to the parameters. */
  ofTask?: boolean
}

/** Output that an earlier attempt left. */
export interface EarlierOutput {
  attempt: number
  /** All of it that was stored; the end may be missing. */
  text: string
}

/** The state of a task as its type describes it: a result when it completed, an error when it did not. */
export type State<R extends Schema> =
  | { done: false; status: 'QUEUED' | 'RUNNING' | 'RETRYING'; result?: undefined; error?: undefined }
  | { done: true; status: 'COMPLETED' | 'COMPLETED_WITH_ERRORS'; result: Out<R>; error?: undefined }
  | { done: true; status: 'FAILED' | 'DEAD_LETTER' | 'CANCELLED'; result?: undefined; error: ErrorInfo }

/** A sub-task as its parent sees it. */
export type SubTask<P extends Schema, R extends Schema> = {
  taskId: string
  key: string
  parameters: In<P>
} & State<R>

/** How a sub-task is submitted. */
export interface SubTaskOptions {
  /** Names the sub-task within its parent; at most 200 characters. */
  key: string
  /** Come after the tags of the parent, which every sub-task has; at most 20 in all, each at most 100 characters. */
  tags?: readonly string[]
  /**
   * Starts when these have completed: keys of sub-tasks that the parent has, or that come in the same call, in any order, or in one that began before;
   * at most 10,000. When one of them ends FAILED, DEAD_LETTER or CANCELLED, this one ends CANCELLED without an attempt (PREDECESSOR_NOT_COMPLETED),
   * and so do those after it; a retry of that one has them wait again. Refused with SUBTASK_UNKNOWN, SUBTASK_CYCLE.
   */
  after?: readonly string[]
  /** With `after`: `'ended'` starts it however those before it ended. Default `'completed'`; COMPLETED_WITH_ERRORS counts as completed. */
  startWhen?: 'completed' | 'ended'
  /** Default: the lane of the task type. Throws LANE_UNKNOWN. */
  lane?: string
  /** Default: that of the parent. */
  priority?: Priority
  /** Not before this much time has passed since the submission. */
  delay?: Duration
  /** In place of what the task type says of retries; what it leaves out is as the type says. */
  retry?: Omit<RetryOptions, 'inLanes'>
}

/** One sub-task of a bulk submission. */
export type SubTaskItem<P extends Schema> = SubTaskOptions & { parameters: In<P> }

/** The outcome of a bulk submission of sub-tasks: a refused one is reported, the others go on. */
export interface SubTasksSubmitted {
  submitted: number
  refused: readonly { key: string; error: ErrorInfo }[]
}

/** How a handler waits for a time. */
export interface SleepOptions {
  /**
   * Names the wait among those of its kind in the handler, or in the hook: at most 200 characters, no control characters. A wait without a key is
   * known by its place in the order of the calls: of those for one signal, or of sleeps. So these must be called in the same order in every attempt.
   * Give keys to waits that run beside each other, and to those of each stage of a hook that runs several times.
   */
  key?: string
}

/** How a handler waits for a signal. */
export interface WaitOptions<T extends Schema> extends SleepOptions {
  /** What the payload must be. A signal with another one is reported in the log of the task and dropped, and the wait goes on. */
  schema: T
  /** From the first attempt on that ends to wait for it. Default: as long as it takes, until the deadline of the task. */
  timeout?: Duration
}

/** How a signal is sent. */
export interface SignalOptions {
  /** Unique within the task, at most 255 characters: what comes a second time changes nothing. Default: by chance. */
  id?: string
  /** Only if the task still has this version. */
  ifVersion?: number
}

/** What a handler is run with. Everything it writes is refused once the attempt no longer holds the task. */
export interface TaskContext<P extends Schema = Schema, G extends Schema = Schema, S = unknown> {
  readonly taskId: string
  readonly taskType: string
  readonly userId: string
  readonly parentTaskId: string | undefined
  readonly rootTaskId: string
  readonly tags: readonly string[]
  readonly executionNodeId: string
  /** W3C trace context of the attempt where the engine traces, else of the submission. */
  readonly traceparent: string | undefined
  /**
   * The tick of the schedule that submitted the task, however late it runs; the same at every attempt. Undefined for a task that no schedule
   * submitted. A sub-task has none either: what it needs of its parent is in its parameters.
   */
  readonly scheduledFor: Date | undefined
  /** Number of this attempt, from 1. */
  readonly attempt: number
  readonly retryCount: number
  /** How often the sub-tasks were reopened by a retry; 0 at first. */
  readonly round: number
  /** Number of the last attempt that failed and after which a person had the task run again; 0 where there was none. A crash of the process changes nothing. */
  readonly retriedAttempt: number
  readonly parameters: Out<P>
  readonly services: S
  /** Deletes trees of other tasks. */
  readonly erasure: Erasure
  /** Reads the tasks of the user, and what they cost. */
  readonly ownTasks: OwnTasks
  /**
   * Fires on cancel, on timeout, on a lost lease, and when the process stops and the grace time is over. Also when the attempt ends to wait
   * (`waitFor`, `sleep`), for what runs beside the wait and is no step.
   */
  readonly signal: AbortSignal
  /** Records progress: at most four writes a second, the last value always kept. Throws PROGRESS_INVALID. */
  updateProgress(progress: In<G>): void
  /** Adds a line to the task's own log (the newest 1,000 are kept) and to the log of the process. */
  logInfo(message: string, fields?: object): void
  /** As `logInfo`, as an error. */
  logError(message: string, fields?: object): void
  /**
   * Runs a step once for the task: its value is stored, and a later attempt gets the value, not the call. A step that throws stores
   * nothing. Keys are unique within the task, at most 200 characters. A finished step renews the retries of the task.
   */
  checkpoint<T>(key: string, step: () => Awaitable<T>, options?: StepOptions): Promise<T>
  /**
   * Returns the name under which the value of a step is stored: another one once a person has the step run again. What belongs to a step and is
   * kept elsewhere goes by it, as the idempotency key of a payment.
   */
  checkpointKey(key: string): string
  /**
   * Waits for a signal of this name, and returns its payload. The attempt ends meanwhile, once the steps beside it have ended: it holds no slot, and
   * spends no retry. The task comes back when the signal is there, and runs the handler from its beginning with the stored values of its steps. Of
   * several waits for one name each takes the next signal; one that came early is kept. What runs beside a wait must be a step, or it is cut off. Not
   * within a step. Throws SIGNAL_TIMEOUT when the time is over; a retry by a person then waits anew. Throws OPTION_INVALID.
   */
  waitFor<T extends Schema>(name: string, options: WaitOptions<T>): Promise<Out<T>>
  /** Waits for a time, as `waitFor` does for a signal: at most ten years, without a slot. Throws OPTION_INVALID. */
  sleep(duration: Duration, options?: SleepOptions): Promise<void>
  /**
   * Waits for a place under a limit. Up to two seconds it waits here; a longer wait ends the attempt (it throws; let it pass) and
   * the task comes back by itself when it is its turn, with no retry spent. Throws LIMIT_UNKNOWN for a limit that the engine was not given.
   */
  acquire(limit: string, cost?: number): Promise<Permit>
  /**
   * Whether a provider takes no call under a limit for now, or is asked by one call whether it does, as far as this process knows: `acquire` would
   * wait for it.
   */
  isParked(limit: string): boolean
  /**
   * Reserves what a call may cost under the budget of the tree; without a budget it only asks. Where the budget does not allow it, the
   * attempt ends (it throws; let it pass) and the task comes back when the budget was raised, with no retry spent. `call` names the call within
   * the task, so that usage that is estimated for it later settles what was reserved. What an earlier attempt reserved under that name is given
   * back: give a new name to each call that begins.
   */
  reserve(estimate: Spending, call?: string): Promise<BudgetHold>
  /**
   * Makes one call of a model with all that belongs to it: reserves under the budget of the tree, waits for a place under the limit, makes the call,
   * then records its usage and settles both by it. A call that returns without saying what it used counts at its estimate; one that throws
   * without saying so, as a call that used nothing. Where the limit or the budget defers it, nothing stays reserved, and this throws as
   * `acquire` and `reserve` do. Throws what `make` throws.
   */
  call<T>(expected: ExpectedCall, make: (call: AllowedCall) => Awaitable<T>): Promise<T>
  /**
   * Adds to the output of this attempt, which others can follow while it grows. It is written within a quarter of a second; an attempt
   * that no longer holds the task writes nothing. A new attempt starts with an empty output.
   */
  write(text: string): void
  /**
   * Returns what an earlier attempt wrote as output, so that a text that was cut off can be continued; undefined where none did. The first text
   * that this attempt writes replaces it.
   */
  earlierOutput(): Promise<EarlierOutput | undefined>
  /** Records what a model call used; kept even when the attempt is stale, for it was paid. */
  addUsage(usage: Usage): Promise<void>
  /** Submits a sub-task, or finds the one with that key. Returns its present state. */
  submitSubTask<A extends Schema, B extends Schema>(
    type: TaskType<A, B>,
    parameters: In<A>,
    options: SubTaskOptions,
  ): Promise<SubTask<A, B>>
  /**
   * Submits many sub-tasks; those whose key exists already are left as they are and count as submitted. One that is wrong by itself is reported.
   * The others are created all or none, also when the process dies meanwhile; of more than 10,000, or 32 million characters of parameters, so many at a
   * time.
   */
  submitSubTasks<A extends Schema, B extends Schema>(
    type: TaskType<A, B>,
    items: Iterable<SubTaskItem<A>>,
  ): Promise<SubTasksSubmitted>
  /** The sub-tasks of a type in the order of their submission. */
  subTasks<A extends Schema, B extends Schema>(type: TaskType<A, B>): AsyncIterable<SubTask<A, B>>
}

/** What of the context a handler in a thread does not have: what holds objects of the process, what is shared out, and what ends an attempt to wait. */
export const mainThreadOnly = [
  'services',
  'erasure',
  'ownTasks',
  'waitFor',
  'sleep',
  'acquire',
  'isParked',
  'reserve',
  'call',
] as const

/** What a handler in a thread is run with. `signal.aborted` is up to date also within a computation that never yields. */
export type ThreadContext<P extends Schema = Schema, G extends Schema = Schema> = Omit<
  TaskContext<P, G>,
  (typeof mainThreadOnly)[number]
>

/** What every hook that only watches gets. */
export interface TaskNotice {
  readonly taskId: string
  readonly taskType: string
  readonly userId: string
  readonly attempt: number
}

/** Hooks that only watch: best effort, after the fact; one that throws or hangs harms nobody. */
export interface TaskHooks {
  onQueued?(task: TaskNotice): Awaitable<void>
  onStarted?(task: TaskNotice): Awaitable<void>
  onEnded?(task: TaskNotice & { readonly status: string }): Awaitable<void>
}

/**
 * The code of a task: either a handler whose return value is the result, or a handler that submits sub-tasks and a hook that
 * makes the result once none of them is live. The hook may submit the next stage and return undefined instead.
 */
export type Handlers<C, R extends Schema> =
  | { execute(ctx: C): Awaitable<In<R>>; onSubTasksSettled?: never }
  | { execute(ctx: C): Awaitable<void>; onSubTasksSettled(ctx: C): Awaitable<In<R> | undefined> }

/** Where the handlers of a task run. */
type PlacedHandlers<P extends Schema, R extends Schema, G extends Schema, S> =
  | ({ runIn?: never; module?: never } & Handlers<TaskContext<P, G, S>, R>)
  | ({
      /**
       * Runs `execute` and `onSubTasksSettled` in a worker thread, so that what they compute holds up nothing else. An attempt that has not ended
       * `abortGrace` after its signal has its thread terminated, whatever it computes.
       */
      runIn: 'thread'
      /** `import.meta.url` of the module that exports this definition: a thread loads it to get at the handlers. Any `file:` URL. */
      module: string | URL
    } & Handlers<ThreadContext<P, G>, R>)

/** A task type with its handler. `'~needs'` exists for the compiler only: the services that the handler takes. */
export interface TaskDefinition<
  P extends Schema = Schema,
  R extends Schema = Schema,
  G extends Schema = Schema,
  in S = never,
> extends TaskType<P, R, G> {
  readonly '~needs'?: (services: S) => void
}

/** A definition whose types no longer matter. */
export type AnyTask = TaskDefinition<Schema, Schema, Schema, never>

/** The services that all of some definitions need together. */
export type Needs<D> = (
  D extends TaskDefinition<Schema, Schema, Schema, infer S>
    ? (services: S) => void
    : never
) extends (services: infer I) => void
  ? I
  : never

/** A definition as the engine runs it: options resolved, nothing optional that the engine would have to guess. */
export interface ResolvedTask extends TaskType {
  readonly lane: string
  readonly attemptTimeoutMs: number
  readonly stallTimeoutMs: number | undefined
  readonly deadlineMs: number | undefined
  readonly policy: RetryPolicy
  readonly parametersVersion: number
  readonly hooks: TaskHooks
  /** URL of the module whose handlers run in a thread; undefined where they run on the main thread. */
  readonly module: string | undefined
  upgradeParameters(stored: unknown, fromVersion: number): unknown
  readonly admit: ((parameters: unknown, context: Admission<unknown>) => Awaitable<void>) | undefined
  execute(ctx: TaskContext): Awaitable<unknown>
  readonly onSubTasksSettled: ((ctx: TaskContext) => Awaitable<unknown>) | undefined
}

type Definable<P extends Schema, R extends Schema, G extends Schema, S> = TaskType<P, R, G> &
  TaskOptions<P, S> &
  TaskHooks &
  PlacedHandlers<P, R, G, S>

type DefineTask<S> = <P extends Schema, R extends Schema, G extends Schema = Schema<never>>(
  task: Definable<P, R, G, S>,
) => TaskDefinition<P, R, G, S>

const resolvedTasks = new WeakMap<object, ResolvedTask>()
const typePattern = /^[A-Za-z0-9_.-]{1,100}$/
const defaultAttemptTimeout = 1_800_000

function define<P extends Schema, R extends Schema, G extends Schema, S>(
  task: Definable<P, R, G, S>,
): TaskDefinition<P, R, G, S> {
  const { type, parameters, result, progress, lane, deadline, parametersVersion } = task
  if (!typePattern.test(type)) {
    const message = `The task type ${JSON.stringify(type)} must be 1 to 100 letters, digits, '_', '.' or '-'.`
    throw new QuillworkError('OPTION_INVALID', message)
  }
  requireSchemas(task)
  const definition = { type, parameters, result, ...defined({ progress, lane, deadline, parametersVersion }) }
  // The one place where the handler's own types are given up: the engine calls it with what its schemas parsed.
  const code = task as unknown as Pick<ResolvedTask, 'admit' | 'execute' | 'onSubTasksSettled'>
  resolvedTasks.set(definition, {
    ...definition,
    ...submissionDefaults(task),
    attemptTimeoutMs: durationMs(task.attemptTimeout ?? defaultAttemptTimeout, `attemptTimeout of ${type}`),
    stallTimeoutMs:
      task.stallTimeout === undefined ? undefined : durationMs(task.stallTimeout, `stallTimeout of ${type}`),
    policy: retryPolicy(task.retry),
    hooks: task,
    module: moduleOf(task),
    upgradeParameters: (stored, from) =>
      task.upgradeParameters === undefined ? stored : task.upgradeParameters(stored, from),
    admit: code.admit === undefined ? undefined : (parameters, context) => code.admit?.(parameters, context),
    execute: ctx => code.execute(ctx),
    onSubTasksSettled:
      code.onSubTasksSettled === undefined ? undefined : ctx => code.onSubTasksSettled?.(ctx),
  })
  return definition
}

/**
 * Defines a task: its type, its schemas, its options and its handler. `defineTask.withServices<S>()` gives a `defineTask` whose
 * handlers take services of type S, which `createEngine` then demands. Throws OPTION_INVALID for options that make no sense.
 */
export const defineTask: DefineTask<unknown> & { withServices<S>(): DefineTask<S> } = Object.assign(
  define as DefineTask<unknown>,
  { withServices: <S>(): DefineTask<S> => define as DefineTask<S> },
)

/** Returns the resolved form of a definition. Throws OPTION_INVALID for an object that `defineTask` did not make. */
export function resolveTask(definition: TaskType): ResolvedTask {
  const resolved = resolvedTasks.get(definition)
  if (resolved !== undefined) return resolved
  throw new QuillworkError('OPTION_INVALID', `The task ${definition.type} was not made by defineTask.`)
}

/** Returns the resolved form of the definition with a type among some values; undefined where there is none. */
export function findTask(values: readonly unknown[], type: string): ResolvedTask | undefined {
  const found = values.map(value => resolvedTasks.get(Object(value)))
  return found.find(task => task?.type === type)
}

/** Returns the stored parameters of a record as the schema of today takes them. Throws what the type's `upgradeParameters` throws, RECORD_UNREADABLE. */
export function currentParameters(
  task: ResolvedTask,
  { parameters, parametersVersion: version }: Pick<TaskRecord, 'parameters' | 'parametersVersion'>,
): unknown {
  const stored = decode(parameters)
  return version < task.parametersVersion ? task.upgradeParameters(stored, version) : stored
}
