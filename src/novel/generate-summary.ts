import { z } from 'zod'
import type { Summarizer } from '../ai/model.ts'
import { QuillworkError, type TaskContext } from '../index.ts'
import { defined } from '../task/defined.ts'
import { count, id, maxCharacters, modelId, promptNote, style, usageNote } from './fields.ts'
import { sceneNotFound } from './library/refusal.ts'
import type { Scene, SceneWritten, SummaryWrite } from './library/scenes.ts'
import { textLanguage } from './models/lengths.ts'
import { summariseText } from './models/summarise-text.ts'
import { findScene } from './scene-target.ts'
import {
  defineNovelTask,
  type ModelAsker,
  modelsOf,
  type NovelServices,
  novelRetry,
  promptsFor,
  timed,
} from './services.ts'

const parameters = z.strictObject({
  novelId: id,
  sceneId: id,
  /** Default: the model decides. */
  maxCharacters: maxCharacters.optional(),
  /** Style of the summary; refused where the text is quoted. */
  style: style.optional(),
  /** Default: the first model configured for summaries, else quotations from the text. */
  model: modelId.optional(),
  /** Whether an existing summary is replaced; the history keeps the old one. `out-of-date`: only one of an older text that no person wrote. */
  overwriteExisting: z.union([z.boolean(), z.literal('out-of-date')]).default(true),
})

const result = z.object({
  sceneId: id,
  /** Another writer changed the scene twice in the meantime: nothing was overwritten, and the history of the scene keeps the summary. */
  conflict: z.boolean(),
  /** The entry of the history with the summary. */
  alternativeId: z.string().optional(),
  /** A summary existed and was not to be overwritten: none was written. */
  skipped: z.boolean(),
  /** Length of the summary in code units; 0 when none was written. */
  characters: count,
  method: z.enum(['extractive', 'generative', 'person']).optional(),
  model: z.string().optional(),
  /** BCP 47 tag. */
  language: z.string().optional(),
  /** The prompt of the model. */
  prompt: promptNote.optional(),
  /** Usage of the calls that made the summary; failed calls are in the usage of the task. */
  usage: usageNote.optional(),
  /** The reason why the model stopped, in the provider's words. */
  finishReason: z.string().optional(),
  /** Duration of this attempt. */
  processingTimeMs: z.number().min(0),
})

type Result = Omit<z.infer<typeof result>, 'processingTimeMs'>
type SummaryContext = TaskContext<typeof parameters, z.ZodNever, NovelServices>

/** Most tries to summarise a scene: one more after a change of the scene. */
const mostTries = 2

/**
 * Summarises a scene. The summary is written only if the scene has not changed since it was read. Otherwise the task summarises the newest
 * text once more; after a second change it reports a conflict and changes nothing.
 */
export const generateSummary = defineNovelTask({
  type: 'GenerateSummary',
  lane: 'batch',
  retry: novelRetry,
  parameters,
  result,
  admit(asked, asker) {
    chosenSummarizer(asker, asked)
  },
  async execute(ctx: SummaryContext) {
    return timed(() => summariseScene(ctx))
  },
})

async function summariseScene(ctx: SummaryContext): Promise<Result> {
  const summarizer = chosenSummarizer(ctx, ctx.parameters)
  let scene = await readScene(ctx)
  const there = alreadyThere(ctx, scene)
  if (there !== undefined) return there
  for (let tries = 1; ; tries++) {
    ctx.signal.throwIfAborted()
    const made = await summarise(ctx, summarizer, scene)
    ctx.signal.throwIfAborted()
    const written = await write(ctx, scene, made)
    if (written.outcome === 'missing') throw sceneNotFound(scene.id)
    if (written.outcome === 'applied') return resultOf(scene.id, made, made.summary.length)
    ctx.logInfo('The scene changed while it was summarised.', { tries, version: written.version })
    if (tries === mostTries) return conflictOf(scene.id, made, written)
    const newest = await readScene(ctx)
    // A newer summary is based on a newer text than this one.
    const isOutdated = newest.summary !== undefined && newest.summaryVersion > scene.summaryVersion
    if (isOutdated) return conflictOf(scene.id, made, written)
    scene = newest
  }
}

/** Returns the summarizer. Throws PROVIDER_NOT_CONFIGURED for an unknown model, OPTION_INVALID for a style that it cannot follow. */
export function chosenSummarizer(
  asker: ModelAsker,
  { model: name, style: manner }: { model?: string | undefined; style?: string | undefined },
): Summarizer {
  const summarizer = modelsOf(asker).summarizer(name)
  if (manner === undefined || summarizer.kind === 'generative') return summarizer
  throw new QuillworkError(
    'OPTION_INVALID',
    `The model ${summarizer.model.id} quotes the text and cannot follow a style; leave style out, or choose another model.`,
  )
}

/** Reads the scene of a task. Throws SCENE_NOT_FOUND, and SCENE_EMPTY where it has no words. */
export async function readScene({
  userId,
  parameters,
  services,
}: Pick<SummaryContext, 'parameters' | 'services' | 'userId'>): Promise<Scene> {
  const { sceneId } = parameters
  const scene = await findScene({ userId, services }, parameters, sceneId)
  if (isBlank(scene))
    throw new QuillworkError('SCENE_EMPTY', `The scene ${sceneId} has no words to summarise.`)
  return scene
}

/** Whether a scene has no words to summarise. */
export function isBlank(scene: { empty: boolean; words: number }): boolean {
  return scene.empty || scene.words === 0
}

/** Returns the result for a summary that an earlier attempt of this task wrote, or that is not to be overwritten. */
function alreadyThere(
  ctx: SummaryContext,
  { id: sceneId, summary, summaryOutOfDate }: Scene,
): Result | undefined {
  if (summary === undefined) return undefined
  const { writtenBy, text } = summary
  const isOwn = 'taskId' in writtenBy && writtenBy.taskId === ctx.taskId
  const { overwriteExisting } = ctx.parameters
  const isOverwritten =
    overwriteExisting === 'out-of-date' ? summaryOutOfDate && !('userId' in writtenBy) : overwriteExisting
  if (!isOwn && isOverwritten) return undefined
  return { ...resultOf(sceneId, summary, isOwn ? text.length : 0), skipped: !isOwn }
}

/** A summary with its provenance. */
type Made = Omit<SummaryWrite, 'sceneId' | 'expectedVersion' | 'writer'>

async function summarise(ctx: SummaryContext, { kind, model }: Summarizer, scene: Scene): Promise<Made> {
  const { novelId, maxCharacters: most, style: manner } = ctx.parameters
  if (kind === 'extractive') {
    const request = { text: scene.content, ...defined({ maxCharacters: most }) }
    return model.summarise(request, { signal: ctx.signal })
  }
  const novel = await ctx.services.library.shelf.about(ctx.userId, novelId)
  const language = textLanguage(scene.content, novel.language)
  const prompts = await promptsFor(ctx, novelId)
  const wanted = {
    text: scene.content,
    prompts,
    language,
    maxCharacters: most,
    style: manner,
    subject: novelId,
  }
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

/** The result for a summary, with its provenance. */
function resultOf(sceneId: string, made: Omit<Made, 'summary'>, characters: number): Result {
  const { method, model, language, prompt, usage, finishReason } = made
  const origin = defined({ method, model, language, prompt, usage, finishReason })
  return { sceneId, conflict: false, skipped: false, characters, ...origin }
}

function conflictOf(
  sceneId: string,
  made: Made,
  { alternativeId }: Pick<Exclude<SceneWritten, { outcome: 'missing' }>, 'alternativeId'>,
): Result {
  return { ...resultOf(sceneId, made, 0), conflict: true, ...defined({ alternativeId }) }
}
