import { escapeText, headingOf, sceneMark } from '../export/marks.ts'
import type { BookLines } from './book-lines.ts'
import { cutPieces, type Line } from './lines.ts'

/** The program that the documents which Quillwork exports name as their writer. Word names itself in one that it saves. */
export const ownProgram = 'Quillwork'

const kinds = ['volume', 'chapter', 'scene'] as const

/**
 * Writes the content of a DOCX or EPUB that Quillwork exported as lines of Markdown with the same marks, which `exportedParts` divides. A heading of
 * level 1 begins a volume, one of level 2 a chapter, any other a scene. Blank lines beside marks are no text.
 */
export class ExportedLines implements BookLines {
  readonly isExact = true
  readonly #lines: Line[] = []
  #number = 0
  /** Blank lines before the next text. */
  #blanks = 0
  /** Only marks since the last text. */
  #isAfterMark = true
  #isOnTitlePage: boolean

  /** `hasTitlePage`: what is before the first heading is no text of the book. */
  constructor({ hasTitlePage }: { hasTitlePage: boolean }) {
    this.#isOnTitlePage = hasTitlePage
  }

  listed(level: number, title: string): void {
    this.heading(level, title)
  }

  heading(level: number, text: string): void {
    if (level === 0) return
    this.#isOnTitlePage = false
    this.#mark(headingOf(kinds[level - 1] ?? 'scene', text.trim()))
  }

  paragraph(text: string, isLine = false): void {
    if (this.#isOnTitlePage) return
    for (const line of text.split('\n')) this.#text(line)
    if (!isLine) this.gap()
  }

  sceneBreak(): void {
    this.#mark(sceneMark)
  }

  gap(): void {
    if (!this.#isAfterMark) this.#blanks += 1
  }

  /** Blank lines at the end are no text. */
  release(): void {
    this.#blanks = 0
  }

  take(): Line[] {
    return this.#lines.splice(0)
  }

  /** One blank line before a mark and one after it belong to the mark. */
  #mark(line: string): void {
    if (this.#number > 0) this.#add('')
    this.#add(line)
    this.#blanks = 1
    this.#isAfterMark = true
  }

  #text(line: string): void {
    if (line.trim() === '') {
      this.gap()
      return
    }
    for (; this.#blanks > 0; this.#blanks -= 1) this.#add('')
    this.#add(escapeText(line))
    this.#isAfterMark = false
  }

  #add(line: string): void {
    const text = cutPieces(line, this.#number, this.#lines)
    this.#lines.push({ number: this.#number++, text, partial: false })
  }
}
