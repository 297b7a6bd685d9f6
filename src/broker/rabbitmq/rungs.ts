/** A time that the broker can hold a delivery for: it names a wait queue and begins the routing key. */
export interface Rung {
  name: string
  ms: number
}

/** Ascending. A per-message time expires only at the head of a queue, hence one queue per time. */
export const rungs: readonly Rung[] = [
  { name: '1s', ms: 1_000 },
  { name: '5s', ms: 5_000 },
  { name: '15s', ms: 15_000 },
  { name: '1m', ms: 60_000 },
  { name: '5m', ms: 300_000 },
  { name: '30m', ms: 1_800_000 },
]

/** The longest rung that is not above the delay; undefined below the shortest: such a delivery need not wait at the broker. */
export function rungFor(delayMs: number): Rung | undefined {
  return rungs.findLast(({ ms }) => ms <= delayMs)
}
