import type { Collection } from './bm25.ts'

/**
 * One part of a lexical index, made once and never changed: the passages of a chapter or of a batch of scenes. Terms are
 * spread over shards by their hash, so that a query reads only the shards of its terms.
 */
export interface IndexSegment extends Collection {
  /** Ids and lengths of the passages, encoded. */
  readonly documents: Uint8Array
  /** The terms and their postings by number of the shard, encoded. Shards without a term are absent. */
  readonly shards: ReadonlyMap<number, Uint8Array>
}

/**
 * Where the index of one novel is kept. An adapter stores the parts of a segment as they are and need not understand
 * them; a row per segment and a row per (shard, segment), read by shard, serve a query with few reads.
 */
export interface PostingStore {
  /** Adds a segment, or replaces the one with that id, in one step. */
  put(segmentId: string, segment: IndexSegment): Promise<void>
  /** Removes segments; ids that do not exist are passed over. */
  remove(segmentIds: readonly string[]): Promise<void>
  /**
   * Every segment of the novel, each with no other shards than the named ones. The order does not matter. Segments that
   * have none of these shards belong to the answer too: their passages count.
   */
  read(shards: readonly number[]): AsyncIterable<IndexSegment>
}

/** Keeps an index in memory: for tests and for texts that are searched once. */
export function memoryPostingStore(): PostingStore {
  const segments = new Map<string, IndexSegment>()
  return {
    async put(segmentId, segment) {
      segments.set(segmentId, segment)
    },
    async remove(segmentIds) {
      for (const segmentId of segmentIds) segments.delete(segmentId)
    },
    async *read(wanted) {
      for (const segment of [...segments.values()]) {
        const shards = new Map<number, Uint8Array>()
        for (const shard of wanted) {
          const bytes = segment.shards.get(shard)
          if (bytes !== undefined) shards.set(shard, bytes)
        }
        yield { ...segment, shards }
      }
    },
  }
}
