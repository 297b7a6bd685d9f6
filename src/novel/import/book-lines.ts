import type { Archive } from './archive.ts'
import { damaged } from './bounds.ts'
import { joinedTitle } from './chapter-name.ts'
import { comparable } from './contents.ts'
import { type CharacterFaults, cutPieces, type Line } from './lines.ts'
import { oneSpaced } from './opened.ts'
import { readHeading } from './read-heading.ts'
import { readPieces, type XmlEvents } from './xml.ts'

/** Longest heading, in UTF-16 units. A longer one is a paragraph in large letters. */
const LONGEST_HEADING_LINE = 200
/** UTF-16 units of a paragraph that memory holds; a longer one is written in pieces. */
export const longestParagraph = 1_000_000
/** Most blank lines in a row: more have no further meaning. */
const MOST_BLANKS = 8

/**
 * Writes the content of a book as numbered lines, the form of plain text: a paragraph is a line, or several where it has line breaks, and
 * blank lines separate the paragraphs. The same book always gives the same lines.
 */
export class LineWriter {
  readonly #faults: CharacterFaults
  readonly #lines: Line[] = []
  #number = 0
  #blanks = MOST_BLANKS

  constructor(faults: CharacterFaults) {
    this.#faults = faults
  }

  /** Writes a heading of a level, 0 the highest, with single spaces. */
  heading(level: number, title: string): void {
    const text = oneSpaced(title)
    if (text === '') return
    if (text.length > LONGEST_HEADING_LINE) this.paragraph(text)
    else {
      this.#add(text, level)
      this.gap()
    }
  }

  /** Writes a paragraph; each LF is a line break. A paragraph without visible text is a gap. `isLine`: no blank line follows. */
  paragraph(text: string, isLine = false): void {
    const lines = text.split('\n').map(line => line.trimEnd())
    const [first, last] = [lines.findIndex(isVisible), lines.findLastIndex(isVisible)]
    for (const line of lines.slice(first, last + 1)) {
      if (isVisible(line)) this.#add(line)
      else this.gap()
    }
    if (!isLine) this.gap()
  }

  /** Writes a blank line. */
  gap(): void {
    if (this.#blanks >= MOST_BLANKS) return
    this.#blanks += 1
    this.#lines.push({ number: this.#number++, text: '', partial: false })
  }

  /** Writes a separator of scenes as plain text has it. */
  sceneBreak(): void {
    this.#add('***')
    this.gap()
  }

  /** Returns the lines since the last call. */
  take(): Line[] {
    return this.#lines.splice(0)
  }

  #add(line: string, level?: number): void {
    this.#blanks = 0
    const text = cutPieces(this.#clean(line), this.#number, this.#lines)
    const rest = { number: this.#number++, text, partial: false }
    this.#lines.push(level === undefined ? rest : { ...rest, level })
  }

  /** Returns a line without controls, and counts its unreadable characters. */
  #clean(line: string): string {
    for (let at = line.indexOf('\ufffd'); at >= 0; at = line.indexOf('\ufffd', at + 1)) {
      if (this.#faults.firstBadLine < 0) this.#faults.firstBadLine = this.#number
      this.#faults.bad += 1
    }
    return controls.test(line) ? line.replace(allControls, '') : line
  }
}

const controls = /[^\P{Cc}\t]|[\u2028\u2029]/u
const allControls = new RegExp(controls, 'gu')

function isVisible(line: string): boolean {
  return line.trim() !== ''
}

/**
 * Reads an XML file of a book and yields the lines that its events write, piece by piece. Returns the number of its faults. Throws what
 * `readPieces` throws.
 */
export async function* partLines(
  archive: Archive,
  name: string,
  { events, out }: { events: XmlEvents; out: BookLines },
): AsyncGenerator<Line[], number> {
  let faults = 0
  for await (faults of readPieces(archive, name, events)) yield out.take()
  return faults
}

/** Yields the lines of a document whose text is all in one XML file. Throws FILE_DAMAGED where that is not well-formed, and what `readPieces` throws. */
export async function* wholePartLines(
  archive: Archive,
  name: string,
  { events, out }: { events: XmlEvents; out: BookLines },
): AsyncGenerator<Line[]> {
  const isBroken = (yield* partLines(archive, name, { events, out })) > 0
  if (isBroken) throw damaged('is broken: its text is not the XML that it should be')
  out.release()
  yield out.take()
}

/** What the headings and the text of a book are written into. */
export interface BookLines {
  /** White space, and characters that nobody sees, are as the author has them. */
  readonly isExact: boolean
  /** Begins a chapter that the table of contents lists. */
  listed(level: number, title: string): void
  /** Takes a heading of the text itself. */
  heading(level: number, text: string): void
  /** Writes a paragraph of the text. `isLine`: the next one follows without a blank line. */
  paragraph(text: string, isLine?: boolean): void
  /** Separates two scenes. */
  sceneBreak(): void
  /** Writes a large gap between two paragraphs. */
  gap(): void
  /** Ends the book. */
  release(): void
  /** Returns the lines since the last call. */
  take(): Line[]
}

/** A heading that waits for the text after it. */
interface Held {
  title: string
  readonly level: number
  /** The table of contents names it; the text prints the same title, perhaps in several pieces. */
  readonly listed: boolean
}

/**
 * Writes headings and the text below them. A heading waits for the text after it, which may print the title of the table of contents
 * again, or have the name of a bare number as a separate heading.
 */
export class HeadingHolder implements BookLines {
  readonly isExact = false
  readonly #writer: LineWriter
  /** The table of contents lists the chapters; other headings divide them. */
  readonly #listedOnly: boolean
  #held: Held | undefined

  constructor(writer: LineWriter, listedOnly: boolean) {
    this.#writer = writer
    this.#listedOnly = listedOnly
  }

  listed(level: number, title: string): void {
    this.release()
    this.#held = { title, level, listed: true }
  }

  heading(level: number, text: string): void {
    const title = oneSpaced(text)
    if (title === '') return
    const held = this.#held
    if (held?.listed === true && this.#isPrinted(held, title)) return
    if (held !== undefined && held.level === level && isNameOf(held.title, title)) {
      held.title = joinedTitle(held.title, [title], false)
      return
    }
    this.release()
    if (!this.#listedOnly) this.#held = { title, level, listed: false }
    else {
      if (held === undefined) this.#writer.sceneBreak()
      this.#writer.paragraph(title)
    }
  }

  paragraph(text: string, isLine = false): void {
    const held = this.#held
    if (held?.listed === true && text.length <= 200 && text.trim() !== '') {
      const isTitle = comparable(text) === comparable(held.title) && comparable(text) !== ''
      this.release()
      if (isTitle) return
    }
    if (text.trim() !== '') this.release()
    this.#writer.paragraph(text, isLine)
  }

  /** A separator below a heading is its ornament. */
  sceneBreak(): void {
    if (this.#held === undefined) this.#writer.sceneBreak()
  }

  gap(): void {
    if (this.#held === undefined) this.#writer.gap()
  }

  /** Writes the heading that waits, if any. */
  release(): void {
    const held = this.#held
    this.#held = undefined
    if (held !== undefined) this.#writer.heading(held.level, held.title)
  }

  take(): Line[] {
    return this.#writer.take()
  }

  /** Whether a heading prints the listed title, a piece of it or more of it. The longer one is kept. */
  #isPrinted(held: Held, title: string): boolean {
    if (holds(held.title, title)) return true
    const fuller = isWithin(held.title, title) || isSameNumber(held.title, title)
    if (fuller) held.title = fullerOf(held.title, title)
    else if (isNameOf(held.title, title)) held.title = joinedTitle(held.title, [title], false)
    else if (isNameOf(title, held.title)) held.title = joinedTitle(title, [held.title], false)
    else return false
    return true
  }
}

/** Whether a listed title contains a printed one. Chinese has no spaces between words. */
function holds(listed: string, printed: string): boolean {
  const [whole, part] = [comparable(listed), comparable(printed)]
  if (whole === part || isWithin(printed, listed)) return true
  return /[\u3400-\u9fff]/.test(part) && whole.includes(part)
}

/** Whether a title contains the words of another as whole words. */
function isWithin(part: string, whole: string): boolean {
  const words = (text: string) =>
    ` ${text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .trim()} `
  return words(part).trim() !== '' && words(whole).includes(words(part))
}

function isSameNumber(listed: string, printed: string): boolean {
  const [a, b] = [readHeading(listed), readHeading(printed)]
  if (a?.number === undefined || a.number !== b?.number || a.style !== b.style) return false
  return a.name === '' || b.name === '' || comparable(a.name) === comparable(b.name)
}

function fullerOf(listed: string, printed: string): string {
  return comparable(printed).length > comparable(listed).length && printed.length <= 200 ? printed : listed
}

/** Whether a heading can be the name of the bare number above it. */
function isNameOf(title: string, below: string): boolean {
  const above = readHeading(title)
  if (above?.number === undefined || above.name !== '' || above.inner !== undefined) return false
  return below.length <= 160 && readHeading(below)?.number === undefined
}
