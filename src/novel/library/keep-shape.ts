/** The shapes of novels, over records: every change is guarded by the novel, so that two never meet. */
import { isDeepStrictEqual } from 'node:util'
import { QuillworkError } from '../../index.ts'
import {
  type Change,
  each,
  erase,
  getOne,
  insert,
  remove,
  replace,
  type Stored,
  write,
} from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { checkId, firstVersions } from './draft-pieces.ts'
import { chapterIdOf, idsOf, sceneIdOf, volumeIdOf } from './ids.ts'
import { referenceChange } from './keep-references.ts'
import {
  type ChapterRecord,
  chapters,
  type LibraryParts,
  levelSummaries,
  type NovelRecord,
  nextNumber,
  novels,
  ownNovel,
  type SceneRecord,
  scenes,
  texts,
  type VolumeRecord,
  volumes,
} from './kinds.ts'
import { chaptersOf, moved, scenesOf, volumesOf } from './places.ts'
import { novelShelf } from './read-shelf.ts'
import {
  chapterFull,
  chapterNotFound,
  notTaken,
  sceneNotFound,
  unitChanged,
  volumeNotFound,
} from './refusal.ts'
import { scenesPerChapter } from './scenes.ts'
import type {
  ChapterMove,
  ChapterSplit,
  NewChapter,
  NewNovel,
  NewVolume,
  NovelNames,
  NovelShape,
  SceneMove,
  VolumeMove,
} from './shape.ts'

/** The shapes of the novels of a library. */
export function novelShape(library: LibraryParts): NovelShape {
  const shelf = novelShelf(library)
  return {
    async create(novel) {
      await create(library, novel)
      return shelf.novel(novel.userId, novel.id)
    },
    async rename(userId, novelId, { expectedVersion, ...names }) {
      await shaping(library, { userId, novelId }, async ({ novel }) => {
        const wanted = { ...namesOf(names), ...(await referenceChange(library, novel, names)) }
        const edited = editedUnit({ what: 'novel', held: novel, wanted }, expectedVersion)
        return edited && { novel: edited, changes: [] }
      })
      return shelf.novel(userId, novelId)
    },
    renameVolume: (userId, { novelId, volumeId, title, expectedVersion }) =>
      shaping(library, { userId, novelId }, frame => {
        const held = frame.volumes[volumeAt(frame, volumeId)]
        const edited = held && editedUnit({ what: 'volume', held, wanted: { title } }, expectedVersion)
        return edited && { changes: [replace(volumes, edited)] }
      }),
    editChapter: (userId, { novelId, chapterId, title, targetWords, expectedVersion }) =>
      shaping(library, { userId, novelId }, frame => {
        const held = frame.chapters[chapterAt(frame, chapterId)]
        const wanted = { ...defined({ title }), ...targetOf(defined({ targetWords })) }
        const edited = held && editedUnit({ what: 'chapter', held, wanted }, expectedVersion)
        return edited && { changes: [replace(chapters, defined(edited))] }
      }),
    async addVolume(userId, volume) {
      await shaping(library, { userId, novelId: volume.novelId }, frame => addVolume(library, frame, volume))
      const found = (await shelf.volumes(userId, volume.novelId)).find(({ id }) => id === volume.id)
      if (found === undefined) throw volumeNotFound(volume.id)
      return found
    },
    async addChapter(userId, chapter) {
      await shaping(library, { userId, novelId: chapter.novelId }, frame =>
        addChapter(library, frame, chapter),
      )
      return shelf.chapter(userId, chapter.id)
    },
    moveVolume: (userId, move) =>
      shaping(library, { userId, novelId: move.novelId }, frame => moveVolume(frame, move)),
    moveChapter: (userId, move) =>
      shaping(library, { userId, novelId: move.novelId }, frame => moveChapter(frame, move)),
    moveScene: (userId, move) =>
      shapingOfScene(library, { userId, sceneId: move.sceneId }, frame => moveScene(library, frame, move)),
    async splitChapter(userId, split) {
      await shaping(library, { userId, novelId: split.novelId }, frame => splitChapter(library, frame, split))
      return shelf.chapter(userId, split.id)
    },
    mergeChapters: (userId, { novelId, ...merged }) =>
      shaping(library, { userId, novelId }, frame => mergeChapters(library, frame, merged)),
  }
}

function isNovelGone(error: unknown): boolean {
  return error instanceof QuillworkError && error.code === 'NOVEL_NOT_FOUND'
}

async function create(library: LibraryParts, { id, userId, ...names }: NewNovel): Promise<void> {
  checkId(id)
  const { records, now } = library
  const [there, order] = [await getOne(records, novels, id), await nextNumber(library, 'novels')]
  if (there?.userId === userId && there.status === 'published') return
  if (there !== undefined) throw notTaken(`The id ${id} belongs to another novel; choose another one.`)
  const at = now()
  const counts = { volumes: 1, chapters: 1, scenes: 1, words: 0, characters: 0 }
  const state = { status: 'published', publishedAt: at, shelvedAt: at, textVersion: 1 } as const
  const [volumeId, chapterId, sceneId] = [volumeIdOf(id, 0), chapterIdOf(id, 0), sceneIdOf(id, 0, 0)]
  const place = { novelId: id, generation: order, position: 0 }
  const called = defined(namesOf(names)) as Pick<NewNovel, 'title'>
  const times = { createdAt: at, updatedAt: at }
  const novel = { id, order, userId, ...called, ...counts, ...state, generation: order, ...times }
  await records.commit([
    insert(novels, novel),
    insert(volumes, { id: volumeId, ...place, title: '' }),
    insert(chapters, { id: chapterId, ...place, volumeId, title: '' }),
    insert(scenes, {
      ...{ id: sceneId, ...place, chapterId, chapter: 0, words: 0, characters: 0 },
      ...{ ...firstVersions, updatedAt: at },
    }),
    ...write(texts, [{ id: sceneId, content: '' }]),
  ])
}

/** A novel, volume or chapter, and what of it is to change; undefined takes a field away. */
interface UnitEdit<Held> {
  what: Parameters<typeof unitChanged>[0]
  held: Held
  wanted: { [F in keyof Held]?: Held[F] | undefined }
}

/**
 * Returns what is kept then, at the next version. Undefined where it is there already: sent again, because its answer was lost, a change finds itself.
 * Throws NOVEL_CHANGED, VOLUME_CHANGED, CHAPTER_CHANGED where the version is not the one that was read.
 */
function editedUnit<Held extends { id: string; version?: number }>(
  { what, held, wanted }: UnitEdit<Held>,
  expectedVersion: number | undefined,
): Held | undefined {
  const edited = { ...held, ...wanted } as Held
  if (isDeepStrictEqual(defined(edited), defined(held))) return undefined
  const { version = 1 } = held
  if (expectedVersion !== undefined && expectedVersion !== version) throw unitChanged(what, held.id, version)
  return { ...edited, version: version + 1 }
}

/** Returns a target of words as it is kept; one of 0 is taken away. */
function targetOf({ targetWords }: Pick<NovelNames, 'targetWords'>): { targetWords?: number | undefined } {
  return targetWords === undefined ? {} : { targetWords: targetWords || undefined }
}

/** Returns what changes; an empty author or language is taken away. Throws OPTION_INVALID for a title without a letter. */
function namesOf({ title, author, language, targetWords }: NovelNames): NovelChange {
  if (title?.trim() === '') throw notTaken('A novel needs a title.')
  const given = { ...defined({ title, author, language }) }
  const empty = Object.entries(given).filter(([, text]) => text === '')
  const none = Object.fromEntries(empty.map(([name]) => [name, undefined]))
  return { ...given, ...none, ...targetOf(defined({ targetWords })) }
}

/** A novel with its volumes and chapters, in reading order. */
export interface Frame {
  novel: Stored<NovelRecord>
  volumes: readonly Stored<VolumeRecord>[]
  chapters: readonly Stored<ChapterRecord>[]
}

/** What of a novel changes; undefined takes a field away. */
export type NovelChange = { [F in keyof NovelRecord]?: NovelRecord[F] | undefined }

/** What is to be written: changes of rows, and what of the novel changes with them. Undefined: it is there already. */
export type Shaped = { changes: readonly Change[]; novel?: NovelChange } | undefined

/** Reads a novel, decides and writes; begins again for as long as the novel is no longer what was read, also where that was refused. Throws NOVEL_NOT_FOUND. */
export async function shaping(
  library: LibraryParts,
  { userId, novelId }: { userId: string; novelId: string },
  decide: (frame: Frame) => Shaped | Promise<Shaped>,
): Promise<void> {
  const { records, now } = library
  const inOrder = { equal: { novelId }, order: ['position'] } as const
  for (;;) {
    const novel = await ownNovel(library, userId, novelId)
    const [inVolumes, inChapters] = await Promise.all([
      records.find(volumes, inOrder),
      records.find(chapters, inOrder),
    ])
    let shaped: Shaped
    try {
      shaped = await decide({ novel, volumes: inVolumes, chapters: inChapters })
    } catch (error) {
      if ((await ownNovel(library, userId, novelId)).revision === novel.revision) throw error
      continue
    }
    if (shaped === undefined) return
    const changed = defined({ ...novel, ...shaped.novel, updatedAt: now() }) as Stored<NovelRecord>
    if ((await records.commit([replace(novels, changed), ...shaped.changes])) === 'applied') return
  }
}

/** Does the same to the novel of a scene. Throws SCENE_NOT_FOUND. */
export async function shapingOfScene(
  library: LibraryParts,
  { userId, sceneId }: { userId: string; sceneId: string },
  decide: (frame: Frame) => Shaped | Promise<Shaped>,
): Promise<void> {
  const scene = await getOne(library.records, scenes, sceneId, ['summary'])
  if (scene === undefined) throw sceneNotFound(sceneId)
  await shaping(library, { userId, novelId: scene.novelId }, decide).catch(error => {
    throw isNovelGone(error) ? sceneNotFound(sceneId) : error
  })
}

/** Whether a novel has the volume or chapter that is to be added already. Throws OPTION_INVALID where the id is none, or is taken. */
async function isAdded(
  { records }: LibraryParts,
  kind: typeof volumes | typeof chapters,
  { id, own }: { id: string; own: readonly { id: string }[] },
): Promise<boolean> {
  checkId(id)
  if (own.some(each => each.id === id)) return true
  if ((await getOne<VolumeRecord>(records, kind, id)) === undefined) return false
  throw notTaken(`The id ${id} is taken, in a bin or in another novel; choose another one.`)
}

/** Returns the position of a volume; absent: behind all. Throws VOLUME_NOT_FOUND. */
export function volumeAt({ volumes: all }: Frame, volumeId: string | undefined): number {
  if (volumeId === undefined) return all.length
  const at = all.findIndex(({ id }) => id === volumeId)
  if (at === -1) throw volumeNotFound(volumeId)
  return at
}

/** Returns the position of a chapter. Throws CHAPTER_NOT_FOUND. */
export function chapterAt({ chapters: all }: Frame, chapterId: string): number {
  const at = all.findIndex(({ id }) => id === chapterId)
  if (at === -1) throw chapterNotFound(chapterId)
  return at
}

/** Returns where the chapters of a volume begin, by the position of the volume, and how many they are. */
export function chaptersIn(
  { volumes: all, chapters: inOrder }: Frame,
  volume: number,
): { from: number; count: number } {
  const earlier = new Set(idsOf(all.slice(0, volume)))
  const id = all[volume]?.id
  return {
    from: inOrder.filter(({ volumeId }) => earlier.has(volumeId)).length,
    count: inOrder.filter(({ volumeId }) => volumeId === id).length,
  }
}

async function addVolume(
  library: LibraryParts,
  frame: Frame,
  { id, novelId, title, before }: NewVolume,
): Promise<Shaped> {
  if (await isAdded(library, volumes, { id, own: frame.volumes })) return undefined
  const position = volumeAt(frame, before)
  const { generation } = frame.novel
  return {
    novel: { volumes: frame.novel.volumes + 1 },
    changes: [
      ...volumesOf(novelId)({ from: position }, { by: 1 }),
      insert(volumes, { id, novelId, generation, position, title }),
    ],
  }
}

async function addChapter(
  library: LibraryParts,
  frame: Frame,
  { id, novelId, title, ...place }: NewChapter,
): Promise<Shaped> {
  if (await isAdded(library, chapters, { id, own: frame.chapters })) return undefined
  const { position, volumeId } = placeOf(frame, place)
  const { generation } = frame.novel
  return {
    novel: { chapters: frame.novel.chapters + 1 },
    changes: [
      ...chaptersOf(novelId)({ from: position }, { by: 1 }),
      insert(chapters, { id, novelId, generation, volumeId, position, title }),
    ],
  }
}

/** Returns where a chapter is to be. Throws VOLUME_NOT_FOUND, CHAPTER_NOT_FOUND, and OPTION_INVALID where the two do not go together. */
function placeOf(
  frame: Frame,
  { volumeId, before }: Pick<NewChapter, 'volumeId' | 'before'>,
): { position: number; volumeId: string } {
  const follower = before === undefined ? undefined : frame.chapters[chapterAt(frame, before)]
  const last = frame.volumes.at(-1)?.id ?? ''
  const inVolume = volumeId ?? follower?.volumeId ?? last
  if (follower !== undefined && follower.volumeId !== inVolume)
    throw notTaken(`Chapter ${follower.id} is not in volume ${inVolume}.`)
  const { from, count } = chaptersIn(frame, volumeAt(frame, inVolume))
  return { position: follower?.position ?? from + count, volumeId: inVolume }
}

function moveVolume(frame: Frame, { novelId, volumeId, before }: VolumeMove): Shaped {
  const [from, target] = [volumeAt(frame, volumeId), volumeAt(frame, before)]
  const to = target > from ? target - 1 : target
  if (to === from) return undefined
  const block = chaptersIn(frame, from)
  const follower = chaptersIn(frame, target)
  const place = follower.from > block.from ? follower.from - block.count : follower.from
  return {
    changes: [
      ...moved(volumesOf(novelId), { from, count: 1, to }),
      ...moved(chaptersOf(novelId), { ...block, to: place }),
    ],
  }
}

function moveChapter(frame: Frame, { novelId, chapterId, ...place }: ChapterMove): Shaped {
  if (place.before === chapterId) return undefined
  const from = chapterAt(frame, chapterId)
  const { position, volumeId } = placeOf(frame, place)
  const to = position > from ? position - 1 : position
  if (to === from && frame.chapters[from]?.volumeId === volumeId) return undefined
  return {
    changes: [
      ...moved(chaptersOf(novelId), { from, count: 1, to }),
      each(chapters, { equal: { novelId, position: to } }, { set: { volumeId } }),
    ],
  }
}

/** Returns the scenes of a chapter in reading order. */
export function scenesIn({ records }: LibraryParts, { novelId, position }: ChapterRecord) {
  return records.find(scenes, { equal: { novelId, chapter: position }, order: ['position'] })
}

/** Returns the changes that give scenes another chapter, once their places are there. */
export function inChapter(
  found: readonly Stored<SceneRecord>[],
  { id: chapterId, position: chapter }: Pick<ChapterRecord, 'id' | 'position'>,
  first: number,
): Change[] {
  return found.map((scene, at) => {
    const wasIn = [...new Set([...(scene.wasIn ?? []), scene.chapterId])].filter(id => id !== chapterId)
    return replace(scenes, { ...scene, chapterId, chapter, position: first + at, wasIn })
  })
}

async function moveScene(library: LibraryParts, frame: Frame, move: SceneMove): Promise<Shaped> {
  const { sceneId, before } = move
  const scene = await getOne(library.records, scenes, sceneId)
  const novelId = frame.novel.id
  if (scene?.novelId !== novelId) throw sceneNotFound(sceneId)
  if (before === sceneId) return undefined
  const target = frame.chapters[chapterAt(frame, move.chapterId ?? scene.chapterId)]
  if (target === undefined) throw chapterNotFound(scene.chapterId)
  const there = await scenesIn(library, target)
  const at = before === undefined ? there.length : there.findIndex(({ id }) => id === before)
  if (at === -1) throw sceneNotFound(before ?? '')
  const { chapter, position } = scene
  if (target.id === scene.chapterId) {
    const to = at > position ? at - 1 : at
    return to === position
      ? undefined
      : { changes: moved(scenesOf(novelId, chapter), { from: position, count: 1, to }) }
  }
  if (there.length >= scenesPerChapter) throw chapterFull(target.id, scenesPerChapter)
  const [left, entered] = [scenesOf(novelId, chapter), scenesOf(novelId, target.position)]
  return {
    changes: [
      ...entered({ from: at }, { by: 1 }),
      ...left({ from: position, end: position + 1 }, { by: at - position, chapter: target.position }),
      ...left({ from: position + 1 }, { by: -1 }),
      ...inChapter([scene], target, at),
    ],
  }
}

async function splitChapter(
  library: LibraryParts,
  frame: Frame,
  { novelId, chapterId, at, id, title }: ChapterSplit,
): Promise<Shaped> {
  if (await isAdded(library, chapters, { id, own: frame.chapters })) return undefined
  const chapter = frame.chapters[chapterAt(frame, chapterId)]
  if (chapter === undefined) throw chapterNotFound(chapterId)
  const found = await scenesIn(library, chapter)
  const first = found.findIndex(scene => scene.id === at)
  if (first === -1) throw sceneNotFound(at)
  if (first === 0) throw notTaken(`Scene ${at} begins its chapter already; choose a later one.`)
  const { position, volumeId, generation } = chapter
  const next = { id, novelId, generation, volumeId, position: position + 1, title }
  return {
    novel: { chapters: frame.novel.chapters + 1 },
    changes: [
      ...chaptersOf(novelId)({ from: next.position }, { by: 1 }),
      insert(chapters, next),
      ...scenesOf(novelId, position)({ from: first }, { by: -first, chapter: next.position }),
      ...inChapter(found.slice(first), next, 0),
    ],
  }
}

async function mergeChapters(
  library: LibraryParts,
  frame: Frame,
  { chapterId, next: nextId }: { chapterId: string; next: string },
): Promise<Shaped> {
  const [at, nextAt] = [chapterAt(frame, chapterId), chapterAt(frame, nextId)]
  const [chapter, next] = [frame.chapters[at], frame.chapters[nextAt]]
  if (chapter === undefined || next === undefined || nextAt !== at + 1)
    throw notTaken(`Chapter ${nextId} does not follow chapter ${chapterId}, so it is not put into it.`)
  const [own, added] = await Promise.all([scenesIn(library, chapter), scenesIn(library, next)])
  if (own.length + added.length > scenesPerChapter) throw chapterFull(chapterId, scenesPerChapter)
  const { novelId, position } = chapter
  return {
    novel: { chapters: frame.novel.chapters - 1 },
    changes: [
      ...scenesOf(novelId, next.position)({ from: 0 }, { by: own.length, chapter: position }),
      ...inChapter(added, chapter, own.length),
      remove(chapters, next),
      ...erase(levelSummaries, [next.id]),
      ...chaptersOf(novelId)({ from: next.position }, { by: -1 }),
    ],
  }
}
