/** An account in a place that several processes share: what one process wants of it at one moment is one load and one save. */
import { randomBytes } from 'node:crypto'
import type { Clock } from './clock.ts'

/** A text by key, guarded by its version. */
export interface SharedText {
  key: string
  state: string
  /** 0 = not there yet. */
  version: number
}

/** Where such texts are kept. */
export interface SharedTexts {
  load(keys: readonly string[]): Promise<readonly SharedText[]>
  /** Writes the text if its version is still the one given, and raises it; returns whether it was. One whose outcome is unknown throws. */
  save(text: SharedText): Promise<boolean>
}

/** What a text holds: the account, and the names of the writes that made it what it is, the newest first. */
export interface Kept<State> {
  state: State
  writes: readonly string[]
}

/** How an account becomes a text and back. */
export interface AccountCodec<State> {
  /** The account of a text, of the caller's own; an unused one for the empty text. Throws what the form throws. */
  read(text: string, now: number): Kept<State>
  /** The text of an account after the write of that name. */
  write(kept: Kept<State>, write: string): string
}

/** What a text of one kind of accounts holds beside its format and the names of its writes. */
export interface AccountForm<State, Fields extends object> {
  /** Raised when the fields change their meaning. */
  format: number
  /** An account that nobody has used. */
  unused(now: number): State
  toFields(state: State): Fields
  ofFields(fields: Fields): State
  /** The account to go on with where a text is damaged (`cause`) or of another format; or throws. */
  unreadable(why: { cause?: unknown; format?: unknown }, now: number): State
}

/** Makes a codec for one kind of accounts. */
export function accountCodec<State, Fields extends object>(
  form: AccountForm<State, Fields>,
): AccountCodec<State> {
  const unknown = (why: { cause?: unknown; format?: unknown }, now: number) => ({
    state: form.unreadable(why, now),
    writes: [],
  })
  return {
    read(text, now) {
      if (text === '') return { state: form.unused(now), writes: [] }
      let parsed: { format?: unknown; writes: readonly string[] } | null
      try {
        parsed = JSON.parse(text)
      } catch (cause) {
        return unknown({ cause }, now)
      }
      if (parsed?.format !== form.format) return unknown({ format: parsed?.format }, now)
      const { format: _, writes, ...fields } = parsed
      return { state: form.ofFields(fields as Fields), writes }
    },
    write({ state, writes }, write) {
      const names = [write, ...writes].slice(0, mostWrites)
      return JSON.stringify({ format: form.format, writes: names, ...form.toFields(state) })
    },
  }
}

/** Names of writes and holds: random for each start of a process, and a number. */
const thisProcess = randomBytes(9).toString('base64url')
let names = 0

/** A fresh name, among all processes. */
export function uniqueName(): string {
  names += 1
  return `${thisProcess}${names.toString(36)}`
}

/**
 * Changes a state; returns whether anything is worth saving. It may run several times, each time on a fresh state, and only the last run
 * counts. `isAgain`: an earlier run may have been written. One that throws must not have changed anything: it rejects the call of `change`,
 * and harms no other.
 */
export type Change<State> = (state: State, now: number, isAgain: boolean) => boolean

/** Done and durable; not done, because others wrote at every try; or not done as far as is known, because the place failed. */
export type Outcome = { done: true } | { done: false; error?: unknown }

/** Tries of one save. */
const mostTries = 12
/** The longest wait before the next try, in milliseconds; the first are shorter. */
const longestWait = 200
/** Writes that an account remembers, so that a writer without an answer recognises its own. */
const mostWrites = 16
/** Milliseconds until a change that could not be made is tried again. */
const againAfter = 1_000

interface Waiting<State> {
  change: Change<State>
  isAgain: boolean
  resolve(outcome: Outcome): void
  reject(error: unknown): void
}

/** What an account is made from. */
export interface SharedAccountOptions<State> {
  key: string
  states: SharedTexts
  codec: AccountCodec<State>
  clock: Pick<Clock, 'now' | 'after'>
  /** Called with each state that was loaded or written, which is the listener's own; with the same one again while nobody changed it. */
  onSeen?(state: State): void
}

/** The changes that one process makes to one key. */
export class SharedAccount<State> {
  readonly #options: SharedAccountOptions<State>
  #waiting: Waiting<State>[] = []
  #isBusy = false
  #version = 0
  /** The state of that version. */
  #seen: State | undefined

  constructor(options: SharedAccountOptions<State>) {
    this.#options = options
  }

  /** Rejects only with what the change itself throws. */
  change(change: Change<State>, isAgain = false): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, isAgain, resolve, reject })
      if (this.#isBusy) return
      this.#isBusy = true
      queueMicrotask(() => void this.#work())
    })
  }

  /** As `change`, tried again for `forMs` milliseconds unless the error is final. Returns the last outcome. */
  async changeSurely(
    change: Change<State>,
    forMs: number,
    isFinal: (error: unknown) => boolean = () => false,
  ): Promise<Outcome> {
    for (let waited = 0; ; waited += againAfter) {
      const outcome = await this.change(change, waited > 0)
      if (outcome.done || waited >= forMs || isFinal(outcome.error)) return outcome
      await this.#pause(againAfter)
    }
  }

  /** A state that was read on the side; one that is older than what is known says nothing. */
  saw({ state, version }: SharedText): void {
    if (version < this.#version || version === 0) return
    const { codec, clock } = this.#options
    // Read several times a second while somebody waits, and rarely changed between two reads.
    if (version > this.#version || this.#seen === undefined) this.#seen = codec.read(state, clock.now()).state
    this.#version = version
    this.#options.onSeen?.(this.#seen)
  }

  /** What arrives while a batch is on its way goes together in the next one. */
  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      const outcome = await this.#write(batch)
      for (const { resolve } of batch) resolve(outcome)
    }
    this.#isBusy = false
  }

  async #write(batch: readonly Waiting<State>[]): Promise<Outcome> {
    const name = uniqueName()
    for (let tries = 1; ; tries += 1) {
      let error: unknown
      try {
        if (await this.#try(batch, name)) return { done: true }
      } catch (cause) {
        error = cause
      }
      if (tries === mostTries) return { done: false, error }
      await this.#pause(Math.ceil(Math.random() * Math.min(longestWait, 2 ** (tries + 2))))
    }
  }

  async #try(batch: readonly Waiting<State>[], name: string): Promise<boolean> {
    const { key, states, clock, codec } = this.#options
    const [loaded = { key, state: '', version: 0 }] = await states.load([key])
    const now = clock.now()
    const kept = codec.read(loaded.state, now)
    // A save whose outcome was unknown had been executed: what the changes returned then stands.
    if (kept.writes.includes(name)) return this.#see(kept, loaded.version)
    const isChanged = batch.map(one => run(one, kept.state, now)).includes(true)
    if (!isChanged) return this.#see(kept, loaded.version)
    if (!(await states.save({ key, state: codec.write(kept, name), version: loaded.version }))) return false
    return this.#see(kept, loaded.version + 1)
  }

  #see({ state }: Kept<State>, version: number): true {
    if (version >= this.#version) [this.#version, this.#seen] = [version, state]
    this.#options.onSeen?.(state)
    return true
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => this.#options.clock.after(ms, resolve))
  }
}

function run<State>({ change, isAgain, reject }: Waiting<State>, state: State, now: number): boolean {
  try {
    return change(state, now, isAgain)
  } catch (error) {
    reject(error)
    return false
  }
}
