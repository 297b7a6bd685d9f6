/**
 * One scene: its text, its summary, and who may overwrite what.
 *
 * `version` rises by one with every change of a scene; text, title and summary each know the version at which they last changed.
 * Every writer names the version that it has read, and is refused when what it overwrites has changed since:
 *
 * - a summary when the text or the summary changed: it describes an older text, or would bury another's work;
 * - a text, an edited one or that of a candidate, when the text changed, but not when only a summary arrived meanwhile;
 * - an edit of the title, or of how it is told, when that changed.
 *
 * So no writer loses an update unseen, and a person who edits while summaries arrive is not disturbed. What is overwritten is kept, and
 * so is a summary that a task made and must not write. The texts that tasks make are in `candidates.ts`.
 */
import type { TextSpan } from '../../ai/model.ts'
import type { Page, PageRequest } from '../../task/page.ts'
import type { SceneCodex } from '../codex/entry.ts'
import type { Narration } from '../narration.ts'
import type { Origin, Provenance, TaskWriter, Writer } from './provenance.ts'
import type { SceneText } from './shelf.ts'

/** How a summary came about: picked from the text, written by a model, or by a person. */
export type SummaryOrigin = 'extractive' | 'generative' | 'person'

/** What is known of the summary of a scene. */
export interface SummaryNote extends Provenance {
  method: SummaryOrigin
  /** BCP 47 tag. */
  language?: string
  /** Of an extractive summary: where its sentences stand in the text of `ofTextVersion`. */
  sentences?: readonly TextSpan[]
}

/** The summary of a scene. */
export interface StoredSummary extends SummaryNote {
  text: string
  /** `textVersion` of the text that it describes; lower than the scene's: out of date. */
  ofTextVersion: number
  writtenBy: Writer
  writtenAt: number
}

/** A scene with all that is known of it. */
export interface Scene extends Omit<SceneText, 'summary'> {
  userId: string
  /** How the text came about; absent for a text that is as it was imported, and for a scene that never had one. */
  textOrigin?: Origin
  /** `version` at the last change of the summary; 0 when it never had one. */
  summaryVersion: number
  summary?: StoredSummary
  updatedAt: number
}

/** A summary that a task made. */
export interface SummaryWrite extends SummaryNote {
  sceneId: string
  /** `version` of the scene that was read. */
  expectedVersion: number
  summary: string
  /** `textVersion` of the text that it describes. Default: that of the text that is there. */
  ofTextVersion?: number
  writer: TaskWriter
}

/** An edit by a person; at least one of title, content, summary, narration and codex. */
export interface SceneEdit {
  sceneId: string
  /** `version` of the scene that was read. */
  expectedVersion: number
  title?: string
  /** At most `longestScene` code units, or as many as the text has that a task wrote. */
  content?: string
  /** An empty one removes the summary. */
  summary?: string
  /** Replaces all of it; an empty one leaves everything to the novel. */
  narration?: Narration
  /** Replaces all of it; an empty one leaves everything to the entries. */
  codex?: SceneCodex
}

/** A text or a summary that is to be put back. */
export interface SceneRestore {
  sceneId: string
  /** Id of an entry of the history of the scene. */
  entryId: string
  /** `version` of the scene that was read. */
  expectedVersion: number
}

/** A scene that is to follow the last one of a chapter. */
export interface SceneAppend {
  userId: string
  chapterId: string
  /** Chosen by the caller, at most 100 characters: the scene that has it already is found. */
  id: string
  title?: string
  /** What is to happen in it, so that it can be written from that. */
  summary?: SummaryNote & { text: string }
  writer: Writer
}

/** A planned chapter that is to follow the last one of a novel: its scenes have summaries and no text. */
export interface ChapterAppend {
  userId: string
  novelId: string
  /** Chosen by the caller, at most 100 characters: the chapter that has it already is found. */
  id: string
  title: string
  /** At most 100. */
  scenes: readonly Required<Pick<SceneAppend, 'id' | 'title' | 'summary'>>[]
  writer: Writer
}

/** What became of a write: `conflict` tells the version that is there now, `missing`: the scene was deleted. */
export type SceneWritten =
  | {
      outcome: 'applied' | 'conflict'
      version: number
      textVersion: number
      /** Of a conflict: the entry of the history that keeps the summary that a task made. */
      alternativeId?: string
    }
  | { outcome: 'missing' }

/** A text or a summary that is not in its place: it was overwritten, or it was kept because it must not overwrite. */
export interface HistoryEntry
  extends Partial<
    Pick<StoredSummary, 'writtenBy' | 'writtenAt' | 'language' | 'sentences' | 'ofTextVersion'>
  > {
  /** Made of what the entry is: the same in every storage. */
  id: string
  what: 'text' | 'summary'
  /** `conflict`: a task made it from a scene that somebody changed meanwhile; of a text, an earlier version of the library did. */
  why: 'overwritten' | 'conflict'
  text: string
  /** `version` of the scene that it came with; of a conflict: that its writer had read. */
  version: number
  /** When it went into the history. */
  keptAt: number
  /** Absent for a conflict: nobody did. */
  overwrittenBy?: Writer
  /** How it came about, by whom and when; absent where that was not recorded. */
  provenance?: Provenance
}

/**
 * How many texts that models made and no person used the history of a scene keeps, the newest of them; and as many summaries. What was
 * imported, and what a person wrote, restored or wrote over, is never dropped.
 */
export const generatedEntries = 20

/** Scenes that a chapter has at most for another one to be appended. */
export const scenesPerChapter = 1_000

/** The scenes of published novels, one at a time. */
export interface SceneStore {
  /** Throws SCENE_NOT_FOUND. */
  scene(userId: string, sceneId: string): Promise<Scene>
  /**
   * Writes a summary if neither text nor summary changed since `expectedVersion`. Written again by the same task with the same
   * `expectedVersion`, or with the words that are there already, it answers `applied` and changes nothing. An attempt never
   * overwrites what a later attempt of its task wrote. What must not overwrite is kept in the history, once however often it is
   * written. Not scoped to a user: the task has read the scene as its user.
   */
  writeSummary(write: SummaryWrite): Promise<SceneWritten>
  /** Writes what a person edited. A scene of another user is `missing`. Throws OPTION_INVALID for a text that is too long. */
  editScene(userId: string, edit: SceneEdit): Promise<SceneWritten>
  /**
   * Puts an entry of the history in place, as an edit by that person would; what is there goes into the history, the entry stays from
   * then on, whoever made it. A summary is restored with what it describes, and so may be out of date. Throws HISTORY_ENTRY_NOT_FOUND.
   */
  restore(userId: string, restore: SceneRestore): Promise<SceneWritten>
  /**
   * Adds an empty scene at the end of a chapter, or finds the one with that id. Throws CHAPTER_NOT_FOUND, CHAPTER_FULL, and
   * OPTION_INVALID where the id is that of a scene of another chapter.
   */
  appendScene(append: SceneAppend): Promise<Scene>
  /**
   * Adds a chapter with its scenes behind the last one of a novel, all of it or nothing, unless the chapter with that id is there. Throws
   * NOVEL_NOT_FOUND, and OPTION_INVALID where the novel has no chapter to go on from, an id is taken, or there are too many scenes.
   */
  appendChapter(append: ChapterAppend): Promise<void>
  /** What is not in its place, newest first, at most 100 of a page. Throws SCENE_NOT_FOUND. */
  history(userId: string, sceneId: string, page: PageRequest): Promise<Page<HistoryEntry>>
  /** Throws SCENE_NOT_FOUND, HISTORY_ENTRY_NOT_FOUND. */
  historyEntry(userId: string, entry: { sceneId: string; entryId: string }): Promise<HistoryEntry>
}
