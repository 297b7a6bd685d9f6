import { type BookLines, longestParagraph } from '../book-lines.ts'
import type { LeftOut, PageKind } from '../opened.ts'
import { localName, type XmlEvents } from '../xml.ts'
import { type ContentsEntry, kindsOf } from './navigation.ts'

/** Of a page that is no text of the novel, and of a paragraph that the next one follows without a blank line, in the books that Quillwork exports. */
const matterClass = 'matter'
const lineClass = 'line'
/** UTF-16 units of a link that may be the number of a note. */
const longestMark = 20

/** An element that is open. */
interface Open {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  /** The place in the paragraph where the element began; -1 once that paragraph is written. */
  start: number
  /** It contains a picture or a block. */
  filled: boolean
  /** For a link: it contains raised text, or is within raised text. */
  raised: boolean
}

/** Writes the headings and paragraphs of a content document of an EPUB. */
export class ContentEvents implements XmlEvents {
  readonly #out: BookLines
  readonly #targets: ReadonlyMap<string, readonly ContentsEntry[]>
  readonly #leftOut: LeftOut
  readonly #open: Open[] = []
  /** Depth within an element whose text is left out. */
  #silent = 0
  readonly #text = new ParagraphText()
  #heading: number | undefined
  #verbatim = 0

  constructor(out: BookLines, targets: ReadonlyMap<string, readonly ContentsEntry[]>, leftOut: LeftOut) {
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
    const isVerbatim = this.#verbatim > 0 || this.#out.isExact
    this.#text.add(isVerbatim ? text.replace(/\r\n?/g, '\n') : this.#collapsed(text))
    if (this.#text.length > longestParagraph) this.flush()
  }

  /** Begins the chapters that the table of contents lists at an element. */
  #arrive(id: string | undefined): void {
    const entries = id === undefined ? undefined : this.#targets.get(id)
    if (entries === undefined) return
    if (this.#heading === undefined) this.flush()
    for (const { depth, title } of entries) this.#out.listed(depth, title)
  }

  #isLeftOut(name: string, attributes: Readonly<Record<string, string>>): boolean {
    const isMatter = this.#out.isExact && name === 'section' && attributes['class'] === matterClass
    const purpose = isMatter ? 'page' : purposeOf(name, attributes)
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
      this.flush()
      this.#out.sceneBreak()
    } else if (/^h[1-6]$/.test(name)) {
      this.flush()
      this.#heading = Number(name.slice(1))
    } else if (blockElements.has(name)) this.#beginBlock(name)
  }

  #beginBlock(name: string): void {
    if (name === 'pre') this.#verbatim += 1
    if (this.#heading !== undefined) this.#text.add(' ')
    else this.flush()
    for (const each of this.#open) each.filled = true
  }

  #end(closed: Open): void {
    const { name } = closed
    if (name === 'q') this.#text.add('”')
    else if (name === 'a') this.#endLink(closed)
    else if (/^h[1-6]$/.test(name)) {
      this.flush()
      this.#heading = undefined
    } else if (blockElements.has(name)) this.#endBlock(closed)
  }

  #endBlock({ name, attributes, filled }: Open): void {
    if (name === 'pre') this.#verbatim -= 1
    if (this.#heading !== undefined) return
    const isEmpty = this.#text.isBlank
    this.flush(this.#out.isExact && attributes['class']?.split(' ').includes(lineClass))
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

  /** Writes the open paragraph or heading, also at the end of the document. `isLine`: no blank line follows. */
  flush(isLine = false): void {
    const text = this.#text.take()
    for (const each of this.#open) each.start = -1
    if (this.#heading !== undefined) this.#out.heading(this.#heading, text)
    else if (text.trim() !== '') {
      const shown = this.#out.isExact ? text : text.replace(/^[ \t\n\u00a0]+/, '').trimEnd()
      this.#out.paragraph(shown, isLine)
    }
  }

  /** Returns text with its white space as readers show it: none for a line end between Chinese characters. */
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

/** Elements that begin and end a paragraph. */
const blockElements = setOf(`address article aside blockquote body caption center dd details dialog div dl dt
  fieldset figcaption figure footer form header hgroup legend li main ol p pre section summary table tbody
  tfoot thead tr ul`)

/** Elements whose content is not text of the book: style, pictures, and the readings of ruby, whose base stays. */
const silentElements = setOf(`audio head iframe map math nav noscript object rp rt rtc script select style svg
  template textarea title video`)

/** Kinds of notes and of links to them. */
const noteKinds = setOf(`footnote footnotes endnote endnotes rearnote rearnotes backlink referrer pagebreak
  page-list`)
const noteRoles = setOf('doc-footnote doc-endnote doc-endnotes doc-backlink doc-pagebreak doc-pagelist')

function setOf(names: string): ReadonlySet<string> {
  return new Set(names.split(/\s+/))
}

/** Pages outside the story, by their names in EPUB. */
export const pageKinds: ReadonlyMap<string, PageKind> = new Map([
  ['cover', 'cover'],
  ['titlepage', 'title-page'],
  ['title-page', 'title-page'],
  ['halftitlepage', 'half-title'],
  ['copyright-page', 'copyright'],
  ['copyright', 'copyright'],
  ['imprint', 'imprint'],
  ['colophon', 'colophon'],
  ['toc', 'contents'],
  ['loi', 'illustrations'],
  ['lot', 'tables'],
])

/** Titles of such pages in tables of contents, where nothing else identifies them. */
export const pageTitles =
  /^(?:cover(?: page)?|title ?page|half ?title|copyright(?: page| notice)?|(?:table of )?contents|封面|书名页|書名頁|扉页|扉頁|版权(?:页|信息|声明)?|版權(?:頁|資訊|聲明)?|目[录錄次])$/i

/** What the text of an element is. */
type Purpose = 'text' | 'silent' | 'note' | 'reference' | 'page'

/** Returns what the text of an element is. */
function purposeOf(name: string, attributes: Readonly<Record<string, string>>): Purpose {
  if (silentElements.has(name) || attributes['hidden'] !== undefined) return 'silent'
  const kinds = kindsOf(attributes)
  const role = attributes['role'] ?? ''
  if (kinds.includes('noteref') || role === 'doc-noteref') return 'reference'
  if (kinds.some(kind => noteKinds.has(kind)) || noteRoles.has(role)) return 'note'
  if ((attributes['class'] ?? '').includes('duokan-footnote-item')) return 'note'
  const isPage =
    (name === 'body' || name === 'section' || name === 'div') && kinds.some(kind => pageKinds.has(kind))
  return isPage ? 'page' : 'text'
}

/** Whether an empty element separates scenes. */
function isSceneMark(attributes: Readonly<Record<string, string>>): boolean {
  const names = attributes['class'] ?? ''
  if (attributes['role'] === 'separator') return true
  return (
    /break|separator|ornament|asterism|dinkus|divider/i.test(names) && !/page|line|column|word/i.test(names)
  )
}

/** Whether a link leads to a note: its text is a number or a mark, in brackets or raised. */
function isNoteMark(text: string, raised: boolean): boolean {
  const mark = text.trim()
  if (/^[[［(（【〔][注註]?\s?(?:\d{1,4}|[*†‡§¶])[\]］)）】〕]$/.test(mark)) return true
  return raised && /^(?:\d{1,4}|[*†‡§¶]{1,3}|[a-z]|[①-⑳]|[注註]\d{0,4})$/.test(mark)
}

/** The text of a paragraph while it is read, in pieces: adding one takes the same time at any length. */
class ParagraphText {
  /** In UTF-16 units. */
  length = 0
  /** Only white space was added. */
  isBlank = true
  #pieces: string[] = []
  #last = ''

  /** Whether it is empty or ends with white space, so that further white space does not show. */
  get endsInSpace(): boolean {
    return this.#last === '' || this.#last === ' ' || this.#last === '\n' || this.#last === '\t'
  }

  /** The place after the last piece. */
  get place(): number {
    return this.#pieces.length
  }

  add(text: string): void {
    if (text === '') return
    this.#pieces.push(text)
    this.length += text.length
    this.#last = text.slice(-1)
    this.isBlank &&= text.trim() === ''
  }

  /** Returns the text added since a place, if it is at most `longest` UTF-16 units. */
  since(place: number, longest: number): string | undefined {
    let text = ''
    for (const piece of this.#pieces.slice(place, place + longest)) {
      text += piece
      if (text.length > longest) return undefined
    }
    return this.#pieces.length - place > longest ? undefined : text
  }

  /** Removes the text added since a place. */
  cut(place: number): void {
    for (const piece of this.#pieces.splice(place)) this.length -= piece.length
    this.#last = this.#pieces.at(-1)?.slice(-1) ?? ''
  }

  /** Returns the whole text and begins the next paragraph. */
  take(): string {
    const text = this.#pieces.join('')
    this.#pieces = []
    this.length = 0
    this.#last = ''
    this.isBlank = true
    return text
  }
}
