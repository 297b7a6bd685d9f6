/**
 * One scene: its text, its summary, and who may overwrite what.
 *
 * `version` rises by one with every change of a scene; text, title and summary each know the version at which they last changed.
 * Every writer names the version that it has read, and is refused when what it overwrites has changed since:
 *
 * - a summary when the text or the summary changed: it describes an older text, or would bury another's work;
 * - an edit of the text when the text changed, but not when only a summary arrived meanwhile;
 * - an edit of the title when the title changed.
 *
 * So no writer loses an update unseen, and a person who edits while summaries arrive is not disturbed. What is overwritten is kept.
 */
import type { TextSpan } from '../../ai/model.ts'
import type { Page, PageRequest } from './paging.ts'
import type { SceneText } from './shelf.ts'

/** Who wrote something: a person, or an attempt of a task. */
export type Writer = { userId: string } | { taskId: string; attempt: number }

/** How a summary came about: picked from the text, written by a model, or by a person. */
export type SummaryOrigin = 'extractive' | 'generative' | 'person'

/** What is known of the summary of a scene. */
export interface SummaryNote {
  method: SummaryOrigin
  /** Id of the model that made it. */
  model?: string
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
  writer: { taskId: string; attempt: number }
}

/** An edit by a person; at least one of title, content and summary. */
export interface SceneEdit {
  sceneId: string
  /** `version` of the scene that was read. */
  expectedVersion: number
  title?: string
  /** At most `longestScene` code units. */
  content?: string
  /** An empty one removes the summary. */
  summary?: string
}

/** What became of a write: `conflict` tells the version that is there now, `missing`: the scene was deleted. */
export type SceneWritten =
  | { outcome: 'applied' | 'conflict'; version: number; textVersion: number }
  | { outcome: 'missing' }

/** A text or a summary that was overwritten. */
export interface Overwritten {
  what: 'text' | 'summary'
  text: string
  /** `version` of the scene that it came with. */
  version: number
  overwrittenAt: number
  overwrittenBy: Writer
}

/** Overwritten texts, and as many overwritten summaries, that are kept of a scene. */
export const historyLength = 20

/** The scenes of published novels, one at a time. */
export interface SceneStore {
  /** Throws SCENE_NOT_FOUND. */
  scene(userId: string, sceneId: string): Promise<Scene>
  /**
   * Writes a summary if neither text nor summary changed since `expectedVersion`. Written again by the same task with the same
   * `expectedVersion`, or with the words that are there already, it answers `applied` and changes nothing. An attempt never
   * overwrites what a later attempt of its task wrote. Not scoped to a user: the task has read the scene as its user.
   */
  writeSummary(write: SummaryWrite): Promise<SceneWritten>
  /** Writes what a person edited. A scene of another user is `missing`. Throws OPTION_INVALID for a text that is too long. */
  editScene(userId: string, edit: SceneEdit): Promise<SceneWritten>
  /** What was overwritten, newest first. Throws SCENE_NOT_FOUND. */
  history(userId: string, sceneId: string, page: PageRequest): Promise<Page<Overwritten>>
}
