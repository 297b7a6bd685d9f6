import type { z } from 'zod'
import type { chapterSchema, novelSchema, outlineSchema } from '../http/schemas/novel.ts'
import { QuillworkError } from '../index.ts'
import type { Client } from './client.ts'
import { usageError } from './exit-codes.ts'
import { everyEntry } from './list.ts'

type Novel = z.output<typeof novelSchema>
type Outline = z.output<typeof outlineSchema>
type Chapter = z.output<typeof chapterSchema>

/** Returns the novel with that id, else the one whose title contains the text or whose id begins with it. Throws NOVEL_NOT_FOUND, also where several titles do; USAGE_INVALID for a blank text. */
export async function findNovel(client: Client, given: string): Promise<Outline> {
  // Every title contains it: a script whose variable is not set would delete the only novel.
  if (given.trim() === '') throw usageError('Give the id of a novel, or part of its title.')
  const isLikeId = /^[\w-]{20,100}$/.test(given)
  const byId = isLikeId ? await client.get<Outline>(`/v1/novels/${given}`).catch(ifNotFound) : undefined
  if (byId !== undefined && !(byId instanceof QuillworkError)) return byId
  const novels = await allNovels(client)
  const isPrefix = /^[\w-]{4,}$/.test(given)
  const found = novels.filter(
    ({ id, title }) =>
      title.toLowerCase().includes(given.toLowerCase()) || (isPrefix && id.startsWith(given)),
  )
  const [only] = found
  if (only !== undefined && found.length === 1) return client.get<Outline>(`/v1/novels/${only.id}`)
  if (byId !== undefined && found.length === 0) throw byId
  const which = found.length === 0 ? 'No novel has' : `${found.length} novels have`
  const named = found.slice(0, 5).map(({ id, title }) => `${id} (${title})`)
  const these = named.length === 0 ? '' : `: ${named.join(', ')}${found.length > 5 ? ', …' : ''}`
  throw new QuillworkError(
    'NOVEL_NOT_FOUND',
    `${which} ${JSON.stringify(given)} in the title${these}. Give the id of the novel; see quillwork novels list.`,
  )
}

function ifNotFound(error: unknown): QuillworkError {
  if (error instanceof QuillworkError && error.code === 'NOVEL_NOT_FOUND') return error
  throw error
}

/** Returns all novels, the newest first. */
export async function allNovels(client: Client): Promise<readonly Novel[]> {
  const novels: Novel[] = []
  for await (const novel of everyEntry<Novel>(client, '/v1/novels')) novels.push(novel)
  return novels
}

/** Returns the id of a scene that was given by its id, or by chapter and number as `novels read` prints them: `3.2`. Throws SCENE_NOT_FOUND, USAGE_INVALID. */
export async function findSceneId(client: Client, novel: string, place: string): Promise<string> {
  if (/^[\w-]{20,100}$/.test(place)) return place
  const [, chapterNumber, sceneNumber] = /^(\d{1,6})\.(\d{1,6})$/.exec(place) ?? []
  if (chapterNumber === undefined || sceneNumber === undefined)
    throw usageError(
      `${place} does not name a scene. Give chapter.scene, such as 3.2, or the id of the scene.`,
    )
  const { id, outline } = await findNovel(client, novel)
  const chapter = outline
    .flatMap(({ chapters }) => chapters)
    .find(({ position }) => position + 1 === Number(chapterNumber))
  const scenes = chapter && (await client.get<Chapter>(`/v1/novels/${id}/chapters/${chapter.id}`)).scenes
  const scene = scenes?.find(({ position }) => position + 1 === Number(sceneNumber))
  if (scene !== undefined) return scene.id
  const which =
    scenes === undefined ? `chapter ${chapterNumber}` : `scene ${sceneNumber} in chapter ${chapterNumber}`
  throw new QuillworkError('SCENE_NOT_FOUND', `The novel has no ${which}; see quillwork novels show.`)
}

/** Returns the id of a chapter by its number from 1. Throws CHAPTER_NOT_FOUND. */
export function findChapterId({ outline }: Outline, number: number): string {
  const chapters = outline.flatMap(volume => volume.chapters)
  const chapter = chapters.find(({ position }) => position + 1 === number)
  if (chapter !== undefined) return chapter.id
  throw new QuillworkError(
    'CHAPTER_NOT_FOUND',
    `The novel has ${chapters.length} chapters, and no chapter ${number}; see quillwork novels show.`,
  )
}

/** Returns the first and the last chapter of a range such as `2-4`, nothing for `all`. Throws USAGE_INVALID, CHAPTER_NOT_FOUND. */
export function findChapters(
  novel: Outline,
  text: string,
): { startChapterId?: string; endChapterId?: string } {
  if (text === 'all') return {}
  const indexes = parseChapters(text)
  const [first = 0] = indexes
  const last = first + indexes.length - 1
  if (last !== indexes.at(-1))
    throw usageError(`--chapters ${text} has gaps. This command takes one range, such as 2-4.`)
  return { startChapterId: findChapterId(novel, first + 1), endChapterId: findChapterId(novel, last + 1) }
}

/** Highest number of a chapter. */
const highest = 100_000

/**
 * Returns the chapters that a text such as `1-10,12` names, as indexes from 0, ascending, each once. Chapters are numbered from 1 over all
 * volumes, as the preview prints them. `option` has the text. Throws USAGE_INVALID.
 */
export function parseChapters(text: string, option = '--chapters'): number[] {
  const chosen = new Set<number>()
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?$/.exec(part)
    const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])]
    if (!(first >= 1 && last >= first && last <= highest)) {
      throw usageError(
        `${option} ${text}: ${JSON.stringify(part)} names no ${option === '--remove-lines' ? 'lines' : 'chapters'}. Give numbers and ranges from 1, such as 1-10,12.`,
      )
    }
    for (let number = first; number <= last; number++) chosen.add(number - 1)
  }
  return [...chosen].sort((a, b) => a - b)
}
