import type { TextSpan } from '../model.ts'
import type { Writing } from '../text/language.ts'

const clauseEnd = /[,;:.!?，、；：。！？…—]["'”’」』）)]*/gu
const cjk = /[\u2e80-\uffef“”‘’…—]/
/** Korean puts spaces between words and sentences. */
const hangul = /\p{Script=Hangul}/u

/**
 * Puts the sentences of a text together for reading. Verbatim but for white space: a line break that only the width
 * of the page made is undone.
 */
export function joinSentences(text: string, sentences: readonly TextSpan[], writing: Writing): string {
  const parts = sentences.map(({ start, end }) => unwrap(text.slice(start, end)))
  const gapAfter = (part: string) => (writing === 'cjk' && !hangul.test(part) ? '' : ' ')
  return parts.map((part, at) => (at + 1 < parts.length ? part + gapAfter(part) : part)).join('')
}

function unwrap(sentence: string): string {
  return sentence.replace(/\s+/gu, (space, place: number) => {
    if (!/[\r\n\u2028\u2029]/.test(space)) return space.length > 1 ? ' ' : space
    const around = [sentence.charAt(place - 1), sentence.charAt(place + space.length)]
    return around.every(each => cjk.test(each) && !hangul.test(each)) ? '' : ' '
  })
}

/**
 * The beginning of a text that is too long to be quoted whole: up to the last clause that fits into `budget` code
 * units, or else as many characters as fit. Never empty where the text has a letter or a digit.
 */
export function beginningOf(text: string, span: TextSpan, budget: number): TextSpan {
  const content = text.slice(span.start, span.end)
  const start = span.start + Math.max(0, content.search(/[\p{L}\p{N}]/u))
  if (span.end - start <= budget) return { start, end: span.end }
  const fitting = text.slice(start, start + budget)
  let clause = 0
  for (const mark of fitting.matchAll(clauseEnd)) clause = mark.index + mark[0].length
  return { start, end: start + (clause > 0 ? clause : wholeCharacters(text, start, budget)) }
}

/** The most code units up to `budget` that end no surrogate pair in its middle; a first pair is always whole. */
function wholeCharacters(text: string, start: number, budget: number): number {
  const last = text.charCodeAt(start + budget - 1)
  const cut = last >= 0xd800 && last <= 0xdbff
  return cut ? Math.max(budget - 1, budget === 1 ? 2 : 1) : budget
}
