import { type CharacterFaults, type Line, LONGEST_PIECE } from './lines.ts'

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
