/** Amounts by time: what counts against a sliding minute, kept in at most a few hundred buckets. */

/** The length of the window that a limit speaks of; milliseconds. */
export const minute = 60_000

/**
 * Amounts count this much longer than a minute; milliseconds. A call reaches the provider some time after it was granted,
 * and not always the same time: without the margin, two that were granted a minute apart may arrive in one minute.
 */
const margin = 500

/** Amounts closer together than this share a bucket; milliseconds. Bounds a minute to 240 buckets and costs up to 0.4 % of the limit. */
export const bucketWidth = 250

/** How long an amount counts; milliseconds. */
export const span = minute + margin

/** Calls and tokens. */
export interface Amount {
  requests: number
  tokens: number
}

/** Amounts of one moment or close to it. All of them count until `span` after `at`, the latest, so that none is forgotten early. */
export interface Bucket extends Amount {
  /** Time of the first amount; identifies the bucket. Epoch milliseconds. */
  from: number
  /** Time of the latest amount. Epoch milliseconds. */
  at: number
}

/** Adds an amount to buckets in order of time; answers the `from` of the bucket that took it. */
export function charge(buckets: Bucket[], at: number, amount: Amount): number {
  let index = buckets.length - 1
  while (index >= 0 && (buckets[index]?.from ?? at) > at) index -= 1
  const bucket = buckets[index]
  if (bucket === undefined || at - bucket.from >= bucketWidth) {
    buckets.splice(index + 1, 0, { from: at, at, ...amount })
    return at
  }
  bucket.at = Math.max(bucket.at, at)
  bucket.requests += amount.requests
  bucket.tokens += amount.tokens
  return bucket.from
}

/** Takes an amount out of the bucket again; nothing happens when it no longer counts. */
export function refund(buckets: Bucket[], from: number, amount: Amount): void {
  const index = buckets.findIndex(bucket => bucket.from === from)
  const bucket = buckets[index]
  if (bucket === undefined) return
  bucket.requests = Math.max(0, bucket.requests - amount.requests)
  bucket.tokens = Math.max(0, bucket.tokens - amount.tokens)
  if (bucket.requests === 0 && bucket.tokens === 0) buckets.splice(index, 1)
}

/** Drops the buckets that no longer count at `now`. */
export function expire(buckets: Bucket[], now: number): void {
  const kept = buckets.findIndex(bucket => bucket.at + span > now)
  buckets.splice(0, kept === -1 ? buckets.length : kept)
}

/** Moves all buckets in time; milliseconds. */
export function shift(buckets: Bucket[], by: number): void {
  for (const bucket of buckets) {
    bucket.from += by
    bucket.at += by
  }
}

/** The sum of all buckets. */
export function total(buckets: readonly Bucket[]): Amount {
  const sum = { requests: 0, tokens: 0 }
  for (const bucket of buckets) {
    sum.requests += bucket.requests
    sum.tokens += bucket.tokens
  }
  return sum
}
