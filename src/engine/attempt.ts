import { isCancelRequested, type NewTask, type TaskRecord } from '../task/task.ts'
import type { AttemptTrace } from '../task/tracer.ts'
import { cancelRequested } from '../task/transition.ts'

/**
 * Why an attempt is interrupted: cancelled by a person, too long, too long without progress, no longer its holder, maybe no longer its holder
 * (the store could not be asked in time), or the process stops.
 */
export type Interruption = 'cancelled' | 'timeout' | 'stalled' | 'lease-lost' | 'lease-expired' | 'stopping'

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
  /** Its handler waits for a signal or a time, and does nothing else: it has ended. */
  hasEndedToWait = false
  /** It wrote sub-tasks, or those of an earlier attempt once more: its record may not count them yet. */
  hasSubTasks = false
  #controller: AbortController | undefined
  #onInterrupt: ((why: Interruption | 'waits') => void) | undefined

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
      if (this.isOver) this.#controller.abort()
    }
    return this.#controller.signal
  }

  /** Fires the signal. The first reason stands, except that a lost lease always counts. A stop of the process is always passed on. */
  interrupt(why: Interruption): void {
    const first = !this.isOver
    if (first || why === 'lease-lost') this.interruption = why
    if (first) this.#controller?.abort()
    if (first || why === 'stopping') this.#onInterrupt?.(why)
  }

  /** Whether the attempt was interrupted, or has ended to wait: what its handler still does counts no more. */
  get isOver(): boolean {
    return this.hasEndedToWait || this.interruption !== undefined
  }

  /** The handler waits for a signal or a time, and does nothing else. Fires the signal, unless the attempt was interrupted. */
  endToWait(): void {
    if (this.isOver) return
    this.hasEndedToWait = true
    this.#controller?.abort()
    this.#onInterrupt?.('waits')
  }

  /** A cancel of the task was requested: its record says so from now on, and the signal fires. `now`: the time of the store. */
  cancel(now: number): void {
    Object.assign(this.record, cancelRequested(this.record, now).set)
    this.interrupt('cancelled')
  }

  /** Resolves when one of these calls back, or when the attempt is interrupted. `begin` begins them, and returns what ends them. */
  until(begin: (go: () => void) => readonly (() => void)[]): Promise<void> {
    const { signal } = this
    return new Promise(resolve => {
      const go = () => {
        for (const stop of stops) stop()
        signal.removeEventListener('abort', go)
        resolve()
      }
      const stops = begin(go)
      signal.addEventListener('abort', go, { once: true })
    })
  }

  /** Sets the one listener for interruptions, and calls it at once if the attempt was interrupted; also when the attempt ends to wait. */
  onInterrupt(listener: (why: Interruption | 'waits') => void): void {
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
