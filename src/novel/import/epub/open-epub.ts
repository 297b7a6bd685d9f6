import { defined } from '../../../task/defined.ts'
import { groupedBy } from '../../grouped-by.ts'
import { type Archive, resolveTarget } from '../archive.ts'
import { type BookLines, HeadingHolder, LineWriter, partLines } from '../book-lines.ts'
import { checkBound, encrypted } from '../bounds.ts'
import { ExportedLines, ownProgram } from '../exported-lines.ts'
import type { CharacterFaults, Line } from '../lines.ts'
import { factsOf, type LeftOut, type OpenedText, oneSpaced, type PageName } from '../opened.ts'
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
  const chapters = await planPages(archive, book, contents)
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
  const { file, atStart, within } = page
  for (const { depth, title } of atStart) out.listed(depth, title)
  const events = new ContentEvents(out, within, leftOut)
  const isBroken = (yield* partLines(archive, file, { events, out })) > 0
  events.flush()
  if (isBroken) leftOut.broken.push(page.name)
  yield out.take()
}

/** The entries of the table of contents that lead to a page. */
interface Places {
  /** To its start, also those that name an id which is not there. */
  readonly atStart: readonly ContentsEntry[]
  /** To the element of an id. */
  readonly within: ReadonlyMap<string, readonly ContentsEntry[]>
}

const nowhere: Places = { atStart: [], within: new Map() }

/** Returns where the entries of a page lead. */
async function placesOf(archive: Archive, file: string, entries: readonly ContentsEntry[]): Promise<Places> {
  const wanted = new Set(entries.map(({ target }) => target.fragment).filter(id => id !== ''))
  const there = wanted.size === 0 ? wanted : await idsIn(archive, file, wanted)
  const isWithin = ({ target }: ContentsEntry) => there.has(target.fragment)
  const atStart = entries.filter(entry => !isWithin(entry))
  return { atStart, within: groupedBy(entries.filter(isWithin), ({ target }) => target.fragment) }
}

/** Whether most of the links to an element lead to one that is not there: such a table of contents, as some programs make, places no chapter. */
function isAstray(pages: readonly Page[]): boolean {
  const found = pages.reduce((sum, { within }) => sum + within.size, 0)
  const lost = pages.flatMap(({ atStart }) => atStart.filter(({ target }) => target.fragment !== ''))
  return lost.length > Math.max(1, found)
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
interface Page extends Places {
  readonly file: string
  /** Its name in warnings about pages that are left out. */
  readonly name: PageName
  /** Text of the book, a page without text of the book, or a file that is listed and missing. */
  readonly purpose: 'text' | 'page' | 'missing'
}

/** The reading order with the chapters in it. */
interface Chapters {
  readonly pages: readonly Page[]
  /** The table of contents lists the chapters. */
  readonly declared: boolean
}

/**
 * Returns the reading order: which files are text of the book, and where its chapters begin. A cover, title page, copyright page or table
 * of contents is not text, nor is a file beside the linear order. A table of contents that lists a single place in several files does not count,
 * nor does one that leads astray.
 */
async function planPages(archive: Archive, book: EpubPackage, contents: EpubContents): Promise<Chapters> {
  const byFile = groupedBy(contents.entries, ({ target }) => target.file)
  const outside = pagesOutside(book, contents.landmarks, byFile)
  const titlePages = await titlePagesIn(archive, book, byFile)
  for (const file of titlePages) outside.set(file, { kind: 'title-page' })
  const seen = new Set<string>()
  const pages: Page[] = []
  let places = 0
  for (const { item, linear } of book.spine) {
    const { file } = item
    if (!isReadable(item) || seen.has(file)) continue
    seen.add(file)
    const entries = byFile.get(file) ?? []
    const [first] = titlePages.has(file) ? [] : entries
    const own = outside.get(file) ?? { name: file.split('/').at(-1) ?? file }
    const name = first === undefined ? own : { name: first.title }
    const purpose = !archive.has(file) ? 'missing' : linear && !outside.has(file) ? 'text' : 'page'
    const led = purpose === 'text' ? await placesOf(archive, file, entries) : nowhere
    if (purpose === 'text') places += entries.length
    pages.push({ file, name, purpose, ...led })
  }
  const texts = pages.filter(({ purpose }) => purpose === 'text')
  const declared = (places > 1 || (places === 1 && texts.length === 1)) && !isAstray(texts)
  return { pages: declared ? pages : pages.map(page => ({ ...page, ...nowhere })), declared }
}

/** UTF-16 units of a page that may be the page of the title. */
const longestTitlePage = 1_000

/** Returns the files that are listed under the title of the book, and say nothing but who wrote it. `listed`: the entries of the table of contents by file. */
async function titlePagesIn(
  archive: Archive,
  { title, authors }: EpubPackage,
  listed: ReadonlyMap<string, readonly ContentsEntry[]>,
): Promise<ReadonlySet<string>> {
  const named = oneSpaced(title ?? '')
  const found = new Set<string>()
  for (const [file, entries] of listed) {
    if (named === '' || entries.some(entry => entry.title !== named) || !archive.has(file)) continue
    const rest = [named, ...authors].reduce(
      (text, name) => text.replace(oneSpaced(name), ''),
      oneSpaced(await startOf(archive, file)),
    )
    if (!/[\p{L}\p{N}]/u.test(rest)) found.add(file)
  }
  return found
}

/** Returns the text of a page, and little more than `longestTitlePage` of a longer one. */
async function startOf(archive: Archive, file: string): Promise<string> {
  let text = ''
  let isHead = false
  await readPart(archive, file, {
    open(name) {
      isHead ||= localName(name) === 'head'
    },
    close(name) {
      if (localName(name) === 'head') isHead = false
    },
    text(piece) {
      if (!isHead && text.length < longestTitlePage) text += piece
    },
  })
  return text
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
): Map<string, PageName> {
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
