import type { PassageHit } from '../library/passage-index.ts'
import type { SceneSummary, SceneText } from '../library/shelf.ts'
import { findNames } from '../names.ts'
import type { NovelServices } from '../services.ts'
import type { Material } from './context.ts'

/** The reader of a scene's surroundings. */
export interface MaterialReader {
  readonly userId: string
  readonly services: NovelServices
  readonly signal: AbortSignal
}

/** A request for the surroundings of a scene. */
export interface MaterialRequest {
  readonly novelId: string
  readonly sceneId: string
  /** The subject of the scene, by which passages are searched. */
  readonly about: string
  /** Most tokens of the material. */
  readonly tokens: number
  /** Number of scenes right before it whose text may be used. */
  readonly scenesBefore: number
}

/** Most code units of a token, on average. */
const unitsPerToken = 5
const mostUnits = 400_000
/** Most summaries that are read. */
const mostSummaries = 60
/** Passages that are searched, and used. */
const searched = 20
const mostPassages = 6
/** Code units in which names are searched. */
const namesIn = 40_000

/** Reads the material of a prompt from the novel around a scene. Throws SCENE_NOT_FOUND, NOVEL_NOT_FOUND. */
export async function readMaterial(reader: MaterialReader, request: MaterialRequest): Promise<Material> {
  if (request.tokens === 0) return { textBefore: [], chapterSummaries: [], passages: [], names: [] }
  const texts = await textsBefore(reader, request)
  const read = new Set(texts.map(scene => scene.id))
  const { shelf } = reader.services.library
  const nearest = { pageSize: mostSummaries }
  const { items: summaries } = await shelf.summariesBefore(reader.userId, request.sceneId, nearest)
  const passages = await closePassages(reader, { ...request, without: read })
  const textBefore = texts.map(scene => scene.content)
  const chapterSummaries = byChapter(summaries.filter(({ sceneId }) => !read.has(sceneId)))
  const around = [...passages.map(({ text }) => text), ...textBefore, ...chapterSummaries]
  const { people, places } = findNames([request.about, around.join('\n').slice(0, namesIn)])
  return {
    textBefore,
    chapterSummaries,
    passages: passages.map(({ hit, text }) => `${hit.chapterTitle}: ${text}`),
    names: [...people, ...places],
  }
}

async function textsBefore(
  { userId, services }: MaterialReader,
  { sceneId, scenesBefore, tokens }: MaterialRequest,
): Promise<readonly SceneText[]> {
  if (scenesBefore === 0) return []
  const units = Math.min(mostUnits, tokens * unitsPerToken)
  const page = { pageSize: scenesBefore, units }
  const { items } = await services.library.shelf.textsBefore(userId, sceneId, page)
  return items.filter(scene => !scene.empty)
}

/** Returns one text per chapter, nearest chapter first; within it in reading order. */
function byChapter(nearestFirst: readonly SceneSummary[]): string[] {
  const chapters = new Map<string, { title: string; summaries: string[] }>()
  for (const { chapterId, chapterTitle, summary } of nearestFirst) {
    const chapter = chapters.get(chapterId) ?? { title: chapterTitle, summaries: [] }
    chapter.summaries.unshift(summary)
    chapters.set(chapterId, chapter)
  }
  return [...chapters.values()].map(({ title, summaries }) => `${title}: ${summaries.join(' ')}`)
}

/** A passage with its text. */
export interface ClosePassage {
  readonly hit: PassageHit
  readonly text: string
}

/** Returns the passages of other scenes that are closest to a subject, best first; none where the novel has no index. */
export async function closePassages(
  { userId, services, signal }: MaterialReader,
  {
    novelId,
    sceneId,
    about,
    without = new Set(),
  }: Pick<MaterialRequest, 'novelId' | 'sceneId' | 'about'> & { without?: ReadonlySet<string> },
): Promise<readonly ClosePassage[]> {
  const { index, scenes } = services.library
  const { hits } = await index.search(userId, novelId, { query: about, limit: searched, signal })
  const wanted = hits
    // A scene that changed since it was indexed may be in the middle of being written.
    .filter(hit => hit.sceneId !== sceneId && !without.has(hit.sceneId) && !hit.outOfDate)
    .slice(0, mostPassages)
  const passages: ClosePassage[] = []
  for (const hit of wanted) {
    const { content } = await scenes.scene(userId, hit.sceneId)
    passages.push({ hit, text: content.slice(hit.passage.start, hit.passage.end).trim() })
  }
  return passages
}
