import type { LanguageModel } from '../../ai/model.ts'
import { ModelError } from '../../ai/model-error.ts'
import { promptTokens } from '../../ai/providers/tokens.ts'
import { isInCharacter, wholeAt } from '../../ai/text/characters.ts'
import { splitSentences } from '../../ai/text/sentences.ts'
import type { Steps } from '../../runtime/cooperate.ts'
import type { RenderedPrompt } from '../prompts/prompts.ts'

/**
 * Optional material about the novel in a prompt. It fills the rest of the context window of the model: each kind has a share, and the text
 * before the scene has the remainder.
 */
export interface Material {
  /** Texts of the scenes before, nearest first. */
  readonly textBefore: readonly string[]
  /** Nearest first. */
  readonly chapterSummaries: readonly string[]
  /** Best first. */
  readonly passages: readonly string[]
  /** Most important first. */
  readonly names: readonly string[]
}

/** The material for the slots of a prompt: in reading order, empty where nothing fits. */
type FittedMaterial = Record<keyof Material, string>

/** Shares of the tokens; the text before the scene has the remainder, at least half. */
const shares = { chapterSummaries: 0.2, passages: 0.2, names: 0.1 } as const

const between = '\n\n'
const nothing: FittedMaterial = { textBefore: '', chapterSummaries: '', passages: '', names: '' }

/** Fits material into a number of tokens. */
export function fitMaterial(material: Material, tokens: number, countTokens: CountTokens): FittedMaterial {
  const share = (part: number) => Math.floor(tokens * part)
  const summaries = fitting(material.chapterSummaries, share(shares.chapterSummaries), countTokens, cutMark)
  const others = {
    chapterSummaries: summaries.reverse().join(between),
    passages: fitting(material.passages, share(shares.passages), countTokens).join(between),
    names: fitting(material.names, share(shares.names), countTokens).join('\n'),
  }
  const used = Object.values(others).reduce((sum, text) => sum + countTokens(text), 0)
  return { textBefore: fittingText(material.textBefore, tokens - used, countTokens), ...others }
}

/** Marks the start of a cut text. */
const cutMark = '… '

/** Returns the first items that fit; with a mark, also the last sentences of the next one, after the mark. */
function fitting(items: readonly string[], most: number, countTokens: CountTokens, mark?: string): string[] {
  let left = most
  const taken: string[] = []
  for (const item of items) {
    const tokens = countTokens(`${item}${between}`)
    if (tokens > left) {
      if (mark === undefined) return taken
      const end = lastSentences(item, left - countTokens(`${mark}${between}`), countTokens)
      return end === '' ? taken : [...taken, mark + end]
    }
    left -= tokens
    taken.push(item)
  }
  return taken
}

/** Returns the nearest texts that fit, and the last sentences of the next one, in reading order. */
function fittingText(texts: readonly string[], most: number, countTokens: CountTokens): string {
  let left = most
  const taken: string[] = []
  for (const text of texts) {
    const cut = taken.length === 0 ? endByTokens : lastSentences
    const end = cut(text, left - countTokens(between), countTokens)
    if (end === '') break
    taken.unshift(end)
    left -= countTokens(`${end}${between}`)
    if (end.length < text.trim().length) break
  }
  return taken.join(between)
}

/** The limits of a prompt, and its text. */
interface Fitting {
  readonly model: Pick<LanguageModel, 'id' | 'contextTokens' | 'countTokens'>
  /** Most tokens of the answer. */
  readonly outputTokens: number
  /** Most tokens of material: each token costs money. */
  readonly mostMaterial: number
  /** Returns the prompt with material; its mandatory part is always included. */
  render(material: FittedMaterial): RenderedPrompt
}

/**
 * Returns the prompt with as much material as the context window of the model allows beside the answer. Throws MODEL_CONTEXT_EXCEEDED, with
 * the numbers, where the prompt is too long without material.
 */
export function fitPrompt(material: Material, fitting: Fitting): RenderedPrompt {
  const { model, outputTokens, mostMaterial, render } = fitting
  const window = model.contextTokens - outputTokens
  const bare = render(nothing)
  const needed = promptTokens(model, bare)
  if (needed > window) throw contextExceeded(fitting, needed)
  let tokens = Math.min(mostMaterial, window - needed)
  while (tokens > 0) {
    const prompt = render(fitMaterial(material, tokens, text => model.countTokens(text)))
    const over = promptTokens(model, prompt) - Math.min(window, needed + mostMaterial)
    if (over <= 0) return prompt
    // The marks around the material have tokens too.
    tokens -= over
  }
  return bare
}

/** Returns the error MODEL_CONTEXT_EXCEEDED. */
export function contextExceeded(
  { model, outputTokens }: Pick<Fitting, 'model' | 'outputTokens'>,
  needed: number,
): ModelError {
  const { id, contextTokens } = model
  return new ModelError(
    'MODEL_CONTEXT_EXCEEDED',
    `The request has about ${needed} tokens and the answer may have ${outputTokens}, but the model ${id} takes ${contextTokens} in all. Shorten the text or the instructions, ask for a shorter answer, or choose a model with a larger context.`,
    { details: { model: id, neededTokens: needed, outputTokens, contextTokens } },
  )
}

/** Counts the tokens of a text, rather too many than too few. */
type CountTokens = (text: string) => number

/**
 * Splits a text into parts that tile it, each of at most `most` tokens: between sentences, or between whole characters in a sentence that is
 * too long. Yields after each sentence, so that a long text does not block the event loop. Returns the parts.
 */
export function* splitByTokens(
  text: string,
  most: number,
  countTokens: CountTokens,
): Steps<readonly string[]> {
  const parts: string[] = []
  let part = ''
  let size = 0
  for (const { start, end } of splitSentences(text)) {
    let sentence = text.slice(start, end)
    const tokens = countTokens(sentence)
    if (size + tokens > most && part !== '') {
      parts.push(part)
      part = ''
      size = 0
    }
    for (let left = tokens; left > most; left = countTokens(sentence)) {
      const cut = Math.max(wholeFrom(sentence, 1), fittingStart(sentence, most, countTokens))
      parts.push(sentence.slice(0, cut))
      sentence = sentence.slice(cut)
    }
    part += sentence
    size += countTokens(sentence)
    yield
  }
  if (part !== '') parts.push(part)
  return parts
}

/** Most characters of a token. */
const charactersPerToken = 12

/**
 * Returns the end of a text, of at most `most` tokens: whole sentences, or the last characters of a sentence that does not fit. Empty where
 * nothing fits.
 */
export function endByTokens(text: string, most: number, countTokens: CountTokens): string {
  const end = text.trimEnd()
  if (most <= 0) return ''
  return lastSentences(end, most, countTokens) || endOfSentence(possibleEnd(end, most), most, countTokens)
}

/** Returns the last sentences of a text that fit into `most` tokens; empty where none does. */
function lastSentences(text: string, most: number, countTokens: CountTokens): string {
  if (most <= 0) return ''
  const end = text.trimEnd()
  const seen = possibleEnd(end, most)
  if (seen.length === end.length && countTokens(end) <= most) return end.trimStart()
  // The first sentence may be cut.
  const whole = [...splitSentences(seen)].slice(seen.length === end.length ? 0 : 1)
  let start = seen.length
  let left = most
  for (const sentence of whole.reverse()) {
    left -= countTokens(seen.slice(sentence.start, sentence.end))
    if (left < 0) break
    start = sentence.start
  }
  return seen.slice(start).trimStart()
}

/** Returns the longest end of a text that a number of tokens can have. */
function possibleEnd(text: string, most: number): string {
  return text.slice(wholeFrom(text, Math.max(0, text.length - most * charactersPerToken)))
}

/** Returns as many whole characters of the end as fit, from white space if possible. */
function endOfSentence(text: string, most: number, countTokens: CountTokens): string {
  const fits = (length: number) => countTokens(text.slice(text.length - length)) <= most
  const from = wholeFrom(text, text.length - longest(text.length, fits))
  if (from >= text.length) return ''
  const rest = text.slice(from)
  const word = from === 0 ? 0 : rest.search(/\s\S/u) + 1
  return rest.slice(word > 0 && word < rest.length / 2 ? word : 0).trimStart()
}

/** Returns the length of the longest beginning, between whole characters, of at most `most` tokens. */
function fittingStart(text: string, most: number, countTokens: CountTokens): number {
  const fits = (length: number) => countTokens(text.slice(0, length)) <= most
  return wholeAt(text, longest(text.length, fits))
}

/** Returns the greatest length up to `most` that fits; each shorter one fits too. */
function longest(most: number, fits: (length: number) => boolean): number {
  let low = 0
  let high = most
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (fits(middle)) low = middle
    else high = middle - 1
  }
  return low
}

/** Returns the place, or the next one where it would cut a character. */
function wholeFrom(text: string, at: number): number {
  return isInCharacter(text, at) ? at + 1 : at
}
