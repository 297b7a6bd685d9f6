import { defined } from '../../../task/defined.ts'
import { groupedBy } from '../../grouped-by.ts'
import { type Archive, resolveTarget } from '../archive.ts'
import { type BookLines, HeadingHolder, LineWriter, partLines } from '../book-lines.ts'
import { checkBound, encrypted } from '../bounds.ts'
import { ExportedLines, ownProgram } from '../exported-lines.ts'
import type { CharacterFaults, Line } from '../lines.ts'
import { factsOf, type LeftOut, type OpenedText, type PageName } from '../opened.ts'
import { localName, readPart, xmlEncoding } from '../xml.ts'
import { ContentEvents, pageKinds, pageTitles } from './content.ts'
import { type ContentsEntry, type EpubContents, readContents } from './navigation.ts'
import { type EpubPackage, type ManifestItem, readPackage } from './package.ts'

/** Whether an archive declares that it is an EPUB. */
export function isEpub(archive: Archive): boolean {
  return archive.has('META-INF/container.xml')
}

/**
 * Opens an EPUB of version 2 or 3: its metadata, and its text in reading order, with the titles of its table of contents. Throws what
 * `Archive.read` and `XmlReader` throw, and FILE_PROTECTED where its text is encrypted.
 */
export async function openEpub(archive: Archive): Promise<OpenedText> {
  const book = await readPackage(archive)
  const locked = await lockedFiles(archive)
  if (book.spine.some(({ item }) => locked.has(item.file)))
    throw encrypted('it is under copy protection (DRM)')
  const isExported = book.generator === ownProgram
  const contents = isExported ? { entries: [], landmarks: [] } : await readContents(archive, book)
  const chapters = planPages(archive, book, contents)
  const first = chapters.pages.find(({ purpose }) => purpose === 'text')
  const name = first === undefined ? 'utf-8' : await xmlEncoding(archive.read(first.file))
  const facts = { title: book.title, author: book.authors.join(', '), language: book.language }
  const linesOf = (faults: CharacterFaults) =>
    isExported
      ? new ExportedLines({ hasTitlePage: false })
      : new HeadingHolder(new LineWriter(faults), chapters.declared)
  return {
    kind: 'epub',
    encoding: { name, confidence: 1 },
    facts: factsOf(facts),
    declared: chapters.declared,
    ...(isExported && { exported: { lines: 0, ...defined(facts) } }),
    lines: (faults, leftOut) => epubLines(archive, chapters, linesOf(faults), leftOut),
  }
}

async function* epubLines(
  archive: Archive,
  { pages }: Chapters,
  out: BookLines,
  leftOut: LeftOut,
): AsyncGenerator<Line[]> {
  for (const page of pages) {
    if (page.purpose === 'page') leftOut.pages.push(page.name)
    else if (page.purpose === 'missing') leftOut.broken.push(page.name)
    else yield* pageLines(archive, page, { out, leftOut })
  }
  out.release()
  yield out.take()
}

async function* pageLines(
  archive: Archive,
  page: Page,
  { out, leftOut }: { out: BookLines; leftOut: LeftOut },
): AsyncGenerator<Line[]> {
  const { file } = page
  const { atStart, within } = await placesOf(archive, page)
  for (const { depth, title } of atStart) out.listed(depth, title)
  const events = new ContentEvents(out, within, leftOut)
  const isBroken = (yield* partLines(archive, file, { events, out })) > 0
  events.flush()
  if (isBroken) leftOut.broken.push(page.name)
  yield out.take()
}

/** Returns the entries at the start of a page, and those at the element of an id. An entry whose id does not exist is at the start. */
async function placesOf(archive: Archive, { file, entries }: Page) {
  const wanted = new Set(entries.map(({ target }) => target.fragment).filter(id => id !== ''))
  const there = wanted.size === 0 ? wanted : await idsIn(archive, file, wanted)
  const isWithin = ({ target }: ContentsEntry) => there.has(target.fragment)
  const atStart = entries.filter(entry => !isWithin(entry))
  return { atStart, within: groupedBy(entries.filter(isWithin), ({ target }) => target.fragment) }
}

async function idsIn(archive: Archive, file: string, wanted: ReadonlySet<string>): Promise<Set<string>> {
  const there = new Set<string>()
  await readPart(archive, file, {
    open(_, { id, name }) {
      for (const each of [id, name]) if (each !== undefined && wanted.has(each)) there.add(each)
    },
  })
  return there
}

/** Methods that obfuscate embedded fonts. They lock no text. */
const disguises = new Set(['http://www.idpf.org/2008/embedding', 'http://ns.adobe.com/pdf/enc#RC'])
const encryptionList = 'META-INF/encryption.xml'

/** Returns the files of an EPUB that only a licensed reader can decrypt. Throws what `readPart` throws. */
async function lockedFiles(archive: Archive): Promise<ReadonlySet<string>> {
  const locked = new Set<string>()
  if (!archive.has(encryptionList)) return locked
  let isDisguise = false
  await readPart(archive, encryptionList, {
    open(name, attributes) {
      const local = localName(name)
      if (local === 'EncryptedData') isDisguise = false
      // The key within the data may have its own method.
      else if (local === 'EncryptionMethod') isDisguise ||= disguises.has(attributes['Algorithm'] ?? '')
      else if (local === 'CipherReference' && !isDisguise) {
        const target = resolveTarget('', attributes['URI'] ?? '')
        if (target !== undefined) locked.add(target.file)
        checkBound(archive.bounds, 'listed', locked.size, encryptionList)
      }
    },
  })
  return locked
}

/** A file of the reading order. */
interface Page {
  readonly file: string
  /** Its name in warnings about pages that are left out. */
  readonly name: PageName
  /** Text of the book, a page without text of the book, or a file that is listed and missing. */
  readonly purpose: 'text' | 'page' | 'missing'
  /** The entries of the table of contents that lead to it. */
  readonly entries: readonly ContentsEntry[]
}

/** The reading order with the chapters in it. */
interface Chapters {
  readonly pages: readonly Page[]
  /** The table of contents lists the chapters. */
  readonly declared: boolean
}

/**
 * Returns the reading order: which files are text of the book, and where its chapters begin. A cover, title page, copyright page or table
 * of contents is not text, nor is a file beside the linear order. A table of contents that lists a single place in several files does not count.
 */
function planPages(archive: Archive, book: EpubPackage, contents: EpubContents): Chapters {
  const byFile = groupedBy(contents.entries, ({ target }) => target.file)
  const outside = pagesOutside(book, contents.landmarks, byFile)
  const seen = new Set<string>()
  const pages = book.spine.flatMap(({ item, linear }): Page[] => {
    if (!isReadable(item) || seen.has(item.file)) return []
    seen.add(item.file)
    const { file } = item
    const entries = byFile.get(file) ?? []
    const [first] = entries
    const own = outside.get(file) ?? { name: file.split('/').at(-1) ?? file }
    const name = first === undefined ? own : { name: first.title }
    const purpose = !archive.has(file) ? 'missing' : linear && !outside.has(file) ? 'text' : 'page'
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

/** Returns the names of the files that are pages outside the text. `listed`: the entries of the table of contents by file. */
function pagesOutside(
  book: EpubPackage,
  landmarks: EpubContents['landmarks'],
  listed: ReadonlyMap<string, readonly ContentsEntry[]>,
): ReadonlyMap<string, PageName> {
  const kinds = [...book.guide, ...landmarks]
  const starts = new Set(kinds.filter(({ kind }) => textKinds.has(kind)).map(({ target }) => target.file))
  const pages = new Map<string, PageName>()
  for (const { properties, file } of book.items)
    if (properties.includes('nav')) pages.set(file, { kind: 'contents' })
  for (const { kind, target } of kinds) {
    const known = pageKinds.get(kind)
    if (known !== undefined && target.fragment === '' && !starts.has(target.file))
      pages.set(target.file, { kind: known })
  }
  for (const [file, [only, ...others]] of listed)
    if (only !== undefined && others.length === 0 && pageTitles.test(only.title))
      pages.set(file, { name: only.title })
  // A book of one file may name that file for everything.
  for (const [file, own] of listed) if (own.length > 1) pages.delete(file)
  return pages
}

const textKinds = new Set(['text', 'start', 'bodymatter', 'bodymatter.start'])
