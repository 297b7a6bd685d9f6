/** The prompt of a part of a scene: what is sent, and the blocks that it consists of. */
import type { LanguageModel, TextRequest } from '../../ai/model.ts'
import type { Writing } from '../../ai/text/language.ts'
import { defined } from '../../task/defined.ts'
import type { PromptNote } from '../fields.ts'
import type { Prompt, PromptLanguage, PromptName, Prompts } from '../prompts/prompts.ts'
import { blocksOf, type PromptBlock, stableEndsOf } from './blocks.ts'
import { endByTokens, fitPrompt, type Material } from './context.ts'
import { answerLimit, type Length, lengthInstruction, tokensFor } from './lengths.ts'
import type { ScenePlan } from './scene-plan.ts'

/** What is written: a whole scene, or a passage of one. */
export interface TextForm {
  /** The prompts of the first part and of further parts. */
  readonly first: PromptName
  readonly next: PromptName
  readonly whole: 'scene' | 'passage'
  /** The text may exceed its length by this factor. */
  readonly most: number
}

/** A scene by itself. */
export const sceneForm: TextForm = {
  first: 'generate-scene',
  next: 'continue-scene',
  whole: 'scene',
  most: 1.15,
}

/** What of a model decides its prompts. */
export type PromptedModel = Pick<
  LanguageModel,
  'id' | 'contextTokens' | 'countTokens' | 'maxOutputTokens' | 'thinkingTokens'
>

/** A scene that a model is asked for. */
export interface SceneToPrompt {
  readonly form: TextForm
  readonly prompts: Prompts
  readonly model: PromptedModel
  readonly writing: Writing
  readonly promptLanguage: PromptLanguage
  readonly temperature?: number | undefined
  /** The values of the slots besides length and material: instructions of the author, the summary. */
  readonly slots: Readonly<Record<string, string>>
  /** Most tokens of material. */
  readonly mostMaterial: number
}

/** A part of a scene that is to be written. */
export interface PartToWrite {
  readonly length: Length
  /** The scene so far. */
  readonly written: string
  /** Its beat; the first is 1. */
  readonly place: number
}

/** The prompt of a part. */
export interface PartPrompt {
  readonly request: TextRequest
  /** Their texts, one behind the other, are the system message and the prompt of the request. */
  readonly blocks: readonly PromptBlock[]
  /** Which prompt it is made of, and whose that is. */
  readonly prompt: PromptNote & Pick<Prompt, 'from'>
}

/** Returns the tokens of the scene so far that a prompt repeats. */
export function repeatedTokens({ contextTokens }: Pick<LanguageModel, 'contextTokens'>): number {
  return Math.min(1_500, Math.floor(contextTokens / 8))
}

/** Tokens that an answer has space for at least: a selection may be of one word, and a model answers with a sentence, or repeats what is around. */
const leastTokens = { scene: 0, passage: 150 } as const

/** Returns the prompt of a part. Throws what `fitPrompt` throws. */
export function promptOfPart(
  scene: SceneToPrompt & { readonly plan: ScenePlan },
  { part, material }: { part: PartToWrite; material: Material },
): PartPrompt {
  const { form, prompts, model, promptLanguage, writing, temperature, slots, mostMaterial, plan } = scene
  const name = part.written === '' ? form.first : form.next
  const prompt = prompts(name, promptLanguage)
  const tokens = tokensFor(model, part.length, writing)
  const outputTokens = answerLimit(model, Math.max(tokens, leastTokens[form.whole]))
  const countTokens = (text: string) => model.countTokens(text)
  const own = {
    ...slots,
    ...beatSlots(plan, part.place),
    length: lengthInstruction(part.length, 'about', promptLanguage),
    goesOn: partInstruction(form, { place: part.place, parts: plan.beats.length }, promptLanguage),
    written: endByTokens(part.written, repeatedTokens(model), countTokens),
  }
  const fitted = fitPrompt(material, {
    model,
    outputTokens,
    mostMaterial,
    render: texts => prompt.render({ ...own, ...texts }),
  })
  const blocks = blocksOf(fitted, fitted.fitted, countTokens)
  // The parts behind the first one have the same material; their prompt is another one than that of the first part.
  const isShared = part.place > 1 && plan.beats.length > 2
  const stableEnds = stableEndsOf(blocks, isShared)
  return {
    request: {
      ...{ system: fitted.system, prompt: fitted.prompt, maxOutputTokens: outputTokens },
      ...defined({ temperature, stableEnds: stableEnds.length === 0 ? undefined : stableEnds }),
    },
    blocks,
    prompt: { ...prompt.note, from: prompt.from },
  }
}

/** Returns what of the summary a part is shown: its beat, what was told before it, and the next beat. */
function beatSlots({ beats }: ScenePlan, place: number): { summary: string; told: string; next: string } {
  const texts = beats.map(({ text }) => text)
  const summary = texts[place - 1] ?? ''
  const others = (some: readonly string[]) => [...new Set(some)].filter(text => text !== summary).join('\n')
  return { summary, told: others(texts.slice(0, place - 1)), next: others(texts.slice(place, place + 1)) }
}

const wholes = { scene: { en: 'scene', zh: '场景' }, passage: { en: 'passage', zh: '段落' } } as const

function partInstruction(
  { whole }: TextForm,
  { place, parts }: { place: number; parts: number },
  language: PromptLanguage,
): string {
  if (parts === 1) return ''
  const name = wholes[whole][language]
  if (language === 'zh') {
    return place < parts
      ? `整个${name}分${parts}部分来写，这是第${place}部分：不要写到${name}的结尾。`
      : `这是最后一部分：把${name}写到结尾。`
  }
  return place < parts
    ? `This is part ${place} of ${parts} of the ${name}: do not bring the ${name} to its end.`
    : `This is the last part: bring the ${name} to its end.`
}
