import { QuillworkError } from '../../index.ts'
import { cooperate, type Steps } from '../../runtime/cooperate.ts'
import type { IndexSegment } from './postings.ts'
import { termOccurrences } from './terms.ts'

/** Number of shards of a segment. Part of the stored format: it must not change. */
export const shardCount = 128

/** A passage to be indexed. */
export interface IndexedPassage {
  /** Id within the novel, an integer from 0. Ascends within a segment. */
  readonly id: number
  readonly text: string
}

/** The passages that contain a term: pairs of the passage's place in its segment and the number of occurrences. */
export type Postings = readonly (readonly [place: number, occurrences: number])[]

/** The passages of a segment, by place. */
export interface SegmentDocuments {
  readonly ids: readonly number[]
  /** Number of terms of each passage. */
  readonly lengths: readonly number[]
}

/**
 * Builds a segment, and yields to the event loop meanwhile. A good size is about 60,000 characters. Throws OPTION_INVALID for ids that do
 * not ascend, and the signal's reason.
 */
export function buildSegment(
  passages: Iterable<IndexedPassage>,
  options?: { signal?: AbortSignal },
): Promise<IndexSegment> {
  return cooperate(buildSegmentSteps(passages), options?.signal)
}

/** Builds a segment; yields after every passage and every shard. */
function* buildSegmentSteps(passages: Iterable<IndexedPassage>): Steps<IndexSegment> {
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
): Steps<ReadonlyMap<number, Uint8Array>> {
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

/** Writes each place as its distance from the one before, doubled. An odd number is followed by a count above one. */
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

/** Returns the shard of a term: FNV-1a over its UTF-16 code units, modulo the number of shards. Part of the stored format. */
export function shardOf(term: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < term.length; at += 1) hash = Math.imul(hash ^ term.charCodeAt(at), 0x01000193)
  return (hash >>> 0) % shardCount
}

/** Reads ids and lengths of a segment's passages. Throws RECORD_UNREADABLE for invalid bytes. */
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

/** Reads the postings of the terms that a shard has among `terms`. Throws RECORD_UNREADABLE for invalid bytes. */
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

const encoder = new TextEncoder()
const shortText = new Uint8Array(256)

/** A buffer that grows as bytes and numbers are written to it. Numbers are LEB128: seven bits a byte, the lowest first. */
export class ByteWriter {
  #bytes = new Uint8Array(256)
  #length = 0

  /** Writes an integer from 0 to 2^53 - 1. */
  number(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#length++] = rest
  }

  /** Writes bytes with their count before them. */
  block(bytes: Uint8Array): void {
    this.number(bytes.length)
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** Writes a text as UTF-8 with the count of its bytes before it. */
  text(text: string): void {
    // The count comes first; a UTF-16 code unit takes at most three bytes.
    const scratch = text.length * 3 <= shortText.length ? shortText : new Uint8Array(text.length * 3)
    this.block(scratch.subarray(0, encoder.encodeInto(text, scratch).written))
  }

  /** Returns the written bytes without a copy, valid until the next write. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Returns a copy of the written bytes. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  /** Empties the buffer and keeps its memory. */
  clear(): void {
    this.#length = 0
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}

/** Reads the bytes of a `ByteWriter`. Throws RECORD_UNREADABLE where they end early or are invalid. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Whether all bytes are read. */
  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  /** Reads a number. */
  number(): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 49; factor *= 0x80) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw unreadable()
  }

  /** Reads the bytes of a block, without copying them. */
  block(): Uint8Array {
    const length = this.number()
    const start = this.#at
    if (start + length > this.#bytes.length) throw unreadable()
    this.#at = start + length
    return this.#bytes.subarray(start, start + length)
  }
}

function unreadable(): QuillworkError {
  return new QuillworkError(
    'RECORD_UNREADABLE',
    'A part of the search index cannot be read. Build the index of the novel again.',
  )
}
