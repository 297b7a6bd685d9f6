/** What a model is asked for of a scene: the instructions of the author, and what the prompt is made of. */
import { z } from 'zod'
import type { Writing } from '../ai/text/language.ts'
import type { SearchedText } from './codex/select-entries.ts'
import { modelId, style } from './fields.ts'
import { type Length, languageName, writingOf } from './models/lengths.ts'
import type { MaterialRequest } from './models/scene-material.ts'
import { type PromptedModel, sceneForm } from './models/scene-prompt.ts'
import { narrationInstruction } from './narration.ts'
import {
  longestPrompt,
  type PromptLanguage,
  type Prompts,
  promptLanguageOf,
  withTried,
} from './prompts/prompts.ts'
import type { SceneTarget } from './scene-target.ts'

/** The author's options for writing a scene. */
export const sceneOptions = {
  style: style.optional(),
  tone: style.optional(),
  /** Approximate length, in words or in characters; default 800 words, in Chinese 1,500 characters. */
  length: z
    .union([
      z.strictObject({ words: z.int().min(20).max(5_000) }),
      z.strictObject({ characters: z.int().min(20).max(30_000) }),
    ])
    .optional(),
  /** Further instructions of the author. */
  instructions: z.string().trim().min(1).max(4_000).optional(),
  /** Default: the first model configured for prose. */
  model: modelId.optional(),
  /** Default: as configured for the model, else the default of the provider. */
  temperature: z.number().min(0).max(2).optional(),
  /** Most tokens of the novel in the prompt, besides the summary: the text before, summaries, passages, names. */
  contextTokens: z.int().min(0).max(200_000).default(8_000),
  /**
   * When a text enters the scene without the author: never; where the scene has none, so that nothing is replaced; or in any case, and the history
   * keeps the old one. Otherwise it is an open candidate, as it is where the text of the scene changed meanwhile, and each of several.
   */
  accept: z.enum(['by-author', 'where-empty', 'automatically']).default('where-empty'),
  /** Texts for the author to choose from, each written by itself. */
  candidates: z.int().min(1).max(4).default(1),
}

/** Scenes right before it whose text may be in the prompt. */
export const scenesBefore = z.int().min(0).max(20).default(20)

const promptText = z.string().min(1).max(longestPrompt)

/** Prompts that a scene is tried with: their texts, in place of those of the novel and of the server. */
export const triedPrompts = z.strictObject({
  'generate-scene': promptText.optional(),
  'continue-scene': promptText.optional(),
})

/** Of several texts none enters the scene by itself. */
export const oneIfAutomatic = [
  ({ accept, candidates }: { accept: string; candidates: number }) =>
    accept !== 'automatically' || candidates === 1,
  {
    message: 'of several texts the author chooses one: ask for one candidate, or leave accept out',
    path: ['accept'] as string[],
  },
] as const

/** The options as a task has them. */
export type SceneOptions = z.output<z.ZodObject<typeof sceneOptions>>

/** What of a request decides its prompt. */
export type SceneRequest = Pick<
  SceneOptions,
  'length' | 'style' | 'tone' | 'instructions' | 'temperature' | 'contextTokens'
> & {
  readonly scenesBefore: number
  readonly prompts?: z.output<typeof triedPrompts> | undefined
}

/** What asks, and in which words. */
interface Asking<Model> {
  readonly model: Model
  /** Those of the novel. */
  readonly prompts: Prompts
}

/** Returns what a model is asked for, and which material its prompt is made of. Throws PROMPT_INVALID. */
export function askedOf<Model extends PromptedModel>(
  { model, prompts: usual }: Asking<Model>,
  target: SceneTarget,
  request: SceneRequest,
) {
  const { temperature, contextTokens: tokens, scenesBefore, instructions = '' } = request
  const { sceneId: before, brief, manner } = target
  const language = promptLanguageOf(target.language)
  const about = `${brief}\n${instructions}`
  const material: Omit<MaterialRequest, 'novelId'> = {
    ...{ before, about, said: saidOf(target, request), manner, language, tokens, scenesBefore },
  }
  const prompts = request.prompts === undefined ? usual : withTried(usual, request.prompts)
  const kept = { form: sceneForm, model, prompts, temperature, mostMaterial: tokens }
  const scene = { ...kept, ...writingFor(request, target) }
  return { scene, material }
}

/** Returns what the author says of a scene, in which the codex looks for mentions. */
export function saidOf(
  { brief, manner }: Pick<SceneTarget, 'brief' | 'manner'>,
  { instructions = '' }: { instructions?: string | undefined },
): readonly SearchedText[] {
  return [
    { from: 'pov', text: manner?.povCharacter ?? '' },
    { from: 'summary', text: brief },
    { from: 'instructions', text: instructions },
  ]
}

/** Default lengths. */
export const usualLength: Record<Writing, Length> = { cjk: { characters: 1_500 }, spaced: { words: 800 } }

/** Returns the length and language of a scene, and the slots of its prompt. */
export function writingFor(
  { length, ...asked }: Pick<SceneOptions, 'length' | 'style' | 'tone' | 'instructions'>,
  { brief, novel, language, manner }: Pick<SceneTarget, 'brief' | 'novel' | 'language' | 'manner'>,
) {
  const promptLanguage = promptLanguageOf(language)
  const writing = writingOf(language)
  const { style: own = '', tone = '', instructions = '' } = asked
  const author = { style: own, tone, instructions, ...mannerSlots(manner, promptLanguage) }
  return {
    promptLanguage,
    writing,
    length: length ?? usualLength[writing],
    slots: { language: languageName(language, promptLanguage), ...author, summary: brief, novel },
  }
}

function mannerSlots(manner: SceneTarget['manner'], language: PromptLanguage) {
  if (manner === undefined) return {}
  const { styleSheet, voiceSample, ...narration } = manner
  return { narration: narrationInstruction(narration, language), styleSheet, voice: voiceSample }
}
