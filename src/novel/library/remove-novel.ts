/**
 * Deleting a novel in bounded steps: each removes the first scenes in reading order, with what hangs on them. A step is guarded by the novel
 * as it was read: that of a process that was left behind removes nothing of a novel that was imported anew.
 */
import { erase, getOne, type Kind, type Query, remove, replace, type Stored } from '../../records/records.ts'
import { idsOf } from './ids.ts'
import { indexStep } from './index-rows.ts'
import {
  candidates,
  chapters,
  codex,
  dismissals,
  history,
  indexes,
  type LibraryParts,
  levelSummaries,
  type NovelRecord,
  narrations,
  novelPrompts,
  novels,
  readings,
  scenes,
  snapshotChapters,
  snapshots,
  texts,
  threads,
  volumes,
} from './kinds.ts'
import { novelNotFound } from './refusal.ts'

/** Chapters, and entries of histories or candidates, that a step deletes for each scene that it may delete: they are small. */
const rowsPerScene = 20

/** Takes a novel from the shelf and makes one step, none with a limit of 0. Throws NOVEL_NOT_FOUND. */
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
    if (novel.status === 'deleting') return limit === 0 ? 'more' : deletionStep(library, novel, limit)
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
    const ids = idsOf(found)
    const most = limit * rowsPerScene
    const entries = await records.find(history, { equal: { sceneId: ids }, limit: most }, ['text'])
    const left = Math.max(1, most - entries.length)
    const beside = await records.find(candidates, { equal: { sceneId: ids }, limit: left }, ['text'])
    // Scenes with long histories go in later steps, so that each step is bounded.
    const isAll = entries.length < most && beside.length < left
    // A scene that is written meanwhile makes the step stale, so that nothing of it is left behind.
    const rest = isAll ? [...found.map(scene => remove(scenes, scene)), ...erase(texts, ids)] : []
    const hanging = [...erase(history, idsOf(entries)), ...erase(candidates, idsOf(beside))]
    const removed = await records.commit([replace(novels, novel), ...hanging, ...rest])
    if (removed === 'stale' || !isAll || found.length === limit) return 'more'
  }
  return deleteRest(library, novel.id, limit)
}

/** What has no scenes any more: the index, the codex, the threads, summaries of levels, snapshots, chapters, volumes and the novel. */
async function deleteRest(library: LibraryParts, novelId: string, limit: number): Promise<'more' | 'done'> {
  const { records } = library
  const novel = await getOne(records, novels, novelId)
  if (novel === undefined) return 'done'
  if (novel.status !== 'deleting') return 'more'
  const most = limit * rowsPerScene
  const ofNovel = { equal: { novelId } }
  const indexRows = await indexStep(library, ofNovel, limit)
  const rows = indexRows.length > 0 ? indexRows : await hangingStep(library, novelId, limit)
  const chapterRows = rows.length > 0 ? [] : await records.find(chapters, { ...ofNovel, limit: most })
  if (rows.length > 0 || chapterRows.length === most) {
    await records.commit([replace(novels, novel), ...rows, ...erase(chapters, idsOf(chapterRows))])
    return 'more'
  }
  const volumeRows = await records.find(volumes, ofNovel)
  const rest = [
    ...erase(chapters, idsOf(chapterRows)),
    ...erase(volumes, idsOf(volumeRows)),
    ...erase(narrations, [novelId]),
    ...erase(novelPrompts, [novelId]),
  ]
  const removed = await records.commit([remove(novels, novel), ...rest])
  return removed === 'applied' ? 'done' : 'more'
}

/** Erases of the rows that name a novel by themselves: the first of each kind. */
async function hangingStep({ records }: LibraryParts, novelId: string, limit: number) {
  const some = async <R extends { id: string; novelId: string }>(kind: Kind<R>) => {
    const ofNovel: Query<{ novelId: string }> = { equal: { novelId }, limit }
    return erase(kind, idsOf(await records.find(kind, ofNovel as Query<R>)))
  }
  const kinds = [
    ...[some(codex), some(dismissals), some(readings), some(threads), some(levelSummaries)],
    ...[some(snapshots), some(snapshotChapters)],
  ]
  return (await Promise.all(kinds)).flat()
}
