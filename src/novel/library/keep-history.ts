/** The history of a scene: it is written with the scene, by whose revision it is guarded. */
import { type Change, erase, getOne, replace, type Stored, write } from '../../records/records.ts'
import type { Page, PageRequest } from '../../task/page.ts'
import { entryIdOf, forgotten, type KeptEntry, wasApplied } from './history.ts'
import { type HistoryRecord, history, idsOf, type LibraryParts, type SceneRecord, scenes } from './kinds.ts'
import { type Listing, readPage } from './page-token.ts'
import { entryNotFound } from './refusal.ts'
import type { HistoryEntry, SceneWritten } from './scenes.ts'

/**
 * Keeps what a task made and must not write, once. A write that was applied before, and overwritten since, is applied still. Undefined: the
 * scene is no longer what it was when that was decided.
 */
export async function keepRefused(
  library: LibraryParts,
  scene: Stored<SceneRecord>,
  entry: KeptEntry,
): Promise<SceneWritten | undefined> {
  const { id, version, textVersion } = scene
  const seen = { version, textVersion }
  const there = await notes(library, id)
  if (wasApplied(there, entry)) return { outcome: 'applied', ...seen }
  const alternativeId = entryIdOf(id, entry)
  const isThere = there.some(note => note.id === alternativeId)
  const changes = isThere ? [] : [replace(scenes, scene), ...keep(id, there, [entry])]
  if (changes.length > 0 && (await library.records.commit(changes)) === 'stale') return undefined
  return { outcome: 'conflict', ...seen, alternativeId }
}

type Note = Omit<HistoryRecord, 'text'>

/** The entries of a scene without their texts, newest first. */
export function notes({ records }: LibraryParts, sceneId: string): Promise<Note[]> {
  return records.find(history, { equal: { sceneId }, order: ['order'], reverse: true }, ['text'])
}

/** Puts entries into the history, oldest first, beside those that are there; it forgets what has become too old. */
export function keep(sceneId: string, there: readonly Note[], entries: readonly KeptEntry[]): Change[] {
  const newest = there[0]?.order ?? 0
  const kept = entries.map((entry, place): HistoryRecord => {
    return { ...entry, id: entryIdOf(sceneId, entry), sceneId, order: newest + 1 + place }
  })
  const gone = entries.flatMap(entry => forgotten(there, entry))
  return [...write(history, kept), ...erase(history, idsOf(gone))]
}

/** One page of the history, newest first. */
export function listHistory(
  { records }: LibraryParts,
  sceneId: string,
  page: PageRequest,
): Promise<Page<HistoryEntry>> {
  const query: Listing<HistoryRecord>['query'] = { equal: { sceneId }, order: ['order'], reverse: true }
  const listing = { name: 'history', filter: [sceneId], query }
  return readPage(records, history, { listing, page }, found => found.map(historyEntryOf))
}

/** An entry of a scene. Throws HISTORY_ENTRY_NOT_FOUND. */
export async function findEntry(
  { records }: LibraryParts,
  wanted: { sceneId: string; entryId: string },
): Promise<Stored<HistoryRecord>> {
  const entry = await getOne(records, history, wanted.entryId)
  if (entry?.sceneId !== wanted.sceneId) throw entryNotFound(wanted)
  return entry
}

/** The entry as readers see it. */
export function historyEntryOf({
  sceneId: _,
  order: __,
  revision: ___,
  expectedVersion: ____,
  ...entry
}: Stored<HistoryRecord>): HistoryEntry {
  return entry
}
