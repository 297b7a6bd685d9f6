import type { Clock } from '../runtime/clock.ts'

/**
 * Whose turn it is among tasks whose last attempt crashed: such a one may take its neighbours with it, so a process runs one at a time.
 * Those that come meanwhile wait for a moment in the order in which they came.
 */
export class SuspectTurn {
  readonly #clock: Clock
  readonly #waiting: (() => void)[] = []
  #isTaken = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Tells whether it is the turn of the one that asks: at once, or within so many milliseconds. Whoever has it calls `leave`. */
  enter(ms: number, told: (entered: boolean) => void): void {
    if (!this.#isTaken) {
      this.#isTaken = true
      told(true)
      return
    }
    const go = () => {
      cancelTimer()
      told(true)
    }
    const cancelTimer = this.#clock.after(ms, () => {
      this.#waiting.splice(this.#waiting.indexOf(go), 1)
      told(false)
    })
    this.#waiting.push(go)
  }

  leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#isTaken = false
    else next()
  }
}
