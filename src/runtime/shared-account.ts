/** An account in a place that several processes share: what one process wants of it at one moment is one load and one save. */
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
  /** The account of a text, of the caller's own; an unused one for a text that is empty or cannot be read. */
  read(text: string, now: number): Kept<State>
  /** The text of an account after the write of that name. */
  write(kept: Kept<State>, write: string): string
}

/**
 * Changes a state; returns whether anything is worth saving. It may run several times, each time on a fresh state, and only the last run
 * counts. One that throws must not have changed anything: its caller gets the error, and no other is harmed.
 */
export type Change<State> = (state: State, now: number) => boolean

/** Done and durable; not done, because others wrote at every try; or not done as far as is known, because the place failed. */
export type Outcome = { done: true } | { done: false; error?: unknown }

/** Tries of one save. */
const mostTries = 12
/** The longest wait before the next try, in milliseconds; the first are shorter. */
const longestWait = 200
/** Writes that an account remembers, so that a writer without an answer recognises its own. */
const mostWrites = 16

/** The names of the writes of an account after one more. */
export function writesAfter(writes: readonly string[], write: string): string[] {
  return [write, ...writes].slice(0, mostWrites)
}

interface Waiting<State> {
  change: Change<State>
  resolve(outcome: Outcome): void
  reject(error: unknown): void
}

/** What an account is made from. */
export interface SharedAccountOptions<State> {
  key: string
  states: SharedTexts
  codec: AccountCodec<State>
  clock: Pick<Clock, 'now' | 'after'>
  /** A fresh name for a write, among all processes. */
  nextName(): string
  /** Called with each state that was loaded or written, which is the listener's own. */
  onSeen(state: State): void
}

/** The changes that one process makes to one key. */
export class SharedAccount<State> {
  readonly #options: SharedAccountOptions<State>
  #waiting: Waiting<State>[] = []
  #isBusy = false
  #version = 0

  constructor(options: SharedAccountOptions<State>) {
    this.#options = options
  }

  /** Rejects only with what the change itself throws. */
  change(change: Change<State>): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject })
      if (this.#isBusy) return
      this.#isBusy = true
      queueMicrotask(() => void this.#work())
    })
  }

  /** A state that was read on the side; one that is older than what is known says nothing. */
  saw({ state, version }: SharedText): void {
    if (version < this.#version || version === 0) return
    this.#version = version
    this.#options.onSeen(this.#options.codec.read(state, this.#options.clock.now()).state)
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
    const name = this.#options.nextName()
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
    // A save whose outcome was unknown had been executed: what the changes answered then stands.
    if (kept.writes.includes(name)) return this.#is(kept, loaded.version)
    const isChanged = batch.map(one => run(one, kept.state, now)).includes(true)
    if (!isChanged) return this.#is(kept, loaded.version)
    if (!(await states.save({ key, state: codec.write(kept, name), version: loaded.version }))) return false
    return this.#is(kept, loaded.version + 1)
  }

  #is({ state }: Kept<State>, version: number): true {
    this.#version = Math.max(this.#version, version)
    this.#options.onSeen(state)
    return true
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => this.#options.clock.after(ms, resolve))
  }
}

function run<State>({ change, reject }: Waiting<State>, state: State, now: number): boolean {
  try {
    return change(state, now)
  } catch (error) {
    reject(error)
    return false
  }
}
