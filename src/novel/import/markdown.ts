import { type Heading, LONGEST_HEADING, plainSpaces } from './heading.ts'
import { readHeading } from './read-heading.ts'

/** A heading that is marked as one, with its level. */
export interface MarkedHeading {
  readonly heading: Heading
  readonly level: number
}

/** Follows the Markdown of a text line by line: its fences, within which no line is a heading, and its front matter. */
export class MarkdownState {
  /** The file name says Markdown, or the text has front matter. */
  declared: boolean
  /** `title: ...` and the like from the front matter. */
  readonly fields = new Map<string, string>()
  /** Line number of the end of the front matter, once it is known. */
  fieldsEnd: number | undefined
  #fence = ''
  #inFields = false
  /** The value of the last field is on the lines below, indented. */
  #inBlock = false
  readonly #isRead: boolean

  /** `isRead` is false where the marks of Markdown have no meaning. */
  constructor(fileName: string, isRead = true) {
    this.#isRead = isRead
    this.declared = isRead && /\.(?:md|markdown|mdown|mkd)$/i.test(fileName)
  }

  /** Whether a line belongs to front matter or a fence, where no heading can be. `line` is trimmed. */
  takes(line: string, number: number, isIndented = false): boolean {
    if (!this.#isRead) return false
    if (number === 0 && line === '---') {
      this.#inFields = true
      return true
    }
    return this.#inFields
      ? this.#takeField(line, number, isIndented)
      : this.declared && this.#takeFenced(line)
  }

  #takeField(line: string, number: number, isIndented: boolean): boolean {
    const inValue = isIndented && this.#inBlock
    const field = inValue ? null : /^([A-Za-z][\w-]{0,59}):\s*(.*)$/.exec(line)
    if (field !== null) {
      this.#inBlock = /^(?:[|>].*)?$/.test(field[2] ?? '')
      this.fields.set((field[1] ?? '').toLowerCase(), (field[2] ?? '').replace(/^(["'])(.*)\1$/, '$2'))
    }
    const closes = line === '---' || line === '...'
    if (closes && this.fields.size > 0) {
      this.declared = true
      this.fieldsEnd = number
    }
    // A rule on the first line of a plain text is not front matter: the first line that does not fit ends it.
    this.#inFields = !closes && number < 200 && (field !== null || inValue || /^(?:[-#\s]|$)/.test(line))
    return closes || this.#inFields
  }

  #takeFenced(line: string): boolean {
    const isOpen = this.#fence !== ''
    const mark = (isOpen ? FENCE : FENCE_START).exec(line)?.[1] ?? ''
    if (!isOpen) {
      this.#fence = mark.slice(0, 3)
      return mark !== ''
    }
    if (mark.startsWith(this.#fence)) this.#fence = ''
    return true
  }
}

const FENCE = /^(`{3,}|~{3,})/
/** Bare ~~~ parts scenes: it opens a fence only with the name of a language. */
const FENCE_START = /^(`{3,}|~{3,}(?=\s*\w[^~]*$))/

/** Reads `## Title`. Without the space only a heading by its words counts: "#第一章", not "#tag". */
export function markedHeading(line: string): MarkedHeading | undefined {
  if (!line.startsWith('#') || line.length > LONGEST_HEADING) return undefined
  const found = /^(#{1,6})(\s*)(\S.*)$/.exec(line)
  const text = plainSpaces((found?.[3] ?? '').replace(/\s#+$/, ''))
  if (found === null || !/[\p{L}\p{N}]/u.test(text)) return undefined
  const heading = headingFromText(text)
  if (found[2] === '' && heading.style === 'marked') return undefined
  return { heading, level: (found[1] ?? '').length }
}

/** Reads a line that the file itself marks as a heading of a level, as EPUB and DOCX do. */
export function levelHeading(line: string, level: number): MarkedHeading {
  return { heading: headingFromText(plainSpaces(line)), level }
}

/** Reads a line above === or ---. */
export function underlinedHeading(line: string, underline: string): MarkedHeading | undefined {
  if (line.length > LONGEST_HEADING || !/^(?:={3,}|-{3,})$/.test(underline)) return undefined
  return { heading: headingFromText(plainSpaces(line)), level: underline.startsWith('=') ? 1 : 2 }
}

function headingFromText(text: string): Heading {
  const plain = text.replace(/^(\*{1,2}|_{1,2})(.+)\1$/, '$2')
  const read = readHeading(plain)
  if (read !== undefined && read.sureness !== 'weak') return read
  return { style: 'marked', depth: 4, sureness: 'sure', number: read?.number, title: plain, name: plain }
}
