/** How many requests an identity may send: a token bucket for each, in this process. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { QuillworkError } from '../task/errors.ts'
import type { Identity } from './identity.ts'

const minuteMs = 60_000
/** Identities that are remembered; beyond that, the one that asked longest ago is forgotten, and has a full bucket again. */
const mostIdentities = 10_000

/** What an identity has left after a request. */
interface Left {
  /** Requests that it may send at once. */
  readonly requests: number
  /** Seconds until it has all of them again. */
  readonly resetSeconds: number
  /** Of one too many: seconds until the next is taken. */
  readonly retryAfter?: number
}

/** Counts requests by identity. */
export interface RequestRate {
  /** Counts a request; one too many takes nothing. */
  take(id: string): Left
}

/**
 * Makes the buckets: each holds as many requests as there may be in a minute, and fills evenly.
 *
 * @param now Milliseconds of a clock that never goes back.
 */
export function createRequestRate(
  perMinute: number,
  now: () => number = () => performance.now(),
): RequestRate {
  const buckets = new Map<string, { readonly requests: number; readonly at: number }>()
  const msEach = minuteMs / perMinute
  const secondsUntil = (wanted: number, held: number) => Math.ceil(((wanted - held) * msEach) / 1_000)
  const leftOf = (held: number): Left => {
    return { requests: Math.floor(held), resetSeconds: secondsUntil(perMinute, held) }
  }

  return {
    take(id) {
      const at = now()
      const last = buckets.get(id) ?? { requests: perMinute, at }
      const held = Math.min(perMinute, last.requests + (at - last.at) / msEach)
      if (held < 1) return { ...leftOf(held), retryAfter: secondsUntil(1, held) }
      // The one that asked last is the last of the map.
      buckets.delete(id)
      buckets.set(id, { requests: held - 1, at })
      const [first] = buckets.keys()
      if (buckets.size > mostIdentities && first !== undefined) buckets.delete(first)
      return leftOf(held - 1)
    },
  }
}

function throttled(perMinute: number, retryAfter: number): QuillworkError {
  return new QuillworkError(
    'REQUESTS_THROTTLED',
    `You sent more than ${perMinute} requests a minute, which is the limit of this server for each identity. Try again in ${retryAfter} s, and ask less often.`,
    { details: { retryAfter } },
  )
}

/** Those who run the server: the limit is set by them for others, and must not keep them from setting things right. */
const unlimited: ReadonlySet<string> = new Set(['token', 'local'])

/** Returns what counts a request of an identity, and tells it what is left. Throws REQUESTS_THROTTLED. */
export function limitRequests(
  perMinute: number | undefined,
): (identity: Identity, request: FastifyRequest, reply: FastifyReply) => void {
  if (perMinute === undefined) return () => undefined
  const rate = createRequestRate(perMinute)
  return ({ id }, request, reply) => {
    if (unlimited.has(id) || opensStream(request)) return
    // draft-ietf-httpapi-ratelimit-headers-10
    reply.header('ratelimit-policy', `"identity";q=${perMinute};w=${minuteMs / 1_000}`)
    const { requests, resetSeconds, retryAfter } = rate.take(id)
    reply.header('ratelimit', `"identity";r=${requests};t=${resetSeconds}`)
    if (retryAfter !== undefined) throw throttled(perMinute, retryAfter)
  }
}

/** Returns whether a request opens a stream of events, whose number has a limit of its own. */
function opensStream({ routeOptions, headers }: FastifyRequest): boolean {
  const { events } = routeOptions.config
  return events === 'always' || (events === 'asked' && headers.accept?.includes('text/event-stream') === true)
}
