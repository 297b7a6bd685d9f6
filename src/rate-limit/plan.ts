/** When will there be room: places amounts one after the other, each as early as the limits allow. An estimate; grants are decided on what is used. */
import type { Limit } from './limiter.ts'
import { type Amount, type Bucket, span, total } from './window.ts'

/** Waits for a free place are estimated as at least this long, so that nobody asks in a tight loop; milliseconds. */
const shortestGap = 50

/** What counts at the time up to which places were given. */
export interface Plan {
  /** Time of the last place given. Epoch milliseconds. */
  at: number
  /** What still counts at that time, oldest first from index `oldest`. */
  counting: Bucket[]
  oldest: number
  sum: Amount
  /** Places for concurrency that are free at once. */
  freePlaces: number
  /** How long until the next place is free, once those are taken, and between later ones; milliseconds. */
  nextGap: number
  placeGap: number
}

/** Starts a plan at `at`, on what counts now and what is already placed; both in order of time and not after `at`. */
export function startPlan(
  at: number,
  used: readonly Bucket[],
  placed: readonly Bucket[],
  places: { free: number; waiting: number; callTime: number; limit: Limit },
): Plan {
  const counting = [...used, ...placed].sort((a, b) => a.at - b.at)
  const { free, waiting, callTime, limit } = places
  const placeGap = Math.max(shortestGap, callTime / (limit.concurrency ?? Number.POSITIVE_INFINITY))
  return {
    at,
    counting,
    oldest: 0,
    sum: total(counting),
    freePlaces: free - waiting,
    // Running calls are spread over their time: the first of them ends after half a gap on average.
    nextGap: waiting === 0 ? placeGap / 2 : placeGap,
    placeGap,
  }
}

/**
 * Places an amount no earlier than the one before it; answers its time. There must be room for `needed`, which must not exceed the limit;
 * `expected` is what later ones will find used.
 */
export function place(plan: Plan, limit: Limit, needed: Amount, expected: Amount): number {
  let at = plan.at
  if (plan.freePlaces > 0) plan.freePlaces -= 1
  else {
    at += plan.nextGap
    plan.nextGap = plan.placeGap
  }
  const requests = (limit.requestsPerMinute ?? Number.POSITIVE_INFINITY) - needed.requests
  const tokens = (limit.tokensPerMinute ?? Number.POSITIVE_INFINITY) - needed.tokens
  for (;;) {
    const next = plan.counting[plan.oldest]
    if (next === undefined) break
    const fits = plan.sum.requests <= requests && plan.sum.tokens <= tokens
    if (fits && next.at + span > at) break
    at = Math.max(at, next.at + span)
    plan.sum.requests -= next.requests
    plan.sum.tokens -= next.tokens
    plan.oldest += 1
  }
  plan.at = at
  plan.counting.push({ from: at, at, ...expected })
  plan.sum.requests += expected.requests
  plan.sum.tokens += expected.tokens
  return at
}
