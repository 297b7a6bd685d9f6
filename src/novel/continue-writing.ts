import { z } from 'zod'
import { type ErrorInfo, PermanentError, type TaskContext } from '../index.ts'
import { defined } from '../task/defined.ts'
import { batchGenerateScene, isWanted } from './batch-generate-scene.ts'
import { count } from './fields.ts'
import { generateNextSummaries, nextChapters } from './generate-next-summaries.ts'
import { scenesPerChapter } from './library/scenes.ts'
import { aboutWritable } from './refuse-reference.ts'
import { oneIfAutomatic, sceneOptions } from './scene-request.ts'
import { defineNovelTask, modelsOf, type NovelServices, novelRetry } from './services.ts'

const { order, awaitAuthor } = batchGenerateScene.parameters.shape

const parameters = z
  .strictObject({
    ...nextChapters,
    /** What is to happen in these chapters. `instructions` are for each scene. */
    outlineInstructions: sceneOptions.instructions,
    ...sceneOptions,
    order,
    awaitAuthor,
  })
  .refine(...oneIfAutomatic)
  .refine(asked => asked.awaitAuthor === 'scene' || asked.order !== 'parallel', {
    message: 'chapters are reviewed in story order only',
    path: ['awaitAuthor'],
  })

/** The chapters of a run. */
const chapterCounts = {
  /** Chapters that are planned and not rejected. */
  total: count,
  /** Of them, those whose scenes are all written. */
  written: count,
}

const result = z.object({
  ...chapterCounts,
  /** Chapters of which a scene failed, or which the author rejected. */
  failed: count,
  /** Chapters behind such a one. */
  notAttempted: count,
  /** Outlines that the author rejected. */
  rejected: count,
  /** The outcomes of the scenes of all chapters that were attempted. */
  scenes: batchGenerateScene.result.omit({ failedScenes: true }),
})

const progress = z.object({
  stage: z.enum(['outlines', 'scenes']),
  /** Chapters that are written, and all of them. */
  done: count,
  total: count,
})

type ContinueContext = TaskContext<typeof parameters, typeof progress, NovelServices>

/**
 * Goes on with a novel: plans the next chapters, has the author review the plan if asked to, and writes them one after the other. A chapter that was not
 * written whole ends it, and a retry goes on behind what is written.
 */
export const continueWriting = defineNovelTask({
  type: 'ContinueWriting',
  retry: novelRetry,
  parameters,
  result,
  progress,
  async admit({ novelId, model }, asker) {
    modelsOf(asker).languageModel('prose', model)
    await aboutWritable(asker, novelId)
  },
  async execute(ctx: ContinueContext) {
    ctx.updateProgress({ stage: 'outlines', done: 0, total: ctx.parameters.chapters })
    await submitOutlines(ctx)
  },
  async onSubTasksSettled(ctx: ContinueContext) {
    const outlines = await submitOutlines(ctx)
    if (!outlines.done) return undefined
    if (outlines.result === undefined)
      throw new PermanentError(outlines.error.message, { code: outlines.error.code })
    return writeChapters(ctx, outlines.result)
  },
})

function submitOutlines(ctx: ContinueContext) {
  const { novelId, chapters, scenesPerChapter, reviewOutlines, outlineInstructions } = ctx.parameters
  const { model, temperature, contextTokens } = ctx.parameters
  const asked = { novelId, chapters, reviewOutlines, contextTokens }
  const options = defined({ scenesPerChapter, instructions: outlineInstructions, model, temperature })
  return ctx.submitSubTask(generateNextSummaries, { ...asked, ...options }, { key: 'outlines' })
}

/** Submits the first chapter that is not written; undefined while it is being written. Returns what became of all, once nothing is left to write. */
async function writeChapters(
  ctx: ContinueContext,
  { chapters, rejected }: z.output<typeof generateNextSummaries.result>,
): Promise<z.input<typeof result> | undefined> {
  const scenes = { total: 0, success: 0, failed: 0, skipped: 0, proposed: 0, notAttempted: 0 }
  const total = chapters.length
  let written = 0
  for (const { chapterId } of chapters) {
    ctx.updateProgress({ stage: 'scenes', done: written, total })
    const chapter = await submitChapter(ctx, chapterId)
    if (!chapter.done) return undefined
    const counts = chapter.result ?? (await failedChapter(ctx, chapterId, chapter.error))
    for (const [name, number] of Object.entries(counts))
      if (name in scenes) scenes[name as keyof typeof scenes] += number as number
    if (chapter.status !== 'COMPLETED') break
    written += 1
  }
  ctx.updateProgress({ stage: 'scenes', done: written, total })
  const failed = written < total ? 1 : 0
  return { total, written, failed, notAttempted: total - written - failed, rejected, scenes }
}

/** Counts the scenes of a chapter of which none was written: its batch failed, and has no result. */
async function failedChapter(
  { parameters: { novelId, order }, services, userId }: ContinueContext,
  chapterId: string,
  { code }: Pick<ErrorInfo, 'code'>,
) {
  if (code !== 'SUBTASKS_FAILED') return {}
  const range = { novelId, startChapterId: chapterId, endChapterId: chapterId }
  const { items } = await services.library.shelf.scenes(userId, range, { pageSize: scenesPerChapter })
  const wanted = items.filter(scene => isWanted(scene, true)).length
  // In story order the first one failed, and the others were not attempted.
  const failed = order === 'parallel' ? wanted : Math.min(wanted, 1)
  return { total: items.length, skipped: items.length - wanted, failed, notAttempted: wanted - failed }
}

function submitChapter(ctx: ContinueContext, chapterId: string) {
  const { novelId, style, tone, length, instructions, model, temperature } = ctx.parameters
  const { contextTokens, accept, candidates, order, awaitAuthor } = ctx.parameters
  return ctx.submitSubTask(
    batchGenerateScene,
    {
      ...{ novelId, startChapterId: chapterId, endChapterId: chapterId },
      ...{ contextTokens, accept, candidates, awaitAuthor },
      ...defined({ order, style, tone, length, instructions, model, temperature }),
    },
    { key: `chapter ${chapterId}` },
  )
}
