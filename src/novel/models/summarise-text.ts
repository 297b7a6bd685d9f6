import { beginningOf } from '../../ai/extractive/join.ts'
import type { LanguageModel, TextRequest } from '../../ai/model.ts'
import { promptTokens } from '../../ai/providers/tokens.ts'
import { detectLanguage, type Writing } from '../../ai/text/language.ts'
import { hashedId, type TaskContext } from '../../index.ts'
import { cooperate } from '../../runtime/cooperate.ts'
import { defined } from '../../task/defined.ts'
import type { PromptNote } from '../fields.ts'
import type { Level } from '../library/levels.ts'
import type { UsageNote } from '../library/provenance.ts'
import {
  type Prompt,
  type PromptLanguage,
  type PromptName,
  type Prompts,
  promptLanguageOf,
} from '../prompts/prompts.ts'
import { modelsOf, type NovelServices } from '../services.ts'
import { type CallContext, callModel, type ModelAnswer, withinWindow } from './call-model.ts'
import { contextExceeded, splitByTokens } from './context.ts'
import { addUsage, noUsage } from './expense.ts'
import { answerLimit, languageName, lengthInstruction, tokensFor } from './lengths.ts'

/** A text that a language model summarises. */
export interface TextToSummarise {
  readonly text: string
  readonly prompts: Prompts
  /** BCP 47; `und` where it is unknown. */
  readonly language: string
  /** Most code units of the summary. Default: by the writing. */
  readonly maxCharacters?: number | undefined
  readonly style?: string | undefined
  /** The text has the summaries of the parts of such a unit. Default: it is a scene. */
  readonly level?: Level | undefined
  /** The subject of the usage. */
  readonly subject: string
}

/** A summary that a language model wrote. */
export interface WrittenSummary {
  readonly summary: string
  /** Id of the model that wrote it. */
  readonly model: string
  readonly prompt: PromptNote
  /** Usage of all its calls. */
  readonly usage: UsageNote
  readonly finishReason: string
  readonly parameters: Readonly<Record<string, string | number>>
}

/** The part of a task's context that a summary needs. */
export type SummariseContext = CallContext &
  Pick<TaskContext, 'userId'> & { readonly services: NovelServices }

/** Default code units of a summary, similar to the extractive model. */
export const usualSummary: Record<Writing, number> = { cjk: 160, spaced: 360 }
/** Code units of the summary of a part: enough to summarise the whole from. */
export const partSummary: Record<Writing, number> = { cjk: 400, spaced: 900 }
/** Smaller parts, in tokens, are not worth a call. */
const smallestPart = 100

interface Job {
  readonly ctx: SummariseContext
  readonly model: LanguageModel
  readonly wanted: TextToSummarise
  readonly writing: Writing
  /** Names the calls: the same for the same text, model, options and prompts. */
  readonly unit: string
  usage: UsageNote
}

/** The prompts of a text that fits, of a part of one that does not, and of what its parts give. */
const summaryPrompts = (level: Level | undefined) =>
  level === undefined
    ? (['summarise-scene', 'summarise-part', 'combine-summaries'] as const)
    : (['summarise-level', 'summarise-level', 'summarise-level'] as const)

/** What a prompt calls a unit. */
const levelNames: Record<PromptLanguage, Record<Level, string>> = {
  en: {
    chapter: 'a chapter',
    stretch: 'several chapters',
    volume: 'a volume',
    book: 'the whole',
  },
  zh: { chapter: '一章', stretch: '数章', volume: '一卷', book: '全书' },
}

/** One call of a job. */
interface Step {
  readonly name: string
  readonly prompt: PromptName
  /** The slot of the material. */
  readonly slot: 'text' | 'summaries'
  readonly material: string
  readonly most: number
}

/**
 * Summarises a text with one call. A text that is too long for the model is summarised part by part, and then from the summaries of the
 * parts. Every finished call is a checkpoint. Throws what `callModel` throws; MODEL_CONTEXT_EXCEEDED where no part fits.
 */
export async function summariseText(
  ctx: SummariseContext,
  model: LanguageModel,
  wanted: TextToSummarise,
): Promise<WrittenSummary> {
  const { writing } = detectLanguage(wanted.text)
  // How a text is split depends on the window, which the model may learn from its server.
  await model.prepare?.()
  const unit = unitOf(model, wanted)
  const most = wanted.maxCharacters ?? usualSummary[writing]
  const [ofWhole, ofPart] = summaryPrompts(wanted.level)
  const whole: Step = {
    name: 'whole',
    prompt: ofWhole,
    slot: wanted.level === undefined ? 'text' : 'summaries',
    material: wanted.text,
    most,
  }
  const part: Step = { ...whole, name: 'part ', prompt: ofPart, most: partSummary[writing] }
  return withinWindow(model, () => {
    const job: Job = { ctx, model, wanted, writing, unit, usage: noUsage }
    return reduce(job, whole, part, { level: 0, pieces: Number.POSITIVE_INFINITY })
  })
}

/** Returns one summary of a material; where it is too long for one call, from those of its parts, and of groups of these where they are too many. */
async function reduce(
  job: Job,
  whole: Step,
  part: Step,
  { level, pieces }: { level: number; pieces: number },
): Promise<WrittenSummary> {
  if (fits(job, whole)) return summaryOf(job, whole, await take(job, whole))
  const parts = await splitForStep(job, part)
  if (parts.length >= pieces) throw tooLong(job, part)
  const summaries: string[] = []
  for (const [at, material] of parts.entries())
    summaries.push((await take(job, { ...part, name: `${part.name}${at + 1}`, material })).text)
  const next = level + 1
  const combined = {
    prompt: summaryPrompts(job.wanted.level)[2],
    slot: 'summaries',
    material: summaries.join('\n\n'),
  } as const
  return reduce(
    job,
    { ...whole, ...combined, name: `whole ${next}` },
    { ...part, ...combined, name: `group ${next}.` },
    { level: next, pieces: summaries.length },
  )
}

/** Makes a call, or returns its answer in an earlier attempt. */
async function take(job: Job, step: Step): Promise<ModelAnswer> {
  const { ctx, model, wanted } = job
  // The split of a text depends on the context window, which may differ in a later attempt.
  const part = step.material === wanted.text ? '' : ` ${hashedId(step.material)}`
  const unit = `${job.unit}: ${step.name}${part}`
  const answer = await ctx.checkpoint(unit, () =>
    callModel(ctx, modelsOf(ctx), {
      unit,
      use: 'summary',
      model,
      subject: wanted.subject,
      request: asked => checked(job, step, asked),
    }),
  )
  job.usage = addUsage(job.usage, answer.usage)
  return answer
}

function checked(job: Job, step: Step, model: LanguageModel): TextRequest {
  const request = requestFor(job, step, model)
  if (tokensLeft(model, request) < 0) throw tooLong({ ...job, model }, step)
  return request
}

function requestFor(job: Job, { most, slot, material, prompt }: Step, model: LanguageModel): TextRequest {
  const { language: tag, style = '', level } = job.wanted
  const language = promptLanguageOf(tag)
  return {
    ...promptOf(job, prompt).render({
      language: languageName(tag, language),
      length: lengthInstruction({ characters: most }, 'most', language),
      style,
      ...(level && { level: levelNames[language][level] }),
      [slot]: material,
    }),
    maxOutputTokens: answerLimit(model, tokensFor(model, { characters: most }, job.writing)),
  }
}

function promptOf({ wanted }: Pick<Job, 'wanted'>, name: PromptName): Prompt {
  return wanted.prompts(name, promptLanguageOf(wanted.language))
}

/** Returns the tokens of the model's context window that a request leaves; negative where it is too long. */
function tokensLeft(model: LanguageModel, request: TextRequest): number {
  return model.contextTokens - request.maxOutputTokens - promptTokens(model, request)
}

function fits(job: Job, step: Step): boolean {
  return tokensLeft(job.model, requestFor(job, step, job.model)) >= 0
}

async function splitForStep(job: Job, step: Step): Promise<readonly string[]> {
  const { model, ctx } = job
  // The slot is not empty, so that its marks are counted.
  const left = tokensLeft(model, requestFor(job, { ...step, material: '.' }, model))
  if (left < smallestPart) throw tooLong(job, step)
  return cooperate(
    splitByTokens(step.material, left, text => model.countTokens(text)),
    ctx.signal,
  )
}

function tooLong(job: Job, step: Step) {
  const request = requestFor(job, step, job.model)
  return contextExceeded(
    { model: job.model, outputTokens: request.maxOutputTokens },
    promptTokens(job.model, request),
  )
}

function summaryOf(job: Job, { prompt, most }: Step, answer: ModelAnswer): WrittenSummary {
  const { text, model, finishReason, parameters } = answer
  const { style } = job.wanted
  return {
    summary: clipped(text, most),
    model,
    prompt: promptOf(job, prompt).note,
    usage: job.usage,
    finishReason,
    parameters: {
      ...parameters,
      maxCharacters: most,
      ...defined({ style }),
      // The parts of a long text have their own prompt.
      ...(prompt === 'combine-summaries' && { partPrompt: promptOf(job, 'summarise-part').note.version }),
    },
  }
}

/** Cuts a text that is too long after the last clause that fits: models count badly. Keeps marks before its first letter. */
function clipped(text: string, most: number): string {
  if (text.length <= most) return text
  const marks = Math.max(0, text.search(/[\p{L}\p{N}]/u))
  const { end } = beginningOf(text, { start: 0, end: text.length }, Math.max(1, most - marks))
  return text.slice(0, end).trim()
}

function unitOf(model: LanguageModel, wanted: TextToSummarise): string {
  const { text, maxCharacters, style, level } = wanted
  const versions = summaryPrompts(level).map(name => promptOf({ wanted }, name).note.version)
  return `summary ${hashedId(JSON.stringify([model.id, text, maxCharacters, style, level, ...versions]))}`
}
