/** Who may overwrite what of a scene (the rules of `scenes.ts`), decided from what was read. */

import type { SceneCodex } from '../codex/entry.ts'
import type { Narration } from '../narration.ts'
import type { CandidateStatus, TextProposal } from './candidates.ts'
import type { Origin, TaskWriter, Writer } from './provenance.ts'
import type { HistoryEntry, SceneEdit, StoredSummary, SummaryWrite } from './scenes.ts'

/** What is kept and not shown: the version of the scene that the writer had read. */
export interface Guarded {
  expectedVersion: number
}

/** A summary as it is kept. */
export type KeptSummary = StoredSummary & Guarded

/** Where a text comes from, as it is kept. */
export type KeptOrigin = Origin & Guarded

/** A summary or an origin as readers see it. */
export function shownOf<Kept extends Guarded>({ expectedVersion: _, ...shown }: Kept) {
  return shown
}

/** What of a scene decides whether a write may overwrite it. */
export interface GuardedScene {
  version: number
  textVersion: number
  titleVersion: number
  /** 0 when it never had a summary. */
  summaryVersion: number
  title?: string
  /** How it is told, where that differs from the novel. */
  narration?: Narration
  /** Absent: never changed. */
  narrationVersion?: number
  /** Entries that are told in it, or not, whatever else holds. */
  codex?: SceneCodex
  /** Absent: never changed. */
  codexVersion?: number
  summary?: KeptSummary
}

/** The text of a scene. */
export interface GuardedText {
  content: string
  /** Absent for a text that is as it was imported. */
  origin?: KeptOrigin
}

/** What to do with a text or a summary. `unchanged`: it is there already, or was applied before. */
export type WriteDecision = 'unchanged' | 'conflict' | 'write'

/** Decides what becomes of a text that a task made: whether it enters its scene by itself, and whether it is offered otherwise. */
export function statusOf(
  scene: GuardedScene,
  { content }: GuardedText,
  { accept, expectedVersion }: Pick<TextProposal, 'accept' | 'expectedVersion'>,
): CandidateStatus {
  if (accept === 'never') return 'discarded'
  const isChanged = isStale(scene, 'text', expectedVersion)
  if (accept === 'if-unchanged') return isChanged ? 'discarded' : 'accepted'
  if (accept === 'by-author' || isChanged) return 'open'
  return accept === 'automatically' || content.trim() === '' ? 'accepted' : 'open'
}

/** Decides about a summary that a task made. */
export function decideSummary(scene: GuardedScene, write: SummaryWrite): WriteDecision {
  if (isRepeated(scene, write)) return 'unchanged'
  const { summary } = scene
  const isEarlierAttempt =
    summary !== undefined &&
    isOfTask(summary, write.writer) &&
    write.writer.attempt < summary.writtenBy.attempt
  return isEarlierAttempt || isStale(scene, 'summary', write.expectedVersion) ? 'conflict' : 'write'
}

/** The write finds its own earlier self, or the same words made from the text that is there. */
function isRepeated({ summary, textVersion }: GuardedScene, write: SummaryWrite): boolean {
  if (summary === undefined) return false
  if (isOfTask(summary, write.writer) && summary.expectedVersion === write.expectedVersion) return true
  const isOfThisText = summary.ofTextVersion === textVersion && write.expectedVersion >= textVersion
  return isOfThisText && summary.text === write.summary && summary.method === write.method
}

/** Whether a text or a summary changed since a version of the scene was read. A summary is of its text. */
export function isStale(
  { version, textVersion, summaryVersion }: GuardedScene,
  what: HistoryEntry['what'],
  expectedVersion: number,
): boolean {
  const seen = what === 'text' ? textVersion : Math.max(summaryVersion, textVersion)
  return expectedVersion < seen || expectedVersion > version
}

function isOfTask<Written extends { writtenBy: Writer }>(
  written: Written,
  { taskId }: TaskWriter,
): written is Written & { writtenBy: TaskWriter } {
  return 'taskId' in written.writtenBy && written.writtenBy.taskId === taskId
}

/** What an edit makes different. */
export type EditChanges = Readonly<Record<'title' | 'text' | 'summary' | 'narration' | 'codex', boolean>>

/** Decides about a person's edit. */
export function decideEdit(
  scene: GuardedScene,
  { content }: GuardedText,
  edit: SceneEdit,
): 'unchanged' | 'conflict' | EditChanges {
  const isNew = (value: string | undefined, held = '') => value !== undefined && value !== held
  const text = isNew(edit.content, content)
  // Saving a summary as it is says that it is right for the text that is there.
  const isOutOfDate = text || (scene.summary?.ofTextVersion ?? 0) < scene.textVersion
  const confirms = (edit.summary ?? '') !== '' && isOutOfDate
  const title = isNew(edit.title, scene.title)
  const summary = isNew(edit.summary, scene.summary?.text) || confirms
  const narration = edit.narration !== undefined && !isToldAlike(edit.narration, scene.narration ?? {})
  const codex = edit.codex !== undefined && !isChosenAlike(edit.codex, scene.codex)
  if (!title && !text && !summary && !narration && !codex) return 'unchanged'
  const { expectedVersion } = edit
  const isConflict =
    expectedVersion > scene.version ||
    (title && expectedVersion < scene.titleVersion) ||
    (narration && expectedVersion < (scene.narrationVersion ?? 0)) ||
    (codex && expectedVersion < (scene.codexVersion ?? 0)) ||
    (text && isStale(scene, 'text', expectedVersion)) ||
    (summary && isStale(scene, 'summary', expectedVersion))
  return isConflict ? 'conflict' : { title, text, summary, narration, codex }
}

function isToldAlike(one: Narration, other: Narration): boolean {
  return one.pov === other.pov && one.povCharacter === other.povCharacter && one.tense === other.tense
}

function isChosenAlike(one: SceneCodex, other: SceneCodex = { pinned: [], barred: [] }): boolean {
  return one.pinned.join() === other.pinned.join() && one.barred.join() === other.barred.join()
}

/** Decides about an entry of the history that is to be put back. */
export function decideRestore(
  scene: GuardedScene,
  { content }: GuardedText,
  { what, text }: Pick<HistoryEntry, 'what' | 'text'>,
  expectedVersion: number,
): WriteDecision {
  if (text === (what === 'text' ? content : scene.summary?.text)) return 'unchanged'
  return isStale(scene, what, expectedVersion) ? 'conflict' : 'write'
}

/** The fields of a scene that tell of its summary. */
export function summaryFields<Summary extends KeptSummary | undefined>(summary: Summary, version: number) {
  const summaryOf = summary?.ofTextVersion
  return { summary, summaryVersion: version, summaryOf, summarised: summary && 1 }
}
