import type { BookLines } from '../book-lines.ts'
import type { LeftOut } from '../opened.ts'
import { type Paragraph, ParagraphWriter, type Purpose } from '../paragraphs.ts'
import type { XmlEvents } from '../xml.ts'
import { type OdtStyles, outlineLevel } from './styles.ts'

/** Elements whose content is not read: deleted text, notes and comments, the reading of ruby, indexes, descriptions of pictures. */
const silentElements = new Set(
  `text:tracked-changes text:note office:annotation text:ruby-text text:hidden-text text:table-of-content
  text:illustration-index text:table-index text:object-index text:user-index text:alphabetical-index text:bibliography
  svg:title svg:desc office:forms office:scripts`.split(/\s+/),
)

/** Spaces that one element may stand for: one with millions would be a text that no file holds. */
const mostSpaces = 100

/** A paragraph of an ODT. */
interface OdtParagraph extends Paragraph {
  /** White space that follows does not show. */
  endsInSpace: boolean
}

/** Writes the headings and paragraphs of the content of an ODT. */
export class OdtEvents implements XmlEvents {
  readonly #out: BookLines
  readonly #writer: ParagraphWriter
  readonly #styles: OdtStyles
  readonly #leftOut: LeftOut
  readonly #open: OdtParagraph[] = []
  /** Depth within an element that is left out. */
  #silent = 0
  #hasText = false

  /** `styles`: those with names; the content adds its own. */
  constructor(out: BookLines, styles: OdtStyles, leftOut: LeftOut) {
    this.#out = out
    this.#writer = new ParagraphWriter(out, leftOut)
    this.#styles = styles
    this.#leftOut = leftOut
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    if (this.#silent > 0 || this.#isLeftOut(name, attributes)) {
      if (this.#silent === 0 && name === 'text:note') this.#leftOut.notes += 1
      this.#silent += 1
      return
    }
    if (name === 'text:p' || name === 'text:h') this.#begin(name, attributes)
    else if (name === 'text:s') this.#appendSpaces(attributes['text:c'])
    else if (name === 'text:tab') this.#append('\t')
    else if (name === 'text:line-break') this.#append('\n')
    else this.#styles.open(name, attributes)
  }

  close(name: string): void {
    if (this.#silent > 0) this.#silent -= 1
    else if (name === 'text:p' || name === 'text:h') this.#end()
    else this.#styles.close(name)
  }

  /** White space shows as one space, and not at all at the beginning of a paragraph. */
  text(text: string): void {
    const paragraph = this.#open.at(-1)
    if (paragraph === undefined || this.#silent > 0) return
    const plain = text.replace(/[ \t\r\n]+/g, ' ')
    const shown = paragraph.endsInSpace && plain.startsWith(' ') ? plain.slice(1) : plain
    if (shown === '') return
    this.#append(shown)
    paragraph.endsInSpace = shown.endsWith(' ')
  }

  #isLeftOut(name: string, attributes: Readonly<Record<string, string>>): boolean {
    const style = attributes['text:style-name']
    if (name === 'text:span') return this.#styles.isHidden('text', style)
    if (name === 'text:p' || name === 'text:h') return this.#styles.isHidden('paragraph', style)
    if (name === 'text:section') return attributes['text:display'] === 'none'
    return silentElements.has(name)
  }

  #begin(name: string, attributes: Readonly<Record<string, string>>): void {
    const style = attributes['text:style-name']
    const purpose = this.#purposeOf(name, attributes)
    const { before, after } = this.#styles.breaksOf(style)
    const isText = purpose === 'text'
    if (isText && before && this.#hasText && this.#open.length === 0) this.#out.sceneBreak()
    this.#open.push({ text: '', purpose, breaks: isText && after, isCut: false, endsInSpace: true })
  }

  /** Returns the purpose of a paragraph. A heading says its level itself, whatever its style. */
  #purposeOf(name: string, attributes: Readonly<Record<string, string>>): Purpose {
    const byStyle = this.#styles.purposeOf(attributes['text:style-name'])
    if (name === 'text:p' || byStyle === 'contents') return byStyle
    const level = outlineLevel(attributes['text:outline-level'] ?? '1')
    return level > 0 ? { level } : byStyle
  }

  #end(): void {
    const paragraph = this.#open.pop()
    if (paragraph === undefined) return
    this.#hasText ||= paragraph.text.trim() !== '' || paragraph.isCut
    this.#writer.finish(paragraph)
  }

  #appendSpaces(count = '1'): void {
    this.#append(' '.repeat(/^\d{1,9}$/.test(count) ? Math.min(Number(count), mostSpaces) : 1))
  }

  #append(text: string): void {
    const paragraph = this.#open.at(-1)
    if (paragraph === undefined) return
    paragraph.endsInSpace = false
    this.#writer.append(paragraph, text)
  }
}
