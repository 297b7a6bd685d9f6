/** Virtual time: timers are called in the order of their times, and nothing waits. */
import type { Clock } from '../../../src/runtime/clock.ts'

const real = { setTimeout, clearTimeout, setImmediate }

/** `unref` as of a timer of Node: none keeps a process alive here. */
interface Timer {
  at: number
  call: (() => void) | undefined
  unref(): Timer
}

/** The time of one simulation, in milliseconds from its beginning. It begins above 0, so that no time is taken for none. */
export class VirtualTime {
  now = 1_000_000
  /** The next one last. */
  readonly #timers: Timer[] = []
  #seed = 1

  /** The same time for those who get it as a parameter. */
  readonly clock: Clock = {
    now: () => this.now,
    monotonic: () => this.now,
    after: (ms, callback) => {
      const timer = this.timer(ms, callback)
      return () => {
        timer.call = undefined
      }
    },
    stayAlive: () => () => undefined,
  }

  /** Calls back after so many milliseconds; of those of the same time the first that was asked for first. */
  after(ms: number, call: () => void): Timer {
    const timer: Timer = { at: this.now + Math.max(0, ms), call, unref: () => timer }
    let [from, to] = [0, this.#timers.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.#timers[middle]?.at ?? 0) > timer.at) from = middle + 1
      else to = middle
    }
    this.#timers.splice(from, 0, timer)
    return timer
  }

  /** A timer of Node: it ends with a whole millisecond. */
  timer(ms: number, call: () => void): Timer {
    return this.after(Math.ceil(this.now + ms) - this.now, call)
  }

  sleep(ms: number): Promise<void> {
    return new Promise(resolve => this.after(ms, resolve))
  }

  /** Returns between half and one and a half of a time, by chance: what is sent together does not arrive together. The same in each run (mulberry32). */
  about(ms: number): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ms * (0.5 + ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32)
  }

  /** Runs `work` and what it starts, until it has ended. Code that asks the system for the time or for a timer gets this one meanwhile. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const now = performance.now
    Object.assign(globalThis, {
      setTimeout: (call: () => void, ms = 0) => this.timer(ms, call),
      clearTimeout(timer: Timer | undefined) {
        if (timer !== undefined) timer.call = undefined
      },
      setImmediate: (call: () => void) => this.after(0, call),
    })
    performance.now = () => this.now
    try {
      let isOver = false
      const working = work().finally(() => {
        isOver = true
      })
      while (!isOver) await this.#step()
      return await working
    } finally {
      Object.assign(globalThis, real)
      performance.now = now
    }
  }

  async #step(): Promise<void> {
    const next = this.#timers.pop()
    if (next?.call !== undefined) {
      this.now = next.at
      next.call()
    }
    // Every promise that this resolved is continued before time goes on.
    await new Promise(resolve => real.setImmediate(resolve))
  }
}
