import type { EmbeddingModel, LanguageModel } from '../../ai/model.ts'
import { promptTokens } from '../../ai/providers/tokens.ts'
import type { Writing } from '../../ai/text/language.ts'
import type { NovelOverview } from '../library/shelf.ts'
import { loadPrompts, promptLanguageOf } from '../prompts/prompts.ts'
import type { NovelServices } from '../services.ts'
import { batchTokens } from './embed-texts.ts'
import { answerLimit, languageName, lengthInstruction, tokensFor, writingOf } from './lengths.ts'
import { partSummary, type TextToSummarise, usualSummary } from './summarise-text.ts'
import { planParts, repeatedTokens, type SceneToWrite } from './write-scene.ts'

/** The expected use of a model, rather too high than too low. */
export interface ExpectedUse {
  readonly calls: number
  readonly inputTokens: number
  readonly outputTokens: number
}

/** Models usually exceed a requested length by at most this factor. */
const overshoot = 1.25

function answerTokens(model: LanguageModel, tokens: number): number {
  return Math.min(answerLimit(model, tokens), Math.ceil(tokens * overshoot) + (model.thinkingTokens ?? 0))
}

/** Returns a function that estimates the summary of a text by its visible characters. */
export function summaryExpectations(
  services: Pick<NovelServices, 'promptsFolder'>,
  model: LanguageModel,
  { language: tag, maxCharacters, style = '' }: Pick<TextToSummarise, 'language' | 'maxCharacters' | 'style'>,
): (characters: number) => ExpectedUse {
  const writing = writingOf(tag)
  const language = promptLanguageOf(tag)
  const most = maxCharacters ?? usualSummary[writing]
  const length = lengthInstruction({ characters: most }, 'most', language)
  const slots = { language: languageName(tag, language), length, style, text: '.' }
  const frame = promptTokens(
    model,
    loadPrompts(services.promptsFolder)('summarise-part', language).render(slots),
  )
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

/** Returns the expected use of a model by a scene. */
export function sceneExpectation(
  services: Pick<NovelServices, 'promptsFolder'>,
  model: LanguageModel,
  scene: Pick<SceneToWrite, 'length' | 'mostMaterial' | 'promptLanguage' | 'slots' | 'writing'>,
): ExpectedUse {
  const { length, writing, promptLanguage, slots, mostMaterial } = scene
  const { parts } = planParts({ model, length, writing })
  const filled = { ...slots, length: lengthInstruction(length, 'about', promptLanguage), written: '.' }
  const prompt = loadPrompts(services.promptsFolder)('continue-scene', promptLanguage)
  const frame = promptTokens(model, prompt.render(filled))
  const material = Math.min(mostMaterial, model.contextTokens)
  return {
    calls: parts,
    inputTokens: parts * (frame + material) + (parts - 1) * repeatedTokens(model),
    outputTokens: Math.min(
      Math.ceil(tokensFor(model, length, writing) * overshoot) + parts * (model.thinkingTokens ?? 0),
      parts * answerLimit(model, tokensFor(model, length, writing)),
    ),
  }
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
