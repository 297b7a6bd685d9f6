import type { Candidate } from './candidates.ts'

/** What speech counts: a sentence that is all speech has this share of its gain taken away. */
const speechPenalty = 0.75
/** Exponent of the length in the value of a sentence: 0 favours long sentences, 1 the shortest. */
const lengthExponent = 0.5
/** Weight of a term that occurs in one sentence only: enough to fill a summary that has told everything else. */
const singleWeight = 0.1
/** Candidates that are looked at before the event loop may have its turn. */
const stride = 128

/**
 * Picks the sentences that together cover the most of what a text keeps coming back to, within `budget` code units.
 *
 * Every candidate counts for the weights, the telling ones can be picked. A term weighs the number of further sentences
 * that contain it, and counts once. Each step takes the sentence with the greatest new weight per square root of its
 * length (the scaled greedy rule for a budgeted coverage: Lin and Bilmes, "Multi-document summarization via budgeted
 * maximization of submodular functions", NAACL 2010; the objective is that of Gillick and Favre, "A scalable global model
 * for summarization", ILP-NLP 2009). What was covered gains nothing again, so that no second rule against repetition is
 * needed. Since gains only fall, an old gain is an upper bound, and most sentences are looked at once: the time grows with
 * the text, not with its square.
 *
 * Returns the places of the picked candidates, best first; none where no telling candidate fits.
 */
export function* pickByCoverage(candidates: readonly Candidate[], budget: number): Generator<void, number[]> {
  const weights = yield* termWeights(candidates)
  const covered = new Set<string>()
  const bounds = new Float64Array(candidates.length).fill(Number.POSITIVE_INFINITY)
  const picked: number[] = []
  // The last sentence needs no space behind it.
  let left = budget + 1
  for (;;) {
    let best = -1
    let bestValue = 0
    for (const [place, candidate] of candidates.entries()) {
      if (place % stride === stride - 1) yield
      if (!candidate.telling || (bounds[place] ?? 0) <= bestValue) continue
      const value = lengthOf(candidate) > left ? 0 : worth(candidate, weights, covered)
      bounds[place] = value
      if (value > bestValue) {
        best = place
        bestValue = value
      }
    }
    const choice = candidates[best]
    if (choice === undefined) return picked
    picked.push(best)
    bounds[best] = 0
    left -= lengthOf(choice)
    for (const term of choice.terms) covered.add(term)
  }
}

/** Length in a summary, with the space that parts it from the next. */
function lengthOf(candidate: Candidate): number {
  return candidate.end - candidate.start + 1
}

function worth(
  candidate: Candidate,
  weights: ReadonlyMap<string, number>,
  covered: ReadonlySet<string>,
): number {
  let gain = 0
  for (const term of candidate.terms) if (!covered.has(term)) gain += weights.get(term) ?? 0
  return (gain * (1 - speechPenalty * candidate.speech)) / lengthOf(candidate) ** lengthExponent
}

function* termWeights(candidates: readonly Candidate[]): Generator<void, ReadonlyMap<string, number>> {
  const weights = new Map<string, number>()
  for (const [place, candidate] of candidates.entries()) {
    if (place % stride === stride - 1) yield
    for (const term of candidate.terms) weights.set(term, (weights.get(term) ?? singleWeight - 1) + 1)
  }
  return weights
}
