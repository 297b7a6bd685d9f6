import type { Candidate } from './candidate.ts'
import type { TextFacts } from './chosen.ts'
import { withoutContents } from './contents.ts'
import { legs, longestChain, shareWithProse } from './sequence.ts'

/**
 * Chooses bare numerals as chapters, when one kind of them numbers the whole text: rising from the start, alone on
 * their lines, with prose between, after whole sentences (page numbers stand anywhere). [] when none does.
 */
export function chooseNumerals(
  candidates: readonly Candidate[],
  strong: readonly Candidate[],
  facts: TextFacts,
): Candidate[] {
  const volumes = strong.filter(candidate => candidate.heading.depth < 4)
  let best: Candidate[] = []
  let bestWeight = 0
  for (const [style, list] of byStyle(candidates, facts.usesBlanks)) {
    const chain = numberedBy(withoutContents(list, facts), volumes, facts)
    // Titles of a table of contents count only where nothing is numbered.
    const weight = style === 'listed' ? Math.min(1, chain.length) : longestLeg(chain)
    if (weight > bestWeight) {
      best = chain
      bestWeight = weight
    }
  }
  return best
}

/**
 * Bare numerals that carry on where labelled chapters end: ADVENTURE VI, then VII. [] when none do.
 */
export function continueNumerals(
  candidates: readonly Candidate[],
  numbered: readonly Candidate[],
  facts: TextFacts,
): Candidate[] {
  const last = numbered.findLast(({ heading }) => heading.depth === 4)
  const number = last?.heading.number
  if (last === undefined || number === undefined || number < 2) return []
  for (const list of byStyle(candidates, facts.usesBlanks).values()) {
    const chain: Candidate[] = []
    for (const candidate of list) {
      if (candidate.line > last.line && candidate.heading.number === number + chain.length + 1)
        chain.push(candidate)
    }
    const end = chain.at(-1)
    const covers =
      end !== undefined && end.before.characters - facts.charactersBefore > 0.5 * facts.characters
    if (chain.length >= 3 && covers && shareWithProse(chain) === 1) return chain
  }
  return []
}

/** The numerals that stand alone, by style. */
function byStyle(candidates: readonly Candidate[], usesBlanks: boolean): Map<string, Candidate[]> {
  const weak = new Map<string, Candidate[]>()
  for (const candidate of candidates) {
    if (candidate.heading.sureness !== 'weak' || !standsAlone(candidate, usesBlanks)) continue
    const list = weak.get(candidate.heading.style)
    if (list === undefined) weak.set(candidate.heading.style, [candidate])
    else list.push(candidate)
  }
  return weak
}

function standsAlone(candidate: Candidate, usesBlanks: boolean): boolean {
  return (candidate.blankBefore || !usesBlanks) && candidate.afterSentence && candidate.followingLine >= 0
}

function longestLeg(chain: readonly Candidate[]): number {
  return Math.max(0, ...legs(chain).map(leg => leg.length))
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
  const place = (candidate: Candidate) =>
    (candidate.before.characters - facts.charactersBefore) / facts.characters
  // A list of rules or a few numbered verses takes up a small part of the text; chapters take up all of it.
  const covers = place(first) < 0.3 && place(last) > 0.5 && (first.heading.number ?? 9) <= 2
  return covers && chain.length * 10 >= list.length * 6 && shareWithProse(chain) >= 0.8 ? chain : []
}

/** Adds what fills a hole of the chain exactly, whatever its number: a misprint. */
function withMisnumbered(chain: readonly Candidate[], list: readonly Candidate[]): Candidate[] {
  const filled: Candidate[] = []
  let at = 0
  for (const [i, candidate] of chain.entries()) {
    const before = chain[i - 1]
    while (at < list.length && (list[at]?.line ?? 0) <= (before?.line ?? -1)) at++
    const hole: Candidate[] = []
    for (; at < list.length && (list[at]?.line ?? 0) < candidate.line; at++) {
      const inHole = list[at]
      if (inHole !== undefined) hole.push(inHole)
    }
    const missing = (candidate.heading.number ?? 0) - (before?.heading.number ?? Number.NaN) - 1
    if (missing > 0 && hole.length === missing) filled.push(...hole)
    filled.push(candidate)
  }
  return filled
}

/** Drops legs that start again at 1 without a volume before them, when they are too short to be one. */
function wholeLegs(chain: readonly Candidate[], volumes: readonly Candidate[]): Candidate[] {
  const parts = legs(chain)
  if (parts.length < 2) return [...chain]
  const longest = longestLeg(chain)
  return parts.flatMap((leg, i) => {
    const start = leg[0]?.line ?? 0
    const before = parts[i - 1]?.at(-1)?.line ?? -1
    const hasVolume = volumes.some(volume => volume.line > before && volume.line < start)
    return hasVolume || leg.length * 3 >= longest ? leg : []
  })
}
