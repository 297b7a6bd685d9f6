/** What was overwritten of a scene. */
import type { ClientSession } from 'mongodb'
import { type Listing, pageOf, pageStart } from '../page-token.ts'
import type { Page, PageRequest } from '../paging.ts'
import { historyLength, type Overwritten } from '../scenes.ts'
import type { HistoryDocument } from './schema.ts'
import type { LibrarySession } from './session.ts'

/** The scene of which something is overwritten. */
interface SceneOfNovel {
  _id: string
  novelId: string
}

/** Keeps what a transaction overwrites, oldest first, and forgets the oldest beyond `historyLength`. */
export async function keep(
  { history }: LibrarySession,
  session: ClientSession,
  { _id: sceneId, novelId }: SceneOfNovel,
  overwritten: readonly Overwritten[],
): Promise<void> {
  if (overwritten.length === 0) return
  const there = await history
    .find({ novelId, sceneId }, { session, projection: { what: 1, order: 1 } })
    .sort({ order: -1 })
    .toArray()
  const newest = there[0]?.order ?? 0
  await history.insertMany(
    overwritten.map(
      (entry, place): HistoryDocument => ({
        _id: historyIdOf(sceneId, entry),
        novelId,
        sceneId,
        order: newest + 1 + place,
        ...entry,
      }),
    ),
    { session },
  )
  const forgotten = overwritten.flatMap(({ what }) =>
    there.filter(entry => entry.what === what).slice(historyLength - 1),
  )
  if (forgotten.length > 0) {
    await history.deleteMany({ _id: { $in: forgotten.map(({ _id }) => _id) } }, { session })
  }
}

/** The id of an entry: what came with one version of a scene is overwritten once. */
export function historyIdOf(
  sceneId: string,
  { what, version }: Pick<Overwritten, 'what' | 'version'>,
): string {
  return `${sceneId} ${what} ${version}`
}

/** One page of what was overwritten, newest first. */
export async function listHistory(
  { database, history }: LibrarySession,
  { _id: sceneId, novelId }: SceneOfNovel,
  page: PageRequest,
): Promise<Page<Overwritten>> {
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
  return { ...shown, items: shown.items.map(overwrittenOf) }
}

/** The entry as readers see it. */
export function overwrittenOf(entry: HistoryDocument): Overwritten {
  const { what, text, version, overwrittenAt, overwrittenBy } = entry
  return { what, text, version, overwrittenAt, overwrittenBy }
}
