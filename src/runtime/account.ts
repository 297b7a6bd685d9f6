/**
 * The account of what is shared out: what was granted, and who holds it. The limits of a key and the budget of a tree are two policies over
 * it. Pure and plain data: no clock, no I/O, every time is a parameter (epoch milliseconds).
 *
 * - To *reserve* counts an estimate as used from that moment on, and keeps it as a hold until the call has ended.
 * - To *settle* a hold puts the real amount in the place of the estimate; to *give back* settles it at nothing.
 * - A hold whose lease has ended is given up. Its estimate stays used, for the call may have been made.
 *
 * What is used is kept by time. It counts within a window, whose buckets the policy drops; or in total, where all of it lies at one time.
 */

/** Amounts by unit: calls, tokens, money. Whole numbers, so that sums do not depend on their order. */
export type Amount<Unit extends string> = Record<Unit, number>

/** What may still be granted, or the most that may be. Absent = not limited. Below zero after calls that cost more than they reserved. */
export type Capacity<Unit extends string> = Partial<Amount<Unit>>

/** Buckets are this wide at most; milliseconds. Bounds a minute to 240 of them and costs up to 0.4 % of a limit. */
export const bucketWidth = 250

/** Amounts of one moment or close to it. All of them count as long as the latest does, so that none is dropped early. */
export interface Bucket<Unit extends string> {
  /** Time of the first amount; identifies the bucket. */
  from: number
  /** Time of the latest amount. */
  at: number
  amount: Amount<Unit>
}

/** A grant that is not settled. */
export interface Hold<Unit extends string> {
  /** When it was granted, and the bucket that counts it. */
  at: number
  bucket: number
  /** The estimate. */
  amount: Amount<Unit>
  /** The hold is given up at this time unless it is settled before: its process may be gone. */
  leaseEnd: number
}

/** What was granted, and who holds it. */
export interface Account<Unit extends string, Id> {
  /** All that counts, holds included; in order of time. */
  used: Bucket<Unit>[]
  holds: Map<Id, Hold<Unit>>
}

/** Counts an estimate as used, and keeps it as a hold. */
export function reserve<Unit extends string, Id>(
  account: Account<Unit, Id>,
  id: Id,
  { at, amount, leaseEnd }: Omit<Hold<Unit>, 'bucket'>,
): void {
  account.holds.set(id, { at, bucket: charge(account.used, at, amount), amount, leaseEnd })
}

/**
 * Puts what a call has cost in the place of its estimate. What nobody knew before counts from `now`: that delays others longest, and so never
 * lets too much through.
 */
export function settle<Unit extends string>(
  used: Bucket<Unit>[],
  { bucket, amount }: Pick<Hold<Unit>, 'bucket' | 'amount'>,
  real: Amount<Unit>,
  now: number,
): void {
  refund(used, bucket, excess(amount, real))
  charge(used, now, excess(real, amount))
}

/** Gives up the holds whose leases have ended. Returns whether there was any. */
export function expireHolds({ holds }: Pick<Account<string, unknown>, 'holds'>, now: number): boolean {
  const before = holds.size
  for (const [id, { leaseEnd }] of holds) if (leaseEnd <= now) holds.delete(id)
  return holds.size < before
}

/** Moves the end of the leases of holds that are still there: their holder lives. */
export function extendHolds<Id>({ holds }: Account<string, Id>, ids: Iterable<Id>, leaseEnd: number): void {
  for (const id of ids) {
    const hold = holds.get(id)
    if (hold !== undefined) hold.leaseEnd = Math.max(hold.leaseEnd, leaseEnd)
  }
}

/** Returns whether the need fits into the capacity, and if so takes it out. A need that does not name a limited unit fits nowhere. */
export function take<Unit extends string>(capacity: Capacity<Unit>, need: Capacity<Unit>): boolean {
  if (!fits(capacity, need)) return false
  subtract(capacity, need)
  return true
}

/** Returns whether the need fits into the capacity. */
export function fits<Unit extends string>(capacity: Capacity<Unit>, need: Capacity<Unit>): boolean {
  for (const unit in capacity)
    if (!((need[unit] ?? Number.POSITIVE_INFINITY) <= (capacity[unit] ?? 0))) return false
  return true
}

/** Takes amounts out of a capacity that has to bear them. */
export function subtract<Unit extends string>(capacity: Capacity<Unit>, amount: Capacity<Unit>): void {
  for (const unit in capacity) capacity[unit] = (capacity[unit] ?? 0) - (amount[unit] ?? 0)
}

/** Adds amounts of the same units to the first. */
export function add<Unit extends string>(to: Amount<Unit>, amount: Amount<Unit>): void {
  for (const unit in amount) to[unit] += amount[unit]
}

/** Adds amounts to buckets in order of time; returns the `from` of the bucket that took them. */
export function charge<Unit extends string>(
  buckets: Bucket<Unit>[],
  at: number,
  amount: Amount<Unit>,
): number {
  if (isNothing(amount)) return at
  let index = buckets.length - 1
  while (index >= 0 && (buckets[index]?.from ?? at) > at) index -= 1
  const bucket = buckets[index]
  if (bucket === undefined || at - bucket.from >= bucketWidth) {
    buckets.splice(index + 1, 0, { from: at, at, amount: { ...amount } })
    return at
  }
  bucket.at = Math.max(bucket.at, at)
  add(bucket.amount, amount)
  return bucket.from
}

/** Takes amounts out of the bucket again; nothing happens when it no longer counts. */
export function refund<Unit extends string>(
  buckets: Bucket<Unit>[],
  from: number,
  amount: Amount<Unit>,
): void {
  const index = isNothing(amount) ? -1 : buckets.findIndex(bucket => bucket.from === from)
  const left = buckets[index]?.amount
  if (left === undefined) return
  for (const unit in left) left[unit] = Math.max(0, left[unit] - amount[unit])
  if (isNothing(left)) buckets.splice(index, 1)
}

/** Drops the buckets whose latest amount is of that time or before. */
export function dropUntil(buckets: Bucket<string>[], time: number): void {
  const kept = buckets.findIndex(bucket => bucket.at > time)
  buckets.splice(0, kept === -1 ? buckets.length : kept)
}

/** Moves all buckets in time; milliseconds. */
export function shift(buckets: Bucket<string>[], by: number): void {
  for (const bucket of buckets) {
    bucket.from += by
    bucket.at += by
  }
}

/** The sum of buckets or holds, of the units of `nothing`. */
export function total<Unit extends string>(
  parts: Iterable<{ amount: Amount<Unit> }>,
  nothing: Amount<Unit>,
): Amount<Unit> {
  const sum = { ...nothing }
  for (const { amount } of parts) add(sum, amount)
  return sum
}

/** How much more the first is, unit by unit. */
function excess<Unit extends string>(amount: Amount<Unit>, over: Amount<Unit>): Amount<Unit> {
  const more = { ...amount }
  for (const unit in more) more[unit] = Math.max(0, more[unit] - over[unit])
  return more
}

function isNothing(amount: Amount<string>): boolean {
  for (const unit in amount) if (amount[unit] !== 0) return false
  return true
}
