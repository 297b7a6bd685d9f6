import type { TextSpan } from '../model.ts'
import { englishFunctionWords, type Writing } from '../text/language.ts'
import { isClosed, scanQuotations } from '../text/quotations.ts'
import { characterPairs, letterRuns, normaliseWord } from '../text/terms.ts'

/** A sentence that may stand in a summary. */
export interface Candidate extends TextSpan {
  /** Distinct terms: pairs of characters, or words without function words. */
  readonly terms: ReadonlySet<string>
  /** Share of the sentence that stands within quotation marks, 0 to 1. */
  readonly speech: number
  /** False for what is too short to tell something, for half a quotation, and for verse. */
  readonly telling: boolean
}

/** A shorter sentence tells too little to be picked: characters, or words. */
const leastSize: Record<Writing, number> = { cjk: 8, spaced: 5 }
/** A line of verse is not longer; in code units. */
const longestVerse = 60
/** Verse has at least so many clauses of equal length after one another, unless the whole sentence is made of them. */
const verseClauses = 4

const wholeSentence = /[.!?…。！？]["'”’」』）)\]*_]*$/u

/**
 * Looks at one sentence of a text: undefined where nothing in it can be quoted as a sentence (blank, a heading, a line
 * that does not end one).
 */
export function candidateAt(text: string, sentence: TextSpan, writing: Writing): Candidate | undefined {
  const { start, end } = trimmed(text, sentence)
  const content = text.slice(start, end)
  if (!wholeSentence.test(content.slice(-8))) return undefined
  const { terms, size } = termsOf(content)
  if (size === 0) return undefined
  const { open, quoted, stray } = scanQuotations(content)
  const telling = size >= leastSize[writing] && isClosed(open) && !stray && !isVerse(text, sentence, content)
  return { start, end, terms, speech: quoted / content.length, telling }
}

/** A span without the white space at its ends. */
function trimmed(text: string, span: TextSpan): TextSpan {
  const content = text.slice(span.start, span.end)
  const start = span.start + content.length - content.trimStart().length
  return { start, end: Math.max(start, span.start + content.trimEnd().length) }
}

function termsOf(content: string): { terms: Set<string>; size: number } {
  const terms = new Set<string>()
  let size = 0
  for (const run of letterRuns(content)) {
    const letters = content.slice(run.start, run.end)
    if (run.kind === 'unspaced') {
      size += letters.length
      for (const pair of characterPairs(letters)) terms.add(pair)
    } else {
      size += 1
      if (!englishFunctionWords.has(letters.toLowerCase())) terms.add(normaliseWord(letters))
    }
  }
  return { terms, size }
}

/** Chinese verse shows in its clauses of five or seven characters, other verse in a short line after an unfinished one. */
function isVerse(text: string, sentence: TextSpan, content: string): boolean {
  const lengths = content.match(/\p{Script=Han}+/gu)?.map(clause => clause.length) ?? []
  let row = 0
  let longestRow = 0
  for (const [place, length] of lengths.entries()) {
    if (length !== 5 && length !== 7) row = 0
    else row = lengths[place - 1] === length ? row + 1 : 1
    longestRow = Math.max(longestRow, row)
  }
  if (longestRow >= verseClauses || (longestRow >= 2 && longestRow === lengths.length)) return true
  return lengths.length === 0 && isLineAfterOpenLine(text, sentence, content)
}

function isLineAfterOpenLine(text: string, sentence: TextSpan, content: string): boolean {
  if (content.length > longestVerse || /[\r\n]/.test(content)) return false
  const before = text.slice(Math.max(0, sentence.start - 80), sentence.start)
  const line = /([^\r\n]*)(?:\r\n|\n|\r)$/.exec(before)?.[1]
  return line !== undefined && line.trim() !== '' && !wholeSentence.test(line.trimEnd().slice(-8))
}
