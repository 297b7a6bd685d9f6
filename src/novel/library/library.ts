/**
 * The novel library: novels, volumes, chapters and scenes, with their summaries, uploads and search index. Small ports by
 * capability, over records of any store; times are epoch milliseconds, offsets are UTF-16 code units.
 */

import type { Records } from '../../records/records.ts'
import type { NovelArchives } from '../archive/archives.ts'
import { packNovel } from '../archive/pack.ts'
import { unpackNovel } from '../archive/unpack.ts'
import type { NovelAdditions } from './additions.ts'
import type { BinnedNovels, NovelBin } from './bin.ts'
import { passageIndex } from './build-index.ts'
import type { CandidateStore } from './candidates.ts'
import type { CodexStore } from './codex.ts'
import { sceneShape } from './cut-scenes.ts'
import type { NovelDrafts } from './drafts.ts'
import type { ExportStore } from './exports.ts'
import { novelAdditions } from './keep-additions.ts'
import { novelBin } from './keep-bin.ts'
import { novelsInBin, unbinned } from './keep-binned-novels.ts'
import { candidateStore } from './keep-candidates.ts'
import { codexStore } from './keep-codex.ts'
import { exportStore } from './keep-exports.ts'
import { summaryLevels } from './keep-levels.ts'
import { modelStore } from './keep-models.ts'
import { promptStore } from './keep-prompts.ts'
import { readingStore } from './keep-readings.ts'
import { novelShape } from './keep-shape.ts'
import { snapshotStore } from './keep-snapshots.ts'
import { threadStore } from './keep-threads.ts'
import { uploadStore } from './keep-uploads.ts'
import type { SummaryLevels } from './levels.ts'
import type { ModelStore } from './models.ts'
import type { PassageIndex } from './passage-index.ts'
import type { PromptStore } from './prompts.ts'
import { novelShelf } from './read-shelf.ts'
import type { ReadingStore } from './readings.ts'
import type { SceneStore } from './scenes.ts'
import type { NovelShape, SceneShape } from './shape.ts'
import type { NovelShelf } from './shelf.ts'
import type { SnapshotStore } from './snapshots.ts'
import type { ThreadStore } from './threads.ts'
import type { UploadStore } from './uploads.ts'
import { novelDrafts } from './write-draft.ts'
import { sceneStore } from './write-scene.ts'

/** Everything that the novel tasks and the API need to know of novels. */
export interface NovelLibrary {
  readonly drafts: NovelDrafts
  readonly shelf: NovelShelf
  readonly shape: NovelShape & SceneShape
  readonly bin: NovelBin
  readonly additions: NovelAdditions
  readonly binnedNovels: BinnedNovels
  readonly scenes: SceneStore
  readonly candidates: CandidateStore
  readonly codex: CodexStore
  readonly threads: ThreadStore
  readonly readings: ReadingStore
  readonly levels: SummaryLevels
  readonly snapshots: SnapshotStore
  readonly uploads: UploadStore
  readonly exports: ExportStore
  readonly archives: NovelArchives
  /** Returns the library for reading alone: there a novel of the bin is found like one of the shelf. */
  withBin(): ArchivedLibrary
  readonly index: PassageIndex
  readonly models: ModelStore
  readonly prompts: PromptStore
}

/** What archives of novels are made of. */
export type ArchivedLibrary = Pick<NovelLibrary, 'archives' | 'codex' | 'readings' | 'shelf'>

/** Options of a library. */
export interface LibraryOptions {
  /** The clock, epoch milliseconds. Default: that of the process. */
  now?: () => number
}

/** The library that records of the `libraryKinds` are. */
export function novelLibrary(records: Records, { now = Date.now }: LibraryOptions = {}): NovelLibrary {
  const parts = { records, now }
  return {
    drafts: novelDrafts(parts),
    shelf: novelShelf(parts),
    shape: { ...novelShape(parts), ...sceneShape(parts) },
    bin: novelBin(parts),
    additions: novelAdditions(parts),
    binnedNovels: novelsInBin(parts),
    scenes: sceneStore(parts),
    candidates: candidateStore(parts),
    codex: codexStore(parts),
    threads: threadStore(parts),
    readings: readingStore(parts),
    levels: summaryLevels(parts),
    snapshots: snapshotStore(parts),
    uploads: uploadStore(parts),
    exports: exportStore(parts),
    archives: {
      pack: (userId, novelId, findings) => packNovel(parts, userId, { novelId, findings }),
      unpack: (draft, rows) => unpackNovel(parts, draft, rows),
    },
    withBin: () => novelLibrary(unbinned(records), { now }),
    index: passageIndex(parts),
    models: modelStore(parts),
    prompts: promptStore(parts),
  }
}
