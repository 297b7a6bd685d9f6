import type { LanguageModel } from '../../ai/model.ts'
import { detectLanguage, type Writing } from '../../ai/text/language.ts'
import type { PromptLanguage } from '../prompts/prompts.ts'
import { measure } from '../words.ts'

/** How long a text should be, in one of the two units; see `measure` for what they count. */
export type Length = { readonly words: number } | { readonly characters: number }

/** Average prose, by which lengths become tokens with the counter of the model itself. */
const prose: Record<Writing, string> = {
  spaced:
    'The old miller crossed the bridge before anybody was awake, and the lantern in his hand drew a small yellow circle on the water. ',
  cjk: '天还没有亮，老磨坊主提着灯笼走过石桥，昏黄的光在河面上摇晃，他始终没有回头。',
}

const measured: Record<Writing, ReturnType<typeof measure>> = {
  spaced: measure(prose.spaced),
  cjk: measure(prose.cjk),
}

/** How often the sample is counted: rounding must not matter. */
const repeats = 20

/** About how many tokens a text of that length has in the eyes of a model. */
export function tokensFor(
  { countTokens }: Pick<LanguageModel, 'countTokens'>,
  length: Length,
  writing: Writing,
): number {
  const { words, characters } = measured[writing]
  const unit = 'words' in length ? length.words / words : length.characters / characters
  return Math.ceil((unit * countTokens(prose[writing].repeat(repeats))) / repeats)
}

/** Room for a model that may think before it writes, and of which nothing is known; in tokens. */
const thought = 1_024

/** What of a model decides how much it can answer. */
export type AnswerBounds = Pick<LanguageModel, 'contextTokens' | 'maxOutputTokens' | 'thinkingTokens'>

/**
 * Most tokens that the answer to a wish for so many may have: models do not count, and some think before they write. At most half of the
 * window, so that something can be asked.
 */
export function answerRoom(
  { maxOutputTokens, contextTokens, thinkingTokens = thought }: AnswerBounds,
  tokens: number,
): number {
  return Math.min(maxOutputTokens, Math.floor(contextTokens / 2), tokens * 2 + thinkingTokens)
}

/** Tokens that are asked for in one answer at most: what is longer is written in parts, each kept for itself. */
const longestPart = 2_500

/** How many tokens a model can be asked for at a time. */
export function partTokens(model: AnswerBounds): number {
  const written = answerRoom(model, longestPart) - (model.thinkingTokens ?? 0)
  return Math.max(1, Math.min(longestPart, Math.floor(written / 2)))
}

/** The length of a text in the unit of a wish. */
export function lengthOf(text: string, unit: Length): number {
  const { words, characters } = measure(text)
  return 'words' in unit ? words : characters
}

/** How a language is written. */
export function writingOf(language: string): Writing {
  return /^(zh|ja|ko)\b/i.test(language) ? 'cjk' : 'spaced'
}

/** The number of a length. */
export function amountOf(length: Length): number {
  return 'words' in length ? length.words : length.characters
}

/** So much in the unit of a length. */
export function sameUnit(length: Length, amount: number): Length {
  return 'words' in length ? { words: amount } : { characters: amount }
}

/** A length as a model is told it: about so much, or so much at most. */
export function lengthWish(length: Length, bound: 'about' | 'most', language: PromptLanguage): string {
  const amount = amountOf(length)
  if (language === 'zh') return `${bound === 'about' ? '约' : '不超过'}${amount}字`
  const unit = 'words' in length ? 'words' : 'characters'
  return `${bound === 'about' ? 'about' : 'at most'} ${amount} ${unit}`
}

/** A language as a prompt names it. */
export function languageName(tag: string, language: PromptLanguage): string {
  const unknown = language === 'zh' ? '中文' : 'the language of the novel'
  if (tag === 'und') return unknown
  try {
    return new Intl.DisplayNames([language], { type: 'language' }).of(tag) ?? unknown
  } catch {
    // A tag that somebody made up.
    return unknown
  }
}

/** The language of a text, BCP 47: as its letters tell, else as somebody said, else `und`. */
export function textLanguage(text: string, said: string | undefined): string {
  const { tag } = detectLanguage(text)
  return tag === 'und' ? (said ?? tag) : tag
}
