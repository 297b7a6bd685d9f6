/**
 * The bin of a novel: volumes, chapters and scenes that a person deleted. Nobody finds them but here, nothing of them is lost, and they can be
 * put back for 30 days. Then they are deleted for good.
 */

import type { NovelCounts } from './drafts.ts'
import type { NovelOverview } from './shelf.ts'

/** Milliseconds that something is kept in the bin. */
export const binnedFor = 30 * 24 * 3_600_000

/** What was deleted: a volume with its chapters, a chapter with its scenes, or a scene. */
export interface BinEntry {
  id: string
  novelId: string
  what: 'volume' | 'chapter' | 'scene'
  /** Id of the volume, chapter or scene. */
  unitId: string
  /** Its title; empty for none. */
  title: string
  chapters: number
  scenes: number
  words: number
  characters: number
  /** Epoch milliseconds. */
  binnedAt: number
  expiresAt: number
}

/** What of a novel is meant. */
export interface BinnedUnit {
  novelId: string
  what: BinEntry['what']
  id: string
}

/** A whole novel that a person deleted. */
export interface BinnedNovel
  extends NovelCounts,
    Pick<NovelOverview, 'id' | 'title' | 'author' | 'language'> {
  /** Epoch milliseconds. */
  binnedAt: number
  expiresAt: number
}

/** The bin of whole novels: nobody finds them but here, nothing of them is lost, and they can be put back for 30 days. All but `list` and `expired` throw NOVEL_NOT_FOUND. */
export interface BinnedNovels {
  /** Takes a novel from the shelf; one that is in the bin stays there. */
  put(userId: string, novelId: string): Promise<BinnedNovel>
  /** Those of a user, the newest first. */
  list(userId: string): Promise<readonly BinnedNovel[]>
  /** Puts a novel back on the shelf. */
  restore(userId: string, novelId: string): Promise<void>
  /** A novel, of any user, that was in the bin for 30 days; undefined where there is none. */
  expired(): Promise<{ userId: string; novelId: string } | undefined>
}

/** The bins of novels. All throw NOVEL_NOT_FOUND. */
export interface NovelBin {
  /** Puts a volume, a chapter or a scene into the bin. Throws VOLUME_NOT_FOUND, CHAPTER_NOT_FOUND, SCENE_NOT_FOUND. */
  remove(userId: string, unit: BinnedUnit): Promise<BinEntry>
  /** What is in the bin of a novel, the newest first. */
  entries(userId: string, novelId: string): Promise<readonly BinEntry[]>
  /**
   * Puts something back where it was, or as near as there is a place: into the volume or chapter that it was in, where that is there. Throws
   * BIN_ENTRY_NOT_FOUND, CHAPTER_FULL, and CHAPTER_NOT_FOUND for a scene of a novel that has no chapter.
   */
  restore(userId: string, entry: { novelId: string; entryId: string }): Promise<BinEntry>
  /** Deletes something for good by one step of at most `limit` scenes; `more`: call again. Throws BIN_ENTRY_NOT_FOUND. */
  discard(
    userId: string,
    entry: { novelId: string; entryId: string },
    limit?: number,
  ): Promise<'more' | 'done'>
  /** Deletes for good what has expired, by one step of at most `limit` scenes. Returns whether more is left to do, and how many entries are gone. */
  purge(limit?: number): Promise<{ isMore: boolean; purged: number }>
}
