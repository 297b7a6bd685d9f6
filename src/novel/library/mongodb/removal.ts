/**
 * Deleting a novel in bounded steps: each removes the first scenes in reading order, with what hangs on them. What a step removes is
 * chosen first and removed in a transaction that finds the novel as it was: so the step of a process that was left behind removes
 * nothing of a novel that was imported anew, and a step that is sent twice removes nothing more.
 */
import type { Filter } from 'mongodb'
import { indexStep, type RowsOfIndex } from './index-rows.ts'
import type { NovelDocument } from './schema.ts'
import { type LibrarySession, lockNovel } from './session.ts'

/** One step of at most `limit` scenes, of a novel that is being deleted. The last one removes the novel itself. */
export async function deletionStep(
  library: LibrarySession,
  novelId: string,
  limit: number,
): Promise<'more' | 'done'> {
  const deleting: Filter<NovelDocument> = { _id: novelId, status: 'deleting' }
  const removed = await removeScenes(library, novelId, deleting, limit)
  if (removed === limit) return 'more'
  const rows = await indexStep(library, { novelId }, limit)
  if (rows !== undefined) {
    await removeRows(library, deleting, rows)
    return 'more'
  }
  await library.database.transaction('delete novel', async session => {
    if ((await lockNovel(library, session, deleting)) === null) return
    await library.history.deleteMany({ novelId }, { session })
    await library.chapters.deleteMany({ novelId }, { session })
    await library.volumes.deleteMany({ novelId }, { session })
    await library.novels.deleteOne(deleting, { session })
  })
  return 'done'
}

/** Returns how many scenes there were, at most `limit`. */
async function removeScenes(
  library: LibrarySession,
  novelId: string,
  deleting: Filter<NovelDocument>,
  limit: number,
): Promise<number> {
  const { database, scenes, history } = library
  const found = await database.run('find scenes to delete', () =>
    scenes
      .find({ novelId }, { projection: { _id: 1 } })
      .sort({ chapter: 1, position: 1 })
      .limit(limit)
      .toArray(),
  )
  const ids = found.map(({ _id }) => _id)
  if (ids.length === 0) return 0
  await database.transaction('delete scenes', async session => {
    if ((await lockNovel(library, session, deleting)) === null) return
    await history.deleteMany({ novelId, sceneId: { $in: ids } }, { session })
    await scenes.deleteMany({ _id: { $in: ids } }, { session })
  })
  return ids.length
}

/** Removes rows of an index, if the novel is as the filter says. */
export async function removeRows(
  library: LibrarySession,
  as: Filter<NovelDocument>,
  { collection, ids }: RowsOfIndex,
): Promise<void> {
  await library.database.transaction('delete index rows', async session => {
    if ((await lockNovel(library, session, as)) === null) return
    await library[collection].deleteMany({ _id: { $in: [...ids] } }, { session })
  })
}
