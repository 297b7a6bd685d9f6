// The shared limiter, which notes when it granted a place.
import { systemClock } from '../../dist/index.js'
import { createSharedLimiter } from '../../dist/rate-limit/shared.js'

/** Between which times the last place of a ticket was granted; epoch milliseconds. */
export const granted = new Map()

/** Returns a shared limiter for the limits, its accounts in the states. */
export function timedLimiter({ limits, states }) {
  const limiter = createSharedLimiter({ limits, states, clock: systemClock, leaseMs: 60_000 })
  const acquire = limiter.acquire.bind(limiter)
  limiter.acquire = async request => {
    const from = Date.now()
    const answer = await acquire(request)
    if (answer.granted) granted.set(request.ticket, { from, to: Date.now() })
    return answer
  }
  return limiter
}
