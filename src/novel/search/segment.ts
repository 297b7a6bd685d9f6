import { QuillworkError } from '../../index.ts'
import { cooperate } from '../../runtime/cooperate.ts'
import { ByteReader, ByteWriter } from './encoding.ts'
import type { IndexSegment } from './postings.ts'
import { termOccurrences } from './terms.ts'

/** Number of shards of every segment. Part of the stored format: it must not change. */
export const shardCount = 128

/** A passage to be indexed. */
export interface IndexedPassage {
  /** Id within the novel, an integer from 0. Ascends within a segment. */
  readonly id: number
  readonly text: string
}

/** The passages that contain a term, and how often: pairs of the passage's place in its segment and the occurrences. */
export type Postings = readonly (readonly [place: number, occurrences: number])[]

/** The passages of a segment, by place. */
export interface SegmentDocuments {
  readonly ids: readonly number[]
  /** Terms of each passage. */
  readonly lengths: readonly number[]
}

/**
 * Builds a segment and gives the event loop its turns meanwhile. A segment of about 60,000 characters is a good size.
 * Rejects with `OPTION_INVALID` for ids that do not ascend, and with the signal's reason when aborted.
 */
export function buildSegment(
  passages: Iterable<IndexedPassage>,
  options?: { signal?: AbortSignal },
): Promise<IndexSegment> {
  return cooperate(buildSegmentSteps(passages), options?.signal)
}

/** The same as a computation that yields after every passage and every shard. */
function* buildSegmentSteps(passages: Iterable<IndexedPassage>): Generator<void, IndexSegment> {
  const postings = new Map<string, number[]>()
  const documents = new ByteWriter()
  let count = 0
  let totalLength = 0
  let previousId = -1
  for (const { id, text } of passages) {
    if (!Number.isSafeInteger(id) || id <= previousId) {
      throw new QuillworkError(
        'OPTION_INVALID',
        `The ids of passages must be integers that ascend; ${id} follows ${previousId}.`,
      )
    }
    const length = addPassage(postings, count, text)
    documents.number(id - previousId - 1)
    documents.number(length)
    count += 1
    totalLength += length
    previousId = id
    yield
  }
  const shards = yield* encodeShards(postings)
  return { passages: count, totalLength, documents: documents.finish(), shards }
}

function addPassage(postings: Map<string, number[]>, place: number, text: string): number {
  let length = 0
  for (const { term } of termOccurrences(text)) {
    length += 1
    const list = postings.get(term)
    if (list === undefined) postings.set(term, [place, 1])
    else if (list[list.length - 2] === place) list[list.length - 1] = (list[list.length - 1] ?? 0) + 1
    else list.push(place, 1)
  }
  return length
}

function* encodeShards(
  postings: ReadonlyMap<string, readonly number[]>,
): Generator<void, ReadonlyMap<number, Uint8Array>> {
  const terms: string[][] = Array.from({ length: shardCount }, () => [])
  for (const term of postings.keys()) terms[shardOf(term)]?.push(term)
  yield
  const shards = new Map<number, Uint8Array>()
  const bytes = new ByteWriter()
  const list = new ByteWriter()
  for (const [shard, members] of terms.entries()) {
    if (members.length === 0) continue
    bytes.clear()
    for (const term of members.sort()) {
      list.clear()
      writePostings(list, postings.get(term) ?? [])
      bytes.text(term)
      bytes.block(list.written())
    }
    shards.set(shard, bytes.finish())
    yield
  }
  return shards
}

/** A place is written as the distance from the one before, doubled; the odd numbers are followed by a count above one. */
function writePostings(bytes: ByteWriter, list: readonly number[]): void {
  let previous = -1
  for (let at = 0; at < list.length; at += 2) {
    const place = list[at] ?? 0
    const occurrences = list[at + 1] ?? 1
    const distance = (place - previous - 1) * 2
    previous = place
    if (occurrences === 1) bytes.number(distance)
    else {
      bytes.number(distance + 1)
      bytes.number(occurrences)
    }
  }
}

/** The shard of a term: FNV-1a over its UTF-16 code units, by the number of shards. Part of the stored format. */
export function shardOf(term: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < term.length; at += 1) hash = Math.imul(hash ^ term.charCodeAt(at), 0x01000193)
  return (hash >>> 0) % shardCount
}

/** Reads ids and lengths of a segment's passages. Throws `RECORD_UNREADABLE` for bytes that are none. */
export function readDocuments(bytes: Uint8Array): SegmentDocuments {
  const reader = new ByteReader(bytes)
  const ids: number[] = []
  const lengths: number[] = []
  let previousId = -1
  while (!reader.done) {
    previousId += reader.number() + 1
    ids.push(previousId)
    lengths.push(reader.number())
  }
  return { ids, lengths }
}

/** Reads the postings of those of `terms` that a shard has. Throws `RECORD_UNREADABLE` for bytes that are none. */
export function readPostings(bytes: Uint8Array, terms: Iterable<string>): ReadonlyMap<string, Postings> {
  const wanted = [...terms].map(term => ({ term, name: Buffer.from(term) }))
  const found = new Map<string, Postings>()
  for (const reader = new ByteReader(bytes); !reader.done; ) {
    const name = reader.block()
    const list = reader.block()
    const match = wanted.find(
      candidate => candidate.name.length === name.length && candidate.name.equals(name),
    )
    if (match !== undefined) found.set(match.term, decodePostings(list))
  }
  return found
}

function decodePostings(bytes: Uint8Array): Postings {
  const reader = new ByteReader(bytes)
  const postings: [number, number][] = []
  let place = -1
  while (!reader.done) {
    const distance = reader.number()
    place += Math.floor(distance / 2) + 1
    postings.push([place, distance % 2 === 1 ? reader.number() : 1])
  }
  return postings
}
