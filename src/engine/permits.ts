import type { Acquired } from '../rate-limit/limiter.ts'
import { longestDelay } from '../task/classify.ts'
import type { Permit } from '../task/definition.ts'
import { QuillworkError, SnoozeError } from '../task/errors.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'

/** The longest wait in a worker slot, in milliseconds, asking included; a longer one becomes a snooze, and the slot is free. */
const longestWaitMs = 2_000
/** A snoozed task comes back this long before its turn, so that the way back to a slot costs no throughput. */
const earlyMs = 1_000

/** The places under limits that one attempt holds or waits for. What its handler leaves behind is settled when it ends. */
export class Permits {
  readonly #core: Core
  readonly #attempt: Attempt
  /** Permits that are neither committed nor released, with their keys. */
  readonly #held = new Map<Permit, string>()
  #lastKey: string | undefined
  readonly #waiting = new Map<string, string>()
  #asks = 0
  #ended = false

  constructor(core: Core, attempt: Attempt) {
    this.#core = core
    this.#attempt = attempt
  }

  /**
   * Waits for a place, two seconds at most with the time that asking takes; then it throws, the attempt ends, and the task comes back when it
   * is its turn.
   */
  async acquire(key: string, cost: number): Promise<Permit> {
    const { clock, limiter } = this.#core
    const { userId, lane, priority } = this.#attempt.record
    const asker = { ticket: this.#ticketFor(key), flow: `${lane}\n${userId}`, priority }
    const { ticket } = asker
    const giveUpAt = clock.monotonic() + longestWaitMs
    const leftMs = () => giveUpAt - clock.monotonic()
    for (;;) {
      const askedAt = clock.monotonic()
      const answer = await limiter.acquire({ ...asker, key, cost, within: leftMs() })
      if (answer.granted) return this.#granted(ticket, answer)
      this.#throwIfOver(key)
      const waitMs = Math.max(1, Math.ceil(answer.until - clock.now()))
      // The next ask takes about as long as this one, and has to be answered in time, too.
      const askMs = clock.monotonic() - askedAt
      if (waitMs + askMs > leftMs()) throw this.#snooze(key, ticket, waitMs)
      await this.#turn(key, ticket, waitMs)
      this.#throwIfOver(key)
      // On a busy machine timers are late.
      if (askMs > leftMs()) throw this.#snooze(key, ticket, 1)
    }
  }

  /** A provider refused a call until then: nobody calls it before, whoever asks. */
  park(until: number): void {
    const keys =
      this.#held.size > 0
        ? new Set(this.#held.values())
        : new Set(this.#lastKey === undefined ? [] : [this.#lastKey])
    for (const key of keys) this.#park(key, until)
  }

  #park(key: string, until: number): void {
    void this.#core.limiter.park(key, until)
    this.#core.broker.remote?.sendControl({ kind: 'parked', key, until })
  }

  /** The attempt is over: an uncommitted estimate stands, for the call may have been made; places in a queue are given up. */
  end(): void {
    this.#ended = true
    for (const permit of [...this.#held.keys()]) permit.commit()
    for (const [ticket, key] of this.#waiting) void this.#core.limiter.withdraw(key, ticket)
    this.#waiting.clear()
  }

  /** Asks of one task that wait at the same time need a ticket each; a later attempt finds the places of this one by the same names. */
  #ticketFor(key: string): string {
    const taken = [...this.#waiting.values()].filter(other => other === key).length
    const ticket =
      taken === 0 ? this.#attempt.record.id : `${this.#attempt.record.id}/${taken}/${this.#asks++}`
    this.#waiting.set(ticket, key)
    return ticket
  }

  #granted(ticket: string, { reservation }: Extract<Acquired, { granted: true }>): Permit {
    const key = this.#waiting.get(ticket) ?? ''
    this.#waiting.delete(ticket)
    if (this.#isOver) reservation.release()
    this.#throwIfOver(key)
    const permit: Permit = {
      commit: cost => {
        if (!this.#held.has(permit)) return
        // A cost that is refused leaves the permit to the end of the attempt.
        reservation.commit(cost)
        this.#held.delete(permit)
      },
      release: () => {
        if (this.#held.delete(permit)) reservation.release()
      },
      refused: retryAfterMs => {
        if (!(retryAfterMs >= 0 && retryAfterMs <= longestDelay)) throw noWait(retryAfterMs)
        this.#park(key, this.#core.clock.now() + Math.ceil(retryAfterMs))
      },
    }
    this.#held.set(permit, key)
    this.#lastKey = key
    return permit
  }

  /** Until it is the asker's turn, a place frees early, or the attempt is interrupted. */
  #turn(key: string, ticket: string, waitMs: number): Promise<void> {
    const { clock, limiter } = this.#core
    const { signal } = this.#attempt
    return new Promise(resolve => {
      const go = () => {
        cancelTimer()
        stopListening()
        signal.removeEventListener('abort', go)
        resolve()
      }
      const cancelTimer = clock.after(waitMs, go)
      const stopListening = limiter.onTurn((freeKey, freeTicket) => {
        if (freeKey === key && freeTicket === ticket) go()
      })
      signal.addEventListener('abort', go, { once: true })
    })
  }

  /** The place in the queue is kept for the next attempt. */
  #snooze(key: string, ticket: string, waitMs: number): SnoozeError {
    this.#waiting.delete(ticket)
    const until = this.#core.store.tasks.now() + waitMs - earlyMs
    const message = `The limit ${key} allows the next call in ${Math.ceil(waitMs / 1_000)} s.`
    return new SnoozeError(until, message, { limit: key })
  }

  get #isOver(): boolean {
    return this.#ended || this.#attempt.interruption !== undefined
  }

  #throwIfOver(key: string): void {
    if (!this.#isOver) return
    const why = this.#attempt.interruption ?? 'ended'
    const message = `The attempt was interrupted (${why}) while it waited for ${key}.`
    throw new QuillworkError('ATTEMPT_STALE', message)
  }
}

function noWait(retryAfterMs: number): QuillworkError {
  const message = `A refusal names a wait of 0 to ${longestDelay} milliseconds, not ${retryAfterMs}.`
  return new QuillworkError('OPTION_INVALID', message)
}
