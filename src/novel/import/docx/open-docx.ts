import { defined } from '../../../task/defined.ts'
import { type Archive, resolveTarget } from '../archive.ts'
import { type BookLines, HeadingHolder, LineWriter, wholePartLines } from '../book-lines.ts'
import { ExportedLines, ownProgram } from '../exported-lines.ts'
import type { CharacterFaults } from '../lines.ts'
import { factsOf, isPlaceholder, type LeftOut, type OpenedText } from '../opened.ts'
import { type Paragraph, ParagraphWriter } from '../paragraphs.ts'
import { fieldsIn, localName, readPart, type XmlEvents, xmlEncoding } from '../xml.ts'
import { isOn, outlineLevel, type PurposeOf, readStyles, WordNames } from './styles.ts'

/** Whether an archive is a Word document: it lists its parts, and its main part is a text. */
export async function isDocx(archive: Archive): Promise<boolean> {
  if (!archive.has('[Content_Types].xml')) return false
  if (archive.has('word/document.xml')) return true
  const main = await mainPart(archive)
  return main !== undefined && archive.has(main) && isTextPart(archive, main)
}

/**
 * Opens a Word document: its properties, and its text with headings by their styles. Throws what `Archive.read` and `XmlReader` throw, and
 * FILE_DAMAGED where its main part is not well-formed.
 */
export async function openDocx(archive: Archive): Promise<OpenedText> {
  const main = (await mainPart(archive)) ?? 'word/document.xml'
  const parts = await relationsOf(archive, main)
  const purposeOf = await readStyles(archive, parts.get('styles') ?? 'word/styles.xml')
  const isExported = (await programOf(archive)) === ownProgram
  const facts = await coreFacts(archive, isExported)
  const linesOf = (faults: CharacterFaults) =>
    isExported ? new ExportedLines({ hasTitlePage: true }) : new HeadingHolder(new LineWriter(faults), false)
  return {
    kind: 'docx',
    encoding: { name: await xmlEncoding(archive.read(main)), confidence: 1 },
    facts: factsOf(facts),
    declared: false,
    ...(isExported && { exported: { lines: 0, ...defined(facts) } }),
    lines(faults, leftOut) {
      const out = linesOf(faults)
      const events = new DocumentEvents(out, purposeOf, leftOut)
      return wholePartLines(archive, main, { events, out })
    },
  }
}

/** Returns the main part that the package names. */
async function mainPart(archive: Archive): Promise<string | undefined> {
  return (await relationsOf(archive, '')).get('officeDocument')
}

async function isTextPart(archive: Archive, main: string): Promise<boolean> {
  let isText = false
  await readPart(archive, '[Content_Types].xml', {
    open(_, { PartName, ContentType = '' }) {
      if (PartName === `/${main}`) isText = /wordprocessingml|ms-word/.test(ContentType)
    },
  })
  return isText
}

/** Returns the parts that a part names, by the last word of their relation. Of two with the same relation the first counts. */
async function relationsOf(archive: Archive, part: string): Promise<ReadonlyMap<string, string>> {
  const nameAt = part.lastIndexOf('/') + 1
  const list = `${part.slice(0, nameAt)}_rels/${part.slice(nameAt)}.rels`
  const relations = new Map<string, string>()
  if (!archive.has(list)) return relations
  await readPart(archive, list, {
    open(name, { Type = '', Target = '', TargetMode }) {
      if (localName(name) !== 'Relationship' || TargetMode === 'External') return
      const kind = Type.split('/').at(-1) ?? ''
      const target = resolveTarget(part, Target)
      if (target !== undefined && wantedParts.has(kind) && !relations.has(kind))
        relations.set(kind, target.file)
    },
  })
  return relations
}

const wantedParts = new Set(['officeDocument', 'styles', 'core-properties', 'extended-properties'])

/** Returns the name of the program that wrote the document. */
async function programOf(archive: Archive): Promise<string> {
  const part = (await relationsOf(archive, '')).get('extended-properties')
  if (part === undefined) return ''
  return (await fieldsIn(archive, part, ['Application'])).get('Application') ?? ''
}

/** Reads title, author and language from the properties of the document. `isExported`: none of them is the default of a word processor. */
async function coreFacts(archive: Archive, isExported: boolean) {
  const part = (await relationsOf(archive, '')).get('core-properties') ?? 'docProps/core.xml'
  const fields = await fieldsIn(archive, part, ['title', 'creator', 'language'])
  const own = (name: string) => {
    const text = fields.get(name)
    return isExported || !isPlaceholder(text ?? '') ? text : undefined
  }
  const author = own('creator')
  return {
    title: own('title'),
    author: isExported ? author : author?.replaceAll(';', ', '),
    language: own('language'),
  }
}

/** Elements whose content is not read: deleted or moved text, the reading of ruby, the properties before a tracked change. */
const silentElements = new Set(['del', 'moveFrom', 'rt', 'pPrChange', 'rPrChange', 'sectPrChange'])
/** Elements whose borders end a paragraph. */
const containers = new Set(['body', 'tbl', 'tc', 'txbxContent'])

/** Where the border of an empty paragraph is a line across the page. Word makes one of `---`. */
const ruledSides = new Set(['top', 'bottom'])

/** A paragraph of a DOCX. */
interface WordParagraph extends Paragraph {
  /** Its mark was deleted or moved: the next paragraph continues its text. */
  isJoined: boolean
}

/** Writes the headings and paragraphs of the main part of a DOCX. */
class DocumentEvents implements XmlEvents {
  readonly #out: BookLines
  readonly #writer: ParagraphWriter
  readonly #purposeOf: PurposeOf
  readonly #leftOut: LeftOut
  readonly #names = new WordNames()
  readonly #open: WordParagraph[] = []
  /** The paragraph that the next one continues. */
  #joined: WordParagraph | undefined
  #silent = 0
  #isText = false
  #isHidden = false
  #inProperties = 0
  /** Within the borders of a paragraph. */
  #inBorders = false
  #sectionBreaks = false

  constructor(out: BookLines, purposeOf: PurposeOf, leftOut: LeftOut) {
    this.#out = out
    this.#writer = new ParagraphWriter(out, leftOut)
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
    if (name === undefined) {
      // A line as Word inserts it where somebody asks for one.
      if (isOn(attributes['o:hr'] ?? '0')) this.#rule()
      return
    }
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
    else if (name === 'pBdr') this.#inBorders = false
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
    else if (name === 'pBdr') this.#inBorders = true
    else if (this.#inBorders && ruledSides.has(name) && value !== 'nil' && isOn(value)) this.#rule()
    else if (paragraph === undefined) return
    else if (name === 'pStyle') paragraph.purpose = this.#purposeOf(value)
    else if (name === 'outlineLvl') this.#outline(paragraph, outlineLevel(value))
  }

  #outline(paragraph: Paragraph, level: number | undefined): void {
    if (level === undefined || paragraph.purpose === 'contents') return
    paragraph.purpose = level < 9 ? { level: level + 1 } : 'text'
  }

  #rule(): void {
    const paragraph = this.#open.at(-1)
    if (paragraph !== undefined) paragraph.isRuled = true
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
      this.#writer.write(paragraph)
      this.#out.sceneBreak()
    } else this.#append(' ')
  }

  #append(text: string): void {
    const paragraph = this.#open.at(-1)
    if (paragraph !== undefined && !this.#isHidden) this.#writer.append(paragraph, text)
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
    const purpose = this.#purposeOf(undefined)
    this.#open.push({ text, purpose, breaks: false, isCut, isJoined: false })
  }

  #endParagraph(): void {
    const paragraph = this.#open.pop()
    if (paragraph?.isJoined === true) this.#joined = paragraph
    else if (paragraph !== undefined) this.#writer.finish(paragraph)
  }

  /** Ends a paragraph that no further one continues. */
  #endJoined(): void {
    const paragraph = this.#joined
    this.#joined = undefined
    if (paragraph !== undefined) this.#writer.finish(paragraph)
  }
}
