/**
 * How an import writes a novel: as a draft that nobody but the import sees, in batches that may be written again, and then visible
 * in one write. What was cancelled is discarded in bounded steps.
 *
 * A *position* counts from 0 without gaps: of a volume and of a chapter over the whole novel, of a scene within its chapter.
 */
import type { Page, PageRequest } from '../../task/page.ts'

/** UTF-16 code units that the text of one scene may have, unless a task wrote or imported it. */
export const longestScene = 50_000

/** UTF-16 code units that the text of an imported scene may have: a novel that was exported has what tasks wrote. */
export const longestImportedScene = 1_000_000

/** A novel that an import is about to write. */
export interface NewDraft {
  /** Made by `novelIdOf`, so that the same import always writes the same novel. */
  novelId: string
  userId: string
  title: string
  author?: string
  /** BCP 47 tag of the text, such as `zh` or `en`. */
  language?: string
  /** The task whose end makes a draft that is still there an orphan: the root of the import. */
  importTaskId: string
}

/** A volume of a draft. A book without volumes has one, with an empty title. */
export interface VolumeDraft {
  position: number
  title: string
}

/** A chapter of a draft. Its volume is in the same batch or an earlier one. */
export interface ChapterDraft extends VolumeDraft {
  volumePosition: number
}

/** A scene of a draft. Its chapter is in the same batch or an earlier one. */
export interface SceneDraft {
  chapterPosition: number
  position: number
  title?: string
  /** At most `longestImportedScene` code units. */
  content: string
}

/** Rows of a draft in reading order. A row whose position was written before replaces that one. */
export interface DraftBatch {
  volumes?: readonly VolumeDraft[]
  chapters?: readonly ChapterDraft[]
  scenes?: readonly SceneDraft[]
}

/** How much there is of a novel. */
export interface NovelCounts {
  volumes: number
  chapters: number
  scenes: number
  words: number
  /** Characters that can be seen. */
  characters: number
}

/** What an import knows of its novel. */
export interface DraftState {
  novelId: string
  userId: string
  /** Absent where a person began the novel. */
  importTaskId?: string
  title: string
  /**
   * `draft`: being written. `published`: on the shelf. `binned`: gone for readers, and can be put back. `deleting`: gone for readers, its rows are being
   * removed.
   */
  status: 'draft' | 'published' | 'binned' | 'deleting'
  /** Rises each time that `create` finds or makes the draft, also after a deletion: names the import's attempt that writes it. */
  generation: number
  createdAt: number
  /** Of the rows written so far; of a novel that is being removed from the shelf, what it had. */
  counts: NovelCounts
}

/** Whether a novel is complete: on the shelf, or in the bin. */
export function isWhole({ status }: Pick<DraftState, 'status'>): boolean {
  return status === 'published' || status === 'binned'
}

/** The draft as the attempt that writes it names it; a later attempt's `create` makes it stale. */
export type DraftWriter = Pick<DraftState, 'novelId' | 'generation'>

/**
 * What became of a batch. `published`: the novel is complete already, nothing was written. `stale`: it was discarded, or a later
 * attempt has taken it up.
 */
export type DraftWritten = 'written' | 'published' | 'stale'

/** What a novel is published with that was a novel before. */
export interface PublishedAs {
  /** When its text changed last, epoch milliseconds; default: now. */
  updatedAt?: number
  targetWords?: number
  /** It is published as a reference. */
  reference?: true
}

/** What became of a publication. `incomplete`: rows of the totals are missing, the novel stays a draft. */
export type Published = { outcome: 'published' | 'incomplete'; counts: NovelCounts } | { outcome: 'stale' }

/** What became of a step of deletion. `more`: call again. `done`: nothing is left. `kept`: it is not what the caller meant. */
export type Discarded = 'more' | 'done' | 'kept'

/** Scenes that one step of a deletion removes, unless told otherwise. */
export const discardStep = 100

/** Novels that are not, or not yet, on the shelf. */
export interface NovelDrafts {
  /**
   * Makes the draft, or finds it: its status says whether it is to be written (`draft`), was completed by an earlier attempt
   * (`published`), or must be discarded to the end first (`deleting`). A draft that is found takes title, author, language and task
   * anew, and the generation rises: all of it is to be written again. Throws NOVEL_NOT_FOUND when the id is another user's.
   */
  create(draft: NewDraft): Promise<DraftState>
  /** The state of a novel of any status; undefined when there is none. */
  find(novelId: string): Promise<DraftState | undefined>
  /**
   * Writes rows of a draft. Throws OPTION_INVALID for a scene that is too long or a row whose volume or chapter is not there; what
   * came before it in the batch may have been written.
   */
  write(draft: DraftWriter, batch: DraftBatch): Promise<DraftWritten>
  /**
   * Puts the novel on the shelf in one write, if all positions below the totals are there; rows that only an earlier attempt wrote,
   * because it read the file another way, are removed first. Publishing again answers the same.
   */
  publish(
    draft: DraftWriter,
    totals: Pick<NovelCounts, 'volumes' | 'chapters' | 'scenes'>,
    as?: PublishedAs,
  ): Promise<Published>
  /**
   * Deletes a draft, or goes on with a deletion, by one step of at most `limit` scenes. With `generation`, a draft that an attempt
   * has taken up since then is kept. A published novel is kept.
   */
  discard(novelId: string, options?: { generation?: number; limit?: number }): Promise<Discarded>
  /** Drafts and half-deleted novels, oldest first: for the sweep that discards those whose import has ended. */
  list(page: PageRequest): Promise<Page<DraftState>>
}
