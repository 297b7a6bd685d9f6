import { QuillworkError } from '../../index.ts'
import { cooperate, yieldWhenDue } from '../../runtime/cooperate.ts'
import { type Collection, inverseDocumentFrequency, termScore } from './bm25.ts'
import type { IndexSegment, PostingStore } from './postings.ts'
import { type Postings, readDocuments, readPostings, type SegmentDocuments, shardOf } from './segment.ts'
import { termOccurrences } from './terms.ts'

/** Terms of a query that count; those behind them are left out. */
const mostTerms = 128
/** Most hits that can be asked for. */
const mostHits = 1_000

/** A passage that answers a query. */
export interface SearchHit {
  readonly passageId: number
  /** BM25, above 0. Comparable within one answer only. */
  readonly score: number
  /** The terms of the query that the passage contains, in the order of the query. */
  readonly terms: readonly string[]
}

/** How a search is run. */
export interface SearchOptions {
  /** Most hits, an integer from 1 to 1,000. Default 10. */
  readonly limit?: number
  /** Passes over a passage when it answers false: for passages that are gone or belong to another chapter. */
  readonly accept?: (passageId: number) => boolean
  readonly signal?: AbortSignal
}

/**
 * The passages that answer a query best, best first; equal scores in the order of their ids. Empty for a query without
 * letters or digits. Rejects with `OPTION_INVALID` for a limit outside its range, with `RECORD_UNREADABLE` for a damaged
 * index, with the signal's reason when aborted.
 */
export async function searchIndex(
  store: Pick<PostingStore, 'read'>,
  query: string,
  options: SearchOptions = {},
): Promise<SearchHit[]> {
  const { limit = 10, accept, signal } = options
  if (!Number.isInteger(limit) || limit < 1 || limit > mostHits) {
    throw new QuillworkError(
      'OPTION_INVALID',
      `limit must be an integer from 1 to ${mostHits}, got ${limit}.`,
    )
  }
  const terms = queryTerms(query)
  if (terms.length === 0) return []
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
  return best(found, limit, accept)
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

interface ScoredPassage {
  readonly passageId: number
  score: number
  readonly terms: string[]
}

function* scoreSteps(
  collection: Collection,
  terms: readonly string[],
  segments: readonly SegmentMatches[],
): Generator<void, Iterable<ScoredPassage>> {
  const scored = new Map<number, ScoredPassage>()
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

function best(found: Iterable<ScoredPassage>, limit: number, accept: SearchOptions['accept']): SearchHit[] {
  return [...found]
    .filter(hit => accept === undefined || accept(hit.passageId))
    .sort((a, b) => b.score - a.score || a.passageId - b.passageId)
    .slice(0, limit)
}
