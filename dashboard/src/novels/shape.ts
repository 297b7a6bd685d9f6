/** What a person does to the shape of a novel. */
import { api, dataOf } from '../api/client.ts'
import { type Done, joinScenes, textBack } from '../parts/shaping.ts'
import { ifMatch } from '../queries/novel-queries.ts'
import type { ChapterEntry, NovelOutline, SceneEntry, Volume } from './novel.ts'

/** What a person changes of a chapter itself. */
export interface ChapterEdit {
  title: string
  /** 0: no target. */
  targetWords: number
}

type Versioned = Pick<ChapterEntry, 'version'>

/** Gives a chapter another title and target of words. Rejects with CHAPTER_CHANGED (412) where it is no longer what the person saw. */
export async function editChapter(novelId: string, chapter: ChapterEntry, edit: ChapterEdit): Promise<Done> {
  const { id, title: was, targetWords = 0 } = chapter
  const change = (body: ChapterEdit, seen: Versioned) => {
    const params = { path: { novelId, chapterId: id }, header: ifMatch(seen) }
    return dataOf(api.PATCH('/v1/novels/{novelId}/chapters/{chapterId}', { params, body }))
  }
  const saved = await change(edit, chapter)
  return { done: 'renamed', title: edit.title, undo: () => change({ title: was, targetWords }, saved) }
}

/** Gives a volume another title. Rejects with VOLUME_CHANGED (412) where it is no longer what the person saw. */
export async function renameVolume(novelId: string, volume: Volume, title: string): Promise<Done> {
  const { id, title: was } = volume
  const rename = (body: { title: string }, seen: Versioned) => {
    const params = { path: { novelId, volumeId: id }, header: ifMatch(seen) }
    return dataOf(api.PATCH('/v1/novels/{novelId}/volumes/{volumeId}', { params, body }))
  }
  const saved = await rename({ title }, volume)
  return { done: 'renamed', title, undo: () => rename({ title: was }, saved) }
}

/** Adds a volume at the end. */
export async function addVolume(novelId: string, title: string): Promise<Done> {
  const params = { path: { novelId } }
  const { id } = await dataOf(api.POST('/v1/novels/{novelId}/volumes', { params, body: { title } }))
  return { done: 'added', title, undo: () => remove(novelId, { what: 'volume', id }) }
}

/** Adds a chapter at the end of a volume. */
export async function addChapter(
  novelId: string,
  title: string,
  volumeId: string | undefined,
): Promise<Done> {
  const body = { title, ...(volumeId !== undefined && { volumeId }) }
  const { id } = await dataOf(
    api.POST('/v1/novels/{novelId}/chapters', { params: { path: { novelId } }, body }),
  )
  return { done: 'added', title, undo: () => remove(novelId, { what: 'chapter', id }) }
}

/** A place for a chapter: before another one, or at the end of a volume. */
export interface ChapterPlace {
  volumeId: string
  before?: string
}

/** Returns the place of a chapter as it is. */
export function placeOf({ outline }: NovelOutline, chapterId: string): ChapterPlace {
  const volume = outline.find(({ chapters }) => chapters.some(({ id }) => id === chapterId)) ?? outline[0]
  const at = volume?.chapters.findIndex(({ id }) => id === chapterId) ?? -1
  const next = volume?.chapters[at + 1]
  return { volumeId: volume?.id ?? '', ...(next && { before: next.id }) }
}

/** Returns the place of a chapter one step up or down, over the ends of volumes; undefined where there is none. */
export function placeBeside(
  { outline }: Pick<NovelOutline, 'outline'>,
  chapterId: string,
  step: -1 | 1,
): ChapterPlace | undefined {
  const volumeAt = outline.findIndex(({ chapters }) => chapters.some(({ id }) => id === chapterId))
  const volume = outline[volumeAt]
  const beside = outline[volumeAt + step]
  if (volume === undefined) return undefined
  const at = volume.chapters.findIndex(({ id }) => id === chapterId)
  const isAtEnd = at + step < 0 || at + step >= volume.chapters.length
  if (isAtEnd && beside === undefined) return undefined
  const [list, before] =
    isAtEnd && beside !== undefined
      ? [beside, step === 1 ? beside.chapters[0] : undefined]
      : [volume, volume.chapters[step === 1 ? at + 2 : at - 1]]
  return { volumeId: list.id, ...(before && { before: before.id }) }
}

/** Moves a chapter. */
export async function moveChapter(
  novel: NovelOutline,
  { id, title }: Pick<ChapterEntry, 'id' | 'title'>,
  place: ChapterPlace,
): Promise<Done> {
  const params = { path: { novelId: novel.id, chapterId: id } }
  const move = (body: ChapterPlace) =>
    dataOf(api.POST('/v1/novels/{novelId}/chapters/{chapterId}:move', { params, body }))
  const was = placeOf(novel, id)
  await move(place)
  return { done: 'moved', title, undo: () => move(was) }
}

/** Moves a volume one step up or down. */
export async function moveVolume(novel: NovelOutline, { id, title }: Volume, step: -1 | 1): Promise<Done> {
  const params = { path: { novelId: novel.id, volumeId: id } }
  const move = (before: string | undefined) => {
    const body = before === undefined ? {} : { before }
    return dataOf(api.POST('/v1/novels/{novelId}/volumes/{volumeId}:move', { params, body }))
  }
  const at = novel.outline.findIndex(volume => volume.id === id)
  await move(novel.outline[step === 1 ? at + 2 : at - 1]?.id)
  return { done: 'moved', title, undo: () => move(novel.outline[at + 1]?.id) }
}

/** Puts the chapter that follows into this one. */
export async function mergeChapter(
  novel: NovelOutline,
  chapter: ChapterEntry,
  next: ChapterEntry,
): Promise<Done> {
  const { id: novelId } = novel
  const [path, nextPath] = [
    { novelId, chapterId: chapter.id },
    { novelId, chapterId: next.id },
  ]
  const { scenes } = await dataOf(
    api.GET('/v1/novels/{novelId}/chapters/{chapterId}', { params: { path: nextPath } }),
  )
  const place = placeOf(novel, next.id)
  const merge = { params: { path }, body: { next: next.id } }
  await dataOf(api.POST('/v1/novels/{novelId}/chapters/{chapterId}:merge', merge))
  const { title } = next
  const [first] = scenes
  const undo = async () => {
    if (first === undefined) {
      const body = { title, ...place }
      return dataOf(api.POST('/v1/novels/{novelId}/chapters', { params: { path: { novelId } }, body }))
    }
    const body = { at: first.id, title }
    const { id } = await dataOf(
      api.POST('/v1/novels/{novelId}/chapters/{chapterId}:split', { params: { path }, body }),
    )
    const params = { path: { novelId, chapterId: id } }
    return dataOf(api.POST('/v1/novels/{novelId}/chapters/{chapterId}:move', { params, body: place }))
  }
  return { done: 'merged', title, undo }
}

/** Cuts a chapter in two before a scene. */
export async function splitChapter(scene: SceneEntry, title: string): Promise<Done> {
  const { novelId, chapterId } = scene
  const params = { path: { novelId, chapterId } }
  const body = { at: scene.id, title }
  const { id: next } = await dataOf(
    api.POST('/v1/novels/{novelId}/chapters/{chapterId}:split', { params, body }),
  )
  const undo = () =>
    dataOf(api.POST('/v1/novels/{novelId}/chapters/{chapterId}:merge', { params, body: { next } }))
  return { done: 'split', title, undo }
}

/** Puts the text of the scene that follows behind that of a scene. */
export async function mergeScene(scene: SceneEntry, next: SceneEntry): Promise<Done> {
  const { scene: merged, binned } = await joinScenes(scene.id, next.id)
  const undo = async () => {
    if (scene.characters === 0) {
      const params = { path: { sceneId: scene.id }, header: ifMatch(merged) }
      await dataOf(api.PATCH('/v1/scenes/{sceneId}', { params, body: { content: '' } }))
    } else if (next.characters > 0) await textBack(merged, 0)
    return restoreEntry(scene.novelId, binned.id)
  }
  return { done: 'joined', title: '', undo }
}

/** Moves a scene within its chapter to before another one, or to the end. `was`: what follows it now. */
export async function moveScene(
  { id, title = '' }: SceneEntry,
  before: string | undefined,
  was: string | undefined,
): Promise<Done> {
  const move = (follower: string | undefined) => {
    const body = follower === undefined ? {} : { before: follower }
    return dataOf(api.POST('/v1/scenes/{sceneId}:move', { params: { path: { sceneId: id } }, body }))
  }
  await move(before)
  return { done: 'moved', title, undo: () => move(was) }
}

/** Moves a scene to the end of another chapter. `was`: what follows it now in its own. */
export async function moveSceneTo(
  { id, title = '', chapterId: own }: SceneEntry,
  chapterId: string,
  was: string | undefined,
): Promise<Done> {
  const params = { path: { sceneId: id } }
  await dataOf(api.POST('/v1/scenes/{sceneId}:move', { params, body: { chapterId } }))
  const back = { chapterId: own, ...(was !== undefined && { before: was }) }
  return {
    done: 'moved',
    title,
    undo: () => dataOf(api.POST('/v1/scenes/{sceneId}:move', { params, body: back })),
  }
}

/** What is deleted. */
export interface Unit {
  what: 'volume' | 'chapter' | 'scene'
  id: string
}

async function remove(novelId: string, { what, id }: Unit) {
  if (what === 'scene')
    return dataOf(api.DELETE('/v1/scenes/{sceneId}', { params: { path: { sceneId: id } } }))
  if (what === 'chapter') {
    const params = { path: { novelId, chapterId: id } }
    return dataOf(api.DELETE('/v1/novels/{novelId}/chapters/{chapterId}', { params }))
  }
  const params = { path: { novelId, volumeId: id } }
  return dataOf(api.DELETE('/v1/novels/{novelId}/volumes/{volumeId}', { params }))
}

/** Puts something into the bin. */
export async function removeUnit(novelId: string, unit: Unit, title: string): Promise<Done> {
  const { id: entryId } = await remove(novelId, unit)
  return { done: 'deleted', title, undo: () => restoreEntry(novelId, entryId) }
}

function restoreEntry(novelId: string, entryId: string) {
  const params = { path: { novelId, entryId } }
  return dataOf(api.POST('/v1/novels/{novelId}/bin/{entryId}:restore', { params }))
}

/** Puts something back from the bin. */
export async function restoreUnit(
  novelId: string,
  { id, title }: { id: string; title: string },
): Promise<Done> {
  await restoreEntry(novelId, id)
  return { done: 'restored', title }
}

/** Deletes for good what is in the bin. */
export async function discardUnit(
  novelId: string,
  { id, title }: { id: string; title: string },
): Promise<Done> {
  const params = { path: { novelId, entryId: id } }
  await dataOf(api.DELETE('/v1/novels/{novelId}/bin/{entryId}', { params }))
  return { done: 'gone', title }
}
