import type { LanguageModel } from '../../ai/model.ts'
import { ModelError } from '../../ai/model-error.ts'
import { splitSentences } from '../../ai/text/sentences.ts'
import type { RenderedPrompt } from '../prompts/prompts.ts'

/**
 * What a prompt may tell of the novel beside what it must tell. It is fitted into what the window of the model leaves: each kind has a
 * share, and the text before the scene has whatever the others leave over.
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

/** The material as the slots of a prompt take it: in reading order, empty where nothing fits. */
export type FittedMaterial = Record<keyof Material, string>

/** Shares of the room; the text before the scene has the rest, half of it at least. */
const shares = { chapterSummaries: 0.2, passages: 0.2, names: 0.1 } as const

const between = '\n\n'
const nothing: FittedMaterial = { textBefore: '', chapterSummaries: '', passages: '', names: '' }

/** Fits material into so many tokens. */
export function fitMaterial(material: Material, room: number, countTokens: CountTokens): FittedMaterial {
  const share = (part: number) => Math.floor(room * part)
  const summaries = fitting(material.chapterSummaries, share(shares.chapterSummaries), countTokens, cutMark)
  const others = {
    chapterSummaries: summaries.reverse().join(between),
    passages: fitting(material.passages, share(shares.passages), countTokens).join(between),
    names: fitting(material.names, share(shares.names), countTokens).join('\n'),
  }
  const used = Object.values(others).reduce((sum, text) => sum + countTokens(text), 0)
  return { textBefore: fittingText(material.textBefore, room - used, countTokens), ...others }
}

/** Begins what was cut. */
const cutMark = '… '

/** Items from the first on, as long as they fit; with a mark, also the last sentences of the one that does not, behind it. */
function fitting(items: readonly string[], room: number, countTokens: CountTokens, mark?: string): string[] {
  let left = room
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

/** Whole texts, nearest first, and the last sentences of the one that does not fit; in reading order. */
function fittingText(texts: readonly string[], room: number, countTokens: CountTokens): string {
  let left = room
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

/** How a prompt is fitted. */
export interface Fitting {
  readonly model: Pick<LanguageModel, 'id' | 'contextTokens' | 'countTokens'>
  /** Tokens that the answer may have. */
  readonly outputTokens: number
  /** Most tokens of material, however much room there is: what is sent is paid. */
  readonly mostMaterial: number
  /** The prompt with so much material; what it must tell is in it in any case. */
  render(material: FittedMaterial): RenderedPrompt
}

/** Tokens that providers add for the roles of the messages, at most. */
const framingTokens = 16

/** About how many tokens a prompt is, rather too many than too few. */
export function promptTokens(
  { countTokens }: Pick<LanguageModel, 'countTokens'>,
  { system = '', prompt }: { system?: string; prompt: string },
): number {
  return countTokens(system) + countTokens(prompt) + framingTokens
}

/**
 * The prompt with as much of the material as the window of the model takes beside the answer. Throws MODEL_CONTEXT_EXCEEDED, with the
 * numbers, where it is too long without any.
 */
export function fitPrompt(material: Material, fitting: Fitting): RenderedPrompt {
  const { model, outputTokens, mostMaterial, render } = fitting
  const window = model.contextTokens - outputTokens
  const bare = render(nothing)
  const needed = promptTokens(model, bare)
  if (needed > window) throw contextExceeded(fitting, needed)
  let room = Math.min(mostMaterial, window - needed)
  while (room > 0) {
    const prompt = render(fitMaterial(material, room, text => model.countTokens(text)))
    const over = promptTokens(model, prompt) - Math.min(window, needed + mostMaterial)
    if (over <= 0) return prompt
    // The marks around the material count too.
    room -= over
  }
  return bare
}

/** MODEL_CONTEXT_EXCEEDED. */
export function contextExceeded(
  { model, outputTokens }: Pick<Fitting, 'model' | 'outputTokens'>,
  needed: number,
): ModelError {
  const { id, contextTokens } = model
  return new ModelError(
    'MODEL_CONTEXT_EXCEEDED',
    `The request has about ${needed} tokens and the answer may have ${outputTokens}, but the model ${id} takes ${contextTokens} in all. Shorten the text or the wishes, ask for a shorter answer, or choose a model with a larger context.`,
    { details: { model: id, neededTokens: needed, outputTokens, contextTokens } },
  )
}

/** Counts the tokens of a text, rather too many than too few. */
export type CountTokens = (text: string) => number

/**
 * Splits a text into parts that tile it, each of at most `room` tokens: between sentences, or between whole characters where a sentence
 * alone is too long. Yields now and then, so that a long text holds up nobody.
 */
export function* splitByTokens(
  text: string,
  room: number,
  countTokens: CountTokens,
): Generator<void, readonly string[]> {
  const parts: string[] = []
  let part = ''
  let size = 0
  for (const { start, end } of splitSentences(text)) {
    let sentence = text.slice(start, end)
    const tokens = countTokens(sentence)
    if (size + tokens > room && part !== '') {
      parts.push(part)
      part = ''
      size = 0
    }
    for (let left = tokens; left > room; left = countTokens(sentence)) {
      const cut = Math.max(firstCharacter(sentence), fittingStart(sentence, room, countTokens))
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

/** A token has no more characters than this; so many characters are looked at for each. */
const charactersPerToken = 12

/**
 * The end of a text, of at most `room` tokens: whole sentences, or, where not even the last one fits, as many of its characters as do.
 * Empty where nothing fits.
 */
export function endByTokens(text: string, room: number, countTokens: CountTokens): string {
  const end = text.trimEnd()
  if (room <= 0) return ''
  return lastSentences(end, room, countTokens) || endOfSentence(lookAt(end, room), room, countTokens)
}

/** The last sentences of a text that fit into `room` tokens; empty where none does. */
export function lastSentences(text: string, room: number, countTokens: CountTokens): string {
  if (room <= 0) return ''
  const end = text.trimEnd()
  const seen = lookAt(end, room)
  if (seen.length === end.length && countTokens(end) <= room) return end.trimStart()
  // The first sentence was perhaps cut by looking at the end alone.
  const whole = [...splitSentences(seen)].slice(seen.length === end.length ? 0 : 1)
  let start = seen.length
  let left = room
  for (const sentence of whole.reverse()) {
    left -= countTokens(seen.slice(sentence.start, sentence.end))
    if (left < 0) break
    start = sentence.start
  }
  return seen.slice(start).trimStart()
}

/** As much of the end of a text as can matter for so many tokens. */
function lookAt(text: string, room: number): string {
  return text.slice(wholeFrom(text, Math.max(0, text.length - room * charactersPerToken)))
}

/** As many whole characters from the end as fit; behind white space where there is some. */
function endOfSentence(text: string, room: number, countTokens: CountTokens): string {
  let low = 0
  let high = text.length
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (countTokens(text.slice(text.length - middle)) <= room) low = middle
    else high = middle - 1
  }
  const from = wholeFrom(text, text.length - low)
  if (from >= text.length) return ''
  const rest = text.slice(from)
  const word = from === 0 ? 0 : rest.search(/\s\S/u) + 1
  return rest.slice(word > 0 && word < rest.length / 2 ? word : 0).trimStart()
}

/** The longest beginning in code units, between whole characters, of at most `room` tokens; 0 where none is. */
function fittingStart(text: string, room: number, countTokens: CountTokens): number {
  let low = 0
  let high = text.length
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (countTokens(text.slice(0, middle)) <= room) low = middle
    else high = middle - 1
  }
  return isLow(text, low) ? low - 1 : low
}

function firstCharacter(text: string): number {
  return isLow(text, 1) ? 2 : 1
}

/** The place, or the one behind it where it would cut a character in two. */
function wholeFrom(text: string, at: number): number {
  return isLow(text, at) ? at + 1 : at
}

function isLow(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  const before = text.charCodeAt(at - 1)
  return unit >= 0xdc00 && unit <= 0xdfff && before >= 0xd800 && before <= 0xdbff
}
