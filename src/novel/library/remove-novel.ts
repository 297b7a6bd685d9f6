/**
 * Deleting a novel in bounded steps: each removes the first scenes in reading order, with what hangs on them. A step is guarded by the novel
 * as it was read: that of a process that was left behind removes nothing of a novel that was imported anew.
 */
import {
  type Change,
  erase,
  getOne,
  type Kind,
  type Query,
  remove,
  replace,
  type Stored,
} from '../../records/records.ts'
import { idsOf } from './ids.ts'
import { indexStep } from './index-rows.ts'
import {
  bin,
  binnedNovels,
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
  texts,
  threads,
  volumes,
} from './kinds.ts'
import { novelNotFound } from './refusal.ts'
import { snapshotChapters, snapshots } from './snapshot-kinds.ts'

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
      ...erase(binnedNovels, [novelId]),
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
  const inBin = idsOf(await library.records.find(bin, { equal: { novelId: novel.id } }))
  for (const novelId of [...inBin, novel.id]) {
    const step = await scenesStep(library, { novelId, guard: replace(novels, novel) }, limit)
    if (step === 'more') return step
  }
  return deleteRest(library, [novel.id, ...inBin], limit)
}

/**
 * Removes the first scenes in reading order, at most `limit`, with what hangs on them. `novelId`: of a novel, or of what is in its bin. `more`: there are
 * others, or the guard was not what it says.
 */
export async function scenesStep(
  { records }: LibraryParts,
  { novelId, guard }: { novelId: string; guard: Change },
  limit: number,
): Promise<'more' | 'done'> {
  const found = await records.find(scenes, { equal: { novelId }, order: ['chapter', 'position'], limit }, [
    'summary',
  ])
  if (found.length === 0) return 'done'
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
  const removed = await records.commit([guard, ...hanging, ...rest])
  return removed === 'stale' || !isAll || found.length === limit ? 'more' : 'done'
}

/**
 * What has no scenes any more: the index, the codex, the threads, summaries of levels, snapshots, chapters, volumes and the novel. `ids`: of the novel, and
 * of what is in its bin.
 */
async function deleteRest(
  library: LibraryParts,
  ids: readonly [novelId: string, ...inBin: string[]],
  limit: number,
): Promise<'more' | 'done'> {
  const { records } = library
  const [novelId, ...inBin] = ids
  const novel = await getOne(records, novels, novelId)
  if (novel === undefined) return 'done'
  if (novel.status !== 'deleting') return 'more'
  const most = limit * rowsPerScene
  const ofNovel = { equal: { novelId: ids } }
  const indexRows = await indexStep(library, { equal: { novelId } }, limit)
  const rows = indexRows.length > 0 ? indexRows : await hangingStep(library, ids, limit)
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
    ...erase(bin, inBin),
  ]
  const removed = await records.commit([remove(novels, novel), ...rest])
  return removed === 'applied' ? 'done' : 'more'
}

/** Erases of the rows that name a novel by themselves: the first of each kind. */
async function hangingStep({ records }: LibraryParts, ids: readonly string[], limit: number) {
  const some = async <R extends { id: string; novelId: string }>(kind: Kind<R>) => {
    const ofNovel: Query<{ novelId: string }> = { equal: { novelId: ids }, limit }
    return erase(kind, idsOf(await records.find(kind, ofNovel as Query<R>)))
  }
  const kinds = [
    ...[some(codex), some(dismissals), some(readings), some(threads), some(levelSummaries)],
    ...[some(snapshots), some(snapshotChapters)],
  ]
  return (await Promise.all(kinds)).flat()
}
