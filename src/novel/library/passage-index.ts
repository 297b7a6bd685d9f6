/**
 * The search index of a novel: built beside the one that answers, segment by segment, and put in its place in one write.
 *
 * A segment holds the passages of some scenes (see `buildNovelSegment`); writing one again replaces it. Where no index is built,
 * a search says so and finds nothing.
 */
import type { TextSpan } from '../../ai/model.ts'
import type { IndexSegment } from '../search/postings.ts'
import type { Discarded } from './drafts.ts'

/** What answers a search: nothing, BM25 over words and pairs of characters, or that together with the vectors of a model. */
export type IndexKind = 'none' | 'lexical' | 'hybrid'

/** Which vectors an index has. All of one build are of one kind; others are never compared with them. */
export interface VectorKind {
  /** Id of the model as it was configured. */
  model: string
  /** `EmbeddingModel.space`. */
  space: string
  dimensions: number
}

/** What is known of the index of a novel. */
export interface IndexState {
  /** The index that answers searches now. */
  kind: IndexKind
  /** Another one is being built. */
  building: boolean
  /** Of the index that answers. */
  builtAt?: number
  passages: number
  /** Of a hybrid index. */
  vectors?: VectorKind
  /** Scenes whose text changed since it was indexed; 0 when the index is up to date. */
  outOfDateScenes: number
}

/** Whether vectors can be compared; the id of the model may have changed meanwhile. */
export function areSameKind(a: VectorKind | undefined, b: VectorKind | undefined): boolean {
  return a?.space === b?.space && a?.dimensions === b?.dimensions
}

/** An index that is being built. */
export interface IndexBuild {
  novelId: string
  /** The fence of its writes: a later build makes it stale. */
  generation: number
  /** `textVersion` of the novel when the build began. */
  textVersion: number
  /** Numbers below this have been written without a gap. */
  segments: number
  /** The same builder finished it before; nothing is left to do. */
  finished: boolean
}

/** The build that a write belongs to. */
export type IndexWriter = Pick<IndexBuild, 'novelId' | 'generation'>

/** A part of the index of a novel. */
export interface NovelSegment {
  /** From 0, in the order of building. */
  number: number
  /** The scenes whose text is in it, at which version; also those without a passage. */
  scenes: readonly { sceneId: string; textVersion: number }[]
  /** The passages with their places, in the order in which the segment numbers them. */
  passages: readonly ({ id: number; sceneId: string } & TextSpan)[]
  postings: IndexSegment
}

/** The vectors of some neighbouring passages of a segment: what one call of a model answered. */
export interface VectorBatch {
  /** Number of the segment. */
  segment: number
  /** From 0, in the order of the passages. */
  part: number
  /** Id of the first passage; those of the others follow without a gap. */
  first: number
  /** See `encodeVectors`. */
  vectors: Uint8Array
}

/** Text around a place that answers a query. */
export interface Snippet {
  text: string
  /** Where it starts in the scene. */
  start: number
  /** What answers the query, in `text`. */
  marks: readonly TextSpan[]
}

/** A passage that answers a query. */
export interface PassageHit {
  sceneId: string
  chapterId: string
  chapterTitle: string
  /** The passage in the text of the scene. */
  passage: TextSpan
  snippet: Snippet
  /** Higher is better; comparable within one answer. */
  score: number
  /** The scene changed since it was indexed; the passage is the best one of its text now. */
  outOfDate: boolean
}

/** The answer of a search. */
export interface SearchAnswer {
  /** What answered: of a hybrid index it is `lexical` where the query had no vector of its kind. */
  index: IndexKind
  outOfDateScenes: number
  /** Passages that were found, whatever the limit is: with a word of the query, or close in meaning. Of a changed scene, as it was indexed. */
  total: number
  /** Best first. */
  hits: readonly PassageHit[]
  /** Where the following hits begin; absent where there are none, and behind the first 1,000 passages. */
  nextOffset?: number
}

/** How a search is run. */
export interface NovelSearch {
  query: string
  /** Most hits, from 1 to 100. Default 20. */
  limit?: number
  /** How many of the best passages are left out; with `limit` at most 1,000. Default 0. */
  offset?: number
  /** The id of a scene: only passages of scenes before it in reading order are hits. */
  before?: string
  /** The query as a vector. It is used where the index that answers has vectors of its kind. */
  vector?: { kind: VectorKind; values: Float32Array }
  signal?: AbortSignal
}

/** Finds the vectors of the passages of a segment that are known, each of length 1, by the ids of the passages. */
export type KnownVectors = (
  segment: Pick<NovelSegment, 'scenes' | 'passages'>,
) => Promise<ReadonlyMap<number, Float32Array>>

/** The search indices of published novels. */
export interface PassageIndex {
  /** Throws NOVEL_NOT_FOUND. */
  state(userId: string, novelId: string): Promise<IndexState>
  /**
   * Begins a build, or finds the one that the same builder (a task's id) has begun with vectors of the same kind. Another unfinished
   * build becomes stale. Throws NOVEL_NOT_FOUND.
   */
  begin(userId: string, novelId: string, builder: string, vectors?: VectorKind): Promise<IndexBuild>
  /** Returns what finds vectors of a kind in the index that answers: of passages of texts that are as they were. Not scoped to a user: the build is. */
  known(novelId: string, kind: VectorKind): Promise<KnownVectors>
  /** Writes a segment, whose first `parts` batches of vectors were written before; others that it has are removed. Default 0. */
  put(build: IndexWriter, segment: NovelSegment, parts?: number): Promise<'written' | 'stale'>
  /** Writes a batch of vectors, before its segment. At most some 2 MB. */
  putVectors(build: IndexWriter, batch: VectorBatch): Promise<'written' | 'stale'>
  /**
   * Makes the build the index that answers, if it has the segments 0 to `segments` - 1. Finishing again answers the same. What it
   * replaces is left to `clean`.
   */
  finish(build: IndexWriter, segments: number): Promise<'finished' | 'incomplete' | 'stale'>
  /** Removes one step of what no longer answers; `kept`: the novel is not there. */
  clean(novelId: string, limit?: number): Promise<Discarded>
  /** Throws NOVEL_NOT_FOUND, SCENE_NOT_FOUND; OPTION_INVALID for a limit or an offset outside its range. */
  search(userId: string, novelId: string, search: NovelSearch): Promise<SearchAnswer>
}
