import { z } from 'zod'
import {
  type Budget,
  type Engine,
  type ErrorInfo,
  type In,
  PermanentError,
  type TaskContext,
} from '../index.ts'
import { defined } from '../task/defined.ts'
import { everyItem } from '../task/page.ts'
import { batchGenerateSummary } from './batch-generate-summary.ts'
import { discardDraft } from './drafts.ts'
import { count, id, modelId, noScenes, reading, type SceneCounts, sceneCounts, warning } from './fields.ts'
import { chosenSummarizer, isBlank } from './generate-summary.ts'
import { inPlaceOrder } from './import/edited-outline.ts'
import { checkChoice, checkTaken } from './import/edits.ts'
import { novelIdOf } from './library/ids.ts'
import type { Confirmation, Upload } from './library/uploads.ts'
import { parseFile, refuseParts } from './parse-file.ts'
import { chaptersOf, keptSurvey } from './preview.ts'
import { defineNovelTask, type NovelServices, novelRetry } from './services.ts'
import { holdUpload, useUpload } from './upload-use.ts'
import { makeSearchable } from './vectorize.ts'

const parameters = z.strictObject({
  uploadId: id,
  ...reading,
  /** Whether every scene gets a summary. */
  summarise: z.boolean().default(true),
  /** The model that summarises. Default: the first model configured for summaries, else quotations from the text. */
  model: modelId.optional(),
  /** The novel is a reference: it gives voice and facts to others, and no model writes in it. */
  reference: z.boolean().optional(),
})

const result = z.object({
  novelId: id,
  title: z.string(),
  volumes: count,
  chapters: count,
  scenes: count,
  words: count,
  /** All 0 when no summaries were requested. */
  summaries: sceneCounts,
  /** The index that answers searches in the novel. */
  index: z.enum(['none', 'lexical', 'hybrid']),
  warnings: z.array(warning),
})

const progress = z.object({
  stage: z.enum(['parsing', 'summarising', 'indexing']),
  /** Completed stages. */
  done: count,
  /** All stages. */
  total: count,
})

type ImportContext = TaskContext<typeof parameters, typeof progress, NovelServices>

/**
 * Imports an uploaded file as a novel: parse, then summaries, then the search index, one stage after the other. The novel is published
 * when it is parsed. The task fails when the file cannot be parsed, and completes with errors when a later stage does not complete.
 */
export const importNovel = defineNovelTask({
  type: 'ImportNovel',
  retry: novelRetry,
  parameters,
  result,
  progress,
  admit(asked, asker) {
    if (asked.summarise) chosenSummarizer(asker, asked)
  },
  async execute(ctx: ImportContext) {
    const { uploadId } = ctx.parameters
    await holdUpload(ctx, { uploadId, novelId: novelIdOf(uploadId) })
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
    const index = await makeSearchable(ctx, { novelId: novel.novelId })
    if (index === 'pending') return undefined
    report(ctx, 'indexing', true)
    return { ...novel, summaries, index, warnings }
  },
})

function submitParse(ctx: ImportContext) {
  const { uploadId, title, chapters, encoding, edits, removeLines } = ctx.parameters
  const reference = ctx.parameters.reference || undefined
  const options = defined({ title, chapters, encoding, edits, removeLines, reference })
  return ctx.submitSubTask(
    parseFile,
    { uploadId, novelId: novelIdOf(uploadId), ...options },
    { key: 'parse' },
  )
}

/** Deletes the draft of a failed parse and returns the error of the import. */
async function parseFailed(ctx: ImportContext, error: ErrorInfo): Promise<PermanentError> {
  const { drafts } = ctx.services.library
  const state = await drafts.find(novelIdOf(ctx.parameters.uploadId))
  if (state !== undefined && state.importTaskId === ctx.taskId) await discardDraft(drafts, state)
  return new PermanentError(error.message, { code: error.code })
}

async function summarise(ctx: ImportContext, novelId: string): Promise<SceneCounts | 'pending'> {
  const { model } = ctx.parameters
  const asked = { novelId, ...defined({ model }) }
  const batch = await ctx.submitSubTask(batchGenerateSummary, asked, { key: 'summaries' })
  if (!batch.done) {
    report(ctx, 'summarising')
    return 'pending'
  }
  if (batch.result === undefined) return recount(ctx, novelId)
  const { failedScenes: _, ...counts } = batch.result
  return counts
}

/** Counts the summaries of a batch that did not complete: the missing ones have failed. */
async function recount({ userId, services }: ImportContext, novelId: string): Promise<SceneCounts> {
  const counts = { ...noScenes }
  const { shelf } = services.library
  for await (const scene of everyItem(500, page => shelf.scenes(userId, { novelId }, page))) {
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

/** The choice of a user after the preview of an upload. */
export type ImportChoice = In<typeof importNovel.parameters> & {
  userId: string
  /** W3C trace context of the confirmation. */
  traceparent?: string
  /** Budget of the import for models; default: unlimited. */
  budget?: Budget
  /** Tags of the import task. */
  tags?: readonly string[]
  /** Further tags, which name its subject. */
  derivedTags?: readonly string[]
}

/**
 * Starts the import of an upload. Confirming it again returns the same task and novel. Throws UPLOAD_NOT_FOUND, what `checkChoice` and `checkTaken`
 * throw for chapters, edits and lines that the preview does not have, IDEMPOTENCY_KEY_REUSED when it was confirmed with another choice.
 */
export async function confirmUpload(
  engine: Pick<Engine, 'submit'> & { tasks: Pick<Engine['tasks'], 'get'> },
  services: NovelServices,
  { userId, traceparent, budget, tags, derivedTags, ...choice }: ImportChoice,
): Promise<Confirmation> {
  const upload = await services.library.uploads.upload(userId, choice.uploadId)
  const parameters = await normalised(choice, upload)
  const options = { userId, ...defined({ traceparent, budget, tags, derivedTags }) }
  return useUpload(engine, services, {
    upload,
    novelId: novelIdOf(choice.uploadId),
    submit: idempotencyKey => engine.submit(importNovel, parameters, { ...options, idempotencyKey }),
  })
}

type Parameters = In<typeof importNovel.parameters>

/** Returns a choice in its normal form, so that the same choice is recognised. Invalid parameters fail at the submission. */
async function normalised(choice: Parameters, upload: Upload): Promise<Parameters> {
  const { success, data } = importNovel.parameters.safeParse(choice)
  if (!success) return choice
  const { uploadId, chapters, edits, removeLines, reference, ...options } = data
  const rest = { uploadId, ...defined({ ...options, reference: reference || undefined }) }
  const survey = await keptSurvey(upload)
  // Another encoding may give other chapters.
  const isOther = rest.encoding !== undefined || survey?.isForced === true
  const shown = isOther ? undefined : survey
  const wanted = chapters && [...new Set(chapters)].sort((a, b) => a - b)
  if (shown !== undefined) {
    checkChoice(shown, { chapters: wanted, edits, removeLines })
    await checkTaken(shown, { chapters: wanted, edits })
  }
  const isAll = shown !== undefined && wanted?.length === chaptersOf(shown)
  if (survey?.kind === 'archive') refuseParts({ chapters: isAll ? undefined : wanted, edits, removeLines })
  return {
    ...rest,
    ...defined({
      chapters: isAll ? undefined : wanted,
      edits: edits === undefined || edits.length === 0 ? undefined : inPlaceOrder(edits),
      removeLines: removeLines && removeLines.length > 0 ? [...new Set(removeLines)].sort() : undefined,
    }),
  }
}
