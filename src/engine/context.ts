import { randomUUID } from 'node:crypto'
import { retryUntilStored } from '../runtime/retry-until-stored.ts'
import type { UsageRow } from '../store/store.ts'
import { storedKeyOf } from '../task/checkpoint-scope.ts'
import { defined } from '../task/defined.ts'
import type {
  Awaitable,
  EarlierOutput,
  In,
  Out,
  ResolvedTask,
  Schema,
  SleepOptions,
  StepOptions,
  SubTask,
  SubTaskItem,
  SubTaskOptions,
  SubTasksSubmitted,
  TaskContext,
  TaskType,
  WaitOptions,
} from '../task/definition.ts'
import type { Duration } from '../task/duration.ts'
import type { Erasure } from '../task/erasure.ts'
import { QuillworkError } from '../task/errors.ts'
import { tickOf } from '../task/idempotency.ts'
import type { OwnTasks } from '../task/own-tasks.ts'
import type { AllowedCall, BudgetHold, ExpectedCall, Permit, Spending, Usage } from '../task/paid-call.ts'
import type { TaskRecord } from '../task/task.ts'
import { messageOf } from '../task/thrown.ts'
import { validUsage } from '../task/usage.ts'
import type { WaitOutcome } from '../task/wait-transitions.ts'
import type { Attempt } from './attempt.ts'
import { needOf } from './budget-arithmetic.ts'
import type { BulkSelection } from './bulk-selection.ts'
import { BulkTasks } from './bulk-tasks.ts'
import { erasureOf } from './cancel.ts'
import type { Core } from './core.ts'
import { BudgetHolds, makeCall, Permits } from './holds.ts'
import { OutputWriter, readOutput } from './output.ts'
import { ownTasksOf } from './own-tasks.ts'
import { parseProgress, Reports } from './reports.ts'
import { paidLateMs, retryOf } from './settle.ts'
import { checkKey, checkStepKey, Steps } from './steps.ts'
import { findSubTasks, submitSubTask, submitSubTasks } from './sub-tasks.ts'
import { Waits } from './wait.ts'

/** The context of a handler; see `TaskContext`. One per attempt. */
export class AttemptContext implements TaskContext {
  /** What the schema made of the stored parameters; set before the handler runs. */
  parameters: unknown
  /** The handler submitted a sub-task that was not there before. */
  submittedSubTasks = false
  /** The handler has returned; what it returned is being read. */
  hasReturned = false
  /** What an error says of a wait that could not begin; see `noteHeldUp`. */
  heldUp = ''
  /** The handler was shown a sub-task that has not ended. */
  sawLiveSubTask = false
  /** When the handler last showed that it goes on, by the monotonic clock; kept where its task type says how long it may not. */
  progressedAt = 0
  /** What the handler waits for the store for. */
  writes = 0
  readonly #core: Core
  /** The attempt that the handler runs in. */
  readonly held: Attempt
  readonly task: ResolvedTask
  readonly record: TaskRecord
  readonly taskId: string
  readonly taskType: string
  readonly userId: string
  readonly parentTaskId: string | undefined
  readonly rootTaskId: string
  readonly tags: readonly string[]
  readonly executionNodeId: string
  readonly traceparent: string | undefined
  readonly attempt: number
  readonly retryCount: number
  readonly round: number
  readonly retriedAttempt: number
  #reports: Reports | undefined
  #output: OutputWriter | undefined
  #permits: Permits | undefined
  #holds: BudgetHolds | undefined
  #submitting: Set<Promise<unknown>> | undefined
  #waits: Waits | undefined
  /** One for all waits that go on. */
  #interrupted: Promise<never> | undefined
  /** Steps, submissions and the like that have not ended. */
  #busy = 0
  #steps: Steps | undefined

  constructor(core: Core, attempt: Attempt, task: ResolvedTask) {
    const { record } = attempt
    this.#core = core
    this.held = attempt
    this.task = task
    this.record = record
    this.taskId = record.id
    this.taskType = record.taskType
    this.userId = record.userId
    this.parentTaskId = record.parentTaskId
    this.rootTaskId = record.rootTaskId
    this.tags = record.tags
    this.executionNodeId = core.settings.nodeId
    this.traceparent = attempt.traceparent
    this.attempt = record.attempt
    this.retryCount = record.retryCount
    this.round = record.round
    this.retriedAttempt = record.deadLetterHistory?.at(-1)?.attempt ?? 0
  }

  /** Whether `finish` has anything to do before the attempt is settled. */
  get isUnfinished(): boolean {
    return (this.#permits ?? this.#holds ?? this.#reports ?? this.#output) !== undefined
  }

  /** Submissions on their way that the handler did not wait for; undefined when there are none. */
  get submitting(): Promise<unknown> | undefined {
    const submitting = this.#submitting
    return submitting === undefined || submitting.size === 0 ? undefined : Promise.allSettled(submitting)
  }

  get scheduledFor(): Date | undefined {
    return tickOf(this.record.idempotencyKey)
  }

  get signal(): AbortSignal {
    return this.held.signal
  }

  /** The handler goes on. */
  progressed(): void {
    if (this.task.stallTimeoutMs !== undefined) this.progressedAt = this.#core.clock.monotonic()
  }

  /** Notes whether the handler waits while something else of it has not ended: maybe the step that it called the wait in. */
  noteHeldUp(): void {
    if (this.#busy === 0 || this.#waits?.isPending !== true) return
    this.heldUp =
      ' It waited for a signal or a time while a step, a call or a submission of it ran. A wait that is called within one never ends: call it outside.'
  }

  /** What the handler waits for. */
  get waiting(): WaitOutcome {
    return this.#waiting().outcome()
  }

  get steps(): Steps {
    this.#steps ??= new Steps(this.#core, this)
    return this.#steps
  }

  get erasure(): Erasure {
    return erasureOf(this.#core, this.held)
  }

  get ownTasks(): OwnTasks {
    return ownTasksOf(this.#core, this.held)
  }

  /** Returns what the engine's own bulk action does to the tasks of a selection; no other handler gets it. */
  bulk(selection: BulkSelection): BulkTasks {
    return new BulkTasks(this.#core, this.held, selection)
  }

  /** No field of the context, so that a printed context shows no services: they may hold keys. */
  get services(): unknown {
    return this.#core.services
  }

  updateProgress(progress: unknown): void {
    const parsed = parseProgress(this.task, progress)
    if (parsed instanceof Promise)
      parsed.then(value => this.#report().progress(value)).catch(error => this.logError(messageOf(error)))
    else this.#report().progress(parsed)
    this.progressed()
  }

  logInfo(message: string, fields?: object): void {
    this.#report().log('info', message, fields)
  }

  logError(message: string, fields?: object): void {
    this.#report().log('error', message, fields)
  }

  async checkpoint<T>(key: string, step: () => Awaitable<T>, options: StepOptions = {}): Promise<T> {
    checkStepKey(key)
    return this.steps.run(key, step, options)
  }

  checkpointKey(key: string): string {
    return storedKeyOf(this.record, key)
  }

  waitFor<T extends Schema>(name: string, options: WaitOptions<T>): Promise<Out<T>> {
    return this.#wait(`ctx.waitFor(${JSON.stringify(name)})`, async waits => {
      const signal = await waits.signal(name, options)
      return signal && { value: signal.payload }
    })
  }

  sleep(duration: Duration, options: SleepOptions = {}): Promise<void> {
    return this.#wait('ctx.sleep', async waits =>
      (await waits.time(duration, options)) ? { value: undefined } : undefined,
    )
  }

  async acquire(limit: string, cost = 1): Promise<Permit> {
    this.#permits ??= new Permits(this.#core, this.held)
    const permits = this.#permits
    return this.during(() => permits.acquire(limit, cost))
  }

  isParked(limit: string): boolean {
    const use = this.#core.limiter.describe(limit).find(({ key }) => key === limit)
    return use?.parkedUntil !== undefined || use?.isProbing === true
  }

  async reserve(estimate: Spending, call?: string): Promise<BudgetHold> {
    if (call !== undefined) checkKey(call, 'call')
    this.#holds ??= new BudgetHolds(this.#core, this.held)
    const holds = this.#holds
    return this.during(() => holds.reserve(estimate, call))
  }

  call<T>(expected: ExpectedCall, make: (call: AllowedCall) => Awaitable<T>): Promise<T> {
    const makeIt = (call: AllowedCall) => this.steps.call(`the call of a model`, () => make(call))
    return this.during(() => makeCall(this, expected, makeIt, this.#core.clock))
  }

  write(text: string): void {
    this.#output ??= new OutputWriter(this.#core, this.held)
    this.#output.write(text)
    this.progressed()
  }

  async earlierOutput(): Promise<EarlierOutput | undefined> {
    if (this.attempt === 1) return undefined
    const read = () => readOutput(this.#core, this.taskId)
    const { attempt, text } = await this.storing(() => retryUntilStored(read, retryOf(this.#core, this.held)))
    return attempt === 0 || attempt >= this.attempt ? undefined : { attempt, text }
  }

  async addUsage(usage: Usage): Promise<void> {
    const { model, inputTokens, outputTokens, cost, call, isEstimated } = validUsage(usage)
    const { attempt, record } = this
    const at = this.#core.store.tasks.now()
    const { cachedInputTokens, subject } = usage
    const tokens = { inputTokens, ...defined({ cachedInputTokens }), outputTokens }
    const named = defined({ subject, call, isEstimated })
    const row: UsageRow = { id: randomUUID(), at, attempt, model, ...tokens, ...defined({ cost }), ...named }
    const write = () => this.#core.store.attempts.usage(this.taskId, [row])
    await this.storing(() => retryUntilStored(write, retryOf(this.#core, this.held, { lateMs: paidLateMs })))
    this.#core.paid.emit(record, row)
    if (isEstimated !== true || call === undefined) return
    const known = needOf({ tokens: inputTokens + outputTokens, ...defined({ cost }) })
    await this.#core.budgets.settleEarlier({ record, call }, known)
  }

  submitSubTask<A extends Schema, B extends Schema>(
    type: TaskType<A, B>,
    parameters: In<A>,
    options: SubTaskOptions,
  ): Promise<SubTask<A, B>> {
    return this.#remember(async earlier => {
      const item = { ...options, parameters }
      const { subTask, isNew } = await submitSubTask(this.#core, this.held, type, { item, earlier })
      this.#requireHeld()
      if (isNew) this.submittedSubTasks = true
      if (!subTask.done) this.sawLiveSubTask = true
      return subTask
    })
  }

  submitSubTasks<A extends Schema, B extends Schema>(
    type: TaskType<A, B>,
    items: Iterable<SubTaskItem<A>>,
  ): Promise<SubTasksSubmitted> {
    return this.#remember(async earlier => {
      const written = await submitSubTasks(this.#core, this.held, type, { items, earlier })
      const { created, found, live, refused } = written
      this.#requireHeld()
      if (created > 0) this.submittedSubTasks = true
      if (live) this.sawLiveSubTask = true
      for (const { key, error } of refused)
        this.logError(`The sub-task ${key} was refused: ${error.message}`, { code: error.code })
      return { submitted: created + found, refused }
    })
  }

  async *subTasks<A extends Schema, B extends Schema>(
    type: TaskType<A, B>,
  ): AsyncGenerator<SubTask<A, B>, void, undefined> {
    for await (const subTask of findSubTasks(this.#core, this.taskId, type)) {
      if (!subTask.done) this.sawLiveSubTask = true
      yield subTask
    }
  }

  /** Parks the limits of this attempt until then: a provider refused its call. */
  park(until: number): void {
    this.#permits?.park(until)
  }

  /** Settles the places under limits that are left, and writes what the attempt still has to report. `hasReturned`: its handler did, with a result. */
  async finish(hasReturned: boolean): Promise<void> {
    try {
      this.#permits?.end(hasReturned)
    } finally {
      this.#holds?.end()
      await Promise.all([this.#reports?.flush(), this.#output?.finish()])
    }
  }

  /** Submits, and remembers that until it has ended. `earlier` resolves when the submissions that began before have ended. */
  #remember<T>(submit: (earlier: () => Promise<unknown>) => Promise<T>): Promise<T> {
    this.#submitting ??= new Set()
    const submitting = this.#submitting
    const earlier = async () => {
      for (const other of submitting) {
        if (other === submission) return
        await other.catch(() => undefined)
      }
    }
    const submission = this.during(() => submit(earlier))
    submitting.add(submission)
    const ended = () => {
      submitting.delete(submission)
      this.progressed()
    }
    submission.then(ended, ended)
    return submission
  }

  #waiting(): Waits {
    this.#waits ??= new Waits(this.#core, this)
    return this.#waits
  }

  /** Works, and then ends the attempt if its handler only waits. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#busy += 1
    try {
      return await work()
    } finally {
      this.#busy -= 1
      if (this.#waits?.isPending === true) this.#endWhenIdle()
    }
  }

  /** Returns what a wait ended with. Where it has to go on the attempt ends, of which the handler is not told; one that is interrupted rejects. */
  #wait<T>(what: string, look: (waits: Waits) => Promise<{ value: T } | undefined>): Promise<T> {
    const waited = (async () => {
      this.steps.requireNone(what)
      const ended = await this.during(() => look(this.#waiting()))
      return ended === undefined ? this.#untilInterrupted() : ended.value
    })()
    // A handler that has something else to await first comes to it later.
    waited.catch(() => undefined)
    return waited
  }

  /** Rejects when the attempt is interrupted, so that its handler ends; never resolves. */
  #untilInterrupted(): Promise<never> {
    this.#endWhenIdle()
    const { held } = this
    this.#interrupted ??= new Promise((_, reject) => {
      const end = () => {
        if (held.interruption !== undefined) reject(this.notHeld())
      }
      end()
      held.signal.addEventListener('abort', end, { once: true })
    })
    return this.#interrupted
  }

  /** What follows the last step in the handler has begun by then, if it begins another one. */
  #endWhenIdle(): void {
    setImmediate(() => {
      if (this.#busy === 0 && !this.hasReturned && this.#waits?.isPending === true) this.held.endToWait()
    })
  }

  #report(): Reports {
    this.#reports ??= new Reports(this.#core, this.held)
    return this.#reports
  }

  /** Waits for the store: while it is away, it is not the handler that stalls. */
  async storing<T>(write: () => Promise<T>): Promise<T> {
    this.writes += 1
    try {
      return await write()
    } finally {
      this.writes -= 1
      this.progressed()
    }
  }

  /** A store that was away may have answered when the lease was over: a handler that waited for it must not go on. */
  #requireHeld(): void {
    const { interruption } = this.held
    if (interruption === 'lease-lost' || interruption === 'lease-expired') throw this.notHeld()
  }

  notHeld(): QuillworkError {
    const message = `Attempt ${this.attempt} no longer holds task ${this.taskId}; stop working on it.`
    return new QuillworkError('ATTEMPT_STALE', message)
  }
}
