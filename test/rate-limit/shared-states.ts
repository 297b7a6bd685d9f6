/** A place for accounts in memory that is as slow and as unreliable as a test wants it. */
import type { Clock } from '../../src/runtime/clock.ts'
import type { SharedText, SharedTexts } from '../../src/runtime/shared-account.ts'
import { start, Timeline } from './load.ts'

/** A clock for thousands of timers: it jumps from one to the next, and lets what a timer set off come to rest. */
export function timelineClock() {
  const events = new Timeline()
  return {
    now: () => start + events.now,
    after: (ms: number, callback: () => void) =>
      events.add(events.now + Math.max(0, ms), async () => {
        callback()
        await nextTurn()
        await nextTurn()
      }),
    /** Lets time pass until so many milliseconds after the start. */
    async runUntil(end: number): Promise<void> {
      await nextTurn()
      await events.run(end)
    },
  }
}

/** How a place behaves; each share is from 0 to 1. */
export interface Trouble {
  /** The longest way there, and back; milliseconds. */
  slowMs?: number
  /** Share of operations that are not executed, and fail. */
  fails?: number
  /** Share of saves that are executed, and fail all the same. */
  forgets?: number
  /** Share of saves that come after another process's: they are refused, and nothing is written. */
  late?: number
}

/** A place that several limiters share. */
export class SharedPlace implements SharedTexts {
  loads = 0
  /** The keys that were loaded. */
  readonly loaded: string[] = []
  saves = 0
  conflicts = 0
  trouble: Trouble
  readonly #states = new Map<string, SharedText>()
  readonly #clock: Pick<Clock, 'after'>
  readonly #random: () => number

  /** @param random From 0 to 1. */
  constructor(clock: Pick<Clock, 'after'>, random: () => number, trouble: Trouble = {}) {
    this.#clock = clock
    this.#random = random
    this.trouble = trouble
  }

  async load(keys: readonly string[]): Promise<SharedText[]> {
    this.loads += 1
    this.loaded.push(...keys)
    await this.#way()
    this.#failSometimes(this.trouble.fails)
    const found = keys.map(key => this.#states.get(key) ?? { key, state: '', version: 0 })
    await this.#way()
    return found
  }

  async save({ key, state, version }: SharedText): Promise<boolean> {
    this.saves += 1
    await this.#way()
    this.#failSometimes(this.trouble.fails)
    const isCurrent = (this.#states.get(key)?.version ?? 0) === version && !this.#happens(this.trouble.late)
    if (isCurrent) this.#states.set(key, { key, state, version: version + 1 })
    else this.conflicts += 1
    this.#failSometimes(this.trouble.forgets)
    await this.#way()
    return isCurrent
  }

  async #way(): Promise<void> {
    const { slowMs = 0 } = this.trouble
    if (slowMs > 0) await new Promise<void>(resolve => this.#clock.after(this.#random() * slowMs, resolve))
  }

  #failSometimes(share = 0): void {
    if (this.#happens(share)) throw new Error('the place failed')
  }

  #happens(share = 0): boolean {
    return this.#random() < share
  }
}

/** Pseudo-random numbers from 0 to 1, the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The next turn of the event loop: whoever is under way goes first. */
function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
