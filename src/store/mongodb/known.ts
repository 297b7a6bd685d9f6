/** Tasks of which something is remembered at most; what is forgotten is asked for. */
const mostKnown = 50_000

/** Forgets the older half where more is remembered than there is room for. */
export function dropOldest(known: Map<string, unknown> | Set<string>): void {
  if (known.size <= mostKnown) return
  for (const key of known.keys()) {
    if (known.size <= mostKnown / 2) return
    known.delete(key)
  }
}
