/** Softens the first places, so that one list alone does not decide. The paper uses this value, and finds the choice not critical. */
const k = 60

/** A passage in a joined list. */
export interface FusedHit {
  readonly passageId: number
  /** Sum of 1 / (60 + place) over the lists that have the passage. */
  readonly score: number
}

/** What a place in one list counts for, from 0. */
export function rankScore(place: number): number {
  return 1 / (k + place + 1)
}

/**
 * Joins lists of passages, each best first, by their places: scores of different kinds cannot be compared. Reciprocal rank
 * fusion: Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods", SIGIR
 * 2009. Equal scores in the order of the ids.
 */
export function fuseRanks(lists: readonly (readonly { readonly passageId: number }[])[]): FusedHit[] {
  const scores = new Map<number, number>()
  for (const list of lists) {
    for (const [place, { passageId }] of list.entries()) {
      scores.set(passageId, (scores.get(passageId) ?? 0) + rankScore(place))
    }
  }
  return [...scores]
    .map(([passageId, score]) => ({ passageId, score }))
    .sort((a, b) => b.score - a.score || a.passageId - b.passageId)
}
