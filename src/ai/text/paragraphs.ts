import type { TextSpan } from '../model.ts'

/** Lines that the test for wrapping looks at. */
const sampledLines = 2_000
/** A line shorter than this share of the usual width was ended by its author, not by the width. */
const fullLine = 0.6

const lineBreak = /\r\n|[\n\r\u2028\u2029]/g
const ended = /[.!?:;"'”’)\]»…。！？：；」』》）—]\s*$/u

interface Line extends TextSpan {
  /** Length without white space at the end. */
  readonly length: number
  readonly indented: boolean
}

/**
 * Splits a text into paragraphs that tile it; blank lines belong to the paragraph before them. A paragraph ends at a line break, or, in a text that is wrapped at a
 * fixed width, at a blank line, before an indented line and after a short line.
 */
export function* splitParagraphs(text: string): Generator<TextSpan, void> {
  const width = wrapWidth(text)
  let start = 0
  let previous: Line | undefined
  for (const line of lines(text)) {
    if (line.length === 0) {
      previous &&= { ...previous, length: 0 }
      continue
    }
    if (previous !== undefined && !(width > 0 && continues(previous, line, width))) {
      yield { start, end: line.start }
      start = line.start
    }
    previous = line
  }
  if (start < text.length) yield { start, end: text.length }
}

function continues(previous: Line, line: Line, width: number): boolean {
  return line.length > 0 && !line.indented && previous.length >= width * fullLine
}

function* lines(text: string): Generator<Line, void> {
  let start = 0
  for (const found of text.matchAll(lineBreak)) {
    const end = found.index + found[0].length
    yield lineAt(text, start, end)
    start = end
  }
  if (start < text.length) yield lineAt(text, start, text.length)
}

function lineAt(text: string, start: number, end: number): Line {
  const content = text.slice(start, end)
  return { start, end, length: content.trimEnd().length, indented: /^\s/u.test(content) }
}

/**
 * The width at which a text is wrapped, 0 if it is not: most full lines of a wrapped text break off in the middle of
 * a sentence, most lines of any other end with one.
 */
function wrapWidth(text: string): number {
  const sample: Line[] = []
  for (const line of lines(text)) {
    if (sample.push(line) >= sampledLines) break
  }
  const lengths = sample.map(line => line.length).filter(length => length > 0)
  const width = lengths.sort((a, b) => a - b)[Math.floor(lengths.length * 0.9)] ?? 0
  let full = 0
  let open = 0
  for (const [place, line] of sample.entries()) {
    const next = sample[place + 1]
    if (next === undefined || !continues(line, next, width)) continue
    full += 1
    if (!ended.test(text.slice(Math.max(line.start, line.start + line.length - 4), line.start + line.length)))
      open += 1
  }
  return full >= 3 && open * 2 >= full ? width : 0
}
