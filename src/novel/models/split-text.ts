import { splitSentences } from '../../ai/text/sentences.ts'

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
