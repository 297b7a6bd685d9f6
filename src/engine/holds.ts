/**
 * What one attempt holds of what is shared out: permits under limits, reservations under the budget of its tree. The first settlement of each
 * counts, and what the handler leaves behind is settled at its estimate when the attempt ends.
 */
import type { Acquired } from '../rate-limit/limiter.ts'
import type { Clock } from '../runtime/clock.ts'
import { classifyError, longestDelay } from '../task/classify.ts'
import { defined } from '../task/defined.ts'
import type { Awaitable, TaskContext } from '../task/definition.ts'
import { QuillworkError, SnoozeError } from '../task/errors.ts'
import type { AllowedCall, BudgetHold, ExpectedCall, Permit, Spending, Usage } from '../task/paid-call.ts'
import { believableUsage, checkSubject } from '../task/usage.ts'
import type { Attempt, Interruption } from './attempt.ts'
import type { Allowance } from './budget.ts'
import { needOf, nothing, realOf } from './budget-arithmetic.ts'
import type { Core } from './core.ts'
import { retryOf } from './settle.ts'
import { askerOf, giveUpPlace, parkLimit } from './wake.ts'

/** The longest wait in a worker slot, in milliseconds, asking included; a longer one becomes a snooze, and the slot is free. */
const longestWaitMs = 2_000
/** A snoozed task comes back this long before its promised time, so that the way back to a slot costs no throughput. */
const earlyMs = 1_000

/** An attempt, as far as what it holds depends on it. */
abstract class AttemptHolds {
  protected readonly core: Core
  protected readonly attempt: Attempt
  #hasEnded = false

  constructor(core: Core, attempt: Attempt) {
    this.core = core
    this.attempt = attempt
  }

  /** The attempt is over: an uncommitted estimate stands, for the call may have been made. */
  end(): void {
    this.#hasEnded = true
  }

  protected get isOver(): boolean {
    return this.#hasEnded || this.attempt.isOver
  }

  /** Throws ATTEMPT_STALE once the attempt is over. */
  protected requireRunning(consequence: string): void {
    if (!this.isOver) return
    const why = this.attempt.interruption ?? 'ended'
    throw new QuillworkError('ATTEMPT_STALE', `The attempt was interrupted (${why})${consequence}.`)
  }
}

/** A place in the queue of a limit. */
interface Place {
  key: string
  ticket: string
}

/** The places under limits that one attempt holds or waits for. */
export class Permits extends AttemptHolds {
  /** Permits that are neither committed nor released, with their keys. */
  readonly #held = new Map<Permit, string>()
  #lastKey: string | undefined
  /** A call said that its provider refused it, so its key is known and parked. */
  #isRefusalReported = false
  readonly #waiting = new Set<Place>()
  #asks = 0

  /**
   * Waits for a place, two seconds at most with the time that asking takes; then it throws, the attempt ends, and the task comes back when it
   * may be granted.
   */
  async acquire(key: string, cost: number): Promise<Permit> {
    const { clock, limiter } = this.core
    if (!limiter.isKnown(key)) throw unknownLimit(key)
    const place = this.#placeFor(key)
    const { ticket } = place
    const asker = { ...askerOf(this.attempt.record), ticket }
    const giveUpAt = clock.monotonic() + longestWaitMs
    const leftMs = () => giveUpAt - clock.monotonic()
    for (;;) {
      const askedAt = clock.monotonic()
      const answer = await limiter.acquire({ ...asker, key, cost, within: leftMs() })
      if (answer.granted) return this.#granted(place, answer)
      this.requireRunning(` while it waited for ${key}`)
      const waitMs = Math.max(1, Math.ceil(answer.until - clock.now()))
      // The next ask takes about as long as this one, and has to be answered in time, too.
      const askMs = clock.monotonic() - askedAt
      if (waitMs + askMs > leftMs()) throw this.#snooze(place, cost, waitMs)
      await this.#timeOrCapacity(key, ticket, waitMs)
      this.requireRunning(` while it waited for ${key}`)
      // On a busy machine timers are late.
      if (askMs > leftMs()) throw this.#snooze(place, cost, 1)
    }
  }

  /** A provider refused a call until then: no task of any process calls it before. Which one is known best by the call, where it said so. */
  park(until: number): void {
    if (this.#isRefusalReported) return
    const keys = this.#held.size > 0 ? this.#held.values() : [this.#lastKey]
    for (const key of new Set(keys)) if (key !== undefined) this.#park(key, until)
  }

  #park(key: string, until: number): void {
    void parkLimit(this.core, key, until)
    this.core.broker.remote?.sendControl({ kind: 'parked', key, until })
  }

  /** Places in a queue are given up. `isAnswered`: the calls that were not settled are taken for answered. */
  override end(isAnswered = false): void {
    super.end()
    for (const permit of [...this.#held.keys()]) permit.commit(undefined, isAnswered)
    for (const { key, ticket } of this.#waiting) void giveUpPlace(this.core, key, ticket)
    this.#waiting.clear()
  }

  /** Asks of one task that wait at the same time need a ticket each; a later attempt finds the places of this one by the same names. */
  #placeFor(key: string): Place {
    const taken = [...this.#waiting].filter(other => other.key === key).length
    const ticket = taken === 0 ? this.attempt.record.id : `${this.attempt.record.id}/${taken}/${this.#asks++}`
    const place = { key, ticket }
    this.#waiting.add(place)
    return place
  }

  #granted(place: Place, { reservation }: Extract<Acquired, { granted: true }>): Permit {
    const { key } = place
    this.#waiting.delete(place)
    if (this.isOver) reservation.release()
    this.requireRunning(` while it waited for ${key}`)
    const permit: Permit = {
      commit: (cost, isAnswered) => {
        if (!this.#held.has(permit)) return
        // A cost that is refused leaves the permit to the end of the attempt.
        reservation.commit(cost, isAnswered)
        this.#held.delete(permit)
      },
      release: () => {
        if (this.#held.delete(permit)) reservation.release()
      },
      refused: retryAfterMs => {
        if (!(retryAfterMs >= 0 && retryAfterMs <= longestDelay)) {
          const message = `A refusal names a wait of 0 to ${longestDelay} milliseconds, not ${retryAfterMs}.`
          throw new QuillworkError('OPTION_INVALID', message)
        }
        this.#isRefusalReported = true
        this.#park(key, this.core.clock.now() + Math.ceil(retryAfterMs))
      },
    }
    this.#held.set(permit, key)
    this.#lastKey = key
    return permit
  }

  /** Until the promised time has come, capacity is freed early, or the attempt is interrupted. */
  #timeOrCapacity(key: string, ticket: string, waitMs: number): Promise<void> {
    const { clock, limiter } = this.core
    return this.attempt.until(go => [
      clock.after(waitMs, go),
      limiter.onCapacity((freeKey, freeTicket) => {
        if (freeKey === key && freeTicket === ticket) go()
      }),
    ])
  }

  /** The place in the queue is kept for the next attempt. */
  #snooze(place: Place, cost: number, waitMs: number): SnoozeError {
    const { key } = place
    this.#waiting.delete(place)
    const until = this.core.store.tasks.now() + waitMs - earlyMs
    const message = `The limit ${key} allows the next call in ${Math.ceil(waitMs / 1_000)} s.`
    return new SnoozeError(until, message, { limit: key, limitCost: cost })
  }
}

function unknownLimit(key: string): QuillworkError {
  const message = `No limit is named "${key}". Add it to the limits of the engine; {} stands for a key without limits.`
  return new QuillworkError('LIMIT_UNKNOWN', message, { details: { limit: key } })
}

/** See `TaskContext.call`. In this order: what waits for its turn under a limit for long holds nothing of the budget. */
export async function makeCall<T>(
  ctx: Pick<TaskContext, 'acquire' | 'addUsage' | 'logInfo' | 'reserve'>,
  { limit, tokens, cost, name, subject }: ExpectedCall,
  make: (call: AllowedCall) => Awaitable<T>,
  clock: Pick<Clock, 'now'>,
): Promise<T> {
  if (subject !== undefined) checkSubject(subject)
  const hold = await ctx.reserve({ tokens, ...defined({ cost }) }, name)
  let permit: Permit
  try {
    permit = await ctx.acquire(limit, tokens)
  } catch (error) {
    await hold.release()
    throw error
  }
  let said: { usage: Usage | undefined; isAnswered: boolean | undefined } | undefined
  const settle = async (otherwise: 'as estimated' | 'nothing') => {
    const isAnswered = said?.isAnswered ?? otherwise === 'as estimated'
    if (said === undefined && otherwise === 'as estimated') {
      permit.commit()
      return hold.commit()
    }
    if (said?.usage === undefined) {
      // Such a call counts against the requests of the minute too.
      permit.commit(0, isAnswered)
      return hold.release()
    }
    const usage = believableUsage(said.usage, { tokens, ...defined({ cost }) })
    if (usage.isEstimated === true)
      ctx.logInfo(
        `What was reported of a call of ${usage.model} cannot be right; an estimate counts instead.`,
      )
    const { inputTokens, outputTokens, cost: spent } = usage
    permit.commit(inputTokens + outputTokens, isAnswered)
    // Together, so that a kill between the two is unlikely.
    await Promise.all([
      ctx.addUsage({ ...usage, ...defined({ subject, call: name }) }),
      hold.commit({ tokens: inputTokens + outputTokens, ...defined({ cost: spent }) }),
    ])
  }
  let isRefused = false
  const refused = (retryAfterMs: number) => {
    permit.refused(retryAfterMs)
    isRefused = true
  }
  let value: T
  try {
    value = await make({
      used: (usage, isAnswered) => {
        said = { usage, isAnswered }
      },
      refused,
    })
  } catch (error) {
    // While it is known which of the calls of the attempt its provider refused.
    const now = clock.now()
    const { refusedByProvider, notBefore = now } = classifyError(error, now)
    if (refusedByProvider === true && !isRefused) refused(notBefore - now)
    await settle('nothing')
    throw error
  }
  await settle('as estimated')
  return value
}

/** Interruptions that the task survives, at once and maybe in another process. */
const goesOnBy: ReadonlySet<Interruption | undefined> = new Set(['stopping', 'lease-lost', 'lease-expired'])

/** The reservations that one attempt has under the budget of its tree. */
export class BudgetHolds extends AttemptHolds {
  readonly #open = new Set<Allowance>()
  /** Those that stand at their estimate since the attempt ended: a call that ends later says what it really cost. */
  readonly #left = new Set<Allowance>()

  /** Reserves what a call may cost; where it does not fit it throws, the attempt ends, and the task comes back when it fits. */
  async reserve(estimate: Spending, call?: string): Promise<BudgetHold> {
    const need = needOf(estimate)
    this.#requireRunning()
    const allowance = await this.core.budgets.reserve(
      this.attempt.record,
      need,
      retryOf(this.core, this.attempt),
      call,
    )
    if (this.isOver) void this.core.budgets.settle(allowance, nothing)
    this.#requireRunning()
    this.#open.add(allowance)
    return {
      commit: async spent => {
        const real = realOf(spent ?? estimate, need)
        if (this.#take(allowance)) await this.core.budgets.settle(allowance, real)
      },
      release: async () => {
        if (this.#take(allowance)) await this.core.budgets.settle(allowance, nothing)
      },
    }
  }

  override end(): void {
    super.end()
    // The next attempt of a task that goes on elsewhere settles what has a name; until then it counts at its estimate.
    const goesOn = goesOnBy.has(this.attempt.interruption)
    for (const allowance of this.#open) {
      if (!allowance.isNamed) void this.core.budgets.settle(allowance, { ...nothing, ...allowance.need })
      else if (!goesOn) void this.core.budgets.leave(allowance)
      this.#left.add(allowance)
    }
    this.#open.clear()
  }

  /** The first settlement of a call counts. */
  #take(allowance: Allowance): boolean {
    return this.#open.delete(allowance) || this.#left.delete(allowance)
  }

  #requireRunning(): void {
    this.requireRunning('; it makes no more calls')
  }
}
