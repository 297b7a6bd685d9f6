/** The history of a scene: it is written with the scene, by whose revision it is guarded. */
import { type Change, erase, getOne, replace, type Stored, write } from '../../records/records.ts'
import { entryIdOf, forgotten, historyEntryOf, type KeptEntry, wasApplied } from './history.ts'
import { type HistoryRecord, history, type LibraryParts, type SceneRecord, scenes } from './kinds.ts'
import { type Listing, pageOf, pageStart } from './page-token.ts'
import type { Page, PageRequest } from './paging.ts'
import type { TaskWriter } from './provenance.ts'
import type { HistoryEntry, SceneWritten } from './scenes.ts'

/**
 * Keeps what a task made and must not write, once. A write that was applied before, and overwritten since, is applied still. Undefined: the
 * scene is no longer what it was when that was decided.
 */
export async function keepRefused(
  library: LibraryParts,
  scene: Stored<SceneRecord>,
  given: { writer: TaskWriter; expectedVersion: number },
  entry: KeptEntry,
): Promise<SceneWritten | undefined> {
  const { id, version, textVersion } = scene
  const seen = { version, textVersion }
  const there = await notes(library, id)
  if (wasApplied(there, entry.what, given)) return { outcome: 'applied', ...seen }
  const alternativeId = entryIdOf(id, entry)
  const isThere = there.some(note => entryIdOf(id, note) === alternativeId)
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
  const kept = entries.map(
    (entry, place): HistoryRecord => ({
      ...entry,
      ...{ id: entryIdOf(sceneId, entry), sceneId, order: newest + 1 + place },
    }),
  )
  const gone = entries.flatMap(entry => forgotten(there, entry)).map(({ id }) => id)
  return [...write(history, kept), ...erase(history, gone)]
}

/** One page of the history, newest first. */
export async function listHistory(
  { records }: LibraryParts,
  sceneId: string,
  page: PageRequest,
): Promise<Page<HistoryEntry>> {
  const listing: Listing = { name: 'history', filter: [sceneId], keys: 1 }
  const { size, after } = pageStart(listing, page)
  const found = await records.find(history, {
    ...{ equal: { sceneId }, order: ['order'], reverse: true, after, limit: size + 1 },
  })
  const shown = pageOf(listing, found.slice(0, size), found.length > size, ({ order }) => [order])
  return { ...shown, items: shown.items.map(entry => historyEntryOf(sceneId, entryOf(entry))) }
}

/** The entry with an id, or undefined. */
export async function findEntry(
  library: LibraryParts,
  sceneId: string,
  entryId: string,
): Promise<KeptEntry | undefined> {
  const entry = await getOne(library.records, history, entryId)
  return entry?.sceneId === sceneId ? entryOf(entry) : undefined
}

function entryOf({
  id: _,
  sceneId: __,
  order: ___,
  revision: ____,
  ...entry
}: Stored<HistoryRecord>): KeptEntry {
  return entry
}
