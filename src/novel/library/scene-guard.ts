/** Who may overwrite what of a scene (the rules of `scenes.ts`), decided from what was read; every storage writes by it. */
import type { Origin, TaskWriter, Writer } from './provenance.ts'
import type { HistoryEntry, SceneEdit, StoredSummary, SummaryWrite, TextWrite } from './scenes.ts'

/** A summary as storages keep it: with the version of the scene that its writer had read. */
export interface KeptSummary extends StoredSummary {
  expectedVersion: number
}

/** The summary as readers see it. */
export function storedSummaryOf({ expectedVersion: _, ...summary }: KeptSummary): StoredSummary {
  return summary
}

/** Where a text comes from, as storages keep it. */
export interface KeptOrigin extends Origin {
  expectedVersion: number
}

/** The origin as readers see it. */
export function originOf({ expectedVersion: _, ...origin }: KeptOrigin): Origin {
  return origin
}

/** What of a scene decides whether a write may overwrite it. */
export interface GuardedScene {
  version: number
  textVersion: number
  titleVersion: number
  /** 0 when it never had a summary. */
  summaryVersion: number
  title?: string
  content: string
  /** Absent for a text that is as it was imported. */
  textOrigin?: KeptOrigin
  summary?: KeptSummary
}

/** What to do with what a task made. `repeated`: it is there already. */
export type WriteDecision = 'repeated' | 'conflict' | 'write'

/** Decides about a text that a task made. */
export function decideText(
  { version, textVersion, textOrigin }: Pick<GuardedScene, 'version' | 'textVersion' | 'textOrigin'>,
  { expectedVersion, writer }: Pick<TextWrite, 'expectedVersion' | 'writer'>,
): WriteDecision {
  if (textOrigin !== undefined && isOfTask(textOrigin, writer)) {
    if (textOrigin.expectedVersion === expectedVersion) return 'repeated'
    if (writer.attempt < textOrigin.writtenBy.attempt) return 'conflict'
  }
  return expectedVersion < textVersion || expectedVersion > version ? 'conflict' : 'write'
}

/** Decides about a summary that a task made. */
export function decideSummary(
  scene: Omit<GuardedScene, 'title' | 'titleVersion' | 'content'>,
  write: SummaryWrite,
): WriteDecision {
  if (isRepeated(scene, write)) return 'repeated'
  const latest = Math.max(scene.textVersion, scene.summaryVersion)
  const isStale = write.expectedVersion < latest || write.expectedVersion > scene.version
  return isStale || isEarlierAttempt(scene.summary, write.writer) ? 'conflict' : 'write'
}

/** The write finds its own earlier self, or the same words made from the text that is there. */
function isRepeated(
  { summary, textVersion }: Pick<GuardedScene, 'summary' | 'textVersion'>,
  write: SummaryWrite,
): boolean {
  if (summary === undefined) return false
  if (isOfTask(summary, write.writer) && summary.expectedVersion === write.expectedVersion) return true
  const isOfThisText = summary.ofTextVersion === textVersion && write.expectedVersion >= textVersion
  return isOfThisText && summary.text === write.summary && summary.method === write.method
}

function isEarlierAttempt(summary: KeptSummary | undefined, writer: TaskWriter): boolean {
  return summary !== undefined && isOfTask(summary, writer) && writer.attempt < summary.writtenBy.attempt
}

function isOfTask<Written extends { writtenBy: Writer }>(
  written: Written,
  { taskId }: TaskWriter,
): written is Written & { writtenBy: TaskWriter } {
  return 'taskId' in written.writtenBy && written.writtenBy.taskId === taskId
}

/** What an edit makes different. */
export interface EditChanges {
  title: boolean
  text: boolean
  summary: boolean
}

/** What to do with an edit. `unchanged`: it was applied before, or says what is there. */
export type EditDecision = { outcome: 'unchanged' | 'conflict' } | { outcome: 'write'; changes: EditChanges }

/** Decides about a person's edit. */
export function decideEdit(scene: GuardedScene, edit: SceneEdit): EditDecision {
  const changes = changesOf(scene, edit)
  if (!changes.title && !changes.text && !changes.summary) return { outcome: 'unchanged' }
  return isConflict(scene, edit, changes) ? { outcome: 'conflict' } : { outcome: 'write', changes }
}

function changesOf(scene: GuardedScene, edit: SceneEdit): EditChanges {
  const isNew = (value: string | undefined, held: string | undefined) =>
    value !== undefined && value !== (held ?? '')
  const text = isNew(edit.content, scene.content)
  // Saving a summary as it is says that it is right for the text that is there.
  const isOutOfDate = text || (scene.summary?.ofTextVersion ?? 0) < scene.textVersion
  const confirms = (edit.summary ?? '') !== '' && isOutOfDate
  return {
    title: isNew(edit.title, scene.title),
    text,
    summary: isNew(edit.summary, scene.summary?.text) || confirms,
  }
}

function isConflict(scene: GuardedScene, edit: SceneEdit, changes: EditChanges): boolean {
  const marks = [
    changes.title ? scene.titleVersion : 0,
    changes.text ? scene.textVersion : 0,
    changes.summary ? Math.max(scene.summaryVersion, scene.textVersion) : 0,
  ]
  return edit.expectedVersion < Math.max(...marks) || edit.expectedVersion > scene.version
}

/** What to do with an entry of the history that is to be put back. `unchanged`: that text is there. */
export function decideRestore(
  { content, summary, ...scene }: GuardedScene,
  { what, text }: Pick<HistoryEntry, 'what' | 'text'>,
  expectedVersion: number,
): 'unchanged' | 'conflict' | 'write' {
  if (text === (what === 'text' ? content : summary?.text)) return 'unchanged'
  const seen = what === 'text' ? scene.textVersion : Math.max(scene.summaryVersion, scene.textVersion)
  return expectedVersion < seen || expectedVersion > scene.version ? 'conflict' : 'write'
}
