/** What of a scene goes into its history, and what stays there. */
import { hashedId } from '../../index.ts'
import { defined } from '../../task/defined.ts'
import { type Origin, type Provenance, provenanceOf, type Writer } from './provenance.ts'
import type { Guarded, GuardedScene, GuardedText, KeptOrigin, KeptSummary } from './scene-guard.ts'
import type { HistoryEntry, SummaryNote, SummaryWrite } from './scenes.ts'

/** An entry as it is kept: its id is made of the rest. */
export type KeptEntry = Omit<HistoryEntry, 'id'> & Partial<Guarded>

/** An entry without its text. */
export type HistoryNote = Omit<KeptEntry, 'text'>

/** The id of an entry: a version is overwritten once, and a task keeps one result of each version that it read. */
export function entryIdOf(
  sceneId: string,
  { what, why, version, writtenBy }: Pick<KeptEntry, 'what' | 'why' | 'version' | 'writtenBy'>,
): string {
  const writer = why === 'conflict' ? (taskOf(writtenBy) ?? '') : ''
  return hashedId(['history', sceneId, what, why, version, writer].join('\n'))
}

/** The id of the entry that has the text of a version of a scene, once that is overwritten. */
export function overwrittenTextId(sceneId: string, textVersion: number): string {
  return entryIdOf(sceneId, { what: 'text', why: 'overwritten', version: textVersion })
}

function taskOf(writer: Writer | undefined): string | undefined {
  return writer !== undefined && 'taskId' in writer ? writer.taskId : undefined
}

/** How the text of a scene came about. Where it was not recorded only an import and persons wrote texts. */
export function textProvenance({
  textOrigin,
  textVersion,
}: {
  textOrigin?: Origin | undefined
  textVersion: number
}): Provenance {
  if (textOrigin !== undefined) return provenanceOf(textOrigin)
  return { method: textVersion === 1 ? 'imported' : 'person' }
}

/** Who overwrites, and when. */
interface Overwriting {
  by: Writer
  at: number
}

/** What is to be kept of a text that is overwritten; an empty one is nothing to keep. */
export function overwrittenText(
  { textVersion: version }: GuardedScene,
  { content: text, origin }: GuardedText,
  { by, at }: Overwriting,
): KeptEntry[] {
  if (text === '') return []
  const provenance = textProvenance({ textOrigin: origin, textVersion: version })
  const entry = { what: 'text', why: 'overwritten', text, version, keptAt: at, overwrittenBy: by } as const
  return [{ ...entry, provenance, ...(origin && writingOf(origin)) }]
}

/** The same of a summary. */
export function overwrittenSummary(
  { summary, summaryVersion: version }: GuardedScene,
  { by, at }: Overwriting,
): KeptEntry[] {
  if (summary === undefined || summary.text === '') return []
  const { text, ofTextVersion } = summary
  const entry = { what: 'summary', why: 'overwritten', text, version, keptAt: at, overwrittenBy: by } as const
  const about = { provenance: provenanceOf(summary), ...writingOf(summary), ...aboutSummary(summary) }
  return [{ ...entry, ...about, ofTextVersion }]
}

function writingOf({ writtenBy, writtenAt, expectedVersion }: KeptOrigin) {
  return { writtenBy, writtenAt, expectedVersion }
}

function aboutSummary({ language, sentences }: Pick<SummaryNote, 'language' | 'sentences'>) {
  return defined({ language, sentences })
}

/** What is kept of a summary that must not be written. Of which text it is follows from the version that was read. */
export function refusedSummary(write: SummaryWrite, at: number): KeptEntry {
  const { writer, expectedVersion } = write
  const written = { writtenBy: writer, writtenAt: at, expectedVersion }
  const about = { provenance: provenanceOf(write), ...aboutSummary(write) }
  return {
    ...{ what: 'summary', why: 'conflict', text: write.summary, version: expectedVersion, keptAt: at },
    ...written,
    ...about,
  }
}

/** Whether the history shows that what a task made was applied, though somebody has overwritten it since. */
export function wasApplied(entries: readonly HistoryNote[], made: HistoryNote): boolean {
  return entries.some(
    entry =>
      entry.what === made.what &&
      entry.why === 'overwritten' &&
      entry.expectedVersion === made.expectedVersion &&
      taskOf(entry.writtenBy) === taskOf(made.writtenBy),
  )
}

/**
 * Whether a model made it and no person has used it: such entries are bounded by their count. What was imported, and what a person wrote,
 * restored or wrote over, is never dropped.
 */
export function isExpendable({ writtenBy, overwrittenBy, provenance }: HistoryNote): boolean {
  const isMade = provenance?.method === 'generative' || provenance?.method === 'extractive'
  const isUsed = overwrittenBy !== undefined && 'userId' in overwrittenBy
  return isMade && taskOf(writtenBy) !== undefined && !isUsed
}

/** A person puts an entry back. */
interface Restoring extends Guarded {
  entryId: string
  userId: string
  at: number
}

/** Where a text comes from that was put back: how it came about stays, and who wrote it first. */
export function restoredOrigin(
  entry: KeptEntry,
  { entryId, userId, expectedVersion, at }: Restoring,
): KeptOrigin {
  const { provenance = { method: 'person' } } = entry
  const { writtenBy, writtenAt } = provenance.restored ?? provenance.accepted ?? entry
  const restored = { entryId, ...defined({ writtenBy, writtenAt }) }
  return { ...provenance, restored, writtenBy: { userId }, writtenAt: at, expectedVersion }
}

/** A summary that is put back. It is of the text that it was made from. */
export function restoredSummary(
  entry: KeptEntry,
  restoring: Restoring,
  { textVersion }: GuardedScene,
): KeptSummary {
  const { method, ...origin } = restoredOrigin(entry, restoring)
  return {
    ...origin,
    method: method === 'imported' ? 'person' : method,
    text: entry.text,
    ...aboutSummary(entry),
    // Unless it was recorded, it is of the text that was there at its version.
    ofTextVersion: entry.ofTextVersion ?? Math.min(textVersion, entry.version),
  }
}
