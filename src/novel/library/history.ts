/** What of a scene goes into its history, and how long it stays; every storage keeps it by these rules. */
import { hashedId } from '../../index.ts'
import { type Origin, type Provenance, provenanceOf, type TaskWriter, type Writer } from './provenance.ts'
import type { GuardedScene, KeptOrigin, KeptSummary } from './scene-guard.ts'
import {
  type HistoryEntry,
  historyLength,
  type SummaryNote,
  type SummaryWrite,
  type TextWrite,
} from './scenes.ts'

/** An entry as storages keep it: its id is made of the rest. */
export interface KeptEntry extends Omit<HistoryEntry, 'id'> {
  /** `version` of the scene that its writer had read. */
  expectedVersion?: number
}

/** The entry as readers see it. */
export function historyEntryOf(sceneId: string, entry: KeptEntry): HistoryEntry {
  const { expectedVersion: _, ...told } = entry
  return { id: entryIdOf(sceneId, entry), ...told }
}

/** The id of an entry: a version is overwritten once, and a task keeps one result of each version that it read. */
export function entryIdOf(
  sceneId: string,
  { what, why, version, writtenBy }: Pick<KeptEntry, 'what' | 'why' | 'version' | 'writtenBy'>,
): string {
  const writer =
    why === 'conflict' && writtenBy !== undefined && 'taskId' in writtenBy ? writtenBy.taskId : ''
  return hashedId(['history', sceneId, what, why, version, writer].join('\n'))
}

/** How the text of a scene came about. Where it was not recorded only an import and persons wrote texts. */
export function textProvenance({
  textOrigin,
  textVersion,
}: {
  textOrigin?: Origin
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
  scene: Pick<GuardedScene, 'content' | 'textVersion' | 'textOrigin'>,
  { by, at }: Overwriting,
): KeptEntry[] {
  const { content: text, textVersion: version, textOrigin: origin } = scene
  if (text === '') return []
  return [
    {
      ...{ what: 'text', why: 'overwritten', text, version, keptAt: at, overwrittenBy: by },
      provenance: textProvenance(scene),
      ...(origin === undefined ? {} : writingOf(origin)),
    },
  ]
}

/** The same of a summary. */
export function overwrittenSummary(
  { summary, summaryVersion: version }: Pick<GuardedScene, 'summary' | 'summaryVersion'>,
  { by, at }: Overwriting,
): KeptEntry[] {
  if (summary === undefined || summary.text === '') return []
  const { text, ofTextVersion } = summary
  return [
    {
      ...{ what: 'summary', why: 'overwritten', text, version, keptAt: at, overwrittenBy: by },
      provenance: provenanceOf(summary),
      ...writingOf(summary),
      ...aboutSummary(summary),
      ofTextVersion,
    },
  ]
}

function writingOf({ writtenBy, writtenAt, expectedVersion }: KeptOrigin) {
  return { writtenBy, writtenAt, expectedVersion }
}

function aboutSummary({ language, sentences }: Pick<SummaryNote, 'language' | 'sentences'>) {
  return {
    ...(language === undefined ? {} : { language }),
    ...(sentences === undefined ? {} : { sentences }),
  }
}

/** What is kept of a text that must not be written. */
export function refusedText(
  { content, provenance, writer, expectedVersion }: TextWrite,
  at: number,
): KeptEntry {
  return { what: 'text', text: content, ...refused({ writer, expectedVersion }, at), provenance }
}

/** The same of a summary. Of which text it is follows from the version that was read. */
export function refusedSummary(write: SummaryWrite, at: number): KeptEntry {
  return {
    what: 'summary',
    text: write.summary,
    ...refused(write, at),
    provenance: provenanceOf(write),
    ...aboutSummary(write),
  }
}

function refused({ writer, expectedVersion }: { writer: TaskWriter; expectedVersion: number }, at: number) {
  return {
    why: 'conflict',
    version: expectedVersion,
    keptAt: at,
    writtenBy: writer,
    writtenAt: at,
    expectedVersion,
  } as const
}

/** Whether the history shows that a write was applied, though somebody has overwritten it since. */
export function wasApplied(
  entries: readonly Omit<KeptEntry, 'text'>[],
  what: KeptEntry['what'],
  { writer, expectedVersion }: { writer: TaskWriter; expectedVersion: number },
): boolean {
  return entries.some(
    entry =>
      entry.what === what &&
      entry.why === 'overwritten' &&
      entry.expectedVersion === expectedVersion &&
      entry.writtenBy !== undefined &&
      'taskId' in entry.writtenBy &&
      entry.writtenBy.taskId === writer.taskId,
  )
}

/** The entries, newest first, that are too many once `added` is there too. */
export function forgotten<Entry extends Omit<KeptEntry, 'text'>>(
  entries: readonly Entry[],
  added: Omit<KeptEntry, 'text'>,
): Entry[] {
  return entries
    .filter(entry => entry.what === added.what && isByPerson(entry) === isByPerson(added))
    .slice(historyLength - 1)
}

/** Written by a person, and so to be driven out by nothing but what persons write. */
function isByPerson({ provenance, what, version }: Omit<KeptEntry, 'text'>): boolean {
  // Texts of which nothing was recorded are by a person, unless they were imported.
  if (provenance === undefined) return what === 'text' && version > 1
  return provenance.method === 'person'
}

/** A person puts an entry back. */
interface Restoring {
  entryId: string
  userId: string
  expectedVersion: number
  at: number
}

/** Where a text comes from that was put back: how it came about stays, and who wrote it first. */
export function restoredOrigin(
  entry: KeptEntry,
  { entryId, userId, expectedVersion, at }: Restoring,
): KeptOrigin {
  const { provenance = { method: 'person' } } = entry
  const first = provenance.restored ?? entry
  return {
    ...provenance,
    restored: {
      entryId,
      ...(first.writtenBy === undefined ? {} : { writtenBy: first.writtenBy }),
      ...(first.writtenAt === undefined ? {} : { writtenAt: first.writtenAt }),
    },
    writtenBy: { userId },
    writtenAt: at,
    expectedVersion,
  }
}

/** A summary that is put back. It is of the text that it was made from. */
export function restoredSummary(
  entry: KeptEntry,
  restoring: Restoring,
  { textVersion }: Pick<GuardedScene, 'textVersion'>,
): KeptSummary {
  const { method, ...origin } = restoredOrigin(entry, restoring)
  return {
    ...origin,
    method: method === 'imported' ? 'person' : method,
    text: entry.text,
    ...aboutSummary(entry),
    // Unless it was told, it is of the text that was there at its version.
    ofTextVersion: entry.ofTextVersion ?? Math.min(textVersion, entry.version),
  }
}
