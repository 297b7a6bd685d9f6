/**
 * What a file adds to a novel that is there: new chapters, and other texts for chapters that it has. Each change is one commit, guarded by the
 * novel; ids are the caller's, so that a repeated attempt adds nothing twice.
 */
import type { TextPrint } from '../import/align-chapters.ts'
import type { ChapterDraft, SceneDraft } from './drafts.ts'
import type { TaskWriter } from './provenance.ts'

/** A scene of a file. */
export interface AddedScene extends Pick<SceneDraft, 'title' | 'content'> {
  id: string
}

/** A chapter of a file. */
export interface AddedChapter extends Pick<ChapterDraft, 'title'> {
  id: string
  /** At most `scenesPerChapter`. */
  scenes: readonly AddedScene[]
}

/** Chapters that follow each other. */
export interface Addition {
  novelId: string
  /** Ids of chapters: they go behind the first of these that is there. Where none is, at the end. */
  behind: readonly string[]
  /** They go to the beginning instead. */
  atStart?: true
  /**
   * The volume that begins with them. It is made where the place is at the end of a volume, and neither this one nor the next has the title.
   * Default: they go into the volume of the chapter before them.
   */
  volume?: { id: string; title: string }
  chapters: readonly AddedChapter[]
}

/** Other texts for a chapter. */
export interface Replacement {
  novelId: string
  chapterId: string
  /** The digest of the text that is replaced. */
  expected: TextPrint['digest']
  /** Not empty, at most `scenesPerChapter`. */
  scenes: readonly AddedScene[]
  writer: TaskWriter
}

/** What became of a chapter. `changed`: its text is another one than was expected. */
export interface ChapterReplaced {
  outcome: 'replaced' | 'unchanged' | 'changed' | 'missing'
  /** Those with a new text, also where an attempt before has written it. */
  sceneIds: readonly string[]
}

/** Additions to published novels. All throw NOVEL_NOT_FOUND. */
export interface NovelAdditions {
  /** Adds the chapters that are not there, and not in the bin either. */
  add(userId: string, addition: Addition): Promise<void>
  /**
   * Gives a chapter other texts: a scene with the same text stays, one beside it gets the new text as a save, with what it had in its history; scenes
   * that are missing are added, those that are left over go into the bin. Titles, and the summaries of what changed, stay.
   */
  replace(userId: string, replacement: Replacement): Promise<ChapterReplaced>
}
