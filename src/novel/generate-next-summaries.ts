import { z } from 'zod'
import { hashedId, type TaskContext } from '../index.ts'
import { everyItem } from '../task/page.ts'
import { count, id, modelId, title, usageNote } from './fields.ts'
import type { SummaryNote } from './library/scenes.ts'
import { addUsage, noUsage } from './models/expense.ts'
import { textLanguage } from './models/lengths.ts'
import {
  type ChaptersToOutline,
  outlineChapter,
  promptOf,
  type StorySoFar,
  type WrittenOutline,
} from './models/outline-chapter.ts'
import { withVectors } from './models/query-vector.ts'
import { readMaterial } from './models/scene-material.ts'
import { narrationInstruction } from './narration.ts'
import { mostChapters, mostScenes, type ProposedOutline, proposedOutline } from './outlines/outline.ts'
import { reviewOutlines } from './outlines/review-outlines.ts'
import { promptLanguageOf } from './prompts/prompts.ts'
import { aboutWritable, refuseReference } from './refuse-reference.ts'
import { sceneOptions } from './scene-request.ts'
import { mannerOf } from './scene-target.ts'
import { defineNovelTask, modelsOf, type NovelServices, novelRetry, promptsFor, timed } from './services.ts'

/** The chapters that are to follow. */
export const nextChapters = {
  novelId: id,
  /** Chapters behind the last one of the novel. */
  chapters: z.int().min(1).max(mostChapters).default(1),
  /** Scenes of each chapter. Default: the model decides, from two to five. */
  scenesPerChapter: z.int().min(1).max(mostScenes).optional(),
  /** Whether the task waits, without a slot, until the author has approved or rejected each outline; else all of them come into the novel. */
  reviewOutlines: z.boolean().default(true),
}

const { instructions, temperature, contextTokens } = sceneOptions

const parameters = z.strictObject({
  ...nextChapters,
  /** What is to happen in these chapters. */
  instructions,
  model: modelId.optional(),
  temperature,
  contextTokens,
})

const result = z.object({
  /** The chapters that came into the novel, in reading order. */
  chapters: z.array(z.object({ chapterId: id, title, sceneIds: z.array(id) })),
  /** Outlines that the author rejected. */
  rejected: count,
  /** Outlines that the author changed and approved. */
  edited: count,
  model: z.string(),
  /** Usage of the calls that made the outlines; failed calls are in the usage of the task. */
  usage: usageNote,
  /** Duration of the last attempt. */
  processingTimeMs: z.number().min(0),
})

const progress = z.object({
  /** Outlines that are made, and all of them. */
  done: count,
  total: count,
  /** The outlines, once all are made and the author is to review them. */
  outlines: z.array(proposedOutline),
})

type OutlinesContext = TaskContext<typeof parameters, typeof progress, NovelServices>

/**
 * Plans the next chapters of a novel from what is there: a title and scenes with summaries, one call of a model for each chapter. They come behind
 * the last chapter, without text, at once or when the author has reviewed them. Where one of them cannot be made, none comes into the novel.
 */
export const generateNextSummaries = defineNovelTask({
  type: 'GenerateNextSummaries',
  lane: 'batch',
  retry: novelRetry,
  parameters,
  result,
  progress,
  async admit({ novelId, model }, asker) {
    modelsOf(asker).languageModel('prose', model)
    await aboutWritable(asker, novelId)
  },
  async execute(ctx: OutlinesContext) {
    return timed(() => plan(ctx))
  },
})

async function plan(ctx: OutlinesContext) {
  const total = ctx.parameters.chapters
  const parametersId = hashedId(JSON.stringify(ctx.parameters))
  let asked: Promise<ChaptersToOutline> | undefined
  const written: WrittenOutline[] = []
  while (written.length < total) {
    ctx.signal.throwIfAborted()
    ctx.updateProgress({ done: written.length, total, outlines: [] })
    // A checkpoint: a later attempt must not judge an outline by the novel that has it by then, nor ask another model for what the author reviews.
    const outline = await ctx.checkpoint(`outline ${written.length + 1} of ${parametersId}`, async () => {
      asked ??= chaptersToOutline(ctx)
      return outlineChapter(ctx, await asked, written)
    })
    written.push(outline)
  }
  const show = (outlines: ProposedOutline[]) => ctx.updateProgress({ done: total, total, outlines })
  const planned = written.map(({ outline }) => outline)
  const decided = ctx.parameters.reviewOutlines
    ? await reviewOutlines(ctx, planned, show)
    : planned.map(outline => ({ ...outline, decision: 'approved' as const, edited: false }))
  return {
    chapters: await append(ctx, written, decided),
    rejected: decided.filter(({ decision }) => decision === 'rejected').length,
    edited: decided.filter(({ decision, edited }) => edited && decision === 'approved').length,
    model: [...new Set(written.map(({ model }) => model))].join(', '),
    usage: written.map(({ usage }) => usage).reduce(addUsage, noUsage),
  }
}

async function chaptersToOutline(ctx: OutlinesContext): Promise<ChaptersToOutline> {
  const { parameters } = ctx
  const { novelId, chapters, scenesPerChapter, contextTokens, temperature } = parameters
  const model = modelsOf(ctx).languageModel('prose', parameters.model)
  const { title, author, language: declared } = await aboutWritable(ctx, novelId)
  const { instructions = '' } = parameters
  const language = declared ?? textLanguage(instructions, undefined)
  const manner = await mannerOf(ctx, novelId, undefined)
  const promptLanguage = promptLanguageOf(language)
  const prompts = await promptsFor(ctx, novelId)
  let story: Promise<StorySoFar> | undefined
  return {
    ...{ novelId, prompts, model, language, temperature, count: chapters, scenes: scenesPerChapter },
    mostMaterial: contextTokens,
    slots: {
      novel: author === undefined ? title : `${title}, ${author}`,
      narration: narrationInstruction(manner, promptLanguage),
      instructions,
    },
    unit: `outline ${hashedId(JSON.stringify([parameters, model.id, promptOf({ prompts, language }).note.version]))}`,
    material() {
      story ??= storySoFar(ctx, { novelId, instructions, language: promptLanguage, tokens: contextTokens })
      return story
    },
  }
}

/** Summaries that an outline must not repeat, nearest first. */
const comparedSummaries = 200

/** Reads the story up to its end. */
async function storySoFar(
  ctx: OutlinesContext,
  {
    novelId,
    instructions,
    ...prompt
  }: { novelId: string; instructions: string; language: 'en' | 'zh'; tokens: number },
): Promise<StorySoFar> {
  const material = await readMaterial(withVectors(ctx, novelId), {
    ...{
      ...prompt,
      novelId,
      before: { endOf: novelId },
      about: instructions,
      scenesBefore: 20,
      showsVoice: false,
    },
    said: [{ from: 'instructions', text: instructions }],
  })
  const { shelf } = ctx.services.library
  const nearest = { pageSize: comparedSummaries }
  const { items } = await shelf.summariesBefore(ctx.userId, { endOf: novelId }, nearest)
  const titles: string[] = []
  for await (const { title } of everyItem(500, page => shelf.chapters(ctx.userId, { novelId }, page)))
    titles.push(title)
  return { material, titles, summaries: items.map(({ summary }) => summary).toReversed() }
}

/** Appends what was approved. A later attempt finds the same chapters. Throws NOVEL_IS_REFERENCE where the novel became one while the author reviewed them. */
async function append(
  ctx: OutlinesContext,
  written: readonly WrittenOutline[],
  decided: readonly ProposedOutline[],
) {
  if (decided.some(({ decision }) => decision !== 'rejected'))
    await refuseReference(ctx, ctx.parameters.novelId)
  const asked = hashedId(JSON.stringify(ctx.parameters))
  const idOf = (...parts: (string | number)[]) => hashedId([ctx.taskId, asked, ...parts].join('\n'))
  const chapters: { chapterId: string; title: string; sceneIds: string[] }[] = []
  for (const [at, { title, scenes, decision, edited }] of decided.entries()) {
    const by = written[at]
    if (decision === 'rejected') continue
    const chapterId = idOf('chapter', at)
    const sceneIds = scenes.map((_, position) => idOf('scene', at, position))
    const note: SummaryNote =
      edited || by === undefined
        ? { method: 'person' }
        : { method: 'generative', model: by.model, prompt: by.prompt }
    await ctx.services.library.scenes.appendChapter({
      ...{ userId: ctx.userId, novelId: ctx.parameters.novelId, id: chapterId, title },
      scenes: scenes.map((scene, position) => ({
        ...{ id: sceneIds[position] ?? '', title: scene.title, summary: { ...note, text: scene.summary } },
      })),
      writer: { taskId: ctx.taskId, attempt: ctx.attempt },
    })
    chapters.push({ chapterId, title, sceneIds })
  }
  return chapters
}
