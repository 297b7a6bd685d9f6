import { measure } from '../words.ts'
import { type ArchiveFile, archived } from './archive.ts'
import { type Block, BlockReader, titleLine } from './blocks.ts'
import type { Book, BookLayout, BookWriter } from './book.ts'
import { type MarginKind, marginRelation, packageFiles, wordSpaces } from './docx-package.ts'
import { stylesXml } from './docx-styles.ts'
import { type BookScript, scriptOf } from './script.ts'
import { escapeXml, xmlDeclaration } from './xml.ts'

/**
 * Writes a book as a Word document: volumes and chapters with the styles of headings, each on a new page, and a paragraph for each one of the text. In
 * a text that is wrapped at a fixed width, line breaks stay within their paragraph. The import reads it back exactly, as long as no other
 * program saves it. Holds one scene in memory; a manuscript is read twice, for the number of its words.
 */
export const writeDocx: BookWriter = (book, { layout = 'book' } = {}) =>
  archived(documentFiles(book, layout), book.updatedAt)

/** A layout on paper. */
interface Sheet {
  /** In twentieths of a point. */
  readonly width: number
  readonly height: number
  /** Where the number of the page is. */
  readonly margin: MarginKind
  /** Between two scenes. */
  readonly sceneMark: string
}

/** A4 for a book; letter paper for a manuscript in the standard form, which comes from America. */
const sheets: Readonly<Record<BookLayout, Sheet>> = {
  book: { width: 11_906, height: 16_838, margin: 'footer', sceneMark: '* * *' },
  manuscript: { width: 12_240, height: 15_840, margin: 'header', sceneMark: '#' },
}

async function* documentFiles(book: Book, layout: BookLayout): AsyncGenerator<ArchiveFile> {
  const script = await scriptOf(book)
  const { margin } = sheets[layout]
  yield* packageFiles(book, script, margin)
  yield { name: 'word/styles.xml', content: stylesXml(script, layout) }
  yield { name: `word/${margin}.xml`, content: marginXml(book, layout) }
  yield { name: 'word/document.xml', content: documentXml(book, script, layout) }
}

/** Returns the margin with the number of the page; in a manuscript also with author and title. */
function marginXml({ author = '', title }: Book, layout: BookLayout): string {
  const { margin } = sheets[layout]
  const names = layout === 'book' ? [] : [author, title].map(titleLine).filter(name => name !== '')
  const before = names.map(name => `${name.toUpperCase()} / `).join('')
  const number = '<w:fldSimple w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple>'
  const root = margin === 'header' ? 'w:hdr' : 'w:ftr'
  return `${xmlDeclaration}<${root} ${wordSpaces}><w:p><w:pPr><w:pStyle w:val="Margin"/></w:pPr>${runOf([before])}${number}</w:p></${root}>`
}

async function* documentXml(book: Book, script: BookScript, layout: BookLayout): AsyncGenerator<string> {
  yield `${xmlDeclaration}<w:document ${wordSpaces}><w:body>\n`
  yield layout === 'book' ? titlePage(book) : await manuscriptTitlePage(book, script)
  const reader = new BlockReader()
  const { sceneMark } = sheets[layout]
  for await (const part of book.parts()) {
    let xml = ''
    for (const block of reader.blocksOf(part)) xml += blockXml(block, sceneMark)
    yield xml
  }
  yield `${sectionXml(script, layout)}</w:body></w:document>`
}

function titlePage({ title, author }: Book): string {
  const byline = author === undefined ? '' : paragraph('Author', [titleLine(author)])
  return paragraph('Title', [titleLine(title)]) + byline
}

/** Returns the title page of a manuscript: author and length at the top, title and author in the middle. */
async function manuscriptTitlePage(book: Book, { language }: BookScript): Promise<string> {
  const author = titleLine(book.author ?? '')
  const words = roundedWords(await wordsOf(book)).toLocaleString('en-US')
  const isChinese = /^zh(?:-|$)/.test(language)
  const length = isChinese ? `约${words}字` : `about ${words} words`
  const byline = isChinese || author === '' ? author : `by ${author}`
  return [
    paragraph('TitlePageTop', [`${author}\t${length}`]),
    paragraph('Title', [titleLine(book.title)]),
    ...(byline === '' ? [] : [paragraph('Author', [byline])]),
  ].join('')
}

async function wordsOf(book: Book): Promise<number> {
  let words = 0
  for await (const part of book.parts()) if (part.kind === 'scene') words += measure(part.content).words
  return words
}

/** Returns a number of words as editors want it: of a novel to the thousand, of less text more exactly. */
function roundedWords(words: number): number {
  const unit = words >= 20_000 ? 1_000 : words >= 1_000 ? 100 : words >= 100 ? 10 : 1
  return Math.round(words / unit) * unit
}

const headings = { volume: 'Heading1', chapter: 'Heading2', scene: 'Heading3' } as const

function blockXml(block: Block, sceneMark: string): string {
  if (block.kind === 'paragraph') return textXml(block)
  if (block.kind === 'break') return paragraph('SceneBreak', [sceneMark])
  if (block.kind === 'blank') return paragraph('BodyText', [])
  return paragraph(headings[block.kind], [block.title])
}

const notIndented = '<w:ind w:firstLineChars="0" w:firstLine="0"/>'

/** Returns a paragraph of the text. One that the author indented is not indented once more. */
function textXml({ lines, isLine, isMark }: Extract<Block, { kind: 'paragraph' }>): string {
  const [first = ''] = lines
  const isIndented = /^\s/.test(first)
  const properties = isMark ? `${notIndented}<w:jc w:val="center"/>` : isIndented ? notIndented : ''
  return paragraph(isLine ? 'TextLine' : 'BodyText', lines, properties)
}

/** Returns a paragraph of a style; `properties` are its own. */
function paragraph(style: string, lines: readonly string[], properties = ''): string {
  return `<w:p><w:pPr><w:pStyle w:val="${style}"/>${properties}</w:pPr>${runOf(lines)}</w:p>\n`
}

/** Returns the run of some lines. Line breaks and tabs are elements of their own, and all spaces are kept. */
function runOf(lines: readonly string[]): string {
  if (lines.every(line => line === '')) return ''
  const textOf = (text: string) => (text === '' ? '' : `<w:t xml:space="preserve">${escapeXml(text)}</w:t>`)
  const texts = lines.map(line => line.split('\t').map(textOf).join('<w:tab/>'))
  return `<w:r>${texts.join('<w:br/>')}</w:r>`
}

/** Returns the properties of the only section. The title page has no number: the first page of the text is 1. */
function sectionXml({ isRightToLeft }: BookScript, layout: BookLayout): string {
  const { width, height, margin } = sheets[layout]
  const margins = ['top', 'right', 'bottom', 'left'].map(side => `w:${side}="1440"`).join(' ')
  return [
    `<w:sectPr><w:${margin}Reference w:type="default" r:id="${marginRelation}"/>`,
    `<w:pgSz w:w="${width}" w:h="${height}"/>`,
    `<w:pgMar ${margins} w:header="720" w:footer="720" w:gutter="0"/>`,
    '<w:pgNumType w:start="0"/><w:titlePg/>',
    isRightToLeft ? '<w:bidi/>' : '',
    '</w:sectPr>',
  ].join('')
}
