import type { EmbeddingModel, LanguageModel } from '../../ai/model.ts'
import { promptTokens } from '../../ai/providers/tokens.ts'
import type { Writing } from '../../ai/text/language.ts'
import { noEntries } from '../codex/select-entries.ts'
import type { NovelOverview } from '../library/shelf.ts'
import { promptLanguageOf } from '../prompts/prompts.ts'
import { type Material, onlyCodex } from './context.ts'
import { batchTokens } from './embed-texts.ts'
import {
  answerLimit,
  type Length,
  languageName,
  lengthInstruction,
  proseOf,
  tokensFor,
  writingOf,
} from './lengths.ts'
import { type ChaptersToOutline, outlineLength, promptOf } from './outline-chapter.ts'
import { lengthUpTo, planScene, requestedLength } from './scene-plan.ts'
import { type PartPrompt, type PromptedModel, promptOfPart, type SceneToPrompt } from './scene-prompt.ts'
import { partSummary, type TextToSummarise, usualSummary } from './summarise-text.ts'

/** The expected use of a model, rather too high than too low. */
export interface ExpectedUse {
  readonly calls: number
  readonly inputTokens: number
  readonly outputTokens: number
}

/** Models usually exceed a requested length by at most this factor. */
const overshoot = 1.25
/** The same for a scene, whose text ends with its length. */
const keptOvershoot = 1.1

function answerTokens(model: LanguageModel, tokens: number): number {
  return Math.min(answerLimit(model, tokens), Math.ceil(tokens * overshoot) + (model.thinkingTokens ?? 0))
}

/** Returns a function that estimates the summary of a text by its visible characters. */
export function summaryExpectations(
  model: LanguageModel,
  {
    prompts,
    language: tag,
    maxCharacters,
    style = '',
  }: Pick<TextToSummarise, 'prompts' | 'language' | 'maxCharacters' | 'style'>,
): (characters: number) => ExpectedUse {
  const writing = writingOf(tag)
  const language = promptLanguageOf(tag)
  const most = maxCharacters ?? usualSummary[writing]
  const length = lengthInstruction({ characters: most }, 'most', language)
  const slots = { language: languageName(tag, language), length, style, text: '.' }
  const frame = promptTokens(model, prompts('summarise-part', language).render(slots))
  const tokens = (characters: number) => tokensFor(model, { characters }, writing)
  const answer = answerTokens(model, tokens(most))
  const partAnswer = answerTokens(model, tokens(partSummary[writing]))
  const space = Math.max(1, model.contextTokens - answerLimit(model, tokens(most)) - frame)
  return characters => {
    const text = Math.ceil(tokens(characters) * overshoot)
    if (text <= space) return { calls: 1, inputTokens: text + frame, outputTokens: answer }
    const parts = Math.ceil(text / space)
    return {
      calls: parts + 1,
      inputTokens: text + parts * (frame + partAnswer) + frame,
      outputTokens: parts * partAnswer + answer,
    }
  }
}

/** A scene before it is written. */
export type SceneToExpect = SceneToPrompt & { readonly length: Length }

/** Returns the prompts of the parts of a scene as far as they are known: prose of the wanted length stands for what is written before each. */
export function expectedPrompts(scene: SceneToExpect, material: Material): readonly PartPrompt[] {
  const plan = planScene({ ...scene, summary: scene.slots['summary'] ?? '' })
  return plan.beats.map((_, at) => {
    const written = at === 0 ? '' : proseOf(lengthUpTo(plan, at), scene.writing)
    const part = { place: at + 1, length: requestedLength(plan, at + 1, written), written }
    return promptOfPart({ ...scene, plan }, { part, material })
  })
}

/** Returns the expected use of a model by a scene with such prompts. */
export function promptsUse(
  model: PromptedModel,
  { length, writing }: Pick<SceneToExpect, 'length' | 'writing'>,
  prompts: readonly PartPrompt[],
): ExpectedUse {
  const tokens = Math.ceil(tokensFor(model, length, writing) * keptOvershoot)
  const bounds = prompts.reduce((sum, { request }) => sum + request.maxOutputTokens, 0)
  return {
    calls: prompts.length,
    inputTokens: prompts.reduce((sum, { request }) => sum + promptTokens(model, request), 0),
    outputTokens: Math.min(bounds, tokens + prompts.length * (model.thinkingTokens ?? 0)),
  }
}

/** Returns the expected use of a model by a scene whose material has `mostMaterial` tokens. */
export function sceneExpectation(model: LanguageModel, scene: SceneToExpect): ExpectedUse {
  const prompts = expectedPrompts(scene, onlyCodex(noEntries))
  const { inputTokens, ...use } = promptsUse(model, scene, prompts)
  const material = Math.min(scene.mostMaterial, model.contextTokens)
  return { ...use, inputTokens: inputTokens + prompts.length * material }
}

/** Returns the expected use of a model by the outlines of the next chapters, each of which reads those before it. */
export function outlinesExpectation(
  asked: Pick<
    ChaptersToOutline,
    'count' | 'language' | 'model' | 'mostMaterial' | 'prompts' | 'scenes' | 'slots'
  >,
): readonly ExpectedUse[] {
  const { model, count, slots, mostMaterial } = asked
  const filled = { ...slots, planned: '.', titles: '.', scenes: '.', number: '1', count: '1' }
  const frame = promptTokens(model, promptOf(asked).render(filled))
  const outputTokens = answerTokens(model, outlineLength(asked))
  return Array.from({ length: count }, (_, before) => ({
    calls: 1,
    inputTokens: frame + Math.min(mostMaterial, model.contextTokens) + before * outputTokens,
    outputTokens,
  }))
}

/** Fewest characters of a passage, except the last one of a scene; and about the most tokens of one. */
const passageCharacters: Record<Writing, number> = { cjk: 200, spaced: 500 }
const passageTokens = 1_200
/** Fewest characters of an index segment: a call has passages of one segment only. */
const segmentCharacters = 40_000

/** Returns the expected use of a model by the vectors of a novel; none for an empty novel. */
export function vectorsExpectation(
  model: Pick<EmbeddingModel, 'countTokens' | 'maxTexts' | 'maxTokens'>,
  { characters, scenes, language = 'und' }: Pick<NovelOverview, 'characters' | 'language' | 'scenes'>,
): readonly ExpectedUse[] {
  if (characters === 0) return []
  const writing = writingOf(language)
  const passages = scenes + Math.ceil(characters / passageCharacters[writing])
  // The instruction of the model precedes each passage.
  const instructions = passages * model.countTokens('')
  const inputTokens = Math.ceil(tokensFor(model, { characters }, writing) * overshoot) + instructions
  const segments = Math.ceil(characters / segmentCharacters)
  const batch = batchTokens(model)
  const filled = Math.max(batch - passageTokens, batch / 2)
  const full = Math.ceil(inputTokens / filled + passages / model.maxTexts)
  return [{ calls: Math.min(passages, full + segments), inputTokens, outputTokens: 0 }]
}
