/**
 * Moving a whole library from one storage to another, as rows that know nothing of either: ids, times, versions and counts stay as
 * they are. Both libraries are at rest meanwhile. Rows replace what has their id, so a copy that was cut off is made again from the
 * start.
 */
import type { NovelCounts, NovelStatus } from './drafts.ts'
import type { KeptEntry } from './history.ts'
import type { NovelSegment, VectorBatch, VectorKind } from './passage-index.ts'
import type { GuardedScene } from './scene-guard.ts'
import type { Upload } from './uploads.ts'

/** A novel of any status. The counts of one that is not published are 0: they are those of its rows. */
export interface NovelRow extends NovelCounts {
  id: string
  userId: string
  importTaskId: string
  title: string
  author?: string
  language?: string
  status: NovelStatus
  generation: number
  createdAt: number
  publishedAt?: number
  updatedAt: number
  textVersion: number
  index: IndexRow
}

/** The search index of a novel. A build that was not finished is left behind: its builder begins another one. */
export interface IndexRow {
  lastGeneration: number
  answering?: {
    generation: number
    builder: string
    textVersion: number
    builtAt: number
    passages: number
    vectors?: VectorKind
  }
}

/** A volume of a novel. */
export interface VolumeRow {
  id: string
  novelId: string
  position: number
  generation: number
  title: string
}

/** A chapter of a novel. */
export interface ChapterRow extends VolumeRow {
  volumeId: string
}

/** A scene with its text, its summary, and its history. */
export interface SceneRow extends GuardedScene {
  id: string
  novelId: string
  chapterId: string
  chapterPosition: number
  position: number
  generation: number
  words: number
  characters: number
  updatedAt: number
  /** Oldest first. */
  history: readonly KeptEntry[]
}

/** A segment of an index that answers. */
export interface SegmentRow {
  novelId: string
  generation: number
  segment: NovelSegment
  /** In order; none of a lexical index. */
  vectors: readonly VectorBatch[]
}

/** An upload; its file is not part of the library. */
export type UploadRow = Omit<Upload, 'status'>

/** Rows of one kind. */
export interface RowTransfer<Row> {
  /** All rows, those that were made first before later ones where the library lists them in that order; a bounded page at a time. */
  read(): AsyncIterable<readonly Row[]>
  /** Writes rows in place of those with their ids. What they belong to was written before; throws OPTION_INVALID where it was not. */
  write(rows: readonly Row[]): Promise<void>
}

/** A whole library, kind by kind. */
export interface LibraryTransfer {
  readonly novels: RowTransfer<NovelRow>
  readonly volumes: RowTransfer<VolumeRow>
  readonly chapters: RowTransfer<ChapterRow>
  readonly scenes: RowTransfer<SceneRow>
  readonly segments: RowTransfer<SegmentRow>
  readonly uploads: RowTransfer<UploadRow>
}

/** Rows that were copied. */
export type CopiedRows = Record<keyof LibraryTransfer | 'summaries' | 'history', number>

/** How a library is copied. */
export interface CopyOptions {
  /** Called after each page with what has been copied so far. */
  onProgress?: (copied: Readonly<CopiedRows>) => void
  signal?: AbortSignal
}

/** Copies a library and answers how many rows of each kind it had. Rejects with the signal's reason when aborted. */
export async function copyLibrary(
  from: LibraryTransfer,
  to: LibraryTransfer,
  { onProgress, signal }: CopyOptions = {},
): Promise<CopiedRows> {
  const copied: CopiedRows = {
    novels: 0,
    volumes: 0,
    chapters: 0,
    scenes: 0,
    summaries: 0,
    history: 0,
    segments: 0,
    uploads: 0,
  }

  async function copy<Row>(
    kind: keyof LibraryTransfer,
    source: RowTransfer<Row>,
    target: RowTransfer<Row>,
    count: (row: Row) => void = () => undefined,
  ): Promise<void> {
    for await (const rows of source.read()) {
      signal?.throwIfAborted()
      await target.write(rows)
      copied[kind] += rows.length
      rows.forEach(count)
      onProgress?.({ ...copied })
    }
  }

  await copy('novels', from.novels, to.novels)
  await copy('volumes', from.volumes, to.volumes)
  await copy('chapters', from.chapters, to.chapters)
  await copy('scenes', from.scenes, to.scenes, scene => {
    copied.summaries += scene.summary === undefined ? 0 : 1
    copied.history += scene.history.length
  })
  await copy('segments', from.segments, to.segments)
  await copy('uploads', from.uploads, to.uploads)
  return copied
}
