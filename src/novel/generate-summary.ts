import { z } from 'zod'
import type { Summarizer } from '../ai/catalogue.ts'
import { QuillworkError, type TaskContext } from '../index.ts'
import { defined } from './defined.ts'
import { count, id, maxCharacters, modelId, promptNote, style, usageNote } from './fields.ts'
import { sceneNotFound } from './library/refusal.ts'
import type { Scene, SceneWritten, SummaryWrite } from './library/scenes.ts'
import { textLanguage } from './models/lengths.ts'
import { summariseText } from './models/summarise-text.ts'
import { defineNovelTask, type NovelServices } from './services.ts'

const parameters = z.strictObject({
  novelId: id,
  sceneId: id,
  /** Default: as long as the model finds right. */
  maxCharacters: maxCharacters.optional(),
  /** What the summary should be like; refused where the text is quoted. */
  style: style.optional(),
  /** Default: the first model that is configured for summaries, else quotations from the text. */
  model: modelId.optional(),
  /** Whether a summary that is there already is replaced; the old one is kept in the history. */
  overwriteExisting: z.boolean().default(true),
})

const result = z.object({
  sceneId: id,
  /** Somebody else changed the scene twice meanwhile: nothing was overwritten, the summary is kept in the history of the scene. */
  conflict: z.boolean(),
  /** The entry of the history that keeps it. */
  alternativeId: z.string().optional(),
  /** There was a summary that was not to be overwritten: none was made. */
  skipped: z.boolean(),
  /** Length of the summary in code units; 0 when none was written. */
  characters: count,
  method: z.enum(['extractive', 'generative', 'person']).optional(),
  model: z.string().optional(),
  /** BCP 47 tag. */
  language: z.string().optional(),
  /** The prompt that a model was given. */
  prompt: promptNote.optional(),
  /** What the calls that made the summary used; those that failed are in the usage of the task. */
  usage: usageNote.optional(),
  /** Why the model ended, in the provider's words. */
  finishReason: z.string().optional(),
  /** How long this attempt took. */
  processingTimeMs: z.number().min(0),
})

type Result = Omit<z.infer<typeof result>, 'processingTimeMs'>
type SummaryContext = TaskContext<typeof parameters, z.ZodNever, NovelServices>

/** How often a scene is summarised at most: once more when it changed meanwhile. */
const mostLooks = 2

/**
 * Summarises a scene. The summary is written only if the scene is what it was when it was read: otherwise the newest text is
 * summarised once more, and a scene that changed again is flagged as a conflict and left alone.
 */
export const generateSummary = defineNovelTask({
  type: 'GenerateSummary',
  lane: 'batch',
  parameters,
  result,
  admit(asked, { services }) {
    chosenSummarizer(services, asked)
  },
  async execute(ctx: SummaryContext) {
    const startedAt = performance.now()
    const made = await summariseScene(ctx)
    return { ...made, processingTimeMs: Math.round((performance.now() - startedAt) * 10) / 10 }
  },
})

async function summariseScene(ctx: SummaryContext): Promise<Result> {
  const summarizer = chosenSummarizer(ctx.services, ctx.parameters)
  let scene = await readScene(ctx)
  const there = alreadyThere(ctx, scene)
  if (there !== undefined) return there
  for (let looks = 1; ; looks++) {
    ctx.signal.throwIfAborted()
    const made = await summarise(ctx, summarizer, scene)
    ctx.signal.throwIfAborted()
    const written = await write(ctx, scene, made)
    if (written.outcome === 'missing') throw sceneNotFound(scene.id)
    if (written.outcome === 'applied') return resultOf(scene.id, made, made.summary.length)
    ctx.logInfo('The scene changed while it was summarised.', { looks, version: written.version })
    if (looks === mostLooks) return conflictOf(scene.id, made, written)
    const newest = await readScene(ctx)
    // Another summary arrived: whoever wrote it knew more than this attempt does.
    const outrun = newest.summary !== undefined && newest.summaryVersion > scene.summaryVersion
    if (outrun) return conflictOf(scene.id, made, written)
    scene = newest
  }
}

/** Throws PROVIDER_NOT_CONFIGURED for a model that is not there, OPTION_INVALID for a wish that it cannot fulfil. */
export function chosenSummarizer(
  { models }: Pick<NovelServices, 'models'>,
  { model: name, style: wish }: { model?: string | undefined; style?: string | undefined },
): Summarizer {
  const summarizer = models.summarizer(name)
  if (wish === undefined || summarizer.kind === 'generative') return summarizer
  throw new QuillworkError(
    'OPTION_INVALID',
    `The model ${summarizer.model.id} quotes the text and cannot follow a style; leave style out, or choose another model.`,
  )
}

/** Throws SCENE_NOT_FOUND, and SCENE_EMPTY where there is nothing to summarise. */
export async function readScene({
  userId,
  parameters: { sceneId, novelId },
  services,
}: Pick<SummaryContext, 'parameters' | 'services' | 'userId'>): Promise<Scene> {
  const scene = await services.library.scenes.scene(userId, sceneId)
  if (scene.novelId !== novelId) throw sceneNotFound(sceneId)
  if (isBlank(scene))
    throw new QuillworkError('SCENE_EMPTY', `The scene ${sceneId} has no words to summarise.`)
  return scene
}

/** Whether there is nothing to summarise in a scene. */
export function isBlank(scene: { empty: boolean; words: number }): boolean {
  return scene.empty || scene.words === 0
}

/** The summary that an earlier attempt of this task wrote, or the one that is not to be overwritten. */
function alreadyThere(ctx: SummaryContext, { id: sceneId, summary }: Scene): Result | undefined {
  if (summary === undefined) return undefined
  const { writtenBy, text } = summary
  const isOwn = 'taskId' in writtenBy && writtenBy.taskId === ctx.taskId
  if (!isOwn && ctx.parameters.overwriteExisting) return undefined
  const { length } = text
  return { ...resultOf(sceneId, { summary: text, ...summary }, isOwn ? length : 0), skipped: !isOwn }
}

/** A summary with all that is known of how it came about. */
type Made = Omit<SummaryWrite, 'sceneId' | 'expectedVersion' | 'writer'>

async function summarise(ctx: SummaryContext, { kind, model }: Summarizer, scene: Scene): Promise<Made> {
  const { novelId, maxCharacters: most, style: wish } = ctx.parameters
  if (kind === 'extractive') {
    const bound = most === undefined ? {} : { maxCharacters: most }
    return model.summarise({ text: scene.content, ...bound }, { signal: ctx.signal })
  }
  const novel = await ctx.services.library.shelf.novel(ctx.userId, novelId)
  const language = textLanguage(scene.content, novel.language)
  const wanted = { text: scene.content, language, maxCharacters: most, style: wish, subject: novelId }
  return { ...(await summariseText(ctx, model, wanted)), method: 'generative', language }
}

function write(ctx: SummaryContext, scene: Scene, made: Made): Promise<SceneWritten> {
  return ctx.services.library.scenes.writeSummary({
    ...made,
    sceneId: scene.id,
    expectedVersion: scene.version,
    writer: { taskId: ctx.taskId, attempt: ctx.attempt },
  })
}

function resultOf(sceneId: string, made: Made, characters: number): Result {
  return { sceneId, conflict: false, skipped: false, characters, ...originOf(made) }
}

function conflictOf(
  sceneId: string,
  made: Made,
  { alternativeId }: Pick<Exclude<SceneWritten, { outcome: 'missing' }>, 'alternativeId'>,
): Result {
  return { ...resultOf(sceneId, made, 0), conflict: true, ...defined({ alternativeId }) }
}

/** What a result tells of how a summary came about. */
function originOf({ method, model, language, prompt, usage, finishReason }: Omit<Made, 'summary'>) {
  return defined({ method, model, language, prompt, usage, finishReason })
}
