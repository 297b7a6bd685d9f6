// The shared limiter on a clock that runs faster: its minute passes in a few seconds. What goes in and comes out is by the real clock.
import { createSharedLimiter } from '../../dist/rate-limit/shared.js'

/** Between which times the last place of a ticket was granted; epoch milliseconds. */
export const granted = new Map()

/**
 * @param epoch When the fast clock showed the real time; the same in every process.
 * @param speed How much faster it runs.
 */
export function fastLimiter({ limits, states, epoch, speed }) {
  const toFast = ms => epoch + (ms - epoch) * speed
  const toReal = ms => epoch + (ms - epoch) / speed
  const clock = {
    now: () => toFast(Date.now()),
    after(ms, callback) {
      const timer = setTimeout(callback, ms / speed)
      timer.unref()
      return () => clearTimeout(timer)
    },
  }
  const limiter = createSharedLimiter({ limits, states, clock, leaseMs: 60_000 * speed })
  return {
    isShared: true,
    async acquire(request) {
      const from = Date.now()
      const answer = await limiter.acquire({ ...request, within: request.within * speed })
      if (answer.granted) granted.set(request.ticket, { from, to: Date.now() })
      return answer.granted ? answer : { granted: false, until: toReal(answer.until) }
    },
    withdraw: (key, ticket) => limiter.withdraw(key, ticket),
    park: (key, until) => limiter.park(key, toFast(until)),
    onCapacity: listener => limiter.onCapacity(listener),
    describe: () => limiter.describe(),
  }
}
