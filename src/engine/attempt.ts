import type { Clock } from '../runtime/clock.ts'
import { isCancelRequested, isQuarantined, type NewTask, type TaskRecord } from '../task/task.ts'
import { cancelRequested } from '../task/transition.ts'
import type { AttemptTrace } from './trace.ts'

/** Why an attempt is interrupted: cancelled by a person, too long, no longer its holder, or the process stops. */
export type Interruption = 'cancelled' | 'timeout' | 'lease-lost' | 'stopping'

/** One run of a handler by this process. */
export class Attempt {
  /** The task as it was claimed, with what became known of it since. */
  readonly record: TaskRecord
  readonly token: string
  /** When the lease ends by this process's own monotonic clock unless it is extended. */
  leaseUntil: number
  /** Why it was interrupted; the first reason stands. */
  interruption: Interruption | undefined
  /** Where the engine traces. */
  trace: AttemptTrace | undefined
  /** Its outcome is known and being written. */
  settling = false
  #controller: AbortController | undefined
  #onInterrupt: ((why: Interruption) => void) | undefined

  constructor(record: TaskRecord, token: string, leaseUntil: number) {
    this.record = record
    this.token = token
    this.leaseUntil = leaseUntil
    // The request may have come between the claim and its answer.
    if (isCancelRequested(record)) this.interruption = 'cancelled'
  }

  /** W3C trace context of the attempt; where the engine does not trace, that of the submission. */
  get traceparent(): string | undefined {
    return this.trace?.traceparent ?? this.record.traceparent
  }

  /** The signal for the handler; made at its first use, since many handlers never use it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.interruption !== undefined) this.#controller.abort()
    }
    return this.#controller.signal
  }

  /** Fires the signal. The first reason stands, except that a lost lease always counts. A stop of the process is always passed on. */
  interrupt(why: Interruption): void {
    const first = this.interruption === undefined
    if (first || why === 'lease-lost') this.interruption = why
    if (first) this.#controller?.abort()
    if (first || why === 'stopping') this.#onInterrupt?.(why)
  }

  /** A cancel of the task was requested: its record says so from now on, and the signal fires. `now`: the time of the store. */
  cancel(now: number): void {
    Object.assign(this.record, cancelRequested(this.record, now).set)
    this.interrupt('cancelled')
  }

  /** Sets the one listener for interruptions, and calls it at once if the attempt was interrupted. */
  onInterrupt(listener: (why: Interruption) => void): void {
    this.#onInterrupt = listener
    if (this.interruption !== undefined) listener(this.interruption)
  }
}

/** The right to start one attempt of a task in the write that creates it, in a slot that is free now. */
export interface Start {
  claim: NonNullable<NewTask['claim']>
  /** Runs the task that was created when its claim was granted; else frees the slot. */
  created(record: TaskRecord | undefined): void
}

/** A delivery that waits for its turn. */
type Go = () => void

/** Milliseconds after which what runs is not expected to end soon: nothing waits for it in a slot. */
const longMs = 1_000
/** Milliseconds within which a task on probation that was turned away comes again; no quarantined task begins meanwhile. */
const comesAgainMs = 3_000

/** Whether a task that crashed so many times in a row may begin in a process in which these run. */
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
   * Calls back with whether the caller may run a task that crashed so many times in a row: at once, or within `ms` milliseconds. A caller
   * that may calls `leave` in the end.
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
