import { z } from 'zod'
import { type ErrorInfo, PermanentError, QuillworkError, type TaskContext } from '../index.ts'
import { batchGenerateSummary } from './batch-generate-summary.ts'
import { discardDraft } from './draft-writer.ts'
import { count, id, modelId, reading, type SceneCounts, sceneCounts, warning } from './fields.ts'
import { chosenSummarizer, isBlank } from './generate-summary.ts'
import { novelIdOf } from './library/ids.ts'
import { everyItem } from './library/paging.ts'
import type { IndexKind } from './library/passage-index.ts'
import { parseFile } from './parse-file.ts'
import { noScenes } from './scene-batch.ts'
import { defineNovelTask, given, type NovelServices, nowOf } from './services.ts'
import { keepConfirmedMs } from './upload-files.ts'
import { vectorize } from './vectorize.ts'

const parameters = z.strictObject({
  uploadId: id,
  ...reading,
  /** Whether every scene gets a summary. */
  summarise: z.boolean().default(true),
  /** The model that summarises. Default: the first that is configured for summaries, else quotations from the text. */
  model: modelId.optional(),
})

const result = z.object({
  novelId: id,
  title: z.string(),
  volumes: count,
  chapters: count,
  scenes: count,
  words: count,
  /** All 0 when no summaries were asked for. */
  summaries: sceneCounts,
  /** What answers searches in the novel. */
  index: z.enum(['none', 'lexical', 'hybrid']),
  warnings: z.array(warning),
})

const progress = z.object({
  stage: z.enum(['parsing', 'summarising', 'indexing']),
  /** Stages that have ended. */
  done: count,
  /** Stages that there are. */
  total: count,
})

type ImportContext = TaskContext<typeof parameters, typeof progress, NovelServices>

/**
 * Makes a novel of an uploaded file: parse, then summaries, then the search index, one stage after the other. The novel is on the
 * shelf when it is parsed. It fails when the file cannot be parsed, and completes with errors when a later stage does not complete.
 */
export const importNovel = defineNovelTask({
  type: 'ImportNovel',
  parameters,
  result,
  progress,
  admit(asked, { services }) {
    if (asked.summarise) chosenSummarizer(services, asked)
  },
  async execute(ctx: ImportContext) {
    await confirm(ctx)
    report(ctx, 'parsing')
    await submitParse(ctx)
  },
  async onSubTasksSettled(ctx: ImportContext) {
    const parse = await submitParse(ctx)
    if (!parse.done) return undefined
    if (parse.error !== undefined) throw await parseFailed(ctx, parse.error)
    const { warnings, ...novel } = parse.result
    const summaries = ctx.parameters.summarise ? await summarise(ctx, novel.novelId) : noScenes
    if (summaries === 'pending') return undefined
    report(ctx, 'indexing')
    const index = await makeSearchable(ctx, novel.novelId)
    if (index === 'pending') return undefined
    report(ctx, 'indexing', true)
    return { ...novel, summaries, index, warnings }
  },
})

/** One upload makes one novel: the first import that confirms it is the one. Keeps its file for as long as the import may need it. */
async function confirm(ctx: ImportContext): Promise<void> {
  const { taskId, userId, services } = ctx
  const { uploadId } = ctx.parameters
  const expiresAt = nowOf(services) + keepConfirmedMs
  const confirmation = { novelId: novelIdOf(uploadId), taskId, expiresAt }
  const held = await services.library.uploads.confirm(userId, uploadId, confirmation)
  if (held.taskId === taskId) return
  throw new QuillworkError(
    'UPLOAD_CONFIRMED',
    `Upload ${uploadId} was imported by task ${held.taskId}; retry that task, or upload the file again.`,
    { details: { ...held } },
  )
}

function submitParse(ctx: ImportContext) {
  const { uploadId, title, chapters, encoding } = ctx.parameters
  const options = given({ title, chapters, encoding })
  return ctx.submitSubTask(
    parseFile,
    { uploadId, novelId: novelIdOf(uploadId), ...options },
    { key: 'parse' },
  )
}

/** What a parse wrote before it was given up goes with it. */
async function parseFailed(ctx: ImportContext, error: ErrorInfo): Promise<PermanentError> {
  const { drafts } = ctx.services.library
  const state = await drafts.find(novelIdOf(ctx.parameters.uploadId))
  if (state !== undefined && state.importTaskId === ctx.taskId) await discardDraft(drafts, state)
  return new PermanentError(error.message, { code: error.code })
}

async function summarise(ctx: ImportContext, novelId: string): Promise<SceneCounts | 'pending'> {
  const { model } = ctx.parameters
  const asked = { novelId, ...given({ model }) }
  const batch = await ctx.submitSubTask(batchGenerateSummary, asked, { key: 'summaries' })
  if (!batch.done) {
    report(ctx, 'summarising')
    return 'pending'
  }
  if (batch.result === undefined) return recount(ctx, novelId)
  const { failedScenes: _, ...counts } = batch.result
  return counts
}

/** What answers searches. Where the model that makes vectors is of no use, words alone do. */
async function makeSearchable(ctx: ImportContext, novelId: string): Promise<IndexKind | 'pending'> {
  const index = await ctx.submitSubTask(vectorize, { novelId }, { key: 'index' })
  if (!index.done) return 'pending'
  if (index.result !== undefined || !isOfModel(index.error?.code)) return index.result?.index ?? 'none'
  const words = await ctx.submitSubTask(vectorize, { novelId, model: 'lexical' }, { key: 'words' })
  return words.done ? (words.result?.index ?? 'none') : 'pending'
}

/** The model does not answer, is too slow, or is not what its configuration says. */
function isOfModel(code = ''): boolean {
  return (
    code.startsWith('MODEL_') ||
    ['ATTEMPT_TIMEOUT', 'CONFIG_INVALID', 'PROVIDER_NOT_CONFIGURED'].includes(code)
  )
}

/** A batch that did not complete left no counts: what is not there now has failed. */
async function recount({ userId, services }: ImportContext, novelId: string): Promise<SceneCounts> {
  const counts = { ...noScenes }
  const { shelf } = services.library
  for await (const scene of everyItem(page => shelf.scenes(userId, { novelId }, page), 500)) {
    counts.total++
    if (scene.hasSummary) counts.success++
    else if (isBlank(scene)) counts.skipped++
    else counts.failed++
  }
  return counts
}

function report(ctx: ImportContext, stage: z.infer<typeof progress>['stage'], ended = false): void {
  const stages = ctx.parameters.summarise
    ? (['parsing', 'summarising', 'indexing'] as const)
    : (['parsing', 'indexing'] as const)
  const done = (stages as readonly string[]).indexOf(stage) + (ended ? 1 : 0)
  ctx.updateProgress({ stage, done, total: stages.length })
}
