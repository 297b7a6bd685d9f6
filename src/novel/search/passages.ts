import type { TextSpan } from '../../ai/model.ts'
import { wholeAt } from '../../ai/text/characters.ts'
import { splitParagraphs } from '../../ai/text/paragraphs.ts'
import { splitSentences } from '../../ai/text/sentences.ts'

/** Largest passage, in Chinese characters; see `sizeOf`. */
const largest = 800
/** A smaller passage also takes the next paragraph, if both fit. */
const smallest = 200
/** Size of a letter of an alphabet, where a Chinese character has 1. */
const letterSize = 0.4
const firstUnspaced = 0x2e80

/**
 * Splits the text of a scene into passages that tile it: about a paragraph each, at most 800 Chinese characters or 2,000 Latin letters. It
 * joins short paragraphs, and cuts long ones between sentences, or anywhere in a sentence that is too long. A blank text has no passages.
 */
export function* splitPassages(text: string): Generator<TextSpan, void> {
  if (!/\S/u.test(text)) return
  let current: (TextSpan & { readonly size: number }) | undefined
  for (const piece of pieces(text)) {
    const size = sizeOf(text, piece)
    if (current !== undefined && current.size < smallest && current.size + size <= largest) {
      current = { start: current.start, end: piece.end, size: current.size + size }
      continue
    }
    if (current !== undefined) yield { start: current.start, end: current.end }
    current = { ...piece, size }
  }
  if (current !== undefined) yield { start: current.start, end: current.end }
}

function* pieces(text: string): Generator<TextSpan, void> {
  for (const paragraph of splitParagraphs(text)) {
    if (sizeOf(text, paragraph) <= largest) yield paragraph
    else yield* cut(text, paragraph)
  }
}

function* cut(text: string, paragraph: TextSpan): Generator<TextSpan, void> {
  let start = paragraph.start
  let end = start
  for (const sentence of splitSentences(text.slice(paragraph.start, paragraph.end))) {
    const next = paragraph.start + sentence.end
    if (end > start && sizeOf(text, { start, end: next }) > largest) {
      yield { start, end }
      start = end
    }
    end = next
    while (sizeOf(text, { start, end }) > largest) {
      const fits = fitting(text, start, end)
      yield { start, end: fits }
      start = fits
    }
  }
  if (end > start) yield { start, end }
}

/** Returns the furthest end at which a span is not too large, between whole characters. */
function fitting(text: string, start: number, end: number): number {
  let size = 0
  for (let at = start; at < end; at += 1) {
    size += unitSize(text, at)
    if (size > largest) return at > start + 1 ? wholeAt(text, at) : at
  }
  return end
}

function sizeOf(text: string, span: TextSpan): number {
  let size = 0
  for (let at = span.start; at < span.end; at += 1) size += unitSize(text, at)
  return size
}

function unitSize(text: string, at: number): number {
  return text.charCodeAt(at) >= firstUnspaced ? 1 : letterSize
}
