import type { HeadingHolder } from '../heading-holder.ts'
import type { LeftOut } from '../opened.ts'
import { localName, type XmlEvents } from '../xml/read-xml.ts'
import { type ContentsEntry, kindsOf } from './contents.ts'
import { blockElements, isNoteMark, isSceneMark, pageKinds, purposeOf } from './elements.ts'
import { ParagraphText } from './paragraph-text.ts'

/** UTF-16 units of a paragraph after which it is cut: what is held of one. */
const longestParagraph = 1_000_000

/** UTF-16 units of the text of a link that may be the number of a note. */
const longestMark = 20

/** An element that is open. */
interface Open {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  /** The place in the paragraph where the element began; -1 once that paragraph was written. */
  start: number
  /** A picture or a block stands within. */
  filled: boolean
  /** For a link: something in it is raised, or it is within something that is. */
  raised: boolean
}

/** Hears a content document of an EPUB and writes its headings and paragraphs. */
export class ContentEvents implements XmlEvents {
  readonly #out: HeadingHolder
  readonly #targets: ReadonlyMap<string, readonly ContentsEntry[]>
  readonly #leftOut: LeftOut
  readonly #open: Open[] = []
  /** Elements that are open within one whose text is left out. */
  #silent = 0
  readonly #text = new ParagraphText()
  #heading: number | undefined
  #verbatim = 0

  constructor(out: HeadingHolder, targets: ReadonlyMap<string, readonly ContentsEntry[]>, leftOut: LeftOut) {
    this.#out = out
    this.#targets = targets
    this.#leftOut = leftOut
  }

  open(qualified: string, attributes: Readonly<Record<string, string>>): void {
    const name = localName(qualified).toLowerCase()
    this.#arrive(attributes['id'] ?? (name === 'a' ? attributes['name'] : undefined))
    if (this.#silent > 0 || this.#isLeftOut(name, attributes)) {
      this.#silent += 1
      return
    }
    this.#begin(name)
    const raised = name === 'sup' || (name === 'a' && this.#open.some(each => each.name === 'sup'))
    if (name === 'sup') for (const each of this.#open) each.raised ||= each.name === 'a'
    if (name === 'img' || name === 'image') for (const each of this.#open) each.filled = true
    this.#open.push({ name, attributes, start: this.#text.place, filled: false, raised })
  }

  close(): void {
    if (this.#silent > 0) {
      this.#silent -= 1
      return
    }
    const closed = this.#open.pop()
    if (closed !== undefined) this.#end(closed)
  }

  text(text: string): void {
    if (this.#silent > 0) return
    this.#text.add(this.#verbatim > 0 ? text.replace(/\r\n?/g, '\n') : this.#collapsed(text))
    if (this.#text.length > longestParagraph) this.#flush()
  }

  /** Writes what is left at the end of the document. */
  end(): void {
    this.#flush()
  }

  /** The table of contents may name the place of an element. */
  #arrive(id: string | undefined): void {
    const entries = id === undefined ? undefined : this.#targets.get(id)
    if (entries === undefined) return
    if (this.#heading === undefined) this.#flush()
    for (const { depth, title } of entries) this.#out.listed(depth, title)
  }

  #isLeftOut(name: string, attributes: Readonly<Record<string, string>>): boolean {
    const purpose = purposeOf(name, attributes)
    if (purpose === 'reference') this.#leftOut.notes += 1
    if (purpose === 'page') {
      const [kind] = kindsOf(attributes).flatMap(each => pageKinds.get(each) ?? [])
      if (kind !== undefined) this.#leftOut.pages.push({ kind })
    }
    return purpose !== 'text'
  }

  #begin(name: string): void {
    if (name === 'br') this.#text.add(this.#heading === undefined ? '\n' : ' ')
    else if (name === 'q') this.#text.add('“')
    else if ((name === 'td' || name === 'th') && !this.#text.isBlank) this.#text.add('\t')
    else if (name === 'hr') {
      this.#flush()
      this.#out.sceneBreak()
    } else if (/^h[1-6]$/.test(name)) {
      this.#flush()
      this.#heading = Number(name.slice(1))
    } else if (blockElements.has(name)) this.#beginBlock(name)
  }

  #beginBlock(name: string): void {
    if (name === 'pre') this.#verbatim += 1
    if (this.#heading !== undefined) this.#text.add(' ')
    else this.#flush()
    for (const each of this.#open) each.filled = true
  }

  #end(closed: Open): void {
    const { name } = closed
    if (name === 'q') this.#text.add('”')
    else if (name === 'a') this.#endLink(closed)
    else if (/^h[1-6]$/.test(name)) {
      this.#flush()
      this.#heading = undefined
    } else if (blockElements.has(name)) this.#endBlock(closed)
  }

  #endBlock({ name, attributes, filled }: Open): void {
    if (name === 'pre') this.#verbatim -= 1
    if (this.#heading !== undefined) return
    const isEmpty = this.#text.isBlank
    this.#flush()
    if (!isEmpty) return
    if (isSceneMark(attributes)) this.#out.sceneBreak()
    else if (name === 'p' && !filled) this.#out.gap()
  }

  /** Leaves out the number of a note. */
  #endLink({ attributes, start, raised }: Open): void {
    if (start < 0 || !(attributes['href'] ?? '').includes('#')) return
    const text = this.#text.since(start, longestMark)
    if (text === undefined || !isNoteMark(text, raised)) return
    this.#text.cut(start)
    this.#leftOut.notes += 1
  }

  #flush(): void {
    const text = this.#text.take()
    for (const each of this.#open) each.start = -1
    if (this.#heading !== undefined) this.#out.heading(this.#heading, text)
    else if (text.trim() !== '') this.#out.paragraph(text.replace(/^[ \t\n\u00a0]+/, '').trimEnd())
  }

  /** Text with its white space as a reader shows it: line ends between Chinese characters are none. */
  #collapsed(text: string): string {
    const plain = text
      .replace(/[\u00ad\u200b\u2060\ufeff]/g, '')
      .replace(wrappedChinese, '')
      .replace(/[ \t\r\n\f]+/g, ' ')
    return this.#text.endsInSpace && plain.startsWith(' ') ? plain.slice(1) : plain
  }
}

const wide = '[\\u2e80-\\u9fff\\uf900-\\ufaff\\uff00-\\uffef\\u3000-\\u303f]'
const wrappedChinese = new RegExp(`(?<=${wide})[ \\t]*[\\r\\n][ \\t\\r\\n]*(?=${wide})`, 'g')
