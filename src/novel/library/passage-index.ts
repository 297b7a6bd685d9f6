/**
 * The search index of a novel: built beside the one that answers, segment by segment, and put in its place in one write.
 *
 * A segment holds the passages of some scenes (see `buildNovelSegment`); writing one again replaces it. Where no index is built,
 * a search says so and finds nothing.
 */
import type { TextSpan } from '../../ai/model.ts'
import type { IndexSegment } from '../search/postings.ts'
import type { Discarded } from './drafts.ts'

/** What answers a search: nothing, or BM25 over words and pairs of characters. */
export type IndexKind = 'none' | 'lexical'

/** What is known of the index of a novel. */
export interface IndexState {
  /** The index that answers searches now. */
  kind: IndexKind
  /** Another one is being built. */
  building: boolean
  /** Of the index that answers. */
  builtAt?: number
  passages: number
  /** Scenes whose text changed since it was indexed; 0 when the index is up to date. */
  outOfDateScenes: number
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
  /** The index that answered. */
  index: IndexKind
  outOfDateScenes: number
  /** Best first. */
  hits: readonly PassageHit[]
}

/** How a search is run. */
export interface NovelSearch {
  query: string
  /** Most hits, from 1 to 100. Default 20. */
  limit?: number
  signal?: AbortSignal
}

/** The search indices of published novels. */
export interface PassageIndex {
  /** Throws NOVEL_NOT_FOUND. */
  state(userId: string, novelId: string): Promise<IndexState>
  /**
   * Begins a build, or finds the one that the same builder (a task's id) has begun. Another builder's unfinished build becomes
   * stale. Throws NOVEL_NOT_FOUND.
   */
  begin(userId: string, novelId: string, builder: string): Promise<IndexBuild>
  /** Writes a segment. */
  put(build: IndexWriter, segment: NovelSegment): Promise<'written' | 'stale'>
  /**
   * Makes the build the index that answers, if it has the segments 0 to `segments` - 1. Finishing again answers the same. What it
   * replaces is left to `clean`.
   */
  finish(build: IndexWriter, segments: number): Promise<'finished' | 'incomplete' | 'stale'>
  /** Removes one step of what no longer answers; `kept`: the novel is not there. */
  clean(novelId: string, limit?: number): Promise<Discarded>
  /** Throws NOVEL_NOT_FOUND; OPTION_INVALID for a limit outside its range. */
  search(userId: string, novelId: string, search: NovelSearch): Promise<SearchAnswer>
}
