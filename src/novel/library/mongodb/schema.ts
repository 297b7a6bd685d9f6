/**
 * Documents of the library. What an operation must change together is one document, or is changed in a transaction that locks the novel
 * first. Sums over scenes (words, characters, summaries of a chapter) are not kept anywhere: an index holds what they are made of.
 */
import type { Binary } from 'mongodb'
import type { IndexPlan } from '../../../store/mongodb/indexes.ts'
import type { NovelCounts, NovelStatus } from '../drafts.ts'
import type { KeptEntry } from '../history.ts'
import type { VectorBatch, VectorKind } from '../passage-index.ts'
import type { GuardedScene } from '../scene-guard.ts'
import type { Upload } from '../uploads.ts'

/** A novel. Its counts are those of the publication, kept up to date from then on; those of a draft are 0. */
export interface NovelDocument extends NovelCounts {
  _id: string
  /** Rises with every novel that is made. */
  order: number
  userId: string
  importTaskId: string
  title: string
  author: string | null
  language: string | null
  status: NovelStatus
  generation: number
  /** The call of `create` that made or took up the draft last, so that it is known when it is sent again. */
  takenUpBy: string
  createdAt: number
  publishedAt?: number
  updatedAt: number
  textVersion: number
  index: IndexDocument
  /** How often a transaction locked the novel. */
  locks: number
}

/** What is known of the search index of a novel. */
export interface IndexDocument {
  lastGeneration: number
  answering?: BuildDocument & { builtAt: number; passages: number }
  building?: BuildDocument
}

/** A build of an index. */
export interface BuildDocument {
  generation: number
  builder: string
  /** `textVersion` of the novel when it began. */
  textVersion: number
  /** Of a hybrid index. */
  vectors?: VectorKind
}

/** A volume. */
export interface VolumeDocument {
  _id: string
  novelId: string
  position: number
  generation: number
  title: string
}

/** A chapter. */
export interface ChapterDocument {
  _id: string
  novelId: string
  volumeId: string
  position: number
  generation: number
  title: string
}

/** A scene with its text and summary; at most some 300 KB. */
export interface SceneDocument extends GuardedScene {
  _id: string
  novelId: string
  chapterId: string
  /** Position of the chapter. */
  chapter: number
  position: number
  generation: number
  words: number
  characters: number
  /** `ofTextVersion` of the summary, where the index of the scenes can see it. */
  summaryOf?: number
  updatedAt: number
  /** How often something was kept in the history beside it. */
  locks?: number
}

/** A text or a summary that is not in its place. */
export interface HistoryDocument extends Omit<KeptEntry, 'why' | 'keptAt'> {
  _id: string
  novelId: string
  sceneId: string
  /** Rises within the scene. */
  order: number
  /** Absent where nothing but what was overwritten was kept: then that is meant, and `overwrittenAt` says when. */
  why?: KeptEntry['why']
  keptAt?: number
  overwrittenAt?: number
}

/** An upload. */
export interface UploadDocument extends Omit<Upload, 'id' | 'status'> {
  _id: string
  /** Rises with every upload. */
  order: number
}

/** A sequence of numbers. */
export interface CounterDocument {
  _id: 'novels' | 'uploads'
  last: number
}

/** Written as they are; the driver reads them as its own kind. Its class is not named here, so that only who uses it loads the driver. */
type Bytes = Uint8Array | Binary

/** The bytes, whoever made them. */
export function bytesOf(bytes: Bytes): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : bytes.value()
}

/** What every document of a search index says: of which novel, of which build. */
interface OfIndex {
  _id: string
  novelId: string
  generation: number
}

/** A segment of a search index. */
export interface SegmentDocument extends OfIndex {
  number: number
  passages: number
  totalLength: number
  documents: Bytes
}

/** A shard of a segment: a query reads the shards of its terms. */
export interface ShardDocument extends OfIndex {
  number: number
  shard: number
  bytes: Bytes
}

/** A scene as it was indexed. */
export interface IndexedSceneDocument extends OfIndex {
  number: number
  sceneId: string
  textVersion: number
}

/** A passage: where it is, in which text. */
export interface PassageDocument extends OfIndex {
  number: number
  passage: number
  sceneId: string
  textVersion: number
  start: number
  end: number
}

/** Vectors of neighbouring passages: those of one call of a model, so some 2 MB at most. */
export interface VectorsDocument extends OfIndex {
  number: number
  part: number
  first: number
  vectors: Bytes
}

/** The vectors without what the document says of its place. */
export function vectorBatchOf({ number, part, first, vectors }: VectorsDocument): VectorBatch {
  return { segment: number, part, first, vectors: bytesOf(vectors) }
}

/** The names of the collections. */
export const collections = {
  novels: 'novels',
  volumes: 'volumes',
  chapters: 'chapters',
  scenes: 'scenes',
  history: 'scene_history',
  uploads: 'uploads',
  counters: 'library_counters',
  segments: 'search_segments',
  shards: 'search_shards',
  indexedScenes: 'search_scenes',
  passages: 'search_passages',
  vectors: 'search_vectors',
} as const

/** The indexes that the library's questions are answered by. */
export const libraryIndexes: readonly IndexPlan[] = [
  {
    collection: collections.novels,
    name: 'shelf',
    key: { userId: 1, status: 1, publishedAt: -1, order: -1 },
  },
  { collection: collections.novels, name: 'unpublished', key: { status: 1, order: 1 } },
  { collection: collections.novels, name: 'in_order', key: { order: 1 } },
  { collection: collections.volumes, name: 'in_order', key: { novelId: 1, position: 1 } },
  { collection: collections.chapters, name: 'in_order', key: { novelId: 1, position: 1 } },
  {
    collection: collections.scenes,
    name: 'in_order',
    // What follows the position is for sums, which so need not read the scenes.
    key: { novelId: 1, chapter: 1, position: 1, words: 1, characters: 1, summaryOf: 1, _id: 1 },
  },
  {
    collection: collections.scenes,
    name: 'edited',
    key: { novelId: 1, textVersion: 1 },
    partial: { textVersion: { $gt: 1 } },
  },
  { collection: collections.history, name: 'newest', key: { novelId: 1, sceneId: 1, order: -1 } },
  { collection: collections.uploads, name: 'in_order', key: { order: 1 } },
  { collection: collections.uploads, name: 'of_user', key: { userId: 1, order: -1 } },
  { collection: collections.uploads, name: 'expiring', key: { expiresAt: 1 } },
  { collection: collections.segments, name: 'in_order', key: { novelId: 1, generation: 1, number: 1 } },
  {
    collection: collections.shards,
    name: 'of_terms',
    key: { novelId: 1, generation: 1, shard: 1, number: 1 },
  },
  {
    collection: collections.indexedScenes,
    name: 'of_segment',
    key: { novelId: 1, generation: 1, number: 1 },
  },
  { collection: collections.passages, name: 'of_segment', key: { novelId: 1, generation: 1, number: 1 } },
  {
    collection: collections.vectors,
    name: 'in_order',
    key: { novelId: 1, generation: 1, number: 1, part: 1 },
  },
]
