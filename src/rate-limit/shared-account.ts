/** One key's account in a place that several processes share: what one process wants of it at one moment is one load and one save. */
import type { Clock } from '../runtime/clock.ts'
import type { KeyState } from './account.ts'
import { accountOf, type KeptAccount, textOf } from './account-text.ts'

/** A text by key, guarded by its version. */
export interface LimiterState {
  key: string
  state: string
  /** 0 = not there yet. */
  version: number
}

/** Where the accounts are kept. */
export interface LimiterStates {
  load(keys: readonly string[]): Promise<readonly LimiterState[]>
  /** Writes the state if its version is still the one given, and raises it; answers whether it was. One whose outcome is unknown throws. */
  save(state: LimiterState): Promise<boolean>
}

/**
 * Changes a state; answers whether anything is worth saving. It may run several times, each time on a fresh state, and only the last run
 * counts. One that throws must not have changed anything: it is told, and harms no other.
 */
export type Change = (state: KeyState, now: number) => boolean

/** Done and durable; not done, because others wrote at every try; or not done as far as is known, because the place failed. */
export type Outcome = { done: true } | { done: false; error?: unknown }

/** Tries of one save. */
const mostTries = 12
/** The longest wait before the next try, in milliseconds; the first are shorter. */
const longestWait = 200

interface Waiting {
  change: Change
  resolve(outcome: Outcome): void
  reject(error: unknown): void
}

/** What an account is made from. */
export interface SharedAccountOptions {
  key: string
  states: LimiterStates
  clock: Pick<Clock, 'now' | 'after'>
  /** A fresh name for a write, among all processes. */
  nextName(): string
  /** Called with each state that was loaded or written, which is the listener's own. */
  onSeen(state: KeyState): void
}

/** The changes that one process makes to one key. */
export class SharedAccount {
  readonly #options: SharedAccountOptions
  #waiting: Waiting[] = []
  #isBusy = false
  #version = 0

  constructor(options: SharedAccountOptions) {
    this.#options = options
  }

  /** Rejects only with what the change itself throws. */
  change(change: Change): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject })
      if (this.#isBusy) return
      this.#isBusy = true
      queueMicrotask(() => void this.#work())
    })
  }

  /** A state that was read on the side; one that is older than what is known says nothing. */
  saw({ state, version }: LimiterState): void {
    if (version < this.#version || version === 0) return
    this.#version = version
    this.#options.onSeen(accountOf(state, this.#options.clock.now()).state)
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

  async #write(batch: readonly Waiting[]): Promise<Outcome> {
    const name = this.#options.nextName()
    for (let tries = 1; ; tries += 1) {
      let error: unknown
      try {
        if (await this.#try(batch, name)) return { done: true }
      } catch (cause) {
        error = cause
      }
      if (tries === mostTries) return { done: false, error }
      await this.#pause(Math.random() * Math.min(longestWait, 2 ** (tries + 2)))
    }
  }

  async #try(batch: readonly Waiting[], name: string): Promise<boolean> {
    const { key, states, clock } = this.#options
    const [loaded = { key, state: '', version: 0 }] = await states.load([key])
    const now = clock.now()
    const kept = accountOf(loaded.state, now)
    // A save whose outcome was unknown had been executed: what the changes answered then stands.
    if (kept.writes.includes(name)) return this.#is(kept, loaded.version)
    const isChanged = batch.map(one => run(one, kept.state, now)).includes(true)
    if (!isChanged) return this.#is(kept, loaded.version)
    if (!(await states.save({ key, state: textOf(kept, name), version: loaded.version }))) return false
    return this.#is(kept, loaded.version + 1)
  }

  #is({ state }: KeptAccount, version: number): true {
    this.#version = Math.max(this.#version, version)
    this.#options.onSeen(state)
    return true
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => this.#options.clock.after(ms, resolve))
  }
}

function run({ change, reject }: Waiting, state: KeyState, now: number): boolean {
  try {
    return change(state, now)
  } catch (error) {
    reject(error)
    return false
  }
}
