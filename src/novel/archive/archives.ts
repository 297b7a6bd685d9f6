/** Novels as rows of archives: all of a novel but its index, out of a library and into one. */
import type { FindingSubject } from '../codex/check-scene.ts'
import type { DraftWriter, DraftWritten } from '../library/drafts.ts'
import type { ArchivedRow, RowName } from './rows.ts'

/** A row with its number, and its place in the novel. */
export type PlacedRow = ArchivedRow & {
  /** Of its kind, from 1; of what hangs on a scene or a snapshot, that of the scene or the snapshot. */
  readonly number: number
  /** The number of the entry of the bin that it is in; 0 for the novel itself. */
  readonly bin: number
  /** Of a volume or a chapter its own, of a scene that of its chapter; over the whole novel. */
  readonly position: number
  /** Of a scene within its chapter. */
  readonly inChapter: number
}

/** What an author has dismissed, by the id of the finding. */
export type FindingsById = ReadonlyMap<string, FindingSubject>

/** A novel to be written into an archive. */
export interface PackedNovel {
  /** When its text changed last, epoch milliseconds. */
  readonly updatedAt: number
  /** How many rows there are of the kinds that are of one moment. */
  readonly counts: Readonly<Partial<Record<RowName, number>>>
  /** In the order in which an archive has them; they are read once. Throws NOVEL_NOT_FOUND, and SCENE_NOT_FOUND where a scene is deleted for good meanwhile. */
  readonly rows: AsyncIterable<ArchivedRow>
}

/** The archives of novels. */
export interface NovelArchives {
  /** Throws NOVEL_NOT_FOUND. `findings`: those that the author has dismissed and that are still there. */
  pack(userId: string, novelId: string, findings: FindingsById): Promise<PackedNovel>
  /**
   * Writes rows into a draft, all of them, in bounded pieces. Written again they replace themselves. The novel itself is made by `NovelDrafts.create`, and is
   * seen when it is published.
   */
  unpack(draft: DraftWriter & { userId: string }, rows: AsyncIterable<PlacedRow>): Promise<DraftWritten>
}
