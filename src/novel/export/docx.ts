import { type ArchiveFile, archived } from './archive.ts'
import type { Book, BookLayout, BookOptions, BookWriter } from './book.ts'
import { type DocumentParagraph, documentParagraphs, marginText } from './document.ts'
import { paperMargin, sheets } from './document-styles.ts'
import { marginRelation, packageFiles, wordSpaces } from './docx-package.ts'
import { stylesXml, twentieths } from './docx-styles.ts'
import { type BookScript, scriptOf } from './script.ts'
import { escapeXml, xmlDeclaration } from './xml.ts'

/**
 * Writes a book as a Word document: volumes and chapters with the styles of headings, each on a new page, and a paragraph for each one of the text. In
 * a text that is wrapped at a fixed width, line breaks stay within their paragraph. The import reads it back exactly, as long as no other
 * program saves it. Holds one scene in memory; a manuscript is read twice, for the number of its words.
 */
export const writeDocx: BookWriter = (book, options = {}) =>
  archived(documentFiles(book, options), book.updatedAt)

async function* documentFiles(book: Book, options: BookOptions): AsyncGenerator<ArchiveFile> {
  const { layout = 'book' } = options
  const script = await scriptOf(book)
  const { margin } = sheets[layout]
  yield* packageFiles(book, script, margin)
  yield { name: 'word/styles.xml', content: stylesXml(book, script, layout) }
  yield { name: `word/${margin}.xml`, content: marginXml(book, layout) }
  yield { name: 'word/document.xml', content: documentXml(book, script, options) }
}

/** Returns the margin with the number of the page. */
function marginXml(book: Book, layout: BookLayout): string {
  const number = '<w:fldSimple w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple>'
  const root = sheets[layout].margin === 'header' ? 'w:hdr' : 'w:ftr'
  return `${xmlDeclaration}<${root} ${wordSpaces}><w:p><w:pPr><w:pStyle w:val="Margin"/></w:pPr>${runOf([marginText(book, layout)])}${number}</w:p></${root}>`
}

async function* documentXml(book: Book, script: BookScript, options: BookOptions): AsyncGenerator<string> {
  yield `${xmlDeclaration}<w:document ${wordSpaces}><w:body>\n`
  for await (const paragraphs of documentParagraphs(book, script, options))
    yield paragraphs.map(paragraphXml).join('')
  yield `${sectionXml(script, options.layout ?? 'book')}</w:body></w:document>`
}

const notIndented = '<w:ind w:firstLineChars="0" w:firstLine="0"/>'
const places = { first: '', flush: notIndented, center: `${notIndented}<w:jc w:val="center"/>` } as const

function paragraphXml({ style, lines, place }: DocumentParagraph): string {
  const properties = place === undefined ? '' : places[place]
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
  const margins = ['top', 'right', 'bottom', 'left'].map(side => `w:${side}="${twentieths(paperMargin)}"`)
  const half = twentieths(paperMargin / 2)
  return [
    `<w:sectPr><w:${margin}Reference w:type="default" r:id="${marginRelation}"/>`,
    `<w:pgSz w:w="${twentieths(width)}" w:h="${twentieths(height)}"/>`,
    `<w:pgMar ${margins.join(' ')} w:header="${half}" w:footer="${half}" w:gutter="0"/>`,
    '<w:pgNumType w:start="0"/><w:titlePg/>',
    isRightToLeft ? '<w:bidi/>' : '',
    '</w:sectPr>',
  ].join('')
}
