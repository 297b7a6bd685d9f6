import { randomUUID } from 'node:crypto'
import { takeTurn } from '../runtime/cooperate.ts'
import { retryUntilStored } from '../runtime/retry-until-stored.ts'
import type { CheckpointWrite, UsageRow } from '../store/store.ts'
import { classifyError } from '../task/classify.ts'
import { decode, encode } from '../task/codec.ts'
import { defined } from '../task/defined.ts'
import type {
  AllowedCall,
  Awaitable,
  BudgetHold,
  EarlierOutput,
  ExpectedCall,
  In,
  Permit,
  ResolvedTask,
  Schema,
  Spending,
  StepOptions,
  SubTask,
  SubTaskItem,
  SubTaskOptions,
  SubTasksSubmitted,
  TaskContext,
  TaskType,
  Usage,
} from '../task/definition.ts'
import type { Erasure } from '../task/erasure.ts'
import { QuillworkError } from '../task/errors.ts'
import { backoffMs, type RetryPolicy, retryPolicy, stepRetryPolicy } from '../task/retry-policy.ts'
import { parseWith } from '../task/schema.ts'
import { scopeEnd, storedKeyOf, type TaskRecord } from '../task/task.ts'
import { messageOf } from '../task/thrown.ts'
import { tickOf } from '../task/tick.ts'
import { validUsage } from '../task/usage.ts'
import type { Attempt } from './attempt.ts'
import { needOf } from './budget-arithmetic.ts'
import type { Core } from './core.ts'
import { erasureOf } from './erase.ts'
import { BudgetHolds, makeCall, Permits } from './holds.ts'
import { OutputWriter, readOutput } from './output.ts'
import { Reports } from './reports.ts'
import { foundStale, paidLateMs, retryOf } from './settle.ts'
import { findSubTasks, submitSubTask, submitSubTasks } from './sub-tasks.ts'

/** Longest key of a checkpoint or a sub-task, in characters. */
const longestKey = 200

/** The context of a handler; see `TaskContext`. One per attempt. */
export class AttemptContext implements TaskContext {
  /** What the schema made of the stored parameters; set before the handler runs. */
  parameters: unknown
  /** The handler submitted a sub-task that was not there before. */
  submittedSubTasks = false
  /** It submitted sub-tasks, or found those that an earlier attempt submitted: its record may not count them yet. */
  hasSubTasks = false
  /** The handler has returned; what it returned is being read. */
  hasReturned = false
  /** The handler was shown a sub-task that has not ended. */
  sawLiveSubTask = false
  /** When the handler last showed that it goes on, by the monotonic clock; kept where its task type says how long it may not. */
  progressedAt = 0
  /** Writes that the handler waits for. */
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
  #reports: Reports | undefined
  #output: OutputWriter | undefined
  #permits: Permits | undefined
  #holds: BudgetHolds | undefined
  #submitting: Set<Promise<unknown>> | undefined
  #stored: Promise<ReadonlyMap<string, string>> | undefined
  #steps: Map<string, Promise<unknown>> | undefined

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

  get erasure(): Erasure {
    return erasureOf(this.#core, this.held)
  }

  /** No field of the context, so that a printed context shows no services: they may hold keys. */
  get services(): unknown {
    return this.#core.services
  }

  updateProgress(progress: unknown): void {
    const schema = this.task.progress
    if (schema === undefined) {
      const message = `${this.taskType} has no progress schema; define one to report progress.`
      throw new QuillworkError('PROGRESS_INVALID', message)
    }
    const problem = `The progress of ${this.taskType} is not valid`
    const parsed = parseWith(schema, progress, 'PROGRESS_INVALID', problem)
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
    checkKey(key, 'checkpoint')
    this.#steps ??= new Map()
    const running = this.#steps.get(key) as Promise<T> | undefined
    if (running !== undefined) return running
    const run = this.#runStep(key, step, options)
    this.#steps.set(key, run)
    run.catch(() => this.#steps?.delete(key))
    return run
  }

  async acquire(limit: string, cost = 1): Promise<Permit> {
    this.#permits ??= new Permits(this.#core, this.held)
    return this.#permits.acquire(limit, cost)
  }

  isParked(limit: string): boolean {
    const use = this.#core.limiter.describe().find(({ key }) => key === limit)
    return use?.parkedUntil !== undefined || use?.isProbing === true
  }

  async reserve(estimate: Spending, call?: string): Promise<BudgetHold> {
    if (call !== undefined) checkKey(call, 'call')
    this.#holds ??= new BudgetHolds(this.#core, this.held)
    return this.#holds.reserve(estimate, call)
  }

  call<T>(expected: ExpectedCall, make: (call: AllowedCall) => Awaitable<T>): Promise<T> {
    return makeCall(this, expected, make)
  }

  write(text: string): void {
    this.#output ??= new OutputWriter(this.#core, this.held)
    this.#output.write(text)
    this.progressed()
  }

  async earlierOutput(): Promise<EarlierOutput | undefined> {
    if (this.attempt === 1) return undefined
    const { attempt, text } = await readOutput(this.#core, this.taskId)
    return attempt === 0 || attempt >= this.attempt ? undefined : { attempt, text }
  }

  async addUsage(usage: Usage): Promise<void> {
    const { model, inputTokens, outputTokens, cost, subject, call, isEstimated } = validUsage(usage)
    const { attempt, record } = this
    const at = this.#core.store.tasks.now()
    const tokens = { inputTokens, outputTokens }
    const named = defined({ subject, call, isEstimated })
    const row: UsageRow = { id: randomUUID(), at, attempt, model, ...tokens, ...defined({ cost }), ...named }
    const write = () => this.#core.store.attempts.usage(this.taskId, [row])
    await this.#storing(() => retryUntilStored(write, retryOf(this.#core, this.held, { lateMs: paidLateMs })))
    if (isEstimated !== true || call === undefined) return
    const known = needOf({ tokens: inputTokens + outputTokens, ...defined({ cost }) })
    await this.#core.budgets.settleEarlier({ record, call }, known)
  }

  submitSubTask<A extends Schema, B extends Schema>(
    type: TaskType<A, B>,
    parameters: In<A>,
    options: SubTaskOptions,
  ): Promise<SubTask<A, B>> {
    return this.#remember(async () => {
      checkKey(options.key, 'sub-task')
      const { subTask, isNew } = await submitSubTask(this.#core, this.held, type, { ...options, parameters })
      this.#requireHeld()
      this.hasSubTasks = true
      if (isNew) this.submittedSubTasks = true
      if (!subTask.done) this.sawLiveSubTask = true
      return subTask
    })
  }

  submitSubTasks<A extends Schema, B extends Schema>(
    type: TaskType<A, B>,
    items: Iterable<SubTaskItem<A>>,
  ): Promise<SubTasksSubmitted> {
    return this.#remember(async () => {
      const { created, found, live, refused } = await submitSubTasks(this.#core, this.held, type, items)
      this.#requireHeld()
      this.hasSubTasks ||= created + found > 0
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

  /** Submits, and remembers that until it has ended. */
  #remember<T>(submit: () => Promise<T>): Promise<T> {
    this.#submitting ??= new Set()
    const submission = submit()
    const submitting = this.#submitting.add(submission)
    const ended = () => {
      submitting.delete(submission)
      this.progressed()
    }
    submission.then(ended, ended)
    return submission
  }

  #report(): Reports {
    this.#reports ??= new Reports(this.#core, this.held)
    return this.#reports
  }

  async #runStep<T>(
    key: string,
    step: () => Awaitable<T>,
    { retry, isProgress = true, ofTask = false }: StepOptions,
  ): Promise<T> {
    const storedKey = ofTask ? key : storedKeyOf(this.record, key)
    const stored = (await this.#checkpoints()).get(storedKey)
    if (stored !== undefined) return decode(stored) as T
    const value = await (retry === undefined
      ? step()
      : this.#tryStep(key, step, retryPolicy(retry, stepRetryPolicy)))
    const { taskId, attempt } = this
    const text = await takeTurn(() => encoded(key, value))
    const write: CheckpointWrite = { taskId, attempt, key: storedKey, value: text }
    const checkpoint = isProgress ? write : { ...write, isMark: true }
    const send = () => this.#core.store.attempts.checkpoint([checkpoint])
    const [applied] = await this.#storing(() => retryUntilStored(send, retryOf(this.#core, this.held)))
    if (applied !== 'applied') {
      foundStale(this.#core, this.held)
      throw this.#notHeld()
    }
    if (isProgress) {
      this.record.checkpointAttempt = this.attempt
      this.progressed()
    }
    return value
  }

  /** Waits for a write: while the store is away, it is not the handler that stalls. */
  async #storing<T>(write: () => Promise<T>): Promise<T> {
    this.writes += 1
    try {
      return await write()
    } finally {
      this.writes -= 1
      this.progressed()
    }
  }

  /** Runs a step, again and again as its policy says while it fails with what can pass. */
  async #tryStep<T>(key: string, step: () => Awaitable<T>, policy: RetryPolicy): Promise<T> {
    const { clock, random, store } = this.#core
    for (let failures = 1; ; failures += 1) {
      try {
        return await step()
      } catch (error) {
        const now = store.tasks.now()
        const { errorClass, info, notBefore = now } = classifyError(error, now)
        const canPass = errorClass === 'retryable' || errorClass === 'timeout'
        const waitMs = Math.max(backoffMs(policy, failures, random()), notBefore - now)
        // A longer wait ends the attempt, so that it holds no slot.
        const isTooLong = notBefore - now > Math.max(...policy.backoff)
        if (!canPass || isTooLong || failures >= policy.maxAttempts || this.signal.aborted) throw error
        this.logInfo(`The step "${key}" failed and is tried again in ${waitMs} ms: ${info.message}`, {
          code: info.code,
        })
        await this.#pause(clock, waitMs)
        if (this.signal.aborted) throw error
      }
    }
  }

  /** Resolves after a time, or when the attempt is interrupted. */
  #pause(clock: Core['clock'], waitMs: number): Promise<void> {
    return new Promise(resolve => {
      const go = () => {
        cancelTimer()
        this.signal.removeEventListener('abort', go)
        resolve()
      }
      const cancelTimer = clock.after(waitMs, go)
      this.signal.addEventListener('abort', go, { once: true })
    })
  }

  /** Returns the stored checkpoints; a first attempt without any reads none. */
  #checkpoints(): Promise<ReadonlyMap<string, string>> {
    const none = this.attempt === 1 && this.record.checkpointAttempt === undefined
    this.#stored ??= none ? Promise.resolve(new Map()) : this.#core.store.attempts.checkpoints(this.taskId)
    return this.#stored
  }

  /** A store that was away may have answered when the lease was over: a handler that waited for it must not go on. */
  #requireHeld(): void {
    const { interruption } = this.held
    if (interruption === 'lease-lost' || interruption === 'lease-expired') throw this.#notHeld()
  }

  #notHeld(): QuillworkError {
    const message = `Attempt ${this.attempt} no longer holds task ${this.taskId}; stop working on it.`
    return new QuillworkError('ATTEMPT_STALE', message)
  }
}

function checkKey(key: string, what: string): void {
  if (key.length > 0 && key.length <= longestKey && !key.includes(scopeEnd)) return
  throw new QuillworkError(
    'OPTION_INVALID',
    `The key of a ${what} must have 1 to ${longestKey} characters, and no U+001F.`,
  )
}

/** Characters of an encoded value: a database keeps it in one document, of 16 MB at most. */
const longestCheckpoint = 4_000_000

/** Returns the text of a checkpoint. Throws CHECKPOINT_TOO_LARGE: no store would ever take it. */
function encoded(key: string, value: unknown): string {
  const text = encode(value)
  if (text.length <= longestCheckpoint) return text
  const message = `The value of the step "${key}" has ${text.length} characters, and a checkpoint may have ${longestCheckpoint}. Keep it elsewhere, and what names it as the checkpoint; or take smaller steps.`
  throw new QuillworkError('CHECKPOINT_TOO_LARGE', message)
}
