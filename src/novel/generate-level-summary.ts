import { z } from 'zod'
import type { Writing } from '../ai/text/language.ts'
import { QuillworkError, type TaskContext } from '../index.ts'
import { defined } from '../task/defined.ts'
import { count, id, modelId, promptNote, usageNote } from './fields.ts'
import { chosenSummarizer } from './generate-summary.ts'
import { type Level, type LevelUnit, type LevelWrite, levels, type PartSummary } from './library/levels.ts'
import type { Provenance } from './library/provenance.ts'
import { novelNotFound } from './library/refusal.ts'
import { textLanguage, writingOf } from './models/lengths.ts'
import { summariseText } from './models/summarise-text.ts'
import { defineNovelTask, type NovelServices, novelRetry, promptsFor, timed } from './services.ts'

const parameters = z.strictObject({
  novelId: id,
  /** The chapter, the stretch of chapters, the volume, or the novel itself. */
  unitId: id,
  /** Default: the first model configured for summaries, else quotations from the summaries below. */
  model: modelId.optional(),
})

const result = z.object({
  unitId: id,
  level: z.enum(levels),
  /**
   * `current`: it was up to date. `by-author`: a person wrote it, and it was left. `conflict`: somebody wrote one meanwhile, and it was left.
   */
  outcome: z.enum(['written', 'current', 'by-author', 'conflict']),
  /** Length of the summary in code units; 0 when none was written. */
  characters: count,
  method: z.enum(['imported', 'extractive', 'generative', 'person']).optional(),
  model: z.string().optional(),
  prompt: promptNote.optional(),
  usage: usageNote.optional(),
  /** Duration of this attempt. */
  processingTimeMs: z.number().min(0),
})

type Result = Omit<z.infer<typeof result>, 'processingTimeMs'>
type LevelContext = TaskContext<typeof parameters, z.ZodNever, NovelServices>

/** Code units of the summaries. */
export const levelLength: Record<Level, Record<Writing, number>> = {
  chapter: { cjk: 240, spaced: 540 },
  stretch: { cjk: 400, spaced: 900 },
  volume: { cjk: 480, spaced: 1_080 },
  book: { cjk: 800, spaced: 1_800 },
}

/**
 * Summarises a chapter, a stretch of chapters, a volume or the book from the summaries one level below. What has one part takes its summary over,
 * without a call. What somebody writes below meanwhile makes it out of date again.
 */
export const generateLevelSummary = defineNovelTask({
  type: 'GenerateLevelSummary',
  lane: 'batch',
  retry: novelRetry,
  parameters,
  result,
  admit(asked, asker) {
    chosenSummarizer(asker, asked)
  },
  execute: (ctx: LevelContext) => timed(() => summariseUnit(ctx)),
})

async function summariseUnit(ctx: LevelContext): Promise<Result> {
  const { novelId, unitId } = ctx.parameters
  const { levels: store } = ctx.services.library
  const unit = await store.unit(ctx.userId, { novelId, unitId })
  const { level, digest, state, version: expectedVersion } = unit
  if (unit.isByPerson) return { unitId, level, outcome: 'by-author', characters: 0 }
  if (state === 'current') return alreadyThere(ctx, unit)
  const made = await summarise(ctx, unit)
  ctx.signal.throwIfAborted()
  const writer = { taskId: ctx.taskId, attempt: ctx.attempt }
  const write = { ...made, novelId, unitId, digest, expectedVersion, writer }
  const outcome = await store.write(ctx.userId, write)
  if (outcome === 'missing') throw novelNotFound(novelId)
  if (outcome === 'conflict') return { unitId, level, outcome, characters: 0 }
  return written(unit, made.summary, made)
}

function written({ id: unitId, level }: LevelUnit, text: string, origin: Provenance): Result {
  const { method, model, prompt, usage } = origin
  const provenance = { method, ...defined({ model, prompt, usage }) }
  return { unitId, level, outcome: 'written', characters: text.length, ...provenance }
}

/** Returns the result for a summary that is up to date: that of an earlier attempt of this task, which ended before it could tell, or of somebody else. */
async function alreadyThere(ctx: LevelContext, unit: LevelUnit): Promise<Result> {
  const { id: unitId, level } = unit
  const { levels: store } = ctx.services.library
  const held = (await store.summaries(ctx.userId, ctx.parameters.novelId, [unitId])).get(unitId)
  const isOwn = held !== undefined && 'taskId' in held.writtenBy && held.writtenBy.taskId === ctx.taskId
  if (isOwn) return written(unit, held.text, held)
  return { unitId, level, outcome: 'current', characters: 0 }
}

type Made = Omit<LevelWrite, 'novelId' | 'unitId' | 'digest' | 'expectedVersion' | 'writer'>

/** Throws SCENE_EMPTY where nothing below has a summary. */
async function summarise(ctx: LevelContext, { id: unitId, level, parts: partIds }: LevelUnit): Promise<Made> {
  const { novelId } = ctx.parameters
  const { library } = ctx.services
  const held = await library.levels.parts(ctx.userId, novelId, partIds)
  const parts = partIds.flatMap(each => held.get(each) ?? [])
  const [first, ...others] = parts
  if (first === undefined)
    throw new QuillworkError(
      'SCENE_EMPTY',
      `Nothing below ${level} ${unitId} has a summary yet; summarise its scenes first.`,
    )
  // Its calls were paid where it was made.
  const { usage: _, text: summary, ...origin } = first
  if (others.length === 0) return { ...origin, summary }
  return summariseParts(ctx, level, parts)
}

async function summariseParts(ctx: LevelContext, level: Level, parts: readonly PartSummary[]): Promise<Made> {
  const { novelId } = ctx.parameters
  const { language: declared } = await ctx.services.library.shelf.about(ctx.userId, novelId)
  const text = parts.map(part => part.text).join('\n\n')
  const language = textLanguage(text, declared)
  const maxCharacters = levelLength[level][writingOf(language)]
  const { kind, model } = chosenSummarizer(ctx, ctx.parameters)
  if (kind === 'extractive') return model.summarise({ text, maxCharacters }, { signal: ctx.signal })
  const prompts = await promptsFor(ctx, novelId)
  const wanted = { text, prompts, language, maxCharacters, level, subject: novelId }
  return { ...(await summariseText(ctx, model, wanted)), method: 'generative', language }
}
