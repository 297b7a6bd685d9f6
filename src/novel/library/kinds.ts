/**
 * The kinds of records that a library is made of. What an operation must change together goes in one commit, guarded by the record that all
 * its writers write: the novel for its draft and its removal, the scene for its text, its summary, its history and its candidates, the index for its segments.
 */
import {
  type AnyKind,
  defineKind,
  getOne,
  insert,
  type Records,
  replace,
  type Stored,
} from '../../records/records.ts'
import type { CodexEntry } from '../codex/entry.ts'
import type { NovelNarration } from '../narration.ts'
import type { BinEntry, BinnedNovel } from './bin.ts'
import type { CandidateRecord } from './candidates.ts'
import type { Dismissal } from './codex.ts'
import type { DraftState, DraftWriter, VolumeDraft } from './drafts.ts'
import { novelExports, uploads } from './file-kinds.ts'
import type { KeptEntry } from './history.ts'
import type { LevelSummary } from './levels.ts'
import type { KeptModel } from './models.ts'
import type { IndexWriter, VectorBatch, VectorKind } from './passage-index.ts'
import type { NovelPrompts } from './prompts.ts'
import type { SceneReading } from './readings.ts'
import { novelNotFound } from './refusal.ts'
import type { GuardedScene, GuardedText } from './scene-guard.ts'
import type { NovelAbout, SceneOverview } from './shelf.ts'
import { snapshotChapters, snapshots } from './snapshot-kinds.ts'
import type { TextDelta } from './text-delta.ts'
import type { Thread } from './threads.ts'

/** What the parts of a library share. */
export interface LibraryParts {
  records: Records
  /** Epoch milliseconds. */
  now(): number
}

/** A novel. Its counts are those of the publication, kept up to date from then on; those of a draft are 0. */
export interface NovelRecord
  extends Omit<NovelAbout, 'createdAt' | 'version'>,
    Pick<DraftState, 'importTaskId' | 'status' | 'generation' | 'createdAt'> {
  /** Absent: the first one, 1. */
  version?: number
  /** Ids of the references that it names; absent for none. One that is gone stays in it, and gives nothing. */
  references?: readonly string[]
  /** Rises with every novel that is made. */
  order: number
  publishedAt?: number
  /** `publishedAt` while it is on the shelf. */
  shelvedAt?: number
  /** 1 while it is not, or no longer, published. */
  pending?: number
}

export const novels = defineKind<NovelRecord>({
  name: 'library_novels',
  fields: {
    userId: 'text',
    order: 'integer',
    shelvedAt: 'integer',
    pending: 'integer',
    scenes: 'integer',
    words: 'integer',
    characters: 'integer',
    textVersion: 'integer',
    updatedAt: 'integer',
  },
  indexes: {
    shelf: ['userId', 'shelvedAt', 'order'],
    unpublished: ['pending', 'order'],
  },
})

/** A volume. */
export interface VolumeRecord extends VolumeDraft, DraftWriter {
  id: string
  /** Absent: the first one, 1. */
  version?: number
}

export const volumes = defineKind<VolumeRecord>({
  name: 'library_volumes',
  fields: { novelId: 'text', position: 'integer', generation: 'integer' },
  indexes: { in_order: ['novelId', 'position'] },
})

/** A chapter. */
export interface ChapterRecord extends VolumeRecord {
  volumeId: string
  targetWords?: number
}

export const chapters = defineKind<ChapterRecord>({
  name: 'library_chapters',
  fields: { novelId: 'text', position: 'integer', generation: 'integer', volumeId: 'text' },
  indexes: { in_order: ['novelId', 'position'] },
})

/** A scene without its text. */
export interface SceneRecord
  extends GuardedScene,
    Pick<SceneOverview, 'id' | 'chapterId' | 'position' | 'words' | 'characters'>,
    DraftWriter {
  /** Position of the chapter. */
  chapter: number
  /** `ofTextVersion` of the summary. */
  summaryOf?: number
  /** 1 where there is a summary. */
  summarised?: number
  /** 1 where the text ever changed. */
  edited?: number
  /** Absent while nothing was kept, and where an earlier version of the library kept it. */
  history?: SceneHistory
  /** Open candidates; absent for none. */
  openCandidates?: number
  /** Ids of the chapters that it was in before; absent for none. */
  wasIn?: readonly string[]
  updatedAt: number
}

export const scenes = defineKind<SceneRecord>({
  name: 'library_scenes',
  fields: {
    novelId: 'text',
    chapter: 'integer',
    position: 'integer',
    generation: 'integer',
    words: 'integer',
    characters: 'integer',
    summarised: 'integer',
    edited: 'integer',
  },
  large: { summary: 'json' },
  indexes: {
    // What follows the position is for sums, which so need not read the scenes, and for finding those that changed.
    in_order: ['novelId', 'chapter', 'position', 'words', 'characters', 'summarised', 'edited'],
  },
})

/** The text of the scene with the same id. */
export interface TextRecord extends GuardedText {
  id: string
}

export const texts = defineKind<TextRecord>({ name: 'library_texts', large: { content: 'text' } })

/** What the next entry of the history of a scene needs to know of those that are there. */
export interface SceneHistory {
  /** `order` of the newest one. */
  newest: number
  /** The entry with a whole text that the next one is a difference to. */
  base: Readonly<Partial<Record<KeptEntry['what'], string>>>
  /** `order` of each expendable one, oldest first. */
  expendable: Readonly<Partial<Record<KeptEntry['what'], readonly number[]>>>
}

/** A text or a summary that is not in its place. */
export interface HistoryRecord extends Omit<KeptEntry, 'text'> {
  id: string
  sceneId: string
  /** Rises within the scene. */
  order: number
  /** Absent where there is a difference. */
  text?: string
  /** The text as the difference to that of the entry `base`, which is never dropped. */
  difference?: { base: string; delta: TextDelta }
}

export const history = defineKind<HistoryRecord>({
  name: 'library_history',
  fields: { sceneId: 'text', order: 'integer' },
  large: { text: 'text' },
  indexes: { newest: ['sceneId', 'order'] },
})

export const candidates = defineKind<CandidateRecord>({
  name: 'library_candidates',
  fields: { sceneId: 'text', order: 'integer', rootTaskId: 'text', status: 'text' },
  large: { text: 'text' },
  indexes: { of_scene: ['sceneId', 'order'], of_run: ['rootTaskId', 'status', 'id'] },
})

/** An entry of the codex of a novel. */
export interface CodexRecord extends CodexEntry {
  /** Rises within the novel. */
  order: number
}

export const codex = defineKind<CodexRecord>({
  name: 'library_codex',
  fields: { novelId: 'text', order: 'integer' },
  large: { note: 'text' },
  indexes: { in_order: ['novelId', 'order'] },
})

/** A thread of the story of a novel. */
export interface ThreadRecord extends Thread {
  /** Its id within the novel; `id` is that of the record. */
  threadId: string
  /** Rises within the novel. */
  order: number
}

export const threads = defineKind<ThreadRecord>({
  name: 'library_threads',
  fields: { novelId: 'text', order: 'integer' },
  large: { note: 'text' },
  indexes: { in_order: ['novelId', 'order'] },
})

/** What the author does not want to see again. */
export interface DismissalRecord extends Dismissal {
  id: string
  novelId: string
}

export const dismissals = defineKind<DismissalRecord>({
  name: 'library_dismissals',
  fields: { novelId: 'text' },
  indexes: { of_novel: ['novelId', 'id'] },
})

/** What is in the bin of a novel: its rows have its id in place of the novel's. */
export interface BinRecord extends BinEntry {
  /** The positions that it had, and what it was in. */
  place: {
    chapter: number
    volume?: number
    position?: number
    volumeId?: string
    chapterId?: string
  }
  /** The scene that has its text; absent unless two were made one. */
  mergedInto?: string
}

export const bin = defineKind<BinRecord>({
  name: 'library_bin',
  fields: { novelId: 'text', expiresAt: 'integer' },
  indexes: { of_novel: ['novelId', 'expiresAt'], expiring: ['expiresAt'] },
})

/** A novel that is in the bin, beside its record. */
export interface BinnedNovelRecord extends BinnedNovel {
  userId: string
}

export const binnedNovels = defineKind<BinnedNovelRecord>({
  name: 'library_binned_novels',
  fields: { userId: 'text', expiresAt: 'integer' },
  indexes: { of_user: ['userId', 'expiresAt'], expiring: ['expiresAt'] },
})

/** What a model read in a scene. */
export interface ReadingRecord extends Omit<SceneReading, 'place'> {
  id: string
  novelId: string
  /** The place of the scene. */
  chapter: number
  position: number
}

export const readings = defineKind<ReadingRecord>({
  name: 'library_readings',
  fields: { novelId: 'text', what: 'text', chapter: 'integer', position: 'integer' },
  large: { items: 'json' },
  indexes: { in_order: ['novelId', 'what', 'chapter', 'position'] },
})

/** How the novel with the same id is told. */
export interface NarrationRecord extends NovelNarration {
  id: string
  /** Rises by one with every change. */
  version: number
}

export const narrations = defineKind<NarrationRecord>({ name: 'library_narrations' })

/** The own prompts of the novel with the same id: their version rises by one with every change. */
export interface NovelPromptsRecord extends NovelPrompts {
  id: string
}

export const novelPrompts = defineKind<NovelPromptsRecord>({
  name: 'library_prompts',
  large: { prompts: 'json' },
})

/** The summary of the unit with the same id. */
export interface LevelSummaryRecord extends LevelSummary {
  id: string
  novelId: string
  /** The digest of the unit when it was made. */
  of: string
  /** A person gave it back to the tasks: there is no text. */
  isEmpty?: true
}

export const levelSummaries = defineKind<LevelSummaryRecord>({
  name: 'library_level_summaries',
  fields: { novelId: 'text' },
  large: { text: 'text' },
  indexes: { of_novel: ['novelId'] },
})

/** All models that are kept, in one record: they are checked together, and their order is that of preference. */
export interface ModelsRecord {
  id: 'models'
  /** Rises by one with every change. */
  version: number
  models: readonly KeptModel[]
}

export const keptModels = defineKind<ModelsRecord>({ name: 'library_models', large: { models: 'json' } })

/** A build of an index. */
export interface BuildRecord {
  generation: number
  builder: string
  /** `textVersion` of the novel when it began. */
  textVersion: number
  /** Of a hybrid index. */
  vectors?: VectorKind
}

/** What is known of the search index of the novel with the same id. */
export interface IndexRecord {
  id: string
  lastGeneration: number
  answering?: BuildRecord & { builtAt: number; passages: number }
  building?: BuildRecord
}

export const indexes = defineKind<IndexRecord>({ name: 'library_indexes' })

/** A segment of a search index. */
export interface SegmentRecord extends IndexWriter {
  id: string
  number: number
  passages: number
  totalLength: number
  documents: Uint8Array
  /** The scenes in it, each with the version of its text. */
  scenes: readonly (readonly [sceneId: string, textVersion: number])[]
  /** Of each passage: its number within the segment, that of its scene in `scenes`, start and end. */
  places: readonly (readonly [passage: number, scene: number, start: number, end: number])[]
}

export const segments = defineKind<SegmentRecord>({
  name: 'library_segments',
  fields: { novelId: 'text', generation: 'integer', number: 'integer', passages: 'integer' },
  large: { documents: 'bytes', scenes: 'json', places: 'json' },
  indexes: { in_order: ['novelId', 'generation', 'number'] },
})

/** A shard of a segment: a query reads the shards of its terms by their ids. */
export interface ShardRecord {
  id: string
  postings: Uint8Array
}

export const shards = defineKind<ShardRecord>({ name: 'library_shards', large: { postings: 'bytes' } })

/** Vectors of neighbouring passages: those of one call of a model, so some 2 MB at most. */
export interface VectorsRecord extends IndexWriter, Omit<VectorBatch, 'segment'> {
  id: string
  number: number
}

export const vectors = defineKind<VectorsRecord>({
  name: 'library_vectors',
  fields: { novelId: 'text', generation: 'integer', number: 'integer', part: 'integer' },
  large: { vectors: 'bytes' },
  indexes: { in_order: ['novelId', 'generation', 'number', 'part'] },
})

/** A sequence of numbers. */
interface CounterRecord {
  id: 'novels' | 'uploads'
  last: number
}

export const counters = defineKind<CounterRecord>({ name: 'library_counters' })

/** All kinds, in the order in which a library is copied. */
export const libraryKinds: readonly AnyKind[] = [
  novels,
  volumes,
  chapters,
  scenes,
  texts,
  history,
  candidates,
  indexes,
  segments,
  shards,
  vectors,
  uploads,
  counters,
  codex,
  narrations,
  levelSummaries,
  dismissals,
  snapshots,
  snapshotChapters,
  keptModels,
  threads,
  readings,
  novelPrompts,
  novelExports,
  bin,
  binnedNovels,
]

/** The next number of a sequence: what was made later has the higher one. Some numbers may go unused. */
export async function nextNumber({ records }: LibraryParts, id: CounterRecord['id']): Promise<number> {
  for (;;) {
    const held: Stored<CounterRecord> | undefined = await getOne(records, counters, id)
    const last = (held?.last ?? 0) + 1
    const change = held === undefined ? insert(counters, { id, last }) : replace(counters, { ...held, last })
    if ((await records.commit([change])) === 'applied') return last
  }
}

/** The novel, if it is on the user's shelf. */
export async function shelvedNovel(
  records: Records,
  userId: string,
  novelId: string,
): Promise<Stored<NovelRecord> | undefined> {
  const novel = await getOne(records, novels, novelId)
  return novel?.userId === userId && novel.status === 'published' ? novel : undefined
}

/** The user's published novel. Throws NOVEL_NOT_FOUND. */
export async function ownNovel(
  { records }: LibraryParts,
  userId: string,
  novelId: string,
): Promise<Stored<NovelRecord>> {
  const novel = await shelvedNovel(records, userId, novelId)
  if (novel === undefined) throw novelNotFound(novelId)
  return novel
}
