import { createHash } from 'node:crypto'
import { ownProgram } from '../import/exported-lines.ts'
import { titleLine } from './blocks.ts'
import type { Book } from './book.ts'
import { type MatterPage, matterPagesOf, pageEnd, pageStart } from './epub-page.ts'
import type { BookScript } from './script.ts'
import { escapeXml, xmlDeclaration } from './xml.ts'

/** A page in the table of contents, with the chapters of a volume. */
export interface ContentsEntry {
  readonly id: string
  readonly title: string
  /** Name of its file. */
  readonly file: string
  readonly below: readonly ContentsEntry[]
}

/** Returns the entries of the table of contents, with the pages before and after the text that have a title. */
function withMatter(book: Book, entries: readonly ContentsEntry[]): readonly ContentsEntry[] {
  const { front, end } = matterPagesOf(book)
  const listedOf = (pages: readonly MatterPage[]) =>
    pages.filter(({ title }) => title !== '').map(({ id, file, title }) => ({ id, file, title, below: [] }))
  return [...listedOf(front), ...entries, ...listedOf(end)]
}

/** The file that names the package document. */
export const container = `${xmlDeclaration}<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/></rootfiles></container>
`

/** Returns the package document: metadata, files, reading order. */
export function packageDocument(
  book: Book,
  { language, isRightToLeft }: BookScript,
  entries: readonly ContentsEntry[],
): string {
  const author = titleLine(book.author ?? '')
  const { front, end } = matterPagesOf(book)
  const pages = [
    { id: 'title', file: 'title.xhtml' },
    ...front,
    ...entries.flatMap(entry => [entry, ...entry.below]),
    ...end,
  ]
  const progression = isRightToLeft ? ' page-progression-direction="rtl"' : ''
  return [
    `${xmlDeclaration}<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="book-id">`,
    '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">',
    `<dc:identifier id="book-id">${identifierOf(book)}</dc:identifier>`,
    `<dc:title>${escapeXml(titleLine(book.title))}</dc:title>`,
    ...(author === '' ? [] : [`<dc:creator>${escapeXml(author)}</dc:creator>`]),
    `<dc:language>${language}</dc:language>`,
    `<meta property="dcterms:modified">${new Date(book.updatedAt).toISOString().replace(/\.\d+/, '')}</meta>`,
    // The import reads a book with this name as a novel, and exactly.
    ...(book.content === undefined ? [`<meta name="generator" content="${ownProgram}"/>`] : []),
    ...accessibility.map(([name, value]) => `<meta property="schema:${name}">${value}</meta>`),
    '</metadata>',
    '<manifest>',
    '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>',
    '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>',
    '<item id="style" href="style.css" media-type="text/css"/>',
    ...pages.map(({ id, file }) => `<item id="${id}" href="${file}" media-type="application/xhtml+xml"/>`),
    '</manifest>',
    `<spine toc="ncx"${progression}>`,
    ...pages.map(({ id }) => `<itemref idref="${id}"/>`),
    '</spine>',
    '</package>\n',
  ].join('\n')
}

/** What shops and libraries ask of a book: it is all text, and its structure can be followed. */
const accessibility = [
  ['accessMode', 'textual'],
  ['accessModeSufficient', 'textual'],
  ['accessibilityFeature', 'structuralNavigation'],
  ['accessibilityFeature', 'tableOfContents'],
  ['accessibilityHazard', 'none'],
] as const

/** Returns the identifier of a book, the same for every export: a UUID of version 8, made of the digest of its id. */
function identifierOf({ id }: Book): string {
  const digest = createHash('sha256').update(id).digest('hex')
  const variant = '89ab'[Number.parseInt(digest.charAt(16), 16) % 4]
  const groups = [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `${variant}${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ]
  return `urn:uuid:${groups.join('-')}`
}

/** Returns the entries of a table of contents, which may not be empty. */
function listed(book: Book, entries: readonly ContentsEntry[]): readonly ContentsEntry[] {
  if (entries.length > 0) return entries
  return [{ id: 'title', title: titleLine(book.title), file: 'title.xhtml', below: [] }]
}

/** Returns the table of contents, as a page. */
export function contentsPage(book: Book, script: BookScript, entries: readonly ContentsEntry[]): string {
  const title = titleLine(book.title)
  const links = listed(book, withMatter(book, entries))
  const start = entries[0]?.file ?? 'title.xhtml'
  return [
    pageStart(title, script),
    `<nav epub:type="toc" id="toc"><h1>${escapeXml(title)}</h1>\n${listXhtml(links)}</nav>\n`,
    '<nav epub:type="landmarks" hidden=""><ol>',
    '<li><a epub:type="titlepage" href="title.xhtml">Title page</a></li>',
    `<li><a epub:type="bodymatter" href="${start}">Text</a></li>`,
    `</ol></nav>\n${pageEnd}`,
  ].join('')
}

function listXhtml(entries: readonly ContentsEntry[]): string {
  const items = entries.map(
    ({ title, file, below }) =>
      `<li><a href="${file}">${escapeXml(title)}</a>${below.length === 0 ? '' : listXhtml(below)}</li>\n`,
  )
  return `<ol>\n${items.join('')}</ol>\n`
}

/** Returns the table of contents as EPUB 2 has it. */
export function contentsOfEpub2(book: Book, entries: readonly ContentsEntry[]): string {
  let order = 0
  const pointsOf = (list: readonly ContentsEntry[]): string =>
    list
      .map(({ id, title, file, below }) => {
        order += 1
        return `<navPoint id="${id}" playOrder="${order}"><navLabel><text>${escapeXml(title)}</text></navLabel><content src="${file}"/>${pointsOf(below)}</navPoint>\n`
      })
      .join('')
  const depth = entries.some(({ below }) => below.length > 0) ? 2 : 1
  const head = [
    ['dtb:uid', identifierOf(book)],
    ['dtb:depth', depth],
    ['dtb:totalPageCount', 0],
    ['dtb:maxPageNumber', 0],
  ].map(([name, content]) => `<meta name="${name}" content="${content}"/>`)
  return [
    `${xmlDeclaration}<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1">`,
    `<head>${head.join('')}</head>`,
    `<docTitle><text>${escapeXml(titleLine(book.title))}</text></docTitle>`,
    `<navMap>\n${pointsOf(listed(book, withMatter(book, entries)))}</navMap>`,
    '</ncx>\n',
  ].join('\n')
}
