/** Finds in a text what somebody quotes from it: what a model says is not believed, and what an author noted is out of date, where the text has not the words. */

/** Signs that are written in several ways: a model quotes “it” as "it". */
const variants: readonly (readonly [signs: string, pattern: string])[] = [
  ['"“”„«»「」『』', '["“”„«»「」『』]'],
  ["'‘’ʼ＇", "['‘’ʼ＇]"],
  ['-', '[-‐‑–—]+'],
  ['…', '[.…]+'],
]

/** Signs that may stand several times: each run is one, so that no pattern repeats what it repeats, which would take exponential time. */
const runs: readonly (readonly [run: RegExp, sign: string])[] = [
  [/[-‐‑–—]+/gu, '-'],
  [/[.…]*…[.…]*|\.{3,}/gu, '…'],
]

/** What stands around a quotation and is no part of it: quotation marks, marks that something is left out, the end of a sentence. */
const edges = /^[\s"“”„«»「」『』'‘’….]+|[\s"“”„«»「」『』'‘’….,;:。，；：]+$/gu

/** Letters that a quotation has at least: fewer are found by chance. */
const leastLetters = { han: 4, other: 8 }

/** A stretch of a text, in code units. */
export interface QuotedSpan {
  readonly from: number
  readonly to: number
}

/** Returns where a text has a quotation, letter by letter; white space and quotation marks may differ. Undefined where it has not, or where too little is quoted. */
export function findQuotation(text: string, quotation: string): QuotedSpan | undefined {
  const said = quotation.replace(edges, '')
  const letters = said.match(/\p{L}|\p{N}/gu) ?? []
  const least = /\p{Script=Han}/u.test(said) ? leastLetters.han : leastLetters.other
  return letters.length < least ? undefined : findWritten(text, said)
}

/** Returns where a text has some words, as `findQuotation` does, however few they are. */
export function findWritten(text: string, said: string): QuotedSpan | undefined {
  const words = said.trim().split(/\s+/u)
  const found = new RegExp(words.map(patternOf).join('\\s+'), 'u').exec(text)
  return found === null || found[0] === ''
    ? undefined
    : { from: found.index, to: found.index + found[0].length }
}

/** Returns whether a text has some words, as `findWritten` does. */
export function hasWords(text: string, said: string): boolean {
  return findWritten(text, said) !== undefined
}

function patternOf(word: string): string {
  const plain = runs.reduce((text, [run, sign]) => text.replace(run, sign), word)
  return [...plain]
    .map(sign => {
      const known = variants.find(([signs]) => signs.includes(sign))
      return known?.[1] ?? sign.replace(/[\\^$.*+?()[\]{}|/]/u, '\\$&')
    })
    .join('')
}
