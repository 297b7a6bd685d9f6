/** The history of a scene. */
import type { ClientSession } from 'mongodb'
import { entryIdOf, forgotten, historyEntryOf, type KeptEntry } from '../history.ts'
import { type Listing, pageOf, pageStart } from '../page-token.ts'
import type { Page, PageRequest } from '../paging.ts'
import type { HistoryEntry } from '../scenes.ts'
import type { HistoryDocument } from './schema.ts'
import type { LibrarySession } from './session.ts'

/** The scene that a history is of. */
export interface SceneOfNovel {
  _id: string
  novelId: string
}

/** An entry without its text. */
export type EntryNote = Omit<KeptEntry, 'text'> & Pick<HistoryDocument, '_id' | 'order'>

/** The entries of a scene without their texts, newest first. */
export async function notes(
  { history }: LibrarySession,
  { _id: sceneId, novelId }: SceneOfNovel,
  session?: ClientSession,
): Promise<EntryNote[]> {
  const found = await history
    .find<Omit<HistoryDocument, 'text'>>(
      { novelId, sceneId },
      { projection: { text: 0 }, ...(session === undefined ? {} : { session }) },
    )
    .sort({ order: -1 })
    .toArray()
  return found.map(({ novelId: _, sceneId: __, ...document }) => noteOf(document))
}

/** Puts entries into the history in a transaction that holds the scene, oldest first; it then forgets what has become too old. */
export async function keep(
  library: LibrarySession,
  session: ClientSession,
  scene: SceneOfNovel,
  entries: readonly KeptEntry[],
): Promise<void> {
  if (entries.length === 0) return
  const there = await notes(library, scene, session)
  const newest = there[0]?.order ?? 0
  const documents = entries.map((entry, place) => documentOf(scene, entry, newest + 1 + place))
  await library.history.insertMany(documents, { session })
  const gone = entries.flatMap(entry => forgotten(there, entry)).map(({ _id }) => _id)
  if (gone.length > 0) await library.history.deleteMany({ _id: { $in: gone } }, { session })
}

/** The document of an entry. */
export function documentOf(
  { _id: sceneId, novelId }: SceneOfNovel,
  entry: KeptEntry,
  order: number,
): HistoryDocument {
  return { _id: entryIdOf(sceneId, entry), novelId, sceneId, order, ...entry }
}

/** One page of the history, newest first. */
export async function listHistory(
  { database, history }: LibrarySession,
  { _id: sceneId, novelId }: SceneOfNovel,
  page: PageRequest,
): Promise<Page<HistoryEntry>> {
  const listing: Listing = { name: 'history', filter: [sceneId], keys: 1 }
  const { size, after } = pageStart(listing, page)
  const found = await database.run('list history', () =>
    history
      .find({ novelId, sceneId, order: { $lt: after?.[0] ?? Number.MAX_SAFE_INTEGER } })
      .sort({ order: -1 })
      .limit(size + 1)
      .toArray(),
  )
  const shown = pageOf(listing, found.slice(0, size), found.length > size, entry => [entry.order])
  return { ...shown, items: shown.items.map(entry => historyEntryOf(sceneId, entryOf(entry))) }
}

/** The entry with an id, or undefined. */
export async function findEntry(
  library: LibrarySession,
  scene: SceneOfNovel,
  entryId: string,
): Promise<KeptEntry | undefined> {
  const { database, history } = library
  const there = await database.run('list history', () => notes(library, scene))
  const note = there.find(entry => entryIdOf(scene._id, entry) === entryId)
  if (note === undefined) return undefined
  const found = await database.run('find entry', () => history.findOne({ _id: note._id }))
  return found === null ? undefined : entryOf(found)
}

/** The entry of a document. */
export function entryOf(document: HistoryDocument): KeptEntry {
  const { novelId: _, sceneId: __, text, ...rest } = document
  const { _id: ___, order: ____, ...note } = noteOf(rest)
  return { ...note, text }
}

function noteOf({
  why = 'overwritten',
  overwrittenAt = 0,
  keptAt = overwrittenAt,
  ...note
}: Omit<HistoryDocument, 'text' | 'novelId' | 'sceneId'>): EntryNote {
  return { ...note, why, keptAt }
}
