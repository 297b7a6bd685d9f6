/** The scenes of an archive, each with its candidates, what models read in it, and its history. */
import type { Stored } from '../../records/records.ts'
import { groupedBy } from '../grouped-by.ts'
import type { CandidateRecord } from '../library/candidates.ts'
import { idsOf } from '../library/ids.ts'
import { readingIdOf } from '../library/keep-readings.ts'
import {
  candidates,
  type HistoryRecord,
  history,
  type LibraryParts,
  ownNovel,
  type ReadingRecord,
  readings,
  type SceneRecord,
  scenes,
  type TextRecord,
  texts,
} from '../library/kinds.ts'
import { sceneNotFound } from '../library/refusal.ts'
import { historyNameOf, type RowNumbers } from './names.ts'
import { rewritten } from './references.ts'
import { type ArchivedRow, archivedRows, type RowName } from './rows.ts'

/** Scenes, and entries of a history, that are read at a time with their texts. */
const scenesPerRead = 10
const entriesPerRead = 20

/** Where a scene was at the moment of which the archive is: it may be moved until its turn comes. */
export type FrameScene = Pick<SceneRecord, 'id' | 'novelId' | 'chapterId'>

/** Which scenes of a novel, in the order of their numbers. */
interface Packing {
  readonly userId: string
  readonly novelId: string
  readonly scenes: readonly FrameScene[]
  readonly numbers: RowNumbers
}

/** Yields the rows of scenes. Throws SCENE_NOT_FOUND for one that is gone. */
export async function* packScenes(library: LibraryParts, packing: Packing): AsyncGenerator<ArchivedRow> {
  const { userId, novelId } = packing
  for (let from = 0; from < packing.scenes.length; from += scenesPerRead) {
    await ownNovel(library, userId, novelId)
    const placed = packing.scenes.slice(from, from + scenesPerRead)
    const ids = idsOf(placed)
    const kept = await library.records.sum(history, { equal: { sceneId: ids }, by: 'sceneId' })
    const found = await readScenes(library, ids)
    for (const [at, whole] of found.entries())
      yield* sceneRows(library, { ...packing, whole, place: placed[at], isKept: kept.has(whole.scene.id) })
  }
}

/** A scene with what hangs on it but its history. */
interface WholeScene {
  scene: Stored<SceneRecord>
  text: TextRecord
  beside: readonly CandidateRecord[]
  read: readonly ReadingRecord[]
}

/** Reads scenes, each as it was at one moment: again, where one was written meanwhile. */
async function readScenes({ records }: LibraryParts, ids: readonly string[]): Promise<WholeScene[]> {
  const readingIds = ids.flatMap(sceneId =>
    (['entries', 'contradictions'] as const).map(what => readingIdOf({ what, sceneId })),
  )
  for (;;) {
    const found = await records.get(scenes, ids)
    const [content, beside, read] = await Promise.all([
      records.get(texts, ids),
      records.find(candidates, { equal: { sceneId: ids } }),
      records.get(readings, readingIds),
    ])
    const now = await records.get(scenes, ids, ['summary'])
    if ([...found.values()].some(({ id, revision }) => now.get(id)?.revision !== revision)) continue
    const ofScene = groupedBy(beside, ({ sceneId }) => sceneId)
    return ids.map((id, at) => {
      const [scene, text] = [found.get(id), content.get(id)]
      if (scene === undefined || text === undefined) throw sceneNotFound(id)
      const those = (ofScene.get(id) ?? []).toSorted((one, other) => one.order - other.order)
      return {
        scene,
        text,
        beside: those,
        read: readingIds.slice(2 * at, 2 * at + 2).flatMap(each => read.get(each) ?? []),
      }
    })
  }
}

async function* sceneRows(
  library: LibraryParts,
  {
    numbers,
    whole,
    place,
    isKept,
  }: Packing & { whole: WholeScene; place: FrameScene | undefined; isKept: boolean },
): AsyncGenerator<ArchivedRow> {
  const { scene, text, beside, read } = whole
  const { content, origin } = text
  const { novelId, chapterId } = place ?? scene
  const own = { ...scene, chapterId, bin: numbers.of('binned', novelId), content, origin }
  const orders = new Map(beside.map(({ id, order }) => [id, order]))
  const names = await namesOf(library, [
    ...historyIdsOf('scene', [own]),
    ...historyIdsOf('candidate', beside),
  ])
  numbers.beginScene(names, orders)
  yield numbers.row('scene', own)
  for (const each of beside) yield numbers.row('candidate', each)
  for (const each of read) yield numbers.row('reading', each)
  if (!isKept) return
  for await (const page of historyOf(library, scene)) {
    numbers.beginScene(await namesOf(library, historyIdsOf('history', page)), orders)
    for (const each of page) yield numbers.row('history', each)
  }
}

/** The entries of a history that are there when its scene is read, oldest first. */
async function* historyOf(
  { records }: LibraryParts,
  { id: sceneId, history: known }: SceneRecord,
): AsyncGenerator<readonly HistoryRecord[]> {
  const query = { equal: { sceneId }, order: ['order'] as const, limit: entriesPerRead }
  const most = known === undefined ? {} : { most: { order: known.newest } }
  for (let after: readonly number[] | undefined; ; ) {
    const page = await records.find(history, { ...query, ...most, after })
    yield page
    const last = page.at(-1)
    if (last === undefined || page.length < entriesPerRead) return
    after = [last.order]
  }
}

/** Returns the ids of entries of histories that records name. */
function historyIdsOf(of: RowName, records: readonly object[]): string[] {
  const ids = new Set<string>()
  for (const record of records)
    rewritten(record, archivedRows[of].refs, (target, value) => {
      if (target === 'history') ids.add(String(value))
      return value
    })
  return [...ids]
}

/** Returns the names of entries of histories, by their ids. */
async function namesOf(
  { records }: LibraryParts,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map()
  const found = await records.get(history, ids, ['text'])
  return new Map([...found.values()].map(entry => [entry.id, historyNameOf(entry)]))
}
