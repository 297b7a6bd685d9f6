import { joinedTitle } from './chapter-name.ts'
import { comparable } from './contents.ts'
import { type CharacterFaults, type Line, LONGEST_PIECE } from './lines.ts'
import { readHeading } from './read-heading.ts'

/** Longest heading, in UTF-16 units. A longer one is a paragraph that somebody made large. */
const LONGEST_HEADING_LINE = 200
/** Blank lines at a stretch; what a book leaves free beyond that says no more. */
const MOST_BLANKS = 8

/**
 * Writes what a book holds as numbered lines, the form in which plain text comes: a paragraph is a line, or several where it has line
 * breaks, and blank lines part the paragraphs. The same book gives the same lines every time.
 */
export class LineWriter {
  readonly #faults: CharacterFaults
  #lines: Line[] = []
  #number = 0
  #blanks = MOST_BLANKS

  constructor(faults: CharacterFaults) {
    this.#faults = faults
  }

  /** A heading of a level, from 0, the highest. White space in it becomes plain. */
  heading(level: number, title: string): void {
    const text = title.replace(/\s+/g, ' ').trim()
    if (text === '') return
    if (text.length > LONGEST_HEADING_LINE) this.paragraph(text)
    else {
      this.#add(text, level)
      this.gap()
    }
  }

  /** A paragraph; LF within it are its line breaks. One without visible text is a gap. */
  paragraph(text: string): void {
    if (text.includes('\n')) this.#addLines(text.split('\n').map(line => line.trimEnd()))
    else if (text.trim() !== '') this.#add(text.trimEnd())
    this.gap()
  }

  #addLines(lines: readonly string[]): void {
    const [first, last] = [lines.findIndex(isVisible), lines.findLastIndex(isVisible)]
    for (const line of lines.slice(first, last + 1)) {
      if (isVisible(line)) this.#add(line)
      else this.gap()
    }
  }

  /** A blank line. */
  gap(): void {
    if (this.#blanks >= MOST_BLANKS) return
    this.#blanks += 1
    this.#lines.push({ number: this.#number++, text: '', partial: false })
  }

  /** What stands between two scenes, in the form that plain text has for it. */
  sceneBreak(): void {
    this.#add('***')
    this.gap()
  }

  /** The lines since the last call. */
  take(): Line[] {
    const lines = this.#lines
    this.#lines = []
    return lines
  }

  #add(line: string, level?: number): void {
    this.#blanks = 0
    const text = this.#clean(line)
    let start = 0
    while (text.length - start > LONGEST_PIECE) {
      const end = start + LONGEST_PIECE - (isHighSurrogate(text, start + LONGEST_PIECE - 1) ? 1 : 0)
      this.#lines.push({ number: this.#number, text: text.slice(start, end), partial: true })
      start = end
    }
    const rest = { number: this.#number++, text: text.slice(start), partial: false }
    this.#lines.push(level === undefined ? rest : { ...rest, level })
  }

  /** Without controls, which mean nothing in a book, and with the characters counted that could not be read. */
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

function isHighSurrogate(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800
}

/** A heading that waits for what follows it. */
interface Held {
  title: string
  readonly level: number
  /** The table of contents names it; the same title is printed in the text, perhaps in several pieces. */
  readonly listed: boolean
}

/**
 * Writes headings and the text below them. A heading waits for what follows: the title that the text prints is that of the table of
 * contents once more, and a name may stand below its number as a heading of its own.
 */
export class HeadingHolder {
  readonly #writer: LineWriter
  /** Chapters are what the table of contents lists; other headings part what is within them. */
  readonly #listedOnly: boolean
  #held: Held | undefined

  constructor(writer: LineWriter, listedOnly: boolean) {
    this.#writer = writer
    this.#listedOnly = listedOnly
  }

  /** A place that the table of contents names. */
  listed(level: number, title: string): void {
    this.release()
    this.#held = { title, level, listed: true }
  }

  /** A heading of the text itself. */
  heading(level: number, text: string): void {
    const title = text.replace(/\s+/g, ' ').trim()
    if (title === '') return
    const held = this.#held
    if (held?.listed === true && this.#isPrinted(held, title)) return
    if (held !== undefined && held.level === level && isNameOf(held.title, title)) {
      held.title = joinedTitle(held.title, [title], false)
      return
    }
    const hadHeld = held !== undefined
    this.release()
    if (!this.#listedOnly) this.#held = { title, level, listed: false }
    else {
      if (!hadHeld) this.#writer.sceneBreak()
      this.#writer.paragraph(title)
    }
  }

  /** A paragraph of the text. */
  paragraph(text: string): void {
    const held = this.#held
    if (held?.listed === true && text.length <= 200 && text.trim() !== '') {
      const isTitle = comparable(text) === comparable(held.title) && comparable(text) !== ''
      this.release()
      if (isTitle) return
    }
    if (text.trim() !== '') this.release()
    this.#writer.paragraph(text)
  }

  /** A mark between two scenes. One below a heading is an ornament of it. */
  sceneBreak(): void {
    if (this.#held === undefined) this.#writer.sceneBreak()
  }

  /** Room between two paragraphs that is larger than others. */
  gap(): void {
    if (this.#held === undefined) this.#writer.gap()
  }

  /** Writes the heading that waits, if there is one. */
  release(): void {
    const held = this.#held
    this.#held = undefined
    if (held !== undefined) this.#writer.heading(held.level, held.title)
  }

  /** Whether a heading prints the listed title, or a piece of it, or more of it: then the fuller one stands. */
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

/** Whether a listed title has a printed one in it. Chinese has no spaces between its words. */
function holds(listed: string, printed: string): boolean {
  const [whole, part] = [comparable(listed), comparable(printed)]
  if (whole === part || isWithin(printed, listed)) return true
  return /[\u3400-\u9fff]/.test(part) && whole.includes(part)
}

/** Whether the words of one title stand as whole words in another. */
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
