import type { Clock } from '../runtime/clock.ts'
import { isQuarantined } from '../task/task.ts'

/** A delivery that waits for its turn. */
type Go = () => void

/** Milliseconds after which what runs is not expected to end soon: nothing waits for it in a slot. */
const longMs = 1_000
/** Milliseconds within which a task on probation that was turned away comes again; no quarantined task begins meanwhile. */
const comesAgainMs = 3_000

/** Returns whether a task with this number of crashes in a row may start in a process that runs these. */
export function mayRunBeside(
  crashCount: number,
  running: { onProbation: number; quarantined: number },
): boolean {
  if (crashCount === 0) return true
  return running.quarantined === 0 && (running.onProbation === 0 || !isQuarantined(crashCount))
}

/**
 * Decides which tasks may run beside each other in this process after crashes. A quarantined task may kill its process, and with it its
 * neighbours: it runs alone of its kind, and beside no task on probation. Tasks on probation run beside each other, and go first. Others
 * wait for a moment, in the order in which they came.
 */
export class Quarantine {
  readonly #clock: Clock
  readonly #waiting = { onProbation: [] as Go[], quarantined: [] as Go[] }
  #onProbation = 0
  #isTaken = false
  /** When those that run now began to keep others out. */
  #since = 0
  #turnedAwayAt: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Calls back with whether a task with this number of crashes in a row may run: at once, or within `ms` milliseconds. The caller of a task
   * that may calls `leave` when its attempt is over.
   */
  enter(crashCount: number, ms: number, done: (entered: boolean) => void): void {
    const alone = isQuarantined(crashCount)
    const running = { onProbation: this.#onProbation, quarantined: this.#isTaken ? 1 : 0 }
    const mayRun = mayRunBeside(crashCount, running)
    if (mayRun && !(alone && this.#isAwaited())) {
      this.#admit(alone)
      done(true)
    } else if (mayRun || this.isLong) this.#turnAway(alone, done)
    else this.#wait(alone, ms, done)
  }

  #wait(alone: boolean, ms: number, done: (entered: boolean) => void): void {
    const line = alone ? this.#waiting.quarantined : this.#waiting.onProbation
    const go = () => {
      cancelTimer()
      done(true)
    }
    const cancelTimer = this.#clock.after(ms, () => {
      line.splice(line.indexOf(go), 1)
      this.#turnAway(alone, done)
    })
    line.push(go)
  }

  #turnAway(alone: boolean, done: (entered: boolean) => void): void {
    if (!alone) this.#turnedAwayAt = this.#clock.monotonic()
    done(false)
  }

  /** Lets those enter whose turn it is. `crashCount` as it was at `enter`. */
  leave(crashCount: number): void {
    if (isQuarantined(crashCount)) this.#isTaken = false
    else this.#onProbation -= 1
    if (this.#isTaken) return
    for (const go of this.#waiting.onProbation.splice(0)) {
      this.#admit(false)
      go()
    }
    if (this.probationFirst) return
    const next = this.#waiting.quarantined.shift()
    if (next === undefined) return
    this.#admit(true)
    next()
  }

  /** Whether a quarantined task has to wait because tasks on probation run here, or come again in a moment. */
  get probationFirst(): boolean {
    return this.#onProbation > 0 || this.#isAwaited()
  }

  /** Whether a quarantined task runs here. */
  get isTaken(): boolean {
    return this.#isTaken
  }

  /** Whether what runs here, and keeps others out, is not expected to end soon. */
  get isLong(): boolean {
    const isFree = !this.#isTaken && this.#onProbation === 0
    return !isFree && this.#clock.monotonic() - this.#since > longMs
  }

  #isAwaited(): boolean {
    return this.#turnedAwayAt !== undefined && this.#clock.monotonic() - this.#turnedAwayAt < comesAgainMs
  }

  #admit(alone: boolean): void {
    if (alone || this.#onProbation === 0) this.#since = this.#clock.monotonic()
    if (alone) this.#isTaken = true
    else {
      this.#onProbation += 1
      this.#turnedAwayAt = undefined
    }
  }
}
