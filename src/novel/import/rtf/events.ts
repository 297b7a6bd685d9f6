import type { BookLines } from '../book-lines.ts'
import { type Bounds, checkBound } from '../bounds.ts'
import type { LeftOut } from '../opened.ts'
import { type Paragraph, ParagraphWriter, type Purpose, purposeByName } from '../paragraphs.ts'
import type { RtfEvents } from './reader.ts'

/** What the text of a group is. */
type Destination = 'text' | 'silent' | 'fonts' | 'styles' | 'title' | 'author' | 'info' | 'info-unicode'

/** Groups that are no text of the book, beside all that begin with `\*`. */
const silent = new Set(
  `colortbl pict object header headerl headerr headerf footer footerl footerr footerf footnote annotation fldinst
  listtable listoverridetable revtbl rsidtbl filetbl xe tc shpinst nonshppict themedata datafield do bkmkstart bkmkend
  private listtext pntext ftnsep ftnsepc aftnsep aftnsepc mmathPr nonesttables`.split(/\s+/),
)
const destinations: Readonly<Record<string, Destination>> = {
  fonttbl: 'fonts',
  stylesheet: 'styles',
  info: 'info',
  title: 'title',
  author: 'author',
}

const unshown: ReadonlySet<Destination> = new Set(['silent', 'info', 'info-unicode', 'fonts'] as const)

/** Words that stand for characters. */
const characters: Readonly<Record<string, string>> = {
  ...{ tab: '\t', line: '\n', cell: '\t', '~': '\u00a0', _: '-', emspace: '\u2003', enspace: '\u2002' },
  ...{ emdash: '—', endash: '–', bullet: '•', lquote: '‘', rquote: '’', ldblquote: '“', rdblquote: '”' },
}

/** Encodings of fonts by their `\fcharset`. */
const charsets: Readonly<Record<number, string>> = {
  ...{ 77: 'macintosh', 128: 'shift_jis', 129: 'euc-kr', 134: 'gb18030', 136: 'big5', 161: 'windows-1253' },
  ...{ 162: 'windows-1254', 163: 'windows-1258', 177: 'windows-1255', 178: 'windows-1256' },
  ...{ 186: 'windows-1257', 204: 'windows-1251', 222: 'windows-874', 238: 'windows-1250' },
}

/** What holds within a group. */
interface Group {
  readonly destination: Destination
  font: number
  fallbackLength: number
  isHidden: boolean
}

/** UTF-16 units of a name or a field that are kept. */
const longestName = 1_000

/** Writes the headings and paragraphs of an RTF file. */
export class RtfText implements RtfEvents {
  readonly fields = new Map<'title' | 'author', string>()
  /** Text of the book has begun. */
  hasBegun = false
  readonly #out: BookLines
  readonly #writer: ParagraphWriter
  readonly #leftOut: LeftOut
  readonly #bounds: Bounds
  readonly #standard: string
  readonly #groups: Group[] = []
  #group: Group = { destination: 'text', font: -1, fallbackLength: 1, isHidden: false }
  /** The group has just begun: its first word says what it is. */
  #isFirst = false
  #isOptional = false
  readonly #fonts = new Map<number, string>()
  #defaultFont = -1
  readonly #styles = new Map<number, Purpose>()
  #style = { id: 0, name: '', level: undefined as number | undefined }
  #paragraph: Paragraph = newParagraph()
  /** First half of a surrogate pair. */
  #half = ''

  /** `standard`: the encoding where a font names none. */
  constructor(
    out: BookLines,
    { standard, leftOut, bounds }: { standard: string; leftOut: LeftOut; bounds: Bounds },
  ) {
    this.#out = out
    this.#writer = new ParagraphWriter(out, leftOut)
    this.#leftOut = leftOut
    this.#bounds = bounds
    this.#standard = standard
  }

  get isWanted(): boolean {
    const { destination, isHidden } = this.#group
    return !unshown.has(destination) && !isHidden
  }

  get encoding(): string {
    const { font, destination } = this.#group
    if (destination !== 'text') return this.#standard
    return this.#fonts.get(font) ?? this.#fonts.get(this.#defaultFont) ?? this.#standard
  }

  get fallbackLength(): number {
    return this.#group.fallbackLength
  }

  open(): void {
    this.#groups.push(this.#group)
    this.#group = { ...this.#group }
    this.#isFirst = true
    this.#isOptional = false
  }

  close(): void {
    const { destination } = this.#group
    const outer = this.#groups.pop()
    if (outer === undefined) return
    if (destination === 'styles' && outer.destination === 'styles') this.#endStyle()
    this.#group = outer
    this.#isFirst = false
  }

  text(text: string): void {
    this.#isFirst = false
    const { destination } = this.#group
    if (destination === 'text') {
      this.hasBegun = true
      this.#writer.append(this.#paragraph, this.#whole(text))
    } else if (destination === 'styles') {
      if (this.#style.name.length < longestName) this.#style.name += text
    } else if (destination === 'title' || destination === 'author') {
      const before = this.fields.get(destination) ?? ''
      if (before.length < longestName) this.fields.set(destination, before + text)
    }
  }

  /** Returns a text of whole characters: the halves of a pair come one by one. */
  #whole(text: string): string {
    const all = this.#half + text
    this.#half = /[\ud800-\udbff]$/.test(all) ? all.slice(-1) : ''
    return all.slice(0, all.length - this.#half.length).toWellFormed()
  }

  control(word: string, value: number | undefined): void {
    const isFirst = this.#isFirst
    this.#isFirst = word === '*'
    if (word === '*') this.#isOptional = isFirst
    else if (isFirst && this.#begins(word)) return
    else if (word === 'uc') this.#group.fallbackLength = Math.min(Math.max(value ?? 1, 0), 100)
    else if (word === 'deff') this.#defaultFont = value ?? -1
    else if (word === 'f') this.#group.font = value ?? -1
    else if (this.#group.destination === 'fonts') this.#ofFont(word, value)
    else if (this.#group.destination === 'styles') this.#ofStyle(word, value)
    else if (this.#group.destination === 'text') this.#ofText(word, value)
  }

  /** Ends the last paragraph. */
  end(): void {
    if (this.#paragraph.text !== '') this.#writer.finish(this.#paragraph)
  }

  /** Begins a group whose first word says what it is. Returns false for one that is as the group around it. */
  #begins(word: string): boolean {
    const known = destinations[word]
    const isSilent = silent.has(word) || (this.#isOptional && known === undefined)
    if (word === 'title' || word === 'author') {
      const { destination } = this.#group
      if (destination !== 'info' && destination !== 'info-unicode') return false
      // Some programs write them twice; in Unicode they write what their own encoding does not have.
      if (this.fields.has(word) && destination === 'info') return true
      this.fields.set(word, '')
    }
    if (word === 'ud' && this.#isOptional && this.#group.destination === 'info') {
      this.#group = { ...this.#group, destination: 'info-unicode' }
      return true
    }
    this.#isOptional = false
    if (known === undefined && !isSilent) return false
    if (word === 'footnote' && this.#group.destination === 'text') this.#leftOut.notes += 1
    if (this.#group.destination === 'silent') return true
    this.#group = { ...this.#group, destination: isSilent ? 'silent' : (known ?? 'text') }
    return true
  }

  #ofFont(word: string, value = 0): void {
    if (word !== 'fcharset') return
    this.#fonts.set(this.#group.font, charsets[value] ?? this.#standard)
    checkBound(this.#bounds, 'listed', this.#fonts.size)
  }

  #ofStyle(word: string, value = 0): void {
    if (word === 's') this.#style.id = value
    else if (word === 'outlinelevel') this.#style.level = value
  }

  #endStyle(): void {
    const { id, name, level } = this.#style
    const byName = purposeByName(name.replace(/;.*$/s, ''))
    const isHeading = level !== undefined && level >= 0 && level < 9
    const purpose = byName ?? (isHeading ? { level: level + 1 } : undefined)
    if (purpose !== undefined) this.#styles.set(id, purpose)
    checkBound(this.#bounds, 'listed', this.#styles.size)
    this.#style = { id: 0, name: '', level: undefined }
  }

  #ofText(word: string, value: number | undefined): void {
    const character = characters[word]
    if (character !== undefined) {
      if (!this.#group.isHidden) this.#writer.append(this.#paragraph, character)
    } else if (word === 'par' || word === 'row') this.#endParagraph()
    else if (word === 'page' || word === 'sect') this.#break()
    else if (word === 'pard') this.#paragraph.purpose = 'text'
    else if (word === 's') this.#paragraph.purpose = this.#styles.get(value ?? 0) ?? 'text'
    else if (word === 'outlinelevel' && value !== undefined && value >= 0 && value < 9)
      this.#paragraph.purpose = { level: value + 1 }
    else if (word === 'v' || word === 'deleted') this.#group.isHidden = value !== 0
    else if (word === 'plain') this.#group.isHidden = false
  }

  #endParagraph(): void {
    const { purpose } = this.#paragraph
    this.#half = ''
    this.#writer.finish(this.#paragraph)
    // The next one is as this one until it says otherwise.
    this.#paragraph = { ...newParagraph(), purpose }
  }

  #break(): void {
    this.#writer.write(this.#paragraph)
    if (this.hasBegun) this.#out.sceneBreak()
  }
}

function newParagraph(): Paragraph {
  return { text: '', purpose: 'text', breaks: false, isCut: false }
}
