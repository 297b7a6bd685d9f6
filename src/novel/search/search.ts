import { QuillworkError } from '../../index.ts'
import { cooperate, type Steps, yieldWhenDue } from '../../runtime/cooperate.ts'
import type { Collection, IndexSegment, PostingStore } from './postings.ts'
import { type Postings, readDocuments, readPostings, type SegmentDocuments, shardOf } from './segment.ts'
import { termOccurrences } from './terms.ts'

/** Most terms of a query; further ones are ignored. */
const mostTerms = 128
/** Most hits of a search. */
export const mostHits = 1_000

/** A passage that answers a query. */
export interface SearchHit {
  readonly passageId: number
  /** BM25, above 0. Comparable within one result only. */
  readonly score: number
  /** The terms of the query that the passage contains, in the order of the query. */
  readonly terms: readonly string[]
}

/** What a query finds. */
export interface SearchFound {
  /** Best first. */
  readonly hits: readonly SearchHit[]
  /** Ids of all passages with a term of the query, also those above the limit. */
  readonly matched: ReadonlySet<number>
}

/** Options of a search. */
export interface SearchOptions {
  /** Most hits, an integer from 1 to 1,000. Default 10. */
  readonly limit?: number
  /** Only these passages are hits. Default: all. */
  readonly within?: ReadonlySet<number>
  readonly signal?: AbortSignal
}

/**
 * Returns the passages that match a query best, best first; equal scores in the order of their ids. Empty for a query without letters or
 * digits. Throws OPTION_INVALID for a limit outside its range, RECORD_UNREADABLE for a damaged index, and the signal's reason.
 */
export async function searchIndex(
  store: PostingStore,
  query: string,
  options: SearchOptions = {},
): Promise<SearchFound> {
  const { limit = 10, within, signal } = options
  if (!Number.isInteger(limit) || limit < 1 || limit > mostHits) {
    throw new QuillworkError(
      'OPTION_INVALID',
      `limit must be an integer from 1 to ${mostHits}, got ${limit}.`,
    )
  }
  const terms = queryTerms(query)
  if (terms.length === 0) return { hits: [], matched: new Set() }
  const wanted = byShard(terms)
  const matches: SegmentMatches[] = []
  let passages = 0
  let totalLength = 0
  const takeTurns = yieldWhenDue(signal)
  for await (const segment of store.read([...wanted.keys()])) {
    passages += segment.passages
    totalLength += segment.totalLength
    if (segment.shards.size > 0) matches.push(matchesIn(segment, wanted))
    await takeTurns()
  }
  const found = await cooperate(scoreSteps({ passages, totalLength }, terms, matches), signal)
  const hits = [...found].filter(({ passageId }) => within?.has(passageId) ?? true)
  const matched = new Set(hits.map(({ passageId }) => passageId))
  hits.sort((a, b) => b.score - a.score || a.passageId - b.passageId)
  return { hits: hits.slice(0, limit), matched }
}

function queryTerms(query: string): readonly string[] {
  const terms = new Set<string>()
  for (const { term } of termOccurrences(query)) {
    terms.add(term)
    if (terms.size >= mostTerms) break
  }
  return [...terms]
}

function byShard(terms: readonly string[]): ReadonlyMap<number, readonly string[]> {
  const shards = new Map<number, string[]>()
  for (const term of terms) {
    const shard = shardOf(term)
    shards.set(shard, [...(shards.get(shard) ?? []), term])
  }
  return shards
}

interface SegmentMatches {
  readonly documents: SegmentDocuments
  readonly postings: ReadonlyMap<string, Postings>
}

function matchesIn(segment: IndexSegment, wanted: ReadonlyMap<number, readonly string[]>): SegmentMatches {
  const postings = new Map<string, Postings>()
  for (const [shard, bytes] of segment.shards) {
    for (const [term, list] of readPostings(bytes, wanted.get(shard) ?? [])) postings.set(term, list)
  }
  return {
    documents: postings.size > 0 ? readDocuments(segment.documents) : { ids: [], lengths: [] },
    postings,
  }
}

function* scoreSteps(
  collection: Collection,
  terms: readonly string[],
  segments: readonly SegmentMatches[],
): Steps<Iterable<SearchHit>> {
  const scored = new Map<number, { passageId: number; score: number; terms: string[] }>()
  for (const term of terms) {
    const containing = segments.reduce((sum, { postings }) => sum + (postings.get(term)?.length ?? 0), 0)
    const idf = inverseDocumentFrequency(collection, containing)
    for (const { documents, postings } of segments) {
      for (const [place, occurrences] of postings.get(term) ?? []) {
        const passageId = documents.ids[place] ?? -1
        const hit = scored.get(passageId) ?? { passageId, score: 0, terms: [] }
        hit.score += termScore(collection, idf, occurrences, documents.lengths[place] ?? 0)
        hit.terms.push(term)
        scored.set(passageId, hit)
      }
      yield
    }
  }
  return scored.values()
}

/** Saturation: how fast further occurrences of a term lose weight. */
const k1 = 1.2
/** Weight of the length of a passage, 0 to 1. */
const b = 0.75

/**
 * Returns the weight of a term that occurs in `passagesWithTerm` passages: the rarer, the higher. Never negative, unlike the classic form:
 * ln(1 + (N - n + 0.5) / (n + 0.5)), as in Lucene.
 */
export function inverseDocumentFrequency(collection: Collection, passagesWithTerm: number): number {
  return Math.log(1 + (collection.passages - passagesWithTerm + 0.5) / (passagesWithTerm + 0.5))
}

/**
 * Returns the BM25 weight of a term's occurrences in one passage (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25
 * and Beyond", Foundations and Trends in Information Retrieval 3(4), 2009, section 3.4; k1 = 1.2, b = 0.75).
 * `length` is the number of terms of the passage.
 */
export function termScore(collection: Collection, idf: number, occurrences: number, length: number): number {
  const averageLength = collection.totalLength / collection.passages
  const relativeLength = averageLength > 0 ? length / averageLength : 1
  return (idf * occurrences * (k1 + 1)) / (occurrences + k1 * (1 - b + b * relativeLength))
}
