import { type ZipFile, zip } from './zip-writer.ts'

/** A file of the reading order. */
export interface EpubPage {
  readonly file: string
  /** What stands in its body, as XHTML. */
  readonly body?: string
  /** The whole file, in place of one made of `body`. */
  readonly content?: string | Uint8Array
  readonly linear?: boolean
}

/** An entry of a table of contents. */
export interface NavEntry {
  readonly title: string
  /** None for a heading without a link. */
  readonly href?: string
  readonly below?: readonly NavEntry[]
}

/** A book to be written. */
export interface EpubBook {
  readonly pages: readonly EpubPage[]
  readonly nav?: readonly NavEntry[]
  readonly ncx?: readonly NavEntry[]
  readonly landmarks?: Readonly<Record<string, string>>
  readonly guide?: Readonly<Record<string, string>>
  /** XML of the metadata. */
  readonly metadata?: string
  /** The navigation document stands in the reading order. */
  readonly navInSpine?: boolean
  readonly extra?: readonly ZipFile[]
}

/** Text as it stands in XML. */
export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}

/** An XHTML file around a body. */
export function xhtml(body: string, attributes = ''): string {
  return `<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">
<head><title>Head, which is no text</title><style>p { margin: 0 }</style></head>
<body${attributes}>${body}</body></html>`
}

/** The files of an EPUB, for those tests that change some. */
export function epubFiles(book: EpubBook): ZipFile[] {
  const { pages, nav, ncx, extra = [] } = book
  return [
    { name: 'mimetype', content: 'application/epub+zip', stored: true },
    {
      name: 'META-INF/container.xml',
      content: `<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>`,
    },
    { name: 'OEBPS/book.opf', content: opf(book) },
    ...(nav === undefined ? [] : [{ name: 'OEBPS/nav.xhtml', content: navOf(nav, book.landmarks ?? {}) }]),
    ...(ncx === undefined ? [] : [{ name: 'OEBPS/toc.ncx', content: ncxOf(ncx) }]),
    ...pages.map(({ file, body = '', content }) => ({
      name: `OEBPS/${file}`,
      content: content ?? xhtml(body),
    })),
    ...extra,
  ]
}

/** Writes an EPUB. */
export function epub(book: EpubBook): Buffer {
  return zip(epubFiles(book))
}

/** A book of which only the text matters: one page of this XHTML. */
export function pageBook(body: string): Buffer {
  return epub({ pages: [{ file: 'one.xhtml', body }], nav: [{ title: 'One', href: 'one.xhtml' }] })
}

function opf({ pages, nav, ncx, guide, metadata, navInSpine }: EpubBook): string {
  const items = pages.map(
    ({ file }, i) => `<item id="p${i}" href="${file}" media-type="application/xhtml+xml"/>`,
  )
  if (nav !== undefined)
    items.push('<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>')
  if (ncx !== undefined) items.push('<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>')
  const spine = pages.map(({ linear = true }, i) => `<itemref idref="p${i}"${linear ? '' : ' linear="no"'}/>`)
  const references = Object.entries(guide ?? {}).map(
    ([type, href]) => `<reference type="${type}" href="${href}"/>`,
  )
  return `<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:opf="http://www.idpf.org/2007/opf">${metadata ?? '<dc:title>The Book</dc:title>'}</metadata>
<manifest>${items.join('')}</manifest>
<spine toc="ncx">${navInSpine === true ? '<itemref idref="nav"/>' : ''}${spine.join('')}</spine>
<guide>${references.join('')}</guide></package>`
}

function navOf(entries: readonly NavEntry[], landmarks: Readonly<Record<string, string>>): string {
  const list = (each: readonly NavEntry[]): string =>
    `<ol>${each.map(({ title, href, below }) => `<li>${href === undefined ? `<span>${escaped(title)}</span>` : `<a href="${href}">${escaped(title)}</a>`}${below === undefined ? '' : list(below)}</li>`).join('')}</ol>`
  const marks = Object.entries(landmarks).map(
    ([kind, href]) => `<li><a epub:type="${kind}" href="${href}">${kind}</a></li>`,
  )
  return xhtml(`<nav epub:type="toc"><h1>Contents</h1>${list(entries)}</nav>
<nav epub:type="landmarks"><ol>${marks.join('')}</ol></nav>
<nav epub:type="page-list"><ol><li><a href="one.xhtml#p1">1</a></li></ol></nav>`)
}

function ncxOf(entries: readonly NavEntry[]): string {
  const points = (each: readonly NavEntry[]): string =>
    each
      .map(
        ({ title, href = '', below = [] }) =>
          `<navPoint><navLabel><text>${escaped(title)}</text></navLabel><content src="${href}"/>${points(below)}</navPoint>`,
      )
      .join('')
  return `<?xml version="1.0"?><!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd">
<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><docTitle><text>No entry</text></docTitle><navMap>${points(entries)}</navMap></ncx>`
}
