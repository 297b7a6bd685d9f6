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

/** Longest line that can be a marked heading: the address of a link is no part of the title. */
const LONGEST_MARKED = 500

/** Reads `## Title`. Without the space only a heading by its words counts: "#第一章", not "#tag". */
export function markedHeading(line: string): MarkedHeading | undefined {
  if (!line.startsWith('#') || line.length > LONGEST_MARKED) return undefined
  const found = /^(#{1,6})(\s*)(\S.*)$/.exec(line)
  const text = withoutMarks((found?.[3] ?? '').replace(ATTRIBUTES, '').replace(/\s#+$/, ''))
  if (found === null || !isTitle(text)) return undefined
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
  if (line.length > LONGEST_MARKED || !/^(?:={3,}|-{3,})$/.test(underline)) return undefined
  const text = withoutMarks(line.replace(ATTRIBUTES, ''))
  if (!isTitle(text)) return undefined
  return { heading: headingFromText(text), level: underline.startsWith('=') ? 1 : 2 }
}

function isTitle(text: string): boolean {
  return text.length <= LONGEST_HEADING && /[\p{L}\p{N}]/u.test(text)
}

function headingFromText(text: string): Heading {
  const read = readHeading(text)
  if (read !== undefined && read.sureness !== 'weak') return read
  return { style: 'marked', depth: 4, sureness: 'sure', number: read?.number, title: text, name: text }
}

/** `{#id .class}` or `{-}` behind a title. */
const ATTRIBUTES = /\s{0,3}\{(?:[#.:][^{}]{0,200}|-)\}\s{0,3}$/
/** `[text](address)`, `[text][name]`, `![text](address)`. */
const LINK = /!?\[([^[\]]*)\](?:\((?:[^()]|\([^()]*\))*\)|\[[^[\]]*\])/g
const TAG =
  /<\/?(?:a|abbr|b|big|br|cite|code|del|em|font|i|img|ins|kbd|mark|q|s|small|span|strong|sub|sup|u)(?:\s[^<>]*)?\/?>/gi
const CODE = /(`{1,3})([^`]+)\1/g
const STARS = /(\*{1,3}|~~)(?=\S)(.*?\S)\1/g
/** Within a word, `_` is a letter. */
const LINES = /(?<![\p{L}\p{N}_])(_{1,3})(?=\S)(.*?\S)\1(?![\p{L}\p{N}_])/gu
/** Marks that stay behind \ . Meanwhile a character from U+FDD0 on stands for each; no text has one. */
const ESCAPED = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'

/** Returns a title without the marks of Markdown: those of emphasis, code, links, pictures and tags. */
function withoutMarks(text: string): string {
  const hide = (_: string, mark: string) => String.fromCharCode(0xfdd0 + ESCAPED.indexOf(mark))
  const show = (hidden: string) => ESCAPED[hidden.charCodeAt(0) - 0xfdd0] ?? hidden
  let plain = text
    .replace(/\\([!-/:-@[-`{-~])/g, hide)
    .replace(TAG, '')
    .replace(CODE, '$2')
  // A picture within a link, emphasis within emphasis.
  for (let round = 0; round < 2; round++)
    plain = plain.replace(LINK, '$1').replace(STARS, '$2').replace(LINES, '$2')
  return plainSpaces(plain.replace(/[\ufdd0-\ufdef]/g, show))
}
