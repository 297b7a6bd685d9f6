import { z } from 'zod'
import type { Summary, SummaryModel } from '../ai/model.ts'
import { hashedId, QuillworkError, type TaskContext } from '../index.ts'
import { count, id } from './fields.ts'
import { sceneNotFound } from './library/refusal.ts'
import type { Scene, SceneWritten } from './library/scenes.ts'
import { defineNovelTask, type NovelServices } from './services.ts'

/** Upper bound of a summary that can be asked for, in code units. */
export const maxCharacters = z.int().min(1).max(10_000)
/** Id of a configured model. */
export const modelId = z.string().min(1).max(200)

const parameters = z.strictObject({
  novelId: id,
  sceneId: id,
  /** Default: as long as the model finds right. */
  maxCharacters: maxCharacters.optional(),
  /** What the summary should be like; refused by models that quote the text. */
  style: z.string().trim().min(1).max(1_000).optional(),
  /** Default: the first model that is configured. */
  model: modelId.optional(),
  /** Whether a summary that is there already is replaced; the old one is kept in the history. */
  overwriteExisting: z.boolean().default(true),
})

const result = z.object({
  sceneId: id,
  /** Somebody else changed the scene twice meanwhile: nothing was overwritten, the summary was dropped. */
  conflict: z.boolean(),
  /** There was a summary that was not to be overwritten: none was made. */
  skipped: z.boolean(),
  /** Length of the summary in code units; 0 when none was written. */
  characters: count,
  method: z.enum(['extractive', 'generative', 'person']).optional(),
  model: z.string().optional(),
  /** BCP 47 tag. */
  language: z.string().optional(),
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
  async execute(ctx: SummaryContext) {
    const startedAt = performance.now()
    const made = await summariseScene(ctx)
    return { ...made, processingTimeMs: Math.round((performance.now() - startedAt) * 10) / 10 }
  },
})

async function summariseScene(ctx: SummaryContext): Promise<Result> {
  const model = chosenModel(ctx)
  let scene = await readScene(ctx)
  const there = alreadyThere(ctx, scene)
  if (there !== undefined) return there
  for (let looks = 1; ; looks++) {
    ctx.signal.throwIfAborted()
    const summary = await summarise(ctx, model, scene)
    const written = await write(ctx, scene, summary)
    if (written.outcome === 'missing') throw sceneNotFound(scene.id)
    if (written.outcome === 'applied') return resultOf(scene.id, summary, summary.summary.length)
    ctx.logInfo('The scene changed while it was summarised.', { looks, version: written.version })
    if (looks === mostLooks) return { ...resultOf(scene.id, summary, 0), conflict: true }
    const newest = await readScene(ctx)
    // Another summary arrived: whoever wrote it knew more than this attempt does.
    const outrun = newest.summary !== undefined && newest.summaryVersion > scene.summaryVersion
    if (outrun) return { ...resultOf(scene.id, summary, 0), conflict: true }
    scene = newest
  }
}

/** Throws PROVIDER_NOT_CONFIGURED for a model that is not there, OPTION_INVALID for a wish that it cannot fulfil. */
function chosenModel({ parameters: { model: name, style }, services }: SummaryContext): SummaryModel {
  const model = services.models.summaryModel(name)
  if (style === undefined || model.takesInstructions) return model
  throw new QuillworkError(
    'OPTION_INVALID',
    `The model ${model.id} cannot follow a style; leave style out, or choose another model.`,
  )
}

/** Throws SCENE_NOT_FOUND, and SCENE_EMPTY where there is nothing to summarise. */
async function readScene({
  userId,
  parameters: { sceneId, novelId },
  services,
}: SummaryContext): Promise<Scene> {
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
  const { writtenBy, method, model, language, text } = summary
  const isOwn = 'taskId' in writtenBy && writtenBy.taskId === ctx.taskId
  if (!isOwn && ctx.parameters.overwriteExisting) return undefined
  return {
    sceneId,
    conflict: false,
    skipped: !isOwn,
    characters: isOwn ? text.length : 0,
    method,
    ...(model === undefined ? {} : { model }),
    ...(language === undefined ? {} : { language }),
  }
}

/** What a model was paid for is a checkpoint: a later attempt does not pay again for the same text. */
async function summarise(ctx: SummaryContext, model: SummaryModel, scene: Scene): Promise<Summary> {
  const { maxCharacters: most, style } = ctx.parameters
  const request = {
    text: scene.content,
    ...(most === undefined ? {} : { maxCharacters: most }),
    ...(style === undefined ? {} : { instructions: style }),
  }
  const call = async () => {
    const summary = await model.summarise(request, { signal: ctx.signal })
    if (summary.usage !== undefined) await ctx.addUsage(summary.usage)
    return summary
  }
  if (model.method === 'extractive') return call()
  const wish = JSON.stringify([model.id, scene.textVersion, most, style])
  return ctx.checkpoint(`summary ${hashedId(wish)}`, call)
}

function write(ctx: SummaryContext, scene: Scene, made: Summary): Promise<SceneWritten> {
  const { summary, method, language, model, sentences } = made
  return ctx.services.library.scenes.writeSummary({
    sceneId: scene.id,
    expectedVersion: scene.version,
    summary,
    method,
    model,
    language,
    ...(sentences === undefined ? {} : { sentences }),
    writer: { taskId: ctx.taskId, attempt: ctx.attempt },
  })
}

function resultOf(sceneId: string, { method, model, language }: Summary, characters: number): Result {
  return { sceneId, conflict: false, skipped: false, characters, method, model, language }
}
