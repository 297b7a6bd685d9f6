/**
 * How a handler waits for a signal or a time without holding a slot, and how a signal reaches its task. A wait is a step: what ended it is its
 * checkpoint, so a later attempt gets the same answer. The attempt ends when the handler has nothing else to do; the task comes back when a signal
 * that it waits for is in its record, or the time is over.
 */
import { randomUUID } from 'node:crypto'
import { retryUntilStored } from '../runtime/retry-until-stored.ts'
import { scopeEnd } from '../task/checkpoint-scope.ts'
import { decode, encode } from '../task/codec.ts'
import { defined } from '../task/defined.ts'
import type { Out, Schema, SignalOptions, SleepOptions, WaitOptions } from '../task/definition.ts'
import { type Duration, durationMs } from '../task/duration.ts'
import { QuillworkError } from '../task/errors.ts'
import { parseWith } from '../task/schema.ts'
import { hasEnded } from '../task/status.ts'
import type { Signal, TaskRecord, Wait } from '../task/task.ts'
import { messageOf } from '../task/thrown.ts'
import { signalled, type WaitOutcome, withoutPayloads } from '../task/wait-transitions.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'
import { readTask, requireVersion } from './read-task.ts'
import { retryOf } from './settle.ts'
import { longestKey, ownKeyPrefix, type Steps } from './steps.ts'

/** Within the key of a wait for a signal. */
const waitForKey = `${ownKeyPrefix}waitFor `
/** Within the key of a wait for a time. */
const sleepKey = `${ownKeyPrefix}sleep`
/** Returns the key of the step of a sleep that has a key of its own. */
export const sleepStep = (own: string) => `${sleepKey} ${JSON.stringify(own)}`
/** Ends the key of the step of a wait that no signal ended. */
const timedOutKey = ' timed out'

/** What of an attempt's context its waits need. */
interface Waiting {
  readonly held: Attempt
  readonly record: TaskRecord
  readonly steps: Steps
  /** Waits for the store. */
  storing<T>(read: () => Promise<T>): Promise<T>
  logError(message: string, fields?: object): void
}

/** The step of a wait that a signal ended. */
interface Taken {
  signal: string
  payload: unknown
}

/** The waits of one attempt. */
export class Waits {
  readonly #core: Core
  readonly #waiter: Waiting
  /** What the handler waits for now, with the signals as they were when it began to. */
  readonly #pending = new Map<string, { wait: Wait; seen?: NonNullable<WaitOutcome['seen']> }>()
  readonly #ordinals = new Map<string, number>()
  /** The looks of the waits that the handler has called, by their keys. */
  readonly #looks = new Map<string, Promise<unknown>>()
  /** Ids of the signals that the task has taken. */
  #taken: Set<string> | undefined
  /** Ids of those that a wait of this attempt refused; another one may take them. */
  readonly #refused = new Set<string>()
  /** Waits look one after the other, in the order of their calls: so each attempt hands out the signals alike. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(core: Core, waiter: Waiting) {
    this.#core = core
    this.#waiter = waiter
  }

  /** Whether the handler waits. */
  get isPending(): boolean {
    return this.#pending.size > 0
  }

  /** Returns what the handler waits for, now that its attempt ends. */
  outcome(): WaitOutcome {
    const pending = [...this.#pending.values()]
    // What the first of them saw: where a signal came since, they look again.
    const [first] = pending
      .flatMap(({ seen }) => seen ?? [])
      .toSorted((a, b) => a.signalCount - b.signalCount)
    const waits = pending.map(({ wait }) => wait)
    if (first === undefined) return { waits }
    const done = new Set([...(this.#taken ?? []), ...this.#refused])
    return { waits, seen: { ...first, signals: withoutPayloads(first.signals, done) } }
  }

  /** Returns the payload of the next signal of a name; undefined where the handler has to wait for it. Throws SIGNAL_TIMEOUT, SIGNAL_INVALID, OPTION_INVALID. */
  async signal<T extends Schema>(
    name: string,
    { schema, timeout, key: ownKey }: WaitOptions<T>,
  ): Promise<{ payload: Out<T> } | undefined> {
    checkText('name of a signal', name)
    const kind = `${waitForKey}${JSON.stringify(name)}`
    const key = this.#keyOf(kind, ownKey)
    const timeoutMs = timeout === undefined ? undefined : durationMs(timeout, 'timeout')
    const taken = await this.#inTurn(key, () => this.#take(key, name, { schema, timeoutMs }))
    if (taken === undefined) return undefined
    const problem = `The signal "${name}" that the task took`
    return { payload: (await parseWith(schema, taken.payload, 'SIGNAL_INVALID', problem)) as Out<T> }
  }

  /** Returns whether the time is over. Throws OPTION_INVALID. */
  async time(duration: Duration, { key: ownKey }: SleepOptions): Promise<boolean> {
    const ms = durationMs(duration, 'the time to sleep')
    const key = this.#keyOf(sleepKey, ownKey)
    return this.#inTurn(key, async () => {
      if ((await this.#waiter.steps.storedValue(key)) !== undefined) return true
      const until = this.#earlierUntil(key) ?? this.#now() + ms
      if (this.#now() < until) {
        this.#pending.set(key, { wait: { key, until } })
        return false
      }
      return this.#waiter.steps.run(key, () => true)
    })
  }

  async #take(
    key: string,
    name: string,
    { schema, timeoutMs }: { schema: Schema; timeoutMs: number | undefined },
  ): Promise<Taken | undefined> {
    const stored = await this.#waiter.steps.storedValue(key)
    if (stored !== undefined) return stored as Taken
    const ended = await this.#timedOutStep(key)
    if (ended.isStored) throw timedOut(key)
    const { signals = [], signalCount = 0 } = await this.#present()
    const signal = await this.#nextOf(signals, name, schema)
    if (signal !== undefined) return this.#waiter.steps.run(key, () => signal)
    const until = this.#earlierUntil(key) ?? (timeoutMs === undefined ? undefined : this.#now() + timeoutMs)
    if (until !== undefined && this.#now() >= until) {
      await this.#waiter.steps.run(ended.key, () => this.#waiter.record.attempt)
      throw timedOut(key)
    }
    this.#pending.set(key, {
      wait: { key, signal: name, ...defined({ until }) },
      seen: { signals, signalCount },
    })
    return undefined
  }

  /** Returns the record as it is now, also from a store that is away for a while. */
  #present(): Promise<TaskRecord> {
    const { held, record } = this.#waiter
    const read = () => readTask(this.#core, record.id)
    return this.#waiter.storing(() => retryUntilStored(read, retryOf(this.#core, held)))
  }

  /** Returns the first signal of a name that no wait has taken and whose payload the schema accepts. */
  async #nextOf(signals: readonly Signal[], name: string, schema: Schema): Promise<Taken | undefined> {
    this.#taken ??= takenBy(await this.#waiter.steps.stored())
    for (const { id, name: its, payload: text } of signals) {
      if (its !== name || text === undefined || this.#taken.has(id)) continue
      const payload = decode(text)
      try {
        await parseWith(schema, payload, 'SIGNAL_INVALID', `The signal "${name}"`)
      } catch (error) {
        this.#refused.add(id)
        this.#waiter.logError(`The task goes on waiting: ${messageOf(error)}`, { signal: id })
        continue
      }
      this.#taken.add(id)
      return { signal: id, payload }
    }
    return undefined
  }

  /**
   * Returns the step that says that a wait ended without a signal, and whether it is stored. One for which the task failed, in that attempt or in
   * a later one, and which a person then retried, counts no longer: the wait has a next one. So of several only the last may count.
   */
  async #timedOutStep(key: string): Promise<{ key: string; isStored: boolean }> {
    const { deadLetterHistory = [] } = this.#waiter.record
    const { message } = timedOut(key)
    const isRetried = (since: number) =>
      deadLetterHistory.some(
        ({ attempt, error }) =>
          attempt >= since && (error.message === message || error.causes?.includes(message) === true),
      )
    for (let number = 1, last: number | undefined; ; number++) {
      const step = `${key}${timedOutKey}${number === 1 ? '' : ` ${number}`}`
      const attempt = (await this.#waiter.steps.storedValue(step)) as number | undefined
      if (attempt === undefined) return { key: step, isStored: last !== undefined && !isRetried(last) }
      last = attempt
    }
  }

  /** The same wait of an earlier attempt ends when it would have. */
  #earlierUntil(key: string): number | undefined {
    return this.#waiter.record.waits?.find(wait => wait.key === key)?.until
  }

  /** Returns the key of the step of a wait: by its own key, or as the next one of its kind. The hook has waits of its own. */
  #keyOf(kind: string, own: string | undefined): string {
    if (own !== undefined) checkText('key of a wait', own, longestKey)
    const ordinal = (this.#ordinals.get(kind) ?? 0) + 1
    if (own === undefined) this.#ordinals.set(kind, ordinal)
    const key =
      own === undefined ? `${kind}${ordinal === 1 ? '' : ` ${ordinal}`}` : `${kind} ${JSON.stringify(own)}`
    return this.#waiter.record.phase === 'reducing' ? `${key} of the hook` : key
  }

  /** One that is called twice by its key is one wait. */
  #inTurn<T>(key: string, look: () => Promise<T>): Promise<T> {
    const begun = this.#looks.get(key) as Promise<T> | undefined
    if (begun !== undefined) return begun
    const turn = this.#turn.then(look)
    this.#looks.set(key, turn)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  #now(): number {
    return this.#core.store.tasks.now()
  }
}

/** Returns the ids of the signals that ended waits, as the stored steps say; also those of parameters that a person changed: one ends one wait. */
function takenBy(stored: ReadonlyMap<string, string>): Set<string> {
  const taken = new Set<string>()
  for (const [key, text] of stored) {
    if (!key.slice(key.indexOf(scopeEnd) + 1).startsWith(waitForKey)) continue
    const step = decode(text) as Taken | number
    if (typeof step === 'object') taken.add(step.signal)
  }
  return taken
}

/** Its message tells the waits of a task apart. */
function timedOut(key: string): QuillworkError {
  const message = `The signal ${key.slice(waitForKey.length)} did not come in time. A retry waits for it anew.`
  return new QuillworkError('SIGNAL_TIMEOUT', message)
}

/** Longest name of a signal, in characters. */
const longestName = 100
/** Longest id, in characters. */
const longestId = 255
/** Longest payload, in characters of its stored text. */
const longestPayload = 65_536
/** Signals that a task may not have taken yet: in all, and of one name that it waits for. */
const mostUntaken = 32
/** Tries to signal a task that changes meanwhile. */
const mostTries = 20

function checkText(what: string, text: string, longest = longestName): void {
  if (text.length > 0 && text.length <= longest && !/[\p{Cc}\p{Cs}]/u.test(text)) return
  const message = `The ${what} must have 1 to ${longest} characters, no control characters, and no half surrogate pair.`
  throw new QuillworkError('OPTION_INVALID', message)
}

/**
 * Tells a task something. It is in the record when this resolves; the handler takes it with its next `waitFor` of that name. Returns whether it is
 * new: a signal with an id that came before changes nothing. Throws TASK_NOT_FOUND, TASK_ALREADY_ENDED, TASK_CHANGED, SIGNAL_TOO_LARGE,
 * SIGNALS_FULL, VALUE_NOT_STORABLE, OPTION_INVALID.
 */
export async function signalTask(
  core: Core,
  taskId: string,
  name: string,
  payload: unknown,
  { id = randomUUID(), ifVersion }: SignalOptions,
): Promise<{ isNew: boolean }> {
  checkText('name of a signal', name)
  checkText('id of a signal', id, longestId)
  const text = encode(payload)
  if (text.length > longestPayload) {
    const message = `The payload of the signal has ${text.length} characters, and may have ${longestPayload}. Keep it elsewhere, and send what names it.`
    throw new QuillworkError('SIGNAL_TOO_LARGE', message)
  }
  for (let tries = 0; tries < mostTries; tries++) {
    const record = await readTask(core, taskId)
    if (record.signals?.some(signal => signal.id === id)) return { isNew: false }
    requireLive(record, ifVersion)
    const at = core.store.tasks.now()
    const told = signalled(await withRoom(core, record, name), { id, name, at, payload: text }, at)
    const [applied] = await core.store.tasks.apply([
      ifVersion === undefined ? told : { ...told, fence: { version: ifVersion } },
    ])
    if (applied !== 'applied') continue
    core.wakeRelay()
    return { isNew: true }
  }
  throw new QuillworkError('TASK_CHANGED', `Task ${taskId} keeps changing; try again.`)
}

function requireLive(record: TaskRecord, ifVersion: number | undefined): void {
  const { id, status } = record
  if (hasEnded(status)) {
    throw new QuillworkError('TASK_ALREADY_ENDED', `Task ${id} ended ${status}, so it takes no signal.`)
  }
  requireVersion(record, ifVersion)
}

/**
 * Returns the record as it has room for one more signal. Those that nothing waits for keep out none that the task waits for. Throws SIGNALS_FULL.
 */
async function withRoom(core: Core, record: TaskRecord, name: string): Promise<TaskRecord> {
  const { id, waits = [] } = record
  const isAwaited = waits.some(({ signal }) => signal === name)
  const isFull = ({ signals = [] }: TaskRecord) =>
    signals.filter(signal => signal.payload !== undefined && (!isAwaited || signal.name === name)).length >=
    mostUntaken
  if (!isFull(record)) return record
  // Of those that the running attempt has taken the record has the payloads until it ends.
  const taken = takenBy(await core.store.attempts.checkpoints(id))
  const told = { ...record, signals: withoutPayloads(record.signals ?? [], taken) }
  if (!isFull(told)) return told
  const message = `Task ${id} has ${mostUntaken} signals that it did not take yet. Send the next when it has taken one.`
  throw new QuillworkError('SIGNALS_FULL', message)
}
