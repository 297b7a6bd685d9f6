import type { LanguageModel, TextRequest } from '../../ai/model.ts'
import type { Writing } from '../../ai/text/language.ts'
import { PermanentError, type TaskContext } from '../../index.ts'
import { defined } from '../../task/defined.ts'
import type { PromptNote } from '../fields.ts'
import type { UsageNote } from '../library/provenance.ts'
import { type ChapterOutline, outlineText } from '../outlines/outline.ts'
import { readOutline } from '../outlines/read-outline.ts'
import { type Prompts, promptLanguageOf } from '../prompts/prompts.ts'
import { modelsOf, type NovelServices } from '../services.ts'
import { askTwice } from './ask-twice.ts'
import { type CallContext, callModel, type ModelAnswer } from './call-model.ts'
import { storedSeries } from './calls.ts'
import { fitPrompt, type Material } from './context.ts'
import { answerLimit, type Length, languageName, tokensFor, writingOf } from './lengths.ts'

/** The chapters to plan. */
export interface ChaptersToOutline {
  readonly novelId: string
  readonly prompts: Prompts
  readonly model: LanguageModel
  readonly count: number
  /** Scenes of each; default: the model decides. */
  readonly scenes?: number | undefined
  /** BCP 47 tag of the novel's language. */
  readonly language: string
  readonly temperature?: number | undefined
  /** The values of the slots that are the same for all: instructions, narration, the novel. */
  readonly slots: Readonly<Record<string, string>>
  /** Most tokens of material. */
  readonly mostMaterial: number
  /** Reads the material, when the first call needs it. */
  material(): Promise<StorySoFar>
  /** Names the calls within the task: at most 100 characters. */
  readonly unit: string
}

/** The material of an outline. */
export interface StorySoFar {
  readonly material: Material
  /** Titles of all chapters, in reading order. */
  readonly titles: readonly string[]
  /** Summaries of the last scenes, in reading order, which an outline must not repeat. */
  readonly summaries: readonly string[]
}

/** An outline that a model wrote. */
export interface WrittenOutline {
  readonly outline: ChapterOutline
  /** Id of the model. */
  readonly model: string
  readonly prompt: PromptNote
  /** Usage of its calls. */
  readonly usage: UsageNote
}

/** The part of a task's context that an outline needs. */
export type OutlineContext = CallContext & Pick<TaskContext, 'userId'> & { readonly services: NovelServices }

/** Length of the outline of a scene. */
const lengthOfScene: Record<Writing, (scenes: number) => Length> = {
  spaced: scenes => ({ words: scenes * 130 }),
  cjk: scenes => ({ characters: scenes * 220 }),
}
/** Scenes of a chapter where no number is given: the most that the model is told. */
export const usualScenes = 5
/** Titles of chapters in a prompt. */
const shownTitles = 12

/**
 * Returns the outline of the next chapter behind those that are planned. Every answer is a checkpoint. The model is asked once more for one that cannot be used;
 * where that cannot be used either, throws MODEL_ANSWER_MALFORMED, and a retry by a person asks anew. Throws what `callModel` throws.
 */
export async function outlineChapter(
  ctx: OutlineContext,
  asked: ChaptersToOutline,
  planned: readonly WrittenOutline[],
): Promise<WrittenOutline> {
  const unit = `${asked.unit} ${planned.length + 1}`
  const refusedKey = (number: number) => `${unit} refused ${number + 1}`
  const refused = (await storedSeries(ctx, refusedKey)).length
  const before = planned.map(({ outline }) => outline)
  const read = async (answer: string) => {
    const { titles, summaries } = await asked.material()
    const found = readOutline(answer, {
      language: asked.language,
      instructions: promptOf(asked).fixedText,
      titles: [...titles, ...before.map(({ title }) => title)],
      summaries: [...summaries, ...before.flatMap(({ scenes }) => scenes.map(({ summary }) => summary))],
    })
    if (found.fault !== undefined)
      ctx.logInfo(`The outline of chapter ${planned.length + 1} cannot be used: ${found.fault}`)
    return found
  }
  const ask = (key: string, fault: string) => take(ctx, asked, { unit: key, planned, fault })
  const { model, usage, ...found } = await askTwice(`${unit} ${refused + 1}`, ask, read)
  if (found.fault === undefined) return { outline: found.value, model, prompt: promptOf(asked).note, usage }
  await ctx.checkpoint(refusedKey(refused), () => true)
  throw new PermanentError(
    `The model ${asked.model.id} gave no outline that can be used, twice. ${found.fault} Retry the task, or choose another model.`,
    { code: 'MODEL_ANSWER_MALFORMED' },
  )
}

/** What one call is given beside what all have. */
interface Asking {
  readonly unit: string
  readonly planned: readonly WrittenOutline[]
  readonly fault: string
}

/** Makes a call, or returns its answer in an earlier attempt. */
async function take(ctx: OutlineContext, asked: ChaptersToOutline, asking: Asking): Promise<ModelAnswer> {
  const { model, novelId: subject } = asked
  const { unit } = asking
  // Outside of the step: it may make a call of its own, before which the answers of earlier calls are read.
  const story = await asked.material()
  return ctx.checkpoint(unit, () =>
    callModel(ctx, modelsOf(ctx), {
      ...{ unit, use: 'prose', model, subject },
      // One that was cut off is a fault like others: the model is asked once more.
      takesTruncated: true,
      request: called => requestFor({ ...asked, model: called }, { ...asking, ...story }),
    }),
  )
}

function requestFor(
  asked: ChaptersToOutline,
  { planned, fault, material, titles }: Asking & Omit<StorySoFar, 'summaries'>,
): TextRequest {
  const { model, count, scenes, language, temperature, mostMaterial } = asked
  const prompt = promptOf(asked)
  const maxOutputTokens = answerLimit(model, outlineLength(asked))
  const slots = {
    ...asked.slots,
    language: languageName(language, promptLanguageOf(language)),
    scenes: scenesInstruction(scenes, language),
    number: String(planned.length + 1),
    count: String(count),
    titles: titles.slice(-shownTitles).join('\n'),
    planned: planned.map(({ outline }) => outlineText(outline)).join('\n\n'),
    fault,
  }
  const { system, prompt: text } = fitPrompt(material, {
    ...{ model, outputTokens: maxOutputTokens, mostMaterial },
    render: part => prompt.render({ ...slots, ...part }),
  })
  return { system, prompt: text, maxOutputTokens, ...defined({ temperature }) }
}

/** Returns about how many tokens the outline of a chapter has. */
export function outlineLength({
  model,
  scenes = usualScenes,
  language,
}: Pick<ChaptersToOutline, 'language' | 'model' | 'scenes'>): number {
  const writing = writingOf(language)
  return tokensFor(model, lengthOfScene[writing](scenes), writing)
}

function scenesInstruction(scenes: number | undefined, language: string): string {
  if (promptLanguageOf(language) === 'zh')
    return scenes === undefined ? '两到五个，视情节而定' : `${scenes}个`
  return scenes === undefined ? 'two to five, as the events need' : `${scenes}`
}

/** Returns the prompt of an outline. */
export function promptOf({ prompts, language }: Pick<ChaptersToOutline, 'language' | 'prompts'>) {
  return prompts('outline-chapter', promptLanguageOf(language))
}
