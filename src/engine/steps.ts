/** The steps of one attempt: each runs once for the task, and a later attempt gets its stored value. */
import { takeTurn } from '../runtime/cooperate.ts'
import { retryUntilStored } from '../runtime/retry-until-stored.ts'
import type { CheckpointWrite } from '../store/store.ts'
import { finishedSteps, scopeEnd, storedKeyOf } from '../task/checkpoint-scope.ts'
import { classifyError } from '../task/classify.ts'
import { decode, encode } from '../task/codec.ts'
import type { Awaitable, StepOptions } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import { backoffMs, type RetryPolicy, retryPolicy, stepRetryPolicy } from '../task/retry-policy.ts'
import type { Applied } from '../task/transition.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'
import { foundStale, retryOf } from './settle.ts'

/** Longest key of a checkpoint, a wait or a sub-task, in characters. */
export const longestKey = 200
/** Begins the keys of steps that the engine makes itself. */
export const ownKeyPrefix = 'ctx.'

/** Throws OPTION_INVALID for a key that no step, sub-task or call can have. One with half a surrogate pair comes back from a store as another. */
export function checkKey(key: string, what: string): void {
  const isText = typeof key === 'string' && key.isWellFormed() && !key.includes(scopeEnd)
  if (isText && key.length > 0 && key.length <= longestKey) return
  throw new QuillworkError(
    'OPTION_INVALID',
    `The key of a ${what} must have 1 to ${longestKey} characters, no U+001F, and no half surrogate pair.`,
  )
}

/** Throws OPTION_INVALID for a key that no checkpoint of a handler can have. */
export function checkStepKey(key: string): void {
  checkKey(key, 'checkpoint')
  if (!key.startsWith(ownKeyPrefix)) return
  const message = `The key of a checkpoint must not begin with "${ownKeyPrefix}": the steps of the context itself do.`
  throw new QuillworkError('OPTION_INVALID', message)
}

/** What of an attempt's context its steps need. */
interface Stepping {
  readonly held: Attempt
  logInfo(message: string, fields?: object): void
  /** The handler goes on. */
  progressed(): void
  /** Does something after which the handler goes on. */
  during<T>(work: () => Promise<T>): Promise<T>
  /** Waits for the store. */
  storing<T>(write: () => Promise<T>): Promise<T>
  /** Returns the error of an attempt that lost its task. */
  notHeld(): QuillworkError
}

/** The steps of one attempt. */
export class Steps {
  readonly #core: Core
  readonly #context: Stepping
  readonly #running = new Map<string, Promise<unknown>>()
  /** The step, or the call of a model, that is being called right now. */
  #calling: string | undefined
  #stored: Promise<ReadonlyMap<string, string>> | undefined

  constructor(core: Core, context: Stepping) {
    this.#core = core
    this.#context = context
  }

  /** Returns the stored value of a step, or what it returns now. Throws what the step throws, CHECKPOINT_TOO_LARGE, ATTEMPT_STALE. */
  run<T>(key: string, step: () => Awaitable<T>, options: StepOptions = {}): Promise<T> {
    const running = this.#running.get(key) as Promise<T> | undefined
    if (running !== undefined) return running
    const run = this.#context.during(() => this.#run(key, step, options))
    this.#running.set(key, run)
    run.catch(() => this.#running.delete(key))
    return run
  }

  /** Returns the stored values as codec text by stored key, those of other parameters among them; a first attempt without any reads none. */
  stored(): Promise<ReadonlyMap<string, string>> {
    const { attempt, checkpointAttempt } = this.#context.held.record
    const none = attempt === 1 && checkpointAttempt === undefined
    this.#stored ??= none ? Promise.resolve(new Map()) : this.#read()
    return this.#stored
  }

  /** A store that is away for a while fails no attempt. What could not be read is read again by the next step. */
  #read(): Promise<ReadonlyMap<string, string>> {
    const { held } = this.#context
    const read = () => this.#core.store.attempts.checkpoints(held.record.id)
    const reading = this.#context.storing(() => retryUntilStored(read, retryOf(this.#core, held)))
    reading.catch(() => {
      this.#stored = undefined
    })
    return reading
  }

  /** Returns the value that a step had when the attempt began; undefined where it had none. */
  async storedValue(key: string): Promise<unknown> {
    const text = (await this.stored()).get(storedKeyOf(this.#context.held.record, key))
    return text === undefined ? undefined : decode(text)
  }

  /** Returns the keys of the steps that had values when the attempt began. */
  async storedKeys(): Promise<string[]> {
    return finishedSteps(this.#context.held.record, (await this.stored()).keys())
  }

  /** Deletes the values of steps that the task will never ask for again: they take no space from then on, here and in the store. Throws ATTEMPT_STALE. */
  async forget(keys: readonly string[]): Promise<void> {
    const { record } = this.#context.held
    const storedKeys = keys.map(key => storedKeyOf(record, key))
    const write = { taskId: record.id, attempt: record.attempt, keys: storedKeys }
    await this.#write(() => this.#core.store.attempts.forget([write]))
    for (const key of keys) this.#running.delete(key)
  }

  /** Writes until the store answers. Throws ATTEMPT_STALE where the attempt has lost its task. */
  async #write(send: () => Promise<Applied[]>): Promise<void> {
    const { held } = this.#context
    const [applied] = await this.#context.storing(() => retryUntilStored(send, retryOf(this.#core, held)))
    if (applied === 'applied') return
    foundStale(this.#core, held)
    throw this.#context.notHeld()
  }

  /** Throws OPTION_INVALID within a step: one that waits would never end. */
  requireNone(what: string): void {
    if (this.#calling === undefined) return
    const message = `${what} is called within ${this.#calling}; a wait is a step of its own, so call it outside.`
    throw new QuillworkError('OPTION_INVALID', message)
  }

  async #run<T>(
    key: string,
    step: () => Awaitable<T>,
    { retry, isProgress = true, ofTask = false }: StepOptions,
  ): Promise<T> {
    const { held } = this.#context
    const { record } = held
    const storedKey = ofTask ? key : storedKeyOf(record, key)
    const stored = (await this.stored()).get(storedKey)
    if (stored !== undefined) return decode(stored) as T
    const value = await (retry === undefined
      ? this.call(nameOf(key), step)
      : this.#try(key, step, retryPolicy(retry, stepRetryPolicy)))
    const { id: taskId, attempt } = record
    const text = await takeTurn(() => encoded(key, value))
    const write: CheckpointWrite = { taskId, attempt, key: storedKey, value: text }
    const checkpoint = isProgress ? write : { ...write, isMark: true }
    await this.#write(() => this.#core.store.attempts.checkpoint([checkpoint]))
    if (isProgress) {
      record.checkpointAttempt = attempt
      this.#context.progressed()
    }
    return value
  }

  /**
   * Calls a step: a wait is refused that it calls before it awaits anything. To know the later ones costs three times as much for each promise of the
   * process, by Node 20; see `noteHeldUp`.
   */
  call<T>(name: string, step: () => Awaitable<T>): Awaitable<T> {
    this.#calling = name
    try {
      return step()
    } finally {
      this.#calling = undefined
    }
  }

  /** Runs a step, again and again as its policy says while it fails with what can pass. */
  async #try<T>(key: string, step: () => Awaitable<T>, policy: RetryPolicy): Promise<T> {
    const { random, store } = this.#core
    const { signal } = this.#context.held
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.call(nameOf(key), step)
      } catch (error) {
        const now = store.tasks.now()
        const { errorClass, info, notBefore = now } = classifyError(error, now)
        const canPass = errorClass === 'retryable' || errorClass === 'timeout'
        const waitMs = Math.max(backoffMs(policy, failures, random()), notBefore - now)
        // A longer wait ends the attempt, so that it holds no slot.
        const isTooLong = notBefore - now > Math.max(...policy.backoff)
        if (!canPass || isTooLong || failures >= policy.maxAttempts || signal.aborted) throw error
        this.#context.logInfo(
          `The step "${key}" failed and is tried again in ${waitMs} ms: ${info.message}`,
          {
            code: info.code,
          },
        )
        await this.#context.held.until(go => [this.#core.clock.after(waitMs, go)])
        if (signal.aborted) throw error
      }
    }
  }
}

function nameOf(key: string): string {
  return `the step "${key}"`
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
