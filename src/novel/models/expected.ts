import type { EmbeddingModel, LanguageModel } from '../../ai/model.ts'
import type { Writing } from '../../ai/text/language.ts'
import type { NovelOverview } from '../library/shelf.ts'
import { promptLanguageOf } from '../prompts/prompts.ts'
import { type NovelServices, promptsOf } from '../services.ts'
import { promptTokens } from './context.ts'
import { batchTokens } from './embed-texts.ts'
import { answerRoom, type Length, languageName, lengthWish, tokensFor, writingOf } from './lengths.ts'
import { partSummary, usualSummary } from './summarise-text.ts'
import { planParts, repeatedTokens, type SceneToWrite } from './write-scene.ts'

/** What something will ask of a model, rather too much than too little. */
export interface ExpectedUse {
  readonly calls: number
  readonly inputTokens: number
  readonly outputTokens: number
}

/** Models write more than they are asked for, by this much at most as a rule. */
const overshoot = 1.25

function answerTokens(model: LanguageModel, tokens: number): number {
  return Math.min(answerRoom(model, tokens), Math.ceil(tokens * overshoot) + (model.thinkingTokens ?? 0))
}

/** Which summary is expected. */
export interface SummaryWishes {
  readonly language: string
  readonly maxCharacters?: number | undefined
  readonly style?: string | undefined
}

/** What the summary of a text will ask, by the characters of the text that can be seen. */
export function summaryExpectations(
  services: Pick<NovelServices, 'promptsFolder'>,
  model: LanguageModel,
  { language: tag, maxCharacters, style = '' }: SummaryWishes,
): (characters: number) => ExpectedUse {
  const writing = writingOf(tag)
  const language = promptLanguageOf(tag)
  const most = maxCharacters ?? usualSummary[writing]
  const length = lengthWish({ characters: most }, 'most', language)
  const slots = { language: languageName(tag, language), length, style, text: '.' }
  const frame = promptTokens(model, promptsOf(services)('summarise-part', language).render(slots))
  const tokens = (characters: number) => tokensFor(model, { characters }, writing)
  const answer = answerTokens(model, tokens(most))
  const partAnswer = answerTokens(model, tokens(partSummary[writing]))
  const room = Math.max(1, model.contextTokens - answerRoom(model, tokens(most)) - frame)
  return characters => {
    const text = Math.ceil(tokens(characters) * overshoot)
    if (text <= room) return { calls: 1, inputTokens: text + frame, outputTokens: answer }
    const parts = Math.ceil(text / room)
    return {
      calls: parts + 1,
      inputTokens: text + parts * (frame + partAnswer) + frame,
      outputTokens: parts * partAnswer + answer,
    }
  }
}

/** Which scene is expected. */
export interface SceneWishes extends Pick<SceneToWrite, 'promptLanguage' | 'slots' | 'writing'> {
  readonly length: Length
  /** Most tokens of material. */
  readonly mostMaterial: number
}

/** What a scene will ask of a model. */
export function sceneExpectation(
  services: Pick<NovelServices, 'promptsFolder'>,
  model: LanguageModel,
  wishes: SceneWishes,
): ExpectedUse {
  const { length, writing, promptLanguage, slots, mostMaterial } = wishes
  const { parts } = planParts({ model, length, writing })
  const filled = { ...slots, length: lengthWish(length, 'about', promptLanguage), written: '.' }
  const prompt = promptsOf(services)('continue-scene', promptLanguage)
  const frame = promptTokens(model, prompt.render(filled))
  const material = Math.min(mostMaterial, model.contextTokens)
  return {
    calls: parts,
    inputTokens: parts * (frame + material) + (parts - 1) * repeatedTokens(model),
    outputTokens: Math.min(
      Math.ceil(tokensFor(model, length, writing) * overshoot) + parts * (model.thinkingTokens ?? 0),
      parts * answerRoom(model, tokensFor(model, length, writing)),
    ),
  }
}

/** Characters of a passage at least, but for the last one of a scene; and tokens of one at most, about. */
const passageCharacters: Record<Writing, number> = { cjk: 200, spaced: 500 }
const passageTokens = 1_200
/** Characters of a segment of the index at least: a call does not take passages of two. */
const segmentCharacters = 40_000

/** What the vectors of a novel will ask of a model; of an empty one, nothing. */
export function vectorsExpectation(
  model: Pick<EmbeddingModel, 'countTokens' | 'maxTexts' | 'maxTokens'>,
  { characters, scenes, language = 'und' }: Pick<NovelOverview, 'characters' | 'language' | 'scenes'>,
): readonly ExpectedUse[] {
  if (characters === 0) return []
  const writing = writingOf(language)
  const passages = scenes + Math.ceil(characters / passageCharacters[writing])
  // What the model is told of each passage stands before it.
  const told = passages * model.countTokens('')
  const inputTokens = Math.ceil(tokensFor(model, { characters }, writing) * overshoot) + told
  const segments = Math.ceil(characters / segmentCharacters)
  const batch = batchTokens(model)
  const filled = Math.max(batch - passageTokens, batch / 2)
  const full = Math.ceil(inputTokens / filled + passages / model.maxTexts)
  return [{ calls: Math.min(passages, full + segments), inputTokens, outputTokens: 0 }]
}
