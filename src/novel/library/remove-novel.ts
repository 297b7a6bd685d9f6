/**
 * Deleting a novel in bounded steps: each removes the first scenes in reading order, with what hangs on them. A step is guarded by the novel
 * as it was read: that of a process that was left behind removes nothing of a novel that was imported anew.
 */
import { type Change, erase, getOne, remove, replace, type Stored } from '../../records/records.ts'
import { indexStep } from './index-rows.ts'
import {
  chapters,
  history,
  idsOf,
  indexes,
  type LibraryParts,
  type NovelRecord,
  novels,
  scenes,
  texts,
  volumes,
} from './kinds.ts'
import { novelNotFound } from './refusal.ts'

/** Chapters that a step deletes for each scene that it may delete: they are small. */
const rowsPerScene = 20

/** Takes a novel from the shelf and makes one step. Throws NOVEL_NOT_FOUND. */
export async function removeNovel(
  library: LibraryParts,
  { userId, novelId }: { userId: string; novelId: string },
  limit: number,
): Promise<'more' | 'done'> {
  const { records } = library
  for (;;) {
    const [novel, index] = await Promise.all([
      getOne(records, novels, novelId),
      getOne(records, indexes, novelId),
    ])
    if (novel?.userId !== userId || novel.status === 'draft') throw novelNotFound(novelId)
    if (novel.status === 'deleting') return deletionStep(library, novel, limit)
    const { shelvedAt: _, ...rest } = novel
    await records.commit([
      replace(novels, { ...rest, status: 'deleting', pending: 1 }),
      // From now on no build writes to it.
      ...(index === undefined ? [] : [remove(indexes, index)]),
    ])
  }
}

/** One step of at most `limit` scenes, of a novel that is being deleted. The last one removes the novel itself. */
export async function deletionStep(
  library: LibraryParts,
  novel: Stored<NovelRecord>,
  limit: number,
): Promise<'more' | 'done'> {
  const { records } = library
  const found = await records.find(
    scenes,
    { equal: { novelId: novel.id }, order: ['chapter', 'position'], limit },
    ['summary'],
  )
  if (found.length > 0) {
    const removed = await records.commit([replace(novels, novel), ...(await removalOf(library, found))])
    if (removed === 'stale' || found.length === limit) return 'more'
  }
  return deleteRest(library, novel.id, limit)
}

/** A scene that is written meanwhile makes the step stale, so that nothing of it is left behind. */
async function removalOf(
  { records }: LibraryParts,
  found: readonly { id: string; revision: string }[],
): Promise<Change[]> {
  const ids = idsOf(found)
  const entries = idsOf(await records.find(history, { equal: { sceneId: ids } }, ['text']))
  return [...found.map(scene => remove(scenes, scene)), ...erase(texts, ids), ...erase(history, entries)]
}

/** What has no scenes any more: the index, chapters, volumes and the novel. */
async function deleteRest(library: LibraryParts, novelId: string, limit: number): Promise<'more' | 'done'> {
  const { records } = library
  const novel = await getOne(records, novels, novelId)
  if (novel === undefined) return 'done'
  if (novel.status !== 'deleting') return 'more'
  const most = limit * rowsPerScene
  const ofNovel = { equal: { novelId } }
  const rows = await indexStep(library, ofNovel, limit)
  const chapterRows = rows.length > 0 ? [] : await records.find(chapters, { ...ofNovel, limit: most })
  if (rows.length > 0 || chapterRows.length === most) {
    await records.commit([replace(novels, novel), ...rows, ...erase(chapters, idsOf(chapterRows))])
    return 'more'
  }
  const volumeRows = await records.find(volumes, ofNovel)
  const rest = [...erase(chapters, idsOf(chapterRows)), ...erase(volumes, idsOf(volumeRows))]
  const removed = await records.commit([remove(novels, novel), ...rest])
  return removed === 'applied' ? 'done' : 'more'
}
