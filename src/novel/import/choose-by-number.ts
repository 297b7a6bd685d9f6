import type { Steps } from '../../runtime/cooperate.ts'
import { withoutContents } from './contents.ts'
import {
  between,
  byStyle,
  type Candidate,
  countedBy,
  filtered,
  perStep,
  type TextFacts,
} from './heading-candidate.ts'

/**
 * Returns bare numerals as chapters, when one kind of them numbers the whole text: rising from the start, alone on their lines, with prose
 * between, after whole sentences (page numbers occur anywhere). Otherwise [].
 */
export function* chooseNumerals(
  candidates: readonly Candidate[],
  strong: readonly Candidate[],
  facts: TextFacts,
): Steps<Candidate[]> {
  const volumes = strong.filter(candidate => candidate.heading.depth < 4)
  yield
  let best = { chain: [] as Candidate[], weight: 0 }
  for (const [style, list] of lonelyNumerals(candidates, facts)) {
    const left = yield* withoutContents(list, facts)
    yield
    const chain = numberedBy(left, volumes, facts)
    yield
    // Titles from a table of contents count only in a text without numbers.
    const weight = style === 'listed' ? Math.min(1, chain.length) : longestLeg(chain)
    if (weight > best.weight) best = { chain, weight }
  }
  return best.chain
}

/** Returns bare numerals that continue the numbers of labelled chapters: ADVENTURE VI, then VII. Otherwise []. */
export function continueNumerals(
  candidates: readonly Candidate[],
  numbered: readonly Candidate[],
  facts: TextFacts,
): Candidate[] {
  const last = numbered.findLast(({ heading }) => heading.depth === 4)
  const number = last?.heading.number
  if (last === undefined || number === undefined || number < 2) return []
  for (const list of lonelyNumerals(candidates, facts).values()) {
    const chain: Candidate[] = []
    for (const candidate of list) {
      if (candidate.line > last.line && candidate.heading.number === number + chain.length + 1)
        chain.push(candidate)
    }
    const end = chain.at(-1)
    const covers = end !== undefined && placeIn(facts, end) > 0.5
    if (chain.length >= 3 && covers && shareWithProse(chain) === 1) return chain
  }
  return []
}

/** Returns the numerals that stand alone, by style. */
function lonelyNumerals(
  candidates: readonly Candidate[],
  { usesBlanks }: TextFacts,
): Map<string, Candidate[]> {
  const standsAlone = ({ blankBefore, afterSentence, followingLine }: Candidate) =>
    (blankBefore || !usesBlanks) && afterSentence && followingLine >= 0
  return byStyle(candidates.filter(one => one.heading.sureness === 'weak' && standsAlone(one)))
}

function longestLeg(chain: readonly Candidate[]): number {
  return Math.max(0, ...legs(chain).map(({ length }) => length))
}

function numberedBy(
  list: readonly Candidate[],
  volumes: readonly Candidate[],
  facts: TextFacts,
): Candidate[] {
  const chain = withMisnumbered(wholeLegs(longestChain(list), volumes), list)
  const first = chain[0]
  const last = chain.at(-1)
  if (chain.length < 3 || first === undefined || last === undefined) return []
  // A list of rules or a few numbered verses covers a small part of the text; chapters cover all of it.
  const covers = placeIn(facts, first) < 0.3 && placeIn(facts, last) > 0.5
  const isChain = covers && (first.heading.number ?? 9) <= 2 && chain.length * 10 >= list.length * 6
  return isChain && shareWithProse(chain) >= 0.8 ? chain : []
}

/** Returns where in the book a candidate is, from 0 to 1. */
function placeIn({ charactersBefore, characters }: TextFacts, { before }: Candidate): number {
  return (before.characters - charactersBefore) / characters
}

/** Adds the candidates that fill a gap of the chain exactly, whatever their numbers: misprints. */
function withMisnumbered(chain: readonly Candidate[], list: readonly Candidate[]): Candidate[] {
  const filled: Candidate[] = []
  let at = 0
  for (const [i, candidate] of chain.entries()) {
    const before = chain[i - 1]
    while (at < list.length && (list[at]?.line ?? 0) <= (before?.line ?? -1)) at++
    const from = at
    while (at < list.length && (list[at]?.line ?? 0) < candidate.line) at++
    const hole = list.slice(from, at)
    const missing = (candidate.heading.number ?? 0) - (before?.heading.number ?? Number.NaN) - 1
    if (missing > 0 && hole.length === missing) filled.push(...hole)
    filled.push(candidate)
  }
  return filled
}

/** Drops legs that restart at 1 without a volume before them, if they are too short for a volume. */
function wholeLegs(chain: readonly Candidate[], volumes: readonly Candidate[]): Candidate[] {
  const parts = legs(chain)
  if (parts.length < 2) return [...chain]
  const longest = longestLeg(chain)
  let next = 0
  return parts.flatMap((leg, i) => {
    const start = leg[0]?.line ?? 0
    const before = parts[i - 1]?.at(-1)?.line ?? -1
    while ((volumes[next]?.line ?? Number.POSITIVE_INFINITY) <= before) next++
    const hasVolume = (volumes[next]?.line ?? Number.POSITIVE_INFINITY) < start
    return hasVolume || leg.length * 3 >= longest ? leg : []
  })
}

/** Numbers that may be missing within a chain. */
const WIDEST_GAP = 3

/**
 * Returns the longest chain of candidates whose numbers rise, at best by one. A chain may restart at 1, as chapters do in each volume.
 * Linear in the candidates.
 */
function longestChain(candidates: readonly Candidate[]): Candidate[] {
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

/** Returns the parts of a chain between its restarts at 1. */
function legs(chain: readonly Candidate[]): Candidate[][] {
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
 * Returns the sure candidates of a style, and the doubtful ones where the sure ones leave a place for their number. Without sure ones, the
 * doubtful ones must form a chain of three.
 */
export function* fitting(candidates: readonly Candidate[]): Steps<Candidate[]> {
  const sure = yield* filtered(candidates, candidate => candidate.heading.sureness === 'sure')
  if (sure.length === 0) {
    const chain = longestChain(candidates)
    return chain.length >= 3 && chain.length * 2 > candidates.length ? chain : []
  }
  const kept: Candidate[] = []
  let nextSure = 0
  for (const [i, candidate] of candidates.entries()) {
    if (i % perStep === 0) yield
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

/** Drops headings that only quote a number: between n and n + 1, with a number that has its place elsewhere. */
export function* withoutQuoted(candidates: readonly Candidate[]): Steps<Candidate[]> {
  const places = yield* countedBy(candidates, ({ heading }) => heading.number)
  const kept: Candidate[] = []
  for (const [i, candidate] of candidates.entries()) {
    if (i % perStep === 0) yield
    const before = kept.at(-1)?.heading.number
    const after = candidates[i + 1]?.heading.number
    const { number } = candidate.heading
    const isBetween = before !== undefined && after === before + 1
    const isElsewhere = number !== undefined && number !== before && number !== after
    if (!(isBetween && isElsewhere && (places.get(number) ?? 0) > 1)) kept.push(candidate)
  }
  return kept
}

/** Returns the share of a chain with prose before the next one. */
function shareWithProse(chain: readonly Candidate[]): number {
  const withProse = chain.filter((a, i) => {
    const b = chain[i + 1]
    return b !== undefined && between(a, b).sentences > 0
  })
  return chain.length < 2 ? 1 : withProse.length / (chain.length - 1)
}
