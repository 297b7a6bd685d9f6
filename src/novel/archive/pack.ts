/**
 * Reading a novel as the rows of an archive. Which volumes, chapters and scenes there are is of one moment; each scene is as it is when its turn comes, with what
 * hangs on it. Memory is bounded by the number of scenes, and not by their texts.
 */
import { getOne, type Identified, type Kind } from '../../records/records.ts'
import { groupedBy } from '../grouped-by.ts'
import { idsOf } from '../library/ids.ts'
import { wholeOutline } from '../library/keep-levels.ts'
import {
  type BinRecord,
  bin,
  type ChapterRecord,
  type CodexRecord,
  chapters,
  codex,
  dismissals,
  type LibraryParts,
  levelSummaries,
  type NovelRecord,
  narrations,
  novelPrompts,
  novels,
  ownNovel,
  scenes,
  threads,
  type VolumeRecord,
  volumes,
} from '../library/kinds.ts'
import { chaptersPerStretch, stretchIdOf } from '../library/levels.ts'
import { snapshotChapters, snapshots } from '../library/snapshot-kinds.ts'
import type { FindingsById, PackedNovel } from './archives.ts'
import { RowNumbers } from './names.ts'
import { type FrameScene, packScenes } from './pack-scenes.ts'
import type { ArchivedRow, RowName } from './rows.ts'

/** What a novel is made of at one moment, the novel before what is in its bin. */
interface Frame {
  novel: NovelRecord
  binned: readonly BinRecord[]
  volumes: readonly VolumeRecord[]
  chapters: readonly ChapterRecord[]
  entries: readonly CodexRecord[]
  scenes: readonly FrameScene[]
}

interface Packing {
  novelId: string
  findings: FindingsById
}

/** Returns the rows of a novel, in the order in which an archive has them. */
export async function packNovel(
  library: LibraryParts,
  userId: string,
  packing: Packing,
): Promise<PackedNovel> {
  const frame = await frameOf(library, userId, packing.novelId)
  const counts = {
    ...{ binned: frame.binned.length, volume: frame.volumes.length, chapter: frame.chapters.length },
    ...{ scene: frame.scenes.length, entry: frame.entries.length },
  }
  return { updatedAt: frame.novel.updatedAt, counts, rows: rowsOf(library, { ...packing, userId, frame }) }
}

async function* rowsOf(
  library: LibraryParts,
  { userId, novelId, findings, frame }: Packing & { userId: string; frame: Frame },
): AsyncGenerator<ArchivedRow> {
  const { records } = library
  const numbers = new RowNumbers()
  numbers.number('binned', idsOf(frame.binned))
  numbers.number('volume', idsOf(frame.volumes))
  numbers.number('chapter', idsOf(frame.chapters))
  numbers.number('entry', idsOf(frame.entries))
  numbers.number('scene', idsOf(frame.scenes))
  const rows = (of: RowName, held: readonly object[]) => held.map(record => numbers.row(of, record))
  const owned = (of: RowName, held: readonly { novelId: string }[]) =>
    held.map(record => numbers.row(of, { ...record, bin: numbers.of('binned', record.novelId) }))
  yield* rows('novel', [frame.novel])
  yield* rows('narration', await found(library, narrations, novelId))
  yield* rows('prompts', await found(library, novelPrompts, novelId))
  yield* rows('binned', frame.binned)
  yield* owned('volume', frame.volumes)
  yield* owned('chapter', frame.chapters)
  yield* packScenes(library, { userId, novelId, scenes: frame.scenes, numbers })
  yield* rows('entry', frame.entries)
  yield* await dismissalRows(library, novelId, { findings, numbers })
  const inOrder = { equal: { novelId }, order: ['order'] as const }
  yield* rows('thread', await records.find(threads, inOrder))
  yield* summaryRows(library, frame, numbers)
  for (const snapshot of await records.find(snapshots, inOrder)) {
    yield* rows('snapshot', [snapshot])
    yield* chaptersThen(library, snapshot.id, numbers)
  }
  // What is read while the novel is deleted is not all of it.
  await ownNovel(library, userId, novelId)
}

async function found<R extends Identified>(
  { records }: LibraryParts,
  kind: Kind<R>,
  id: string,
): Promise<R[]> {
  const record = await getOne(records, kind, id)
  return record === undefined ? [] : [record as unknown as R]
}

/** Begins again where the novel was changed meanwhile. */
async function frameOf(library: LibraryParts, userId: string, novelId: string): Promise<Frame> {
  const { records } = library
  for (;;) {
    const novel = await ownNovel(library, userId, novelId)
    const ofNovel = { equal: { novelId } }
    const inBin = await records.find(bin, ofNovel)
    // The entries of one import expire at the same time; their ids are in order.
    const binned = inBin.toSorted(
      (one, other) => one.binnedAt - other.binnedAt || (one.id < other.id ? -1 : 1),
    )
    const owners = [novelId, ...idsOf(binned)]
    const ofEach = async <R>(
      read: (query: { equal: { novelId: string }; order: ['position'] }) => Promise<R[]>,
    ) => {
      const all = await Promise.all(
        owners.map(owner => read({ equal: { novelId: owner }, order: ['position'] })),
      )
      return all.flat()
    }
    const [inVolumes, inChapters, entries] = await Promise.all([
      ofEach(query => records.find(volumes, query)),
      ofEach(query => records.find(chapters, query)),
      records.find(codex, { ...ofNovel, order: ['order'] }),
    ])
    const inOrder: FrameScene[] = []
    for (const owner of owners) for await (const scene of scenesOf(library, owner)) inOrder.push(scene)
    const now = await getOne(records, novels, novelId)
    if (now?.revision === novel.revision)
      return { novel, binned, volumes: inVolumes, chapters: inChapters, entries, scenes: inOrder }
  }
}

/** Scenes that are read at a time, without their texts. */
const scenesPerPage = 500

async function* scenesOf({ records }: LibraryParts, novelId: string): AsyncGenerator<FrameScene> {
  const query = { equal: { novelId }, order: ['chapter', 'position'] as const, limit: scenesPerPage }
  for (let after: readonly number[] | undefined; ; ) {
    const page = await records.find(scenes, { ...query, after }, ['summary'])
    yield* page.map(({ id, chapterId }) => ({ id, novelId, chapterId }))
    const last = page.at(-1)
    if (last === undefined || page.length < scenesPerPage) return
    after = [last.chapter, last.position]
  }
}

/** In an order that no id decides. */
async function dismissalRows(
  { records }: LibraryParts,
  novelId: string,
  { findings, numbers }: { findings: FindingsById; numbers: RowNumbers },
): Promise<ArchivedRow[]> {
  const all = await records.find(dismissals, { equal: { novelId } })
  const rows = all.map(({ key, ...rest }) => {
    const finding = rest.what === 'finding' ? findings.get(key) : undefined
    return numbers.row('dismissal', finding === undefined ? { ...rest, key } : { ...rest, finding })
  })
  const sorted = rows.map(row => [JSON.stringify(row), row] as const)
  return sorted.toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row)
}

/** Records that are read at a time. */
const perPage = 50

/** The summaries above those of scenes, those of the book first. */
async function* summaryRows(
  library: LibraryParts,
  { novel, volumes: inVolumes, chapters: inChapters }: Frame,
  numbers: RowNumbers,
): AsyncGenerator<ArchivedRow> {
  const { units } = await wholeOutline(library, novel)
  const current = new Set(idsOf(units.filter(({ state }) => state === 'current')))
  const byVolume = groupedBy(inChapters, ({ volumeId }) => volumeId)
  const wanted = [
    { id: novel.id },
    ...inVolumes.flatMap(({ id: volumeId }) => {
      const stretches = Math.ceil((byVolume.get(volumeId)?.length ?? 0) / chaptersPerStretch)
      const ofStretches = Array.from({ length: stretches }, (_, stretch) => ({
        ...{ id: stretchIdOf(volumeId, stretch), volumeId, stretch },
      }))
      return [{ id: volumeId, volumeId }, ...ofStretches]
    }),
    ...inChapters.map(({ id }) => ({ id, chapterId: id })),
  ]
  for (let from = 0; from < wanted.length; from += perPage) {
    const page = wanted.slice(from, from + perPage)
    const held = await library.records.get(levelSummaries, idsOf(page))
    for (const unit of page) {
      const summary = held.get(unit.id)
      if (summary === undefined) continue
      const isCurrent = current.has(unit.id) ? true : undefined
      yield numbers.row('summary', { ...summary, ...unit, isCurrent })
    }
  }
}

async function* chaptersThen(
  { records }: LibraryParts,
  snapshotId: string,
  numbers: RowNumbers,
): AsyncGenerator<ArchivedRow> {
  const query = { equal: { snapshotId }, order: ['chapter'] as const, limit: perPage }
  for (let after: readonly number[] | undefined; ; ) {
    const page = await records.find(snapshotChapters, { ...query, after })
    for (const each of page) yield numbers.row('chapterThen', each)
    const last = page.at(-1)
    if (last === undefined || page.length < perPage) return
    after = [last.chapter]
  }
}
