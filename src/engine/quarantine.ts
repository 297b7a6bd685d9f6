import type { Clock } from '../runtime/clock.ts'

/**
 * Whose turn it is among tasks whose last attempt crashed: such a one may take its neighbours with it, so a process runs one at a time.
 * Those that come meanwhile wait for a moment in the order in which they came.
 */
export class Quarantine {
  readonly #clock: Clock
  readonly #waiting: (() => void)[] = []
  #takenAt: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Tells whether it is the turn of the one that asks: at once, or within so many milliseconds. Whoever has it calls `leave`. */
  enter(ms: number, told: (entered: boolean) => void): void {
    if (this.#takenAt === undefined) {
      this.#takenAt = this.#clock.monotonic()
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
    this.#takenAt = next === undefined ? undefined : this.#clock.monotonic()
    next?.()
  }

  /** Milliseconds for which the one whose turn it is has had it; undefined when it is nobody's. */
  get takenForMs(): number | undefined {
    return this.#takenAt === undefined ? undefined : this.#clock.monotonic() - this.#takenAt
  }
}
