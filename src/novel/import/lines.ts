import { wholeAt } from '../../ai/text/characters.ts'
import { yieldWhenDue } from '../../runtime/cooperate.ts'
import { createDecoder } from './decoder.ts'
import type { TextSource } from './source.ts'

/** One line of the text without its line end, or one piece of a line that is too long for memory. */
export interface Line {
  /** Line number, from 0. All pieces of a long line have the same number. */
  readonly number: number
  readonly text: string
  /** The next piece continues the line. */
  readonly partial: boolean
  /** The level of a heading, 0 the highest, where the file itself marks the line as a heading. */
  readonly level?: number
}

/** The faulty characters of a text, counted while its lines are read. */
export interface CharacterFaults {
  /** U+FFFD characters: bytes without a meaning in the encoding, or earlier damage. */
  bad: number
  /** Line number of the first one, or -1. */
  firstBadLine: number
  /** NUL and end-of-file (0x1A) characters left out. */
  controls: number
}

/** Longest piece of a line, in UTF-16 units. */
export const LONGEST_PIECE = 16_384

/** Adds the pieces of a line that is too long for memory, cut between whole characters. Returns the rest of the line. */
export function cutPieces(line: string, number: number, pieces: Line[]): string {
  let start = 0
  while (line.length - start > LONGEST_PIECE) {
    const end = wholeAt(line, start + LONGEST_PIECE)
    pieces.push({ number, text: line.slice(start, end), partial: true })
    start = end
  }
  return start === 0 ? line : line.slice(start)
}

/** Returns an empty record for `readLines`. */
export function noFaults(): CharacterFaults {
  return { bad: 0, firstBadLine: -1, controls: 0 }
}

/**
 * Decodes a source and yields its lines in batches. Memory is bounded whatever the text: longer lines come in pieces.
 * Line ends: LF, CR LF, CR, NEL, form feed, U+2028, U+2029. NUL and 0x1A are left out.
 */
export async function* readLines(
  source: TextSource,
  encoding: string,
  faults: CharacterFaults = noFaults(),
): AsyncGenerator<Line[]> {
  const decoder = createDecoder(encoding)
  const splitter = new LineSplitter(faults)
  for await (const bytes of source.read()) {
    const batch = splitter.push(decoder.decode(bytes))
    if (batch.length > 0) yield batch
  }
  const rest = splitter.push(decoder.end())
  splitter.end(rest)
  if (rest.length > 0) yield rest
}

/** Characters after which a reading yields to the event loop, and how many a line counts beside its own. */
const charactersPerStep = 4_000
const perLine = 100

/** Yields lines in small steps; between them, yields to the event loop whenever it is due. Throws the signal's reason. */
export async function* inSteps(
  content: AsyncIterable<readonly Line[]>,
  signal?: AbortSignal,
): AsyncGenerator<readonly Line[]> {
  const takeTurns = yieldWhenDue(signal)
  let characters = 0
  for await (const lines of content) {
    let from = 0
    for (const [at, line] of lines.entries()) {
      characters += line.text.length + perLine
      if (characters < charactersPerStep) continue
      characters = 0
      yield lines.slice(from, at + 1)
      from = at + 1
      await takeTurns()
    }
    yield lines.slice(from)
  }
}

class LineSplitter {
  #carry = ''
  #number = 0
  #heldReturn = false
  readonly #faults: CharacterFaults

  constructor(faults: CharacterFaults) {
    this.#faults = faults
  }

  push(decoded: string): Line[] {
    const text = this.#unify(decoded)
    const parts = text.split('\n')
    const last = parts.length - 1
    const lines: Line[] = []
    for (let i = 0; i <= last; i++) {
      const part = this.#carry + (parts[i] ?? '')
      this.#carry = cutPieces(part, this.#number, lines)
      if (i < last) this.#close(lines)
    }
    if (text.includes('\uFFFD')) this.#countBad(text, lines)
    return lines
  }

  end(lines: Line[]): void {
    if (this.#carry !== '' || this.#heldReturn) this.#close(lines)
    this.#heldReturn = false
  }

  /** Replaces every line end by LF. A CR at the end waits for the LF that may follow. */
  #unify(decoded: string): string {
    let text = this.#heldReturn ? `\r${decoded}` : decoded
    this.#heldReturn = text.endsWith('\r')
    if (this.#heldReturn) text = text.slice(0, -1)
    if (OTHER_LINE_ENDS.test(text)) text = text.replace(ALL_LINE_ENDS, '\n')
    return this.#withoutControls(text)
  }

  #withoutControls(text: string): string {
    if (!text.includes('\0') && !text.includes('\x1a')) return text
    const clean = text.replaceAll('\0', '').replaceAll('\x1a', '')
    this.#faults.controls += text.length - clean.length
    return clean
  }

  #close(lines: Line[]): void {
    lines.push({ number: this.#number, text: this.#carry, partial: false })
    this.#carry = ''
    this.#number++
  }

  #countBad(text: string, lines: readonly Line[]): void {
    for (let at = text.indexOf('\uFFFD'); at >= 0; at = text.indexOf('\uFFFD', at + 1)) this.#faults.bad++
    if (this.#faults.firstBadLine >= 0) return
    this.#faults.firstBadLine = lines.find(line => line.text.includes('\uFFFD'))?.number ?? this.#number
  }
}

const OTHER_LINE_ENDS = /[\r\f\u0085\u2028\u2029]/
const ALL_LINE_ENDS = /\r\n?|[\f\u0085\u2028\u2029]/g

const MARKS = new Set('*＊·•●○◆◇■□▲△★☆※~～#＃_=-—–―─━+§❖✦✧⁂⁎❦❧♦♥☙◎◈'.split(''))
/** Marks that prose and lists use once or twice; a separator has at least three of them. */
const LINES = new Set('~～_=-–+·•'.split(''))

/**
 * Whether a trimmed line is only a mark between scenes: ***, * * *, ---, ———, ◇◇◇, #, ※※※.
 * A line of dots is not: it is a pause in speech.
 */
export function isSeparator(line: string): boolean {
  const first = line[0]
  if (first === undefined || line.length > 100 || !MARKS.has(first)) return false
  let marks = 0
  let lines = 0
  for (const character of line) {
    if (character.trim() === '') continue
    if (!MARKS.has(character)) return false
    marks++
    if (LINES.has(character)) lines++
  }
  if (lines === marks) return marks >= 3
  return marks > 1 || first !== '—'
}

/** Lines with which Project Gutenberg encloses a book. What is outside is kept, but not as chapters. */
const WRAPPER_START = /^(?:\*{3}\s?START OF (?:THE|THIS) PROJECT GUTENBERG|\*END\s?\*?\s?THE SMALL PRINT)/i
const END = /^(?:\*{3}\s?END OF (?:THE|THIS) PROJECT GUTENBERG|End of (?:the |this )?Project Gutenberg)/i

/** Whether a line ends what stands before the book. */
export function isWrapperStart(line: string): boolean {
  return line.startsWith('*') && WRAPPER_START.test(line)
}

/** Whether a line opens what stands after the book. */
export function isWrapperEnd(line: string): boolean {
  return (line.startsWith('*') || line.startsWith('E')) && END.test(line)
}
