/** What every limiter does with its limits, and tells of its accounts. */
import { QuillworkError } from '../task/errors.ts'
import type { KeyState } from './account.ts'
import { usedNow } from './arithmetic.ts'
import type { Limit, LimitUse, Reservation } from './limiter.ts'

/** Settles nothing: for keys without an account. */
export const unlimited: Reservation = { commit() {}, release() {} }

/** The limits by key. Throws OPTION_INVALID for one that is not a whole number of at least 1. */
export function validLimits(limits: Readonly<Record<string, Limit>>): ReadonlyMap<string, Limit> {
  for (const [key, limit] of Object.entries(limits)) requireValid(key, limit)
  return new Map(Object.entries(limits))
}

function requireValid(key: string, limit: Limit): void {
  for (const name of ['requestsPerMinute', 'tokensPerMinute', 'concurrency'] as const) {
    const value = limit[name]
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) continue
    const message = `The limit ${name} of ${key} must be a whole number of at least 1, not ${value}.`
    throw new QuillworkError('OPTION_INVALID', message, { details: { key, name } })
  }
}

/** What is in use of a key. */
export function useOf(key: string, limit: Limit, state: KeyState): LimitUse {
  return {
    key,
    limit,
    inFlight: state.holds.size,
    waiting: state.queue.order.length,
    ...usedNow(state),
    ...(state.parkedUntil > state.now ? { parkedUntil: state.parkedUntil } : {}),
  }
}
