/**
 * The bin: the rows of what was deleted name its entry as their novel, so that no reader of the novel meets them. Their positions stay those
 * of the place that they were at.
 */
import { randomUUID } from 'node:crypto'
import {
  type Change,
  each,
  erase,
  getOne,
  insert,
  remove,
  replace,
  type Selection,
  type Stored,
} from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { hasWords } from '../quotation.ts'
import { type BinEntry, type BinnedUnit, binnedFor, type NovelBin } from './bin.ts'
import { discardStep } from './drafts.ts'
import { idsOf } from './ids.ts'
import {
  chapterAt,
  chaptersIn,
  type Frame,
  inChapter,
  type NovelChange,
  type Shaped,
  scenesIn,
  shaping,
  volumeAt,
} from './keep-shape.ts'
import { movedInThreads } from './keep-threads.ts'
import {
  type BinRecord,
  bin,
  chapters,
  type LibraryParts,
  levelSummaries,
  ownNovel,
  readings,
  type SceneRecord,
  scenes,
  texts,
  volumes,
} from './kinds.ts'
import { chaptersOf, type InOrder, scenesOf, spanOf, volumesOf } from './places.ts'
import { binEntryNotFound, chapterFull, chapterNotFound, sceneNotFound } from './refusal.ts'
import { scenesStep } from './remove-novel.ts'
import { scenesPerChapter } from './scenes.ts'

/** The bins of a library. */
export function novelBin(library: LibraryParts): NovelBin {
  const { records, now } = library
  return {
    async remove(userId, unit) {
      const id = randomUUID()
      await shaping(library, { userId, novelId: unit.novelId }, frame => binned(library, frame, { unit, id }))
      return shown(await held(library, { novelId: unit.novelId, entryId: id }))
    },
    async entries(userId, novelId) {
      await ownNovel(library, userId, novelId)
      const query = { equal: { novelId }, order: ['expiresAt'], reverse: true } as const
      return (await records.find(bin, query)).map(shown)
    },
    async restore(userId, wanted) {
      let entry: Stored<BinRecord> | undefined
      await shaping(library, { userId, novelId: wanted.novelId }, async frame => {
        entry = await held(library, wanted)
        return restored(library, frame, entry)
      })
      if (entry === undefined) throw binEntryNotFound(wanted.entryId)
      return shown(entry)
    },
    async discard(userId, wanted, limit = discardStep) {
      await ownNovel(library, userId, wanted.novelId)
      return discardStepOf(library, await held(library, wanted), limit)
    },
    async purge(limit = discardStep) {
      const query = { most: { expiresAt: now() }, order: ['expiresAt'], limit: 1 } as const
      const [entry] = await records.find(bin, query)
      if (entry === undefined) return { isMore: false, purged: 0 }
      const done = (await discardStepOf(library, entry, limit)) === 'done'
      return { isMore: true, purged: done ? 1 : 0 }
    },
  }
}

/** An entry as readers see it. */
export function entryOf({ place: _, mergedInto: __, ...entry }: BinRecord): BinEntry {
  return entry
}

function shown({ revision: _, ...entry }: Stored<BinRecord>): BinEntry {
  return entryOf(entry)
}

/** Throws BIN_ENTRY_NOT_FOUND. */
async function held(
  { records }: LibraryParts,
  { novelId, entryId }: { novelId: string; entryId: string },
): Promise<Stored<BinRecord>> {
  const entry = await getOne(records, bin, entryId)
  if (entry?.novelId !== novelId) throw binEntryNotFound(entryId)
  return entry
}

/** What a unit is made of, where it is, and what takes it out. */
interface Unit {
  title: string
  place: BinRecord['place']
  /** How many volumes and chapters it has. */
  counts: { volumes: number; chapters: number }
  /** Selects its scenes. */
  scenes: Selection<InOrder>
  /** Gives its rows another novel, and what is behind it the places. */
  changes: (entryId: string) => Change[]
}

/** Returns what puts a unit into the bin as the entry `id`. */
export async function binned(
  library: LibraryParts,
  frame: Frame,
  { unit, id, mergedInto }: { unit: BinnedUnit; id: string; mergedInto?: string },
): Promise<{ entry: BinRecord; novel: NovelChange; changes: readonly Change[] }> {
  const { records, now } = library
  const { novel } = frame
  const { title, place, counts, scenes: of, changes } = await unitOf(library, frame, unit)
  const sums = await records.sum(scenes, { ...of, by: 'novelId', of: ['words', 'characters'] })
  const { count = 0, words = 0, characters = 0 } = sums.get(novel.id) ?? {}
  const at = now()
  const entry: BinRecord = {
    ...{ id, novelId: novel.id, what: unit.what, unitId: unit.id, title, chapters: counts.chapters },
    ...{ scenes: count, words, characters, binnedAt: at, expiresAt: at + binnedFor, place },
    ...defined({ mergedInto }),
  }
  return {
    entry,
    novel: countedBy(frame, { ...counts, scenes: count, words, characters }, -1),
    changes: [...changes(id), insert(bin, entry)],
  }
}

/** The counts of a novel with or without something. Its text is another one then: what was derived from it is out of date. */
function countedBy(
  { novel }: Frame,
  counts: Record<'volumes' | 'chapters' | 'scenes' | 'words' | 'characters', number>,
  by: 1 | -1,
): NovelChange {
  const counted = Object.entries(counts).map(([name, count]) => [
    name,
    novel[name as keyof typeof counts] + by * count,
  ])
  return { ...Object.fromEntries(counted), textVersion: novel.textVersion + 1 }
}

/** Finds a unit. Throws VOLUME_NOT_FOUND, CHAPTER_NOT_FOUND, SCENE_NOT_FOUND. */
function unitOf(library: LibraryParts, frame: Frame, unit: BinnedUnit): Unit | Promise<Unit> {
  if (unit.what === 'volume') return volumeUnit(frame, unit.id)
  return unit.what === 'chapter' ? chapterUnit(frame, unit.id) : sceneUnit(library, frame, unit.id)
}

function volumeUnit(frame: Frame, volumeId: string): Unit {
  const { id: novelId } = frame.novel
  const volume = volumeAt(frame, volumeId)
  const block = chaptersIn(frame, volume)
  const end = block.from + block.count
  const [inVolumes, inChapters] = [volumesOf(novelId), chaptersOf(novelId)]
  return {
    title: frame.volumes[volume]?.title ?? '',
    place: { volume, chapter: block.from },
    counts: { volumes: 1, chapters: block.count },
    scenes: spanOf('chapter', { novelId }, { from: block.from, end }),
    changes: entryId => [
      ...inVolumes({ from: volume, end: volume + 1 }, { by: 0, novelId: entryId }),
      ...inVolumes({ from: volume + 1 }, { by: -1 }),
      ...inChapters({ from: block.from, end }, { by: 0, novelId: entryId }),
      ...inChapters({ from: end }, { by: -block.count }),
    ],
  }
}

function chapterUnit(frame: Frame, chapterId: string): Unit {
  const { id: novelId } = frame.novel
  const chapter = chapterAt(frame, chapterId)
  const { title = '', volumeId = '' } = frame.chapters[chapter] ?? {}
  const inChapters = chaptersOf(novelId)
  return {
    title,
    place: { volumeId, chapter },
    counts: { volumes: 0, chapters: 1 },
    scenes: spanOf('chapter', { novelId }, { from: chapter, end: chapter + 1 }),
    changes: entryId => [
      ...inChapters({ from: chapter, end: chapter + 1 }, { by: 0, novelId: entryId }),
      ...inChapters({ from: chapter + 1 }, { by: -1 }),
    ],
  }
}

async function sceneUnit({ records }: LibraryParts, frame: Frame, sceneId: string): Promise<Unit> {
  const { id: novelId } = frame.novel
  const scene = await getOne(records, scenes, sceneId, ['summary'])
  if (scene?.novelId !== novelId) throw sceneNotFound(sceneId)
  const { title = '', chapterId, chapter, position } = scene
  return {
    title,
    place: { chapterId, chapter, position },
    counts: { volumes: 0, chapters: 0 },
    scenes: { equal: { novelId, chapter, position } },
    changes: entryId => takenOut({ novelId, chapter, position }, entryId),
  }
}

/** Returns the changes that take a scene out of its chapter. */
function takenOut({ novelId, chapter, position }: InOrder, entryId: string): Change[] {
  const inScenes = scenesOf(novelId, chapter)
  return [
    ...inScenes({ from: position, end: position + 1 }, { by: 0, novelId: entryId }),
    ...inScenes({ from: position + 1 }, { by: -1 }),
  ]
}

/** Returns the changes that put a scene into the bin with others that are written. What the novel counts is not among them. */
export function sceneIntoBin(
  { id: unitId, novelId, chapterId, chapter, position, title = '', words, characters }: SceneRecord,
  { entryId: id, at }: { entryId: string; at: number },
): Change[] {
  const entry: BinRecord = {
    ...{ id, novelId, what: 'scene', unitId, title, chapters: 0, scenes: 1, words, characters },
    ...{ binnedAt: at, expiresAt: at + binnedFor, place: { chapterId, chapter, position } },
  }
  return [...takenOut({ novelId, chapter, position }, id), insert(bin, entry)]
}

/** Finds the place of an entry, and returns what puts its rows there. */
async function restored(library: LibraryParts, frame: Frame, entry: Stored<BinRecord>): Promise<Shaped> {
  const { chapters: inEntry, words, characters, scenes: count, what } = entry
  const changes =
    what === 'volume'
      ? volumeBack(frame, entry)
      : what === 'chapter'
        ? chapterBack(frame, entry)
        : await sceneBack(library, frame, entry)
  const volumeCount = what === 'volume' ? 1 : 0
  return {
    novel: countedBy(frame, { volumes: volumeCount, chapters: inEntry, scenes: count, words, characters }, 1),
    // The index was maybe built anew meanwhile, without them.
    changes: [
      each(scenes, { equal: { novelId: entry.id } }, { set: { edited: 1 } }),
      ...changes,
      remove(bin, entry),
    ],
  }
}

function volumeBack(
  frame: Frame,
  { id, place: { volume = 0, chapter }, chapters: count }: BinRecord,
): Change[] {
  const { id: novelId } = frame.novel
  const at = Math.min(volume, frame.volumes.length)
  const { from } = chaptersIn(frame, at)
  return [
    ...volumesOf(novelId)({ from: at }, { by: 1 }),
    ...volumesOf(id)({ from: 0 }, { by: at - volume, novelId }),
    ...chaptersOf(novelId)({ from }, { by: count }),
    ...chaptersOf(id)({ from: 0 }, { by: from - chapter, novelId }),
  ]
}

function chapterBack(frame: Frame, { id, place: { volumeId, chapter } }: BinRecord): Change[] {
  const { id: novelId } = frame.novel
  const nearest = frame.chapters[Math.min(chapter, frame.chapters.length) - 1] ?? frame.chapters[0]
  const isThere = frame.volumes.some(volume => volume.id === volumeId)
  const into = isThere ? volumeId : (nearest?.volumeId ?? frame.volumes[0]?.id)
  const block = chaptersIn(
    frame,
    frame.volumes.findIndex(volume => volume.id === into),
  )
  const at = Math.min(Math.max(chapter, block.from), block.from + block.count)
  return [
    ...chaptersOf(novelId)({ from: at }, { by: 1 }),
    ...chaptersOf(id)({ from: 0 }, { by: at - chapter, novelId }),
    each(chapters, { equal: { novelId, position: at } }, { set: { volumeId: into ?? '' } }),
  ]
}

/** Throws CHAPTER_NOT_FOUND where the novel has no chapter, CHAPTER_FULL. */
async function sceneBack(library: LibraryParts, frame: Frame, entry: BinRecord): Promise<Change[]> {
  const { id: novelId } = frame.novel
  const { chapterId = '', chapter, position = 0 } = entry.place
  const own = frame.chapters.find(({ id }) => id === chapterId)
  const target = own ?? frame.chapters[Math.min(chapter, frame.chapters.length - 1)]
  if (target === undefined) throw chapterNotFound(chapterId)
  const there = await scenesIn(library, target)
  if (there.length >= scenesPerChapter) throw chapterFull(target.id, scenesPerChapter)
  const at = Math.min(position, there.length)
  const scene = await getOne(library.records, scenes, entry.unitId)
  return [
    ...scenesOf(novelId, target.position)({ from: at }, { by: 1 }),
    ...scenesOf(entry.id, chapter)({ from: 0 }, { by: at - position, chapter: target.position, novelId }),
    ...(own === undefined && scene ? inChapter([{ ...scene, novelId, edited: 1 }], target, at) : []),
    ...(await eventsBack(library, novelId, entry)),
  ]
}

/** Returns what gives a scene back the events of threads that another one has since both were made one: those whose words only it has. */
async function eventsBack(
  library: LibraryParts,
  novelId: string,
  { unitId, mergedInto = '' }: BinRecord,
): Promise<Change[]> {
  if (mergedInto === '') return []
  const both = await library.records.get(texts, [mergedInto, unitId])
  const isIn = (sceneId: string, quotation: string) => hasWords(both.get(sceneId)?.content ?? '', quotation)
  return movedInThreads(library, novelId, (scene, quotation = '') =>
    scene === mergedInto && !isIn(mergedInto, quotation) && isIn(unitId, quotation) ? unitId : scene,
  )
}

/** Deletes an entry for good by one step. The entry guards it: one that is put back meanwhile stays. */
async function discardStepOf(
  library: LibraryParts,
  entry: Stored<BinRecord>,
  limit: number,
): Promise<'more' | 'done'> {
  const { records } = library
  const { id } = entry
  if ((await scenesStep(library, { novelId: id, guard: replace(bin, entry) }, limit)) === 'more')
    return 'more'
  const ofEntry = { equal: { novelId: id } }
  const [inVolumes, inChapters, read] = await Promise.all([
    records.find(volumes, ofEntry),
    records.find(chapters, ofEntry),
    records.find(readings, ofEntry, ['items']),
  ])
  const now = await getOne(records, bin, id)
  if (now === undefined) return 'done'
  const rows = [
    ...[...inVolumes.map(each => remove(volumes, each)), ...inChapters.map(each => remove(chapters, each))],
    ...read.map(each => remove(readings, each)),
    // They name the novel itself, so that they are there again where their chapters and volumes are put back.
    ...erase(levelSummaries, idsOf([...inVolumes, ...inChapters])),
  ]
  return (await records.commit([remove(bin, now), ...rows])) === 'applied' ? 'done' : 'more'
}
