import { between, type Candidate } from './candidate.ts'

/** Numbers that may be missing within a chain. */
const WIDEST_GAP = 3

/**
 * The longest chain of candidates whose numbers rise, at best by one. A chain may start again at 1: chapters are
 * numbered anew in each volume. Linear in the candidates.
 */
export function longestChain(candidates: readonly Candidate[]): Candidate[] {
  const best: { length: number; from: number }[] = []
  const byNumber = new Map<number, number>()
  let top = -1
  for (const [i, { heading }] of candidates.entries()) {
    const number = heading.number ?? Number.NaN
    let from = number <= 1 ? top : -1
    let length = from >= 0 ? (best[from]?.length ?? 0) + 0.5 : 1
    for (let gap = 1; gap <= WIDEST_GAP; gap++) {
      const before = byNumber.get(number - gap)
      const reached = before === undefined ? 0 : (best[before]?.length ?? 0) + 1 - 0.3 * (gap - 1)
      if (reached > length) {
        length = reached
        from = before ?? -1
      }
    }
    best.push({ length, from })
    if ((best[byNumber.get(number) ?? -1]?.length ?? 0) < length) byNumber.set(number, i)
    if (top < 0 || length >= (best[top]?.length ?? 0)) top = i
  }
  return follow(candidates, best, top)
}

function follow(
  candidates: readonly Candidate[],
  best: readonly { from: number }[],
  top: number,
): Candidate[] {
  const chain: Candidate[] = []
  for (let i = top; i >= 0; i = best[i]?.from ?? -1) {
    const candidate = candidates[i]
    if (candidate !== undefined) chain.push(candidate)
  }
  return chain.reverse()
}

/** Parts of a chain between its restarts at 1. */
export function legs(chain: readonly Candidate[]): Candidate[][] {
  const all: Candidate[][] = []
  let before = Number.POSITIVE_INFINITY
  for (const candidate of chain) {
    const number = candidate.heading.number ?? 0
    if (number <= before) all.push([])
    all.at(-1)?.push(candidate)
    before = number
  }
  return all
}

/**
 * Of doubtful candidates, those that stand where the sure ones leave a place for their number. All are of one style;
 * without sure ones, the doubtful ones must form a chain of three.
 */
export function fitting(candidates: readonly Candidate[]): Candidate[] {
  const sure = candidates.filter(candidate => candidate.heading.sureness === 'sure')
  if (sure.length === 0) {
    const chain = longestChain(candidates)
    return chain.length >= 3 && chain.length * 2 > candidates.length ? chain : []
  }
  const kept: Candidate[] = []
  let nextSure = 0
  for (const candidate of candidates) {
    while (nextSure < sure.length && (sure[nextSure]?.line ?? 0) <= candidate.line) nextSure++
    const before = kept.at(-1)?.heading.number
    const after = sure[nextSure]?.heading.number
    if (candidate.heading.sureness === 'sure' || fills(candidate.heading.number, before, after))
      kept.push(candidate)
  }
  return kept
}

function fills(number: number | undefined, before: number | undefined, after: number | undefined): boolean {
  if (number === undefined) return false
  if (before === undefined) return number <= 1 && (after === undefined || after === number + 1)
  if (number === before + 1) return after === undefined || after > number || after <= 1
  return number === 1 && after === 2
}

/**
 * Leaves out headings that only quote a number: between n and n + 1 stands one whose number has its place elsewhere.
 */
export function withoutStrays(candidates: readonly Candidate[]): Candidate[] {
  const places = new Map<number, number>()
  for (const { heading } of candidates) {
    if (heading.number !== undefined) places.set(heading.number, (places.get(heading.number) ?? 0) + 1)
  }
  const kept: Candidate[] = []
  for (const [i, candidate] of candidates.entries()) {
    const before = kept.at(-1)?.heading.number
    const after = candidates[i + 1]?.heading.number
    const number = candidate.heading.number
    const isStray =
      number !== undefined &&
      before !== undefined &&
      after === before + 1 &&
      number !== before &&
      number !== after &&
      (places.get(number) ?? 0) > 1
    if (!isStray) kept.push(candidate)
  }
  return kept
}

/** How many of a chain have prose before the next one. */
export function shareWithProse(chain: readonly Candidate[]): number {
  let withProse = 0
  for (let i = 1; i < chain.length; i++) {
    const a = chain[i - 1]
    const b = chain[i]
    if (a !== undefined && b !== undefined && between(a, b).sentences > 0) withProse++
  }
  return chain.length < 2 ? 1 : withProse / (chain.length - 1)
}
