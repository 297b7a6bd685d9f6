/** How soon further occurrences of a term stop adding to a score. */
const k1 = 1.2
/** How much a long passage is held against its occurrences, 0 to 1. */
const b = 0.75

/** What the score of a passage needs to know of the whole collection. */
export interface Collection {
  /** Passages of the collection, at least 1. */
  readonly passages: number
  /** Terms of all passages together. */
  readonly totalLength: number
}

/**
 * Weight of a term that occurs in `passagesWithTerm` passages: the rarer, the more. Never negative, unlike the classic
 * form: ln(1 + (N - n + 0.5) / (n + 0.5)), as Lucene has it.
 */
export function inverseDocumentFrequency(collection: Collection, passagesWithTerm: number): number {
  return Math.log(1 + (collection.passages - passagesWithTerm + 0.5) / (passagesWithTerm + 0.5))
}

/**
 * BM25 weight of a term's occurrences in one passage (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25
 * and Beyond", Foundations and Trends in Information Retrieval 3(4), 2009, section 3.4; k1 = 1.2, b = 0.75).
 * `length` is the number of terms of the passage.
 */
export function termScore(collection: Collection, idf: number, occurrences: number, length: number): number {
  const averageLength = collection.totalLength / collection.passages
  const relativeLength = averageLength > 0 ? length / averageLength : 1
  return (idf * occurrences * (k1 + 1)) / (occurrences + k1 * (1 - b + b * relativeLength))
}
