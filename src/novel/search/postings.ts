/** The facts about a collection by which its passages are scored. */
export interface Collection {
  /** Passages of the collection, at least 1. */
  readonly passages: number
  /** Terms of all passages together. */
  readonly totalLength: number
}

/**
 * One part of a lexical index, built once and never changed: the passages of a batch of scenes. A hash spreads the terms over shards, so
 * that a query reads only the shards of its terms.
 */
export interface IndexSegment extends Collection {
  /** Ids and lengths of the passages, encoded. */
  readonly documents: Uint8Array
  /** The terms and their postings by shard number, encoded. Shards without a term are absent. */
  readonly shards: ReadonlyMap<number, Uint8Array>
}

/**
 * The stored index of one novel. An adapter stores the parts of a segment as they are; a row per segment and a row per (shard, segment),
 * read by shard, serve a query with few reads.
 */
export interface PostingStore {
  /**
   * Yields every segment of the novel in any order, each with the named shards only; also segments without any of them, because their
   * passages count.
   */
  read(shards: readonly number[]): AsyncIterable<IndexSegment>
}

/** Returns segments in memory as an index, for texts that are searched without a library. */
export function memoryPostings(segments: Iterable<IndexSegment>): PostingStore {
  return {
    async *read(wanted) {
      for (const segment of segments) {
        yield { ...segment, shards: new Map([...segment.shards].filter(([shard]) => wanted.includes(shard))) }
      }
    },
  }
}
