import type { Archive } from '../archive/archive.ts'
import type { PageName } from '../opened.ts'
import type { ContentsEntry, EpubContents } from './contents.ts'
import { pageKinds, pageTitles } from './elements.ts'
import type { EpubPackage, ManifestItem } from './package.ts'
import type { Target } from './paths.ts'

/** A file of the reading order. */
export interface Page {
  readonly file: string
  /** What it is called where it is left out. */
  readonly name: PageName
  /** Text of the book; a page that is none; a file that is listed and not there. */
  readonly purpose: 'text' | 'page' | 'missing'
  /** What the table of contents lists in it. */
  readonly entries: readonly ContentsEntry[]
}

/** The reading order with the chapters in it. */
export interface Chapters {
  readonly pages: readonly Page[]
  /** The table of contents says what the chapters are. */
  readonly declared: boolean
}

/** A reference to a page of a kind. */
interface Kind {
  readonly kind: string
  readonly target: Target
}

/**
 * Tells the pages of a book from its text, and where its chapters begin. A cover, title page, copyright page or table of contents is
 * no text; nor is what stands beside the reading order. A table of contents that lists a single place of several files tells nothing.
 */
export function planPages(archive: Archive, book: EpubPackage, contents: EpubContents): Chapters {
  const isPage = pageTest(book, contents)
  const byFile = entriesByFile(contents.entries)
  const seen = new Set<string>()
  const pages = book.spine.flatMap(({ item, linear }): Page[] => {
    if (!isReadable(item) || seen.has(item.file)) return []
    seen.add(item.file)
    const { file } = item
    const entries = byFile.get(file) ?? []
    const title = entries[0]?.title
    const own = isPage(file) ?? { name: file.split('/').at(-1) ?? file }
    const name = title === undefined ? own : { name: title }
    const purpose = !archive.has(file) ? 'missing' : linear && isPage(file) === undefined ? 'text' : 'page'
    return [{ file, name, purpose, entries }]
  })
  const texts = pages.filter(({ purpose }) => purpose === 'text')
  const places = texts.reduce((sum, { entries }) => sum + entries.length, 0)
  const declared = places > 1 || (places === 1 && texts.length === 1)
  return { pages: declared ? pages : pages.map(page => ({ ...page, entries: [] })), declared }
}

function isReadable({ file, mediaType }: ManifestItem): boolean {
  const isText = /^(?:application\/xhtml\+xml|text\/html|text\/x-oeb1-document)$/i.test(mediaType.trim())
  return isText || (mediaType === '' && /\.x?html?$/i.test(file))
}

/** Returns what kind of page a file is, or undefined for text. */
function pageTest(
  book: EpubPackage,
  { entries, landmarks }: EpubContents,
): (file: string) => PageName | undefined {
  const kinds: readonly Kind[] = [...book.guide, ...landmarks]
  const starts = new Set(kinds.filter(({ kind }) => textKinds.has(kind)).map(({ target }) => target.file))
  const pages = new Map<string, PageName>()
  for (const { properties, file } of book.items)
    if (properties.includes('nav')) pages.set(file, { kind: 'contents' })
  for (const { kind, target } of kinds) {
    const known = pageKinds.get(kind)
    if (known !== undefined && target.fragment === '' && !starts.has(target.file))
      pages.set(target.file, { kind: known })
  }
  const listed = entriesByFile(entries)
  for (const [file, [only, ...others]] of listed)
    if (only !== undefined && others.length === 0 && pageTitles.test(only.title))
      pages.set(file, { name: only.title })
  // A book of one file may name that file for everything.
  for (const [file, own] of listed) if (own.length > 1) pages.delete(file)
  return file => pages.get(file)
}

function entriesByFile(entries: readonly ContentsEntry[]): Map<string, ContentsEntry[]> {
  const byFile = new Map<string, ContentsEntry[]>()
  for (const entry of entries) {
    const list = byFile.get(entry.target.file)
    if (list === undefined) byFile.set(entry.target.file, [entry])
    else list.push(entry)
  }
  return byFile
}

const textKinds = new Set(['text', 'start', 'bodymatter', 'bodymatter.start'])
