/** What Word documents and OpenDocument texts have in common: paragraphs whose styles say what they are. */
import { type BookLines, longestParagraph } from './book-lines.ts'
import type { LeftOut } from './opened.ts'

/**
 * The purpose of a paragraph by its style. Level 0 is the title of the document, from 1 on are headings. `break` is of what
 * separates two scenes. `line` is a style of the documents that Quillwork exports, of a text that the next one follows without a blank line. So are `matter` and its title:
 * what was written before or after the story for the file alone.
 */
export type Purpose =
  | { readonly level: number }
  | 'contents'
  | 'matter-title'
  | 'matter'
  | 'text'
  | 'line'
  | 'break'

/** Purposes of paragraphs that are no text of the book. */
const outside: readonly Purpose[] = ['contents', 'matter-title', 'matter']

/** Returns the purpose that the name of a style says, as Word and LibreOffice name their own ones in every language; undefined for another name. */
export function purposeByName(name: string): Purpose | undefined {
  const plain = name.trim().toLowerCase()
  if (/^(?:toc \d|toc heading|contents (?:\d|heading)|table of (?:figures|authorities))/.test(plain))
    return 'contents'
  if (plain === 'title') return { level: 0 }
  if (plain === 'matter title') return 'matter-title'
  if (plain === 'matter') return 'matter'
  if (plain === 'text line') return 'line'
  // The second one is that of LibreOffice, of a paragraph without a text.
  if (plain === 'scene break' || plain === 'horizontal line') return 'break'
  const level = /^heading ([1-9])$/.exec(plain)?.[1]
  return level === undefined ? undefined : { level: Number(level) }
}

/** A paragraph that is open. Text boxes have paragraphs within a paragraph. */
export interface Paragraph {
  text: string
  purpose: Purpose
  /** A new page or section begins after it. */
  breaks: boolean
  /** Part of it was written already. */
  isCut: boolean
  /** It is drawn as a line across the page, or has one above or below it. */
  isRuled?: boolean
}

/** Writes the paragraphs of a document as headings, texts and separators of scenes. */
export class ParagraphWriter {
  readonly #out: BookLines
  readonly #leftOut: LeftOut

  constructor(out: BookLines, leftOut: LeftOut) {
    this.#out = out
    this.#leftOut = leftOut
  }

  /** Adds to the text of a paragraph; writes what is too long for memory. */
  append(paragraph: Paragraph, text: string): void {
    paragraph.text += text
    if (paragraph.text.length > longestParagraph) this.write(paragraph)
  }

  /** Ends a paragraph. */
  finish(paragraph: Paragraph): void {
    const { purpose, isCut, isRuled } = paragraph
    if (paragraph.text.trim() !== '') this.write(paragraph)
    else if (isRuled || purpose === 'break') this.#out.sceneBreak()
    else if (!isCut && !outside.includes(purpose)) this.#out.gap()
    if (paragraph.breaks) this.#out.sceneBreak()
  }

  /** Writes the text of a paragraph so far. */
  write(paragraph: Paragraph): void {
    const { isExact } = this.#out
    const { text: whole, purpose } = paragraph
    const text = isExact ? whole : whole.replace(/[\u00ad\u200b\u2060\ufeff]/g, '')
    paragraph.text = ''
    paragraph.isCut = true
    if (purpose === 'matter-title' && text.trim() !== '') this.#leftOut.pages.push({ name: text.trim() })
    if (text.trim() === '' || outside.includes(purpose)) return
    if (typeof purpose === 'object') this.#out.heading(purpose.level, text)
    else if (isExact && purpose === 'break') this.#out.sceneBreak()
    else {
      const shown = isExact ? text : text.trimEnd().replace(/^[ \n]+/, '')
      this.#out.paragraph(shown, purpose === 'line')
    }
  }
}
