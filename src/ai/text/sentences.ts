import type { TextSpan } from '../model.ts'
import { splitParagraphs } from './paragraphs.ts'
import { isClosed, type OpenQuotations, scanQuotations } from './quotations.ts'

/**
 * Code units that the segmenter sees at once. Its time per sentence grows with the text that it is given, so a long
 * line must be fed to it in pieces.
 */
const segmenterWindow = 2_048
/** A sentence that goes on longer is no sentence: nothing is joined to it any more. In code units. */
const longestSentence = 4_000
/** A quotation longer than this is taken for one whose closing mark is missing. In code units. */
const longestQuotation = 2_000

const abbreviation =
  /(?:^|[\s("“‘'])(?:Mr|Mrs|Ms|Dr|St|Prof|Rev|Capt|Col|Gen|Lt|Maj|Sgt|Hon|Messrs|Mme|Mlle|vs|cf|e\.g|i\.e|viz|[A-HJ-Z])\.\s*$/u
const startsLowerCase = /^[\s"”’')\]»—-]*\p{Ll}/u
/**
 * Splits a text into sentences that tile it: every code unit belongs to exactly one, white space to the sentence
 * before it. Boundaries are those of Unicode (UAX 29), joined again after abbreviations, before a lower-case
 * continuation, and within a pair of quotation marks of one paragraph.
 */
export function* splitSentences(text: string): Generator<TextSpan, void> {
  for (const paragraph of splitParagraphs(text)) {
    yield* joinQuotations(text, joinContinuations(text, boundaries(text, paragraph)))
  }
}

let segmenter: Intl.Segmenter | undefined

function* boundaries(text: string, paragraph: TextSpan): Generator<TextSpan, void> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'sentence' })
  let start = paragraph.start
  while (start < paragraph.end) {
    const windowEnd = endOfWindow(text, start, paragraph.end)
    // A line break within a paragraph is the work of a fixed width; the segmenter would take it for an end.
    const window = text.slice(start, windowEnd).replace(/[\r\n\u2028\u2029]/g, ' ')
    let from = start
    for (const { segment } of segmenter.segment(window)) {
      const end = from + segment.length
      // The last sentence of a window may go on behind it, unless it fills the window.
      if (end === windowEnd && windowEnd < paragraph.end && from > start) break
      yield { start: from, end }
      from = end
    }
    start = from
  }
}

function endOfWindow(text: string, start: number, limit: number): number {
  const end = start + segmenterWindow
  if (end >= limit) return limit
  const last = text.charCodeAt(end - 1)
  return last >= 0xd800 && last <= 0xdbff ? end + 1 : end
}

function* joinContinuations(text: string, pieces: Iterable<TextSpan>): Generator<TextSpan, void> {
  let pending: TextSpan | undefined
  for (const piece of pieces) {
    if (pending === undefined) pending = piece
    else if (belongsTogether(text, pending, piece)) pending = { start: pending.start, end: piece.end }
    else {
      yield pending
      pending = piece
    }
  }
  if (pending !== undefined) yield pending
}

function belongsTogether(text: string, before: TextSpan, after: TextSpan): boolean {
  if (before.end - before.start > longestSentence) return false
  return (
    startsLowerCase.test(text.slice(after.start, Math.min(after.end, after.start + 12))) ||
    abbreviation.test(text.slice(Math.max(before.start, before.end - 12), before.end))
  )
}

function* joinQuotations(text: string, pieces: Iterable<TextSpan>): Generator<TextSpan, void> {
  const pending: TextSpan[] = []
  let open: OpenQuotations | undefined
  for (const piece of pieces) {
    pending.push(piece)
    open = scanQuotations(text.slice(piece.start, piece.end), open).open
    const start = pending[0]?.start ?? piece.start
    if (isClosed(open)) yield { start, end: piece.end }
    else if (piece.end - start > longestQuotation) yield* pending
    else continue
    pending.length = 0
    open = undefined
  }
  yield* pending
}
