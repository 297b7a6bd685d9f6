import type { LanguageModel } from '../../ai/model.ts'
import { detectLanguage, type Writing } from '../../ai/text/language.ts'
import type { PromptLanguage } from '../prompts/prompts.ts'
import { measure } from '../words.ts'

/** The length of a text in words or in characters, as `measure` counts them. */
export type Length = { readonly words: number } | { readonly characters: number }

/** Average prose, for converting lengths to tokens with the counter of the model. */
const prose: Record<Writing, string> = {
  spaced:
    'The old miller crossed the bridge before anybody was awake, and the lantern in his hand drew a small yellow circle on the water. ',
  cjk: '天还没有亮，老磨坊主提着灯笼走过石桥，昏黄的光在河面上摇晃，他始终没有回头。',
}

const lengthOfProse = { spaced: measure(prose.spaced), cjk: measure(prose.cjk) }

/** Repetitions of the sample, so that rounding does not matter. */
const repeats = 20

/** Returns the estimated tokens of a text of that length for a model. */
export function tokensFor(
  { countTokens }: Pick<LanguageModel, 'countTokens'>,
  length: Length,
  writing: Writing,
): number {
  const { words, characters } = lengthOfProse[writing]
  const unit = 'words' in length ? length.words / words : length.characters / characters
  return Math.ceil((unit * countTokens(prose[writing].repeat(repeats))) / repeats)
}

/** Returns average prose of about that length. */
export function proseOf(length: Length, writing: Writing): string {
  const { words, characters } = lengthOfProse[writing]
  return prose[writing].repeat(
    Math.round('words' in length ? length.words / words : length.characters / characters),
  )
}

/** Thinking tokens of a model without a configured number. */
const thought = 1_024

/** The properties of a model that bound its answer. */
export type AnswerBounds = Pick<LanguageModel, 'contextTokens' | 'maxOutputTokens' | 'thinkingTokens'>

/**
 * Returns the most tokens of an answer that should have `tokens`: models do not count, and some think before they write. At most half of the
 * context window, so that the prompt has space.
 */
export function answerLimit(
  { maxOutputTokens, contextTokens, thinkingTokens = thought }: AnswerBounds,
  tokens: number,
): number {
  return Math.min(maxOutputTokens, Math.floor(contextTokens / 2), tokens * 2 + thinkingTokens)
}

/** Most tokens of one answer: a longer text is written in parts, each stored separately. */
const longestPart = 2_500

/** Returns the most tokens of a part for a model. */
export function partTokens(model: AnswerBounds): number {
  const written = answerLimit(model, longestPart) - (model.thinkingTokens ?? 0)
  return Math.max(1, Math.min(longestPart, Math.floor(written / 2)))
}

/** Returns the length of a text in the unit of another length. */
export function lengthOf(text: string, unit: Length): number {
  const { words, characters } = measure(text)
  return 'words' in unit ? words : characters
}

/** Returns the writing of a language. */
export function writingOf(language: string): Writing {
  return /^(zh|ja|ko)\b/i.test(language) ? 'cjk' : 'spaced'
}

/** Returns the number of a length. */
export function amountOf(length: Length): number {
  return 'words' in length ? length.words : length.characters
}

/** Returns an amount in the unit of a length. */
export function sameUnit(length: Length, amount: number): Length {
  return 'words' in length ? { words: amount } : { characters: amount }
}

/** Returns a length as an instruction in a prompt: approximate, or an upper bound. */
export function lengthInstruction(length: Length, bound: 'about' | 'most', language: PromptLanguage): string {
  const amount = amountOf(length)
  if (language === 'zh') return `${bound === 'about' ? '约' : '不超过'}${amount}字`
  const unit = 'words' in length ? 'words' : 'characters'
  return `${bound === 'about' ? 'about' : 'at most'} ${amount} ${unit}`
}

/** They take longer to make than to ask. */
const names = {
  en: new Intl.DisplayNames(['en'], { type: 'language' }),
  zh: new Intl.DisplayNames(['zh'], { type: 'language' }),
}

/** Returns the name of a language in a prompt. */
export function languageName(tag: string, language: PromptLanguage): string {
  const unknown = language === 'zh' ? '中文' : 'the language of the novel'
  if (tag === 'und') return unknown
  try {
    return names[language].of(tag) ?? unknown
  } catch {
    // The tag is not a language.
    return unknown
  }
}

/** Returns the language of a text, BCP 47: the detected one, else the declared one, else `und`. */
export function textLanguage(text: string, declared: string | undefined): string {
  const { tag } = detectLanguage(text)
  return tag === 'und' ? (declared ?? tag) : tag
}
