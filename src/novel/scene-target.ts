import { hashedId, QuillworkError, type TaskContext } from '../index.ts'
import { defined } from '../task/defined.ts'
import { chapterNotFound, sceneNotFound } from './library/refusal.ts'
import type { Scene } from './library/scenes.ts'
import type { SceneOverview } from './library/shelf.ts'
import { textLanguage } from './models/lengths.ts'
import { type Narration, narrationOf } from './narration.ts'
import { refuseReference } from './refuse-reference.ts'
import { type NovelServices, unlessFailed } from './services.ts'

/** The scene to write: an existing one, or a new one at the end of a chapter. */
export interface SceneChoice {
  readonly novelId: string
  readonly sceneId?: string | undefined
  readonly chapterId?: string | undefined
  readonly title?: string | undefined
  readonly summary?: string | undefined
  readonly instructions?: string | undefined
}

/** The user who submits the task, and its services. */
interface Asker {
  readonly services: NovelServices
  readonly userId: string
}

/** The material of a scene, as the task first read it. */
export interface SceneTarget {
  sceneId: string
  /** `version` of the scene that was read: the text replaces this version only. */
  version: number
  /** The events of the scene; empty where only instructions were given. */
  brief: string
  /** The brief is the summary of the scene, so that it also summarises the new text; a quotation of the old text does not. */
  fromSummary: boolean
  /** The scene already has a text, or a candidate that waits for the author. */
  isWritten: boolean
  /** Title and author of the novel. */
  novel: string
  /** BCP 47. */
  language: string
  /** Absent in a target that an earlier version of the product read. */
  manner?: Manner
}

/** How the scene is to be told: its own point of view and tense, or those of the novel. */
export interface Manner extends Narration {
  styleSheet: string
  voiceSample: string
}

/** Whether a scene has a text, or a candidate that waits for the author. */
export function isWritten({
  empty,
  openCandidates,
}: Pick<SceneOverview, 'empty' | 'openCandidates'>): boolean {
  return !empty || openCandidates !== undefined
}

/** Validates a choice. Throws SCENE_NOT_FOUND, CHAPTER_NOT_FOUND, and SCENE_EMPTY without summary and instructions. */
export async function admitScene(asker: Asker, choice: SceneChoice): Promise<void> {
  const { sceneId, chapterId = '', summary } = choice
  if (sceneId === undefined) {
    await findChapter(asker, choice, chapterId)
    requireBrief(choice, summary)
  } else {
    const scene = await findScene(asker, choice, sceneId)
    requireBrief(choice, summary ?? scene.summary?.text)
  }
}

/** Returns the scene to write, and creates a new one first. A later attempt finds the same scene. */
export async function openScene(ctx: OpenContext, choice: SceneChoice): Promise<Scene> {
  const { sceneId, chapterId = '', title, summary } = choice
  if (sceneId !== undefined) return findScene(ctx, choice, sceneId)
  await findChapter(ctx, choice, chapterId)
  const { scenes } = ctx.services.library
  const id = hashedId(`scene of task ${ctx.taskId}`)
  const added = await unlessFailed('SCENE_NOT_FOUND', () => scenes.scene(ctx.userId, id))
  if (added === undefined) await refuseReference(ctx, choice.novelId)
  // A person may retry the task with another chapter: the scene that it added stays where it is, and that chapter gets one of its own.
  const isElsewhere = added !== undefined && added.chapterId !== chapterId
  return scenes.appendScene({
    userId: ctx.userId,
    chapterId,
    id: isElsewhere ? hashedId([`scene of task ${ctx.taskId}`, chapterId].join('\n')) : id,
    writer: { taskId: ctx.taskId, attempt: ctx.attempt },
    // The summary is in the author's words.
    ...defined({
      title,
      summary: summary === undefined ? undefined : { method: 'person' as const, text: summary },
    }),
  })
}

/** The part of a task's context that opening a scene needs. */
export type OpenContext = Asker & Pick<TaskContext, 'attempt' | 'taskId'>

/** Returns the material of a scene. Throws SCENE_EMPTY without summary and instructions. */
export async function targetOf(asker: Asker, scene: Scene, choice: SceneChoice): Promise<SceneTarget> {
  const target = await readTarget(asker, scene, choice)
  requireBrief(choice, target.brief)
  return target
}

/** Returns the material of a scene, also where nothing says what happens in it. */
export async function readTarget(
  { userId, services }: Asker,
  scene: Scene,
  choice: Pick<SceneChoice, 'instructions' | 'summary'>,
): Promise<SceneTarget> {
  const [{ title, author, language }, manner] = await Promise.all([
    services.library.shelf.about(userId, scene.novelId),
    mannerOf({ userId, services }, scene.novelId, scene.narration),
  ])
  const own = scene.summary?.text ?? ''
  const brief = choice.summary ?? own
  return {
    sceneId: scene.id,
    version: scene.version,
    brief,
    fromSummary: brief !== '' && brief === own && scene.summary?.method !== 'extractive',
    isWritten: isWritten(scene),
    novel: author === undefined ? title : `${title}, ${author}`,
    language: language ?? textLanguage(`${brief} ${choice.instructions ?? ''}`, undefined),
    manner,
  }
}

/** Returns how a scene is told that says this of itself. */
export async function mannerOf(
  { userId, services }: Asker,
  novelId: string,
  own: Narration | undefined,
): Promise<Manner> {
  const { styleSheet, voiceSample, ...usual } = await services.library.shelf.narration(userId, novelId)
  return { ...narrationOf(own, usual), styleSheet, voiceSample }
}

/** Returns a scene. Throws SCENE_NOT_FOUND, also for a scene of another novel. */
export async function findScene(
  { services, userId }: Asker,
  { novelId }: Pick<SceneChoice, 'novelId'>,
  sceneId: string,
): Promise<Scene> {
  const scene = await services.library.scenes.scene(userId, sceneId)
  if (scene.novelId !== novelId) throw sceneNotFound(sceneId)
  return scene
}

async function findChapter(
  { services, userId }: Asker,
  { novelId }: SceneChoice,
  chapterId: string,
): Promise<void> {
  const chapter = await services.library.shelf.chapter(userId, chapterId)
  if (chapter.novelId !== novelId) throw chapterNotFound(chapterId)
}

/** Throws SCENE_EMPTY where nothing says what happens in a scene. */
export function requireBrief(
  { instructions }: Pick<SceneChoice, 'instructions'>,
  brief: string | undefined,
): void {
  if (instructions !== undefined || (brief ?? '').trim() !== '') return
  throw new QuillworkError(
    'SCENE_EMPTY',
    'Nothing says what happens in the scene: it has no summary, and neither a summary nor instructions were given. Write its summary first, or give one of them.',
  )
}
