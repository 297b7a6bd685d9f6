import { type HeadingHolder, longestParagraph } from '../book-lines.ts'
import type { LeftOut } from '../opened.ts'
import type { XmlEvents } from '../xml.ts'
import { isOn, outlineLevel, type Purpose, type PurposeOf, WordNames } from './styles.ts'

/** Elements whose content is not read: deleted or moved text, the reading of ruby, the properties before a tracked change. */
const silentElements = new Set(['del', 'moveFrom', 'rt', 'pPrChange', 'rPrChange', 'sectPrChange'])
/** Elements whose borders end a paragraph. */
const containers = new Set(['body', 'tbl', 'tc', 'txbxContent'])

/** A paragraph that is open. Text boxes have paragraphs within a paragraph. */
interface Paragraph {
  text: string
  purpose: Purpose
  /** A new page or section begins after it. */
  breaks: boolean
  /** Part of it was written already. */
  isCut: boolean
  /** Its mark was deleted or moved: the next paragraph continues its text. */
  isJoined: boolean
}

/** Writes the headings and paragraphs of the main part of a DOCX. */
export class DocumentEvents implements XmlEvents {
  readonly #out: HeadingHolder
  readonly #purposeOf: PurposeOf
  readonly #leftOut: LeftOut
  readonly #names = new WordNames()
  readonly #open: Paragraph[] = []
  /** The paragraph that the next one continues. */
  #joined: Paragraph | undefined
  #silent = 0
  #isText = false
  #isHidden = false
  #inProperties = 0
  #sectionBreaks = false

  constructor(out: HeadingHolder, purposeOf: PurposeOf, leftOut: LeftOut) {
    this.#out = out
    this.#purposeOf = purposeOf
    this.#leftOut = leftOut
  }

  open(qualified: string, attributes: Readonly<Record<string, string>>): void {
    const name = this.#names.of(qualified, attributes)
    // The fallback repeats the text of a drawing in an older form.
    if (this.#silent > 0 || qualified === 'mc:Fallback' || (name !== undefined && silentElements.has(name))) {
      if (this.#silent === 0) this.#deleteMark(name)
      this.#silent += 1
      return
    }
    if (name === undefined) return
    if (name === 'pPr' || name === 'rPr') this.#inProperties += 1
    if (this.#inProperties > 0) this.#property(name, attributes)
    else this.#content(name, attributes)
  }

  close(qualified: string): void {
    if (this.#silent > 0) {
      this.#silent -= 1
      return
    }
    const name = this.#names.of(qualified)
    if (name === 'pPr' || name === 'rPr') this.#inProperties -= 1
    else if (name === 't') this.#isText = false
    else if (name === 'sectPr') this.#endSection()
    else if (name === 'p' && this.#inProperties === 0) this.#endParagraph()
    else if (name !== undefined && containers.has(name)) this.#endJoined()
  }

  text(text: string): void {
    if (this.#isText && this.#silent === 0 && !this.#isHidden) this.#append(text.replace(/[\r\n]+/g, ' '))
  }

  #content(name: string, attributes: Readonly<Record<string, string>>): void {
    if (name === 'p') this.#beginParagraph()
    else if (containers.has(name)) this.#endJoined()
    else if (name === 'r') this.#isHidden = false
    else if (name === 't') this.#isText = true
    else if (name === 'tab' || name === 'ptab') this.#append('\t')
    else if (name === 'cr') this.#append('\n')
    else if (name === 'noBreakHyphen') this.#append('-')
    else if (name === 'br') this.#break(this.#names.attribute(attributes, 'type'))
    else if (name === 'footnoteReference' || name === 'endnoteReference') this.#leftOut.notes += 1
  }

  #property(name: string, attributes: Readonly<Record<string, string>>): void {
    const paragraph = this.#open.at(-1)
    const value = this.#names.attribute(attributes, 'val')
    if (name === 'vanish') this.#isHidden = isOn(value) && this.#inProperties === 1
    else if (name === 'sectPr') this.#sectionBreaks = true
    else if (name === 'type' && value === 'continuous') this.#sectionBreaks = false
    else if (paragraph === undefined) return
    else if (name === 'pStyle') paragraph.purpose = this.#purposeOf(value)
    else if (name === 'outlineLvl') this.#outline(paragraph, outlineLevel(value))
  }

  #outline(paragraph: Paragraph, level: number | undefined): void {
    if (level === undefined || paragraph.purpose === 'contents') return
    paragraph.purpose = level < 9 ? { level: level + 1 } : 'text'
  }

  #endSection(): void {
    const paragraph = this.#open.at(-1)
    if (this.#sectionBreaks && paragraph !== undefined) paragraph.breaks = true
    this.#sectionBreaks = false
  }

  /** Ends the scene at a new page within a paragraph. */
  #break(kind: string | undefined): void {
    if (kind === undefined || kind === 'textWrapping') this.#append('\n')
    else if (kind === 'page') {
      const paragraph = this.#open.at(-1)
      if (paragraph === undefined) return
      this.#write(paragraph)
      this.#out.sceneBreak()
    } else this.#append(' ')
  }

  #append(text: string): void {
    const paragraph = this.#open.at(-1)
    if (paragraph === undefined || this.#isHidden) return
    paragraph.text += text
    if (paragraph.text.length > longestParagraph) this.#write(paragraph)
  }

  /** `del` or `moveFrom` in the properties of a paragraph's mark deletes or moves the mark. */
  #deleteMark(name: string | undefined): void {
    const paragraph = this.#open.at(-1)
    if (this.#inProperties !== 2 || paragraph === undefined) return
    if (name === 'del' || name === 'moveFrom') paragraph.isJoined = true
  }

  #beginParagraph(): void {
    const { text = '', isCut = false } = this.#joined ?? {}
    this.#joined = undefined
    this.#open.push({ text, purpose: this.#purposeOf(undefined), breaks: false, isCut, isJoined: false })
  }

  #endParagraph(): void {
    const paragraph = this.#open.pop()
    if (paragraph?.isJoined === true) this.#joined = paragraph
    else if (paragraph !== undefined) this.#finish(paragraph)
  }

  /** Ends a paragraph that no further one continues. */
  #endJoined(): void {
    const paragraph = this.#joined
    this.#joined = undefined
    if (paragraph !== undefined) this.#finish(paragraph)
  }

  #finish(paragraph: Paragraph): void {
    if (paragraph.text.trim() !== '') this.#write(paragraph)
    else if (!paragraph.isCut && paragraph.purpose !== 'contents') this.#out.gap()
    if (paragraph.breaks) this.#out.sceneBreak()
  }

  #write(paragraph: Paragraph): void {
    const text = paragraph.text.replace(/[\u00ad\u200b\u2060\ufeff]/g, '')
    paragraph.text = ''
    paragraph.isCut = true
    if (text.trim() === '' || paragraph.purpose === 'contents') return
    if (paragraph.purpose === 'text') this.#out.paragraph(text.trimEnd().replace(/^[ \n]+/, ''))
    else this.#out.heading(paragraph.purpose.level, text)
  }
}
