/** How a query is answered by a build of an index. */
import type { TextSpan } from '../../ai/model.ts'
import { wholeAt } from '../../ai/text/characters.ts'
import { yieldWhenDue } from '../../runtime/cooperate.ts'
import { defined } from '../../task/defined.ts'
import { fuseRanks, rankScore } from '../search/fuse.ts'
import { splitPassages } from '../search/passages.ts'
import { mostHits, searchIndex } from '../search/search.ts'
import { marksOf } from '../search/terms.ts'
import { Closest } from '../search/vectors.ts'
import { type PassagePlace, passagesBefore, readPlaces, readSegments, readVectors } from './index-rows.ts'
import type { LibraryParts } from './kinds.ts'
import {
  areSameKind,
  type IndexState,
  type IndexWriter,
  type NovelSearch,
  type PassageHit,
  type SearchAnswer,
  type Snippet,
} from './passage-index.ts'
import { notTaken } from './refusal.ts'

/** The build that answers, with the state of the index. */
export interface SearchedBuild {
  library: LibraryParts
  build: IndexWriter
  state: IndexState
  /** The novel changed since it was indexed: scenes may be gone. */
  isChanged: boolean
}

const defaultLimit = 20
const largestLimit = 100

/** Which of the passages are hits. Throws OPTION_INVALID for a limit outside 1 to 100, and behind the first 1,000 passages. */
export function searchSpan({ limit = defaultLimit, offset = 0 }: NovelSearch): TextSpan {
  if (!Number.isInteger(limit) || limit < 1 || limit > largestLimit)
    throw notTaken(`limit is ${limit}; give a whole number from 1 to ${largestLimit}.`)
  if (!Number.isInteger(offset) || offset < 0 || offset + limit > mostHits)
    throw notTaken(`offset is ${offset}; give a whole number from 0, with limit at most ${mostHits}.`)
  return { start: offset, end: offset + limit }
}

/** Finds the places for a query in an index. A passage of a changed scene is looked for anew in its text, and left out where it is gone. */
export async function answerSearch(searched: SearchedBuild, search: NovelSearch): Promise<SearchAnswer> {
  const span = searchSpan(search)
  const { kind, outOfDateScenes } = searched.state
  if (kind === 'none') return { index: 'none', outOfDateScenes, total: 0, hits: [] }
  const { found, total, index } = await findPassages(searched, search)
  const hits = await placed(searched, found.slice(span.start, span.end), search.query)
  const isMore = found.length > span.end && span.end < mostHits
  return { index, outOfDateScenes, total, hits, ...defined({ nextOffset: isMore ? span.end : undefined }) }
}

/** A passage that was found. */
interface Found {
  passageId: number
  score: number
}

async function placed(
  { library, build }: SearchedBuild,
  found: readonly Found[],
  query: string,
): Promise<PassageHit[]> {
  const passageIds = found.map(hit => hit.passageId)
  const read = await readPlaces(library, build, passageIds)
  const places = new Map(read.map(place => [place.passageId, place]))
  const hits: PassageHit[] = []
  const renewed = new Set<string>()
  for (const { passageId, score } of found) {
    const place = places.get(passageId)
    const passage = place === undefined ? undefined : passageNow(place, query)
    if (place === undefined || passage === undefined) continue
    // Several passages of a changed scene may lead to the same one of its text now.
    const key = `${place.sceneId} ${passage.start}`
    if (place.outOfDate && renewed.has(key)) continue
    renewed.add(key)
    const { passageId: _, start: __, end: ___, content, ...of } = place
    hits.push({ ...of, passage, snippet: snippetOf(content, passage, query), score })
  }
  return hits
}

/** How many of each list are joined: enough that a passage in the middle of both comes before one that only one list has. */
const fused = 100

interface FoundPassages {
  index: 'lexical' | 'hybrid'
  /** Best first, at most 1,000. */
  found: readonly Found[]
  total: number
}

/** By words, and by meaning where the query has a vector of the kind that the index has. */
async function findPassages(
  searched: SearchedBuild,
  { query, before, vector, signal }: NovelSearch,
): Promise<FoundPassages> {
  const { library, build, state, isChanged } = searched
  const { vectors } = state
  const isWithin = before !== undefined || isChanged
  const within = isWithin ? await passagesBefore(library, build, before) : undefined
  const postings = { read: (shards: readonly number[]) => readSegments(library, build, shards) }
  const options = defined({ within, signal })
  const { hits, matched } = await searchIndex(postings, query, { limit: mostHits, ...options })
  if (vector === undefined || vectors === undefined || !areSameKind(vector.kind, vectors))
    return { index: 'lexical', found: hits, total: matched.size }
  const closest = new Closest(vector.values, fused, within)
  const takeTurns = yieldWhenDue(signal)
  for await (const batch of readVectors(library, build)) {
    closest.add(batch.first, batch.vectors)
    await takeTurns()
  }
  const close = closest.found
  const joined = fuseRanks([hits.slice(0, fused), close])
  const known = new Set(joined.map(({ passageId }) => passageId))
  // What only words find, and find late, follows all that is joined.
  const rest = hits.flatMap(({ passageId }, place) =>
    known.has(passageId) ? [] : [{ passageId, score: rankScore(place) }],
  )
  const onlyClose = close.filter(({ passageId }) => !matched.has(passageId)).length
  return { index: 'hybrid', found: [...joined, ...rest], total: matched.size + onlyClose }
}

/** The passage where it was indexed; of a changed scene, the one with the most marks, if any has one. */
function passageNow(place: PassagePlace, query: string): TextSpan | undefined {
  if (!place.outOfDate) return { start: place.start, end: place.end }
  let best: TextSpan | undefined
  let most = 0
  for (const passage of splitPassages(place.content)) {
    const marks = marksOf(place.content.slice(passage.start, passage.end), query).length
    if (marks <= most) continue
    most = marks
    best = passage
  }
  return best
}

/** Code units of a snippet, and of what it shows before the first mark. */
const snippetLength = 160
const snippetLead = 40

/** A stretch of a passage around its first mark. */
function snippetOf(content: string, passage: TextSpan, query: string): Snippet {
  const text = content.slice(passage.start, passage.end)
  const marks = marksOf(text, query)
  const lead = Math.max(0, (marks[0]?.start ?? 0) - snippetLead)
  const start = wholeAt(text, Math.max(0, Math.min(lead, text.length - snippetLength)))
  const end = wholeAt(text, Math.min(text.length, start + snippetLength))
  return {
    text: text.slice(start, end),
    start: passage.start + start,
    marks: marks
      .filter(mark => mark.start < end && mark.end > start)
      .map(mark => ({ start: Math.max(mark.start, start) - start, end: Math.min(mark.end, end) - start })),
  }
}
