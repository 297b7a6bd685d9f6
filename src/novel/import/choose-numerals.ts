import type { Candidate } from './candidate.ts'
import type { TextFacts } from './chosen.ts'
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
  const weak = new Map<string, Candidate[]>()
  for (const candidate of candidates) {
    if (candidate.heading.sureness !== 'weak' || !standsAlone(candidate)) continue
    const list = weak.get(candidate.heading.style)
    if (list === undefined) weak.set(candidate.heading.style, [candidate])
    else list.push(candidate)
  }
  const volumes = strong.filter(candidate => candidate.heading.depth < 4)
  let best: Candidate[] = []
  let bestWeight = 0
  for (const list of weak.values()) {
    const chain = numberedBy(list, volumes, facts)
    const weight = longestLeg(chain)
    if (weight > bestWeight) {
      best = chain
      bestWeight = weight
    }
  }
  return best
}

function standsAlone(candidate: Candidate): boolean {
  return candidate.blankBefore && candidate.afterSentence && candidate.following.length > 0
}

function longestLeg(chain: readonly Candidate[]): number {
  return Math.max(0, ...legs(chain).map(leg => leg.length))
}

function numberedBy(
  list: readonly Candidate[],
  volumes: readonly Candidate[],
  facts: TextFacts,
): Candidate[] {
  const chain = wholeLegs(longestChain(list), volumes)
  const first = chain[0]
  const last = chain.at(-1)
  if (chain.length < 3 || first === undefined || last === undefined) return []
  const place = (candidate: Candidate) =>
    (candidate.before.characters - facts.charactersBefore) / facts.characters
  // A list of rules or a few numbered verses takes up a small part of the text; chapters take up all of it.
  const covers = place(first) < 0.3 && place(last) > 0.5 && (first.heading.number ?? 9) <= 2
  return covers && chain.length * 10 >= list.length * 6 && shareWithProse(chain) >= 0.8 ? chain : []
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
