import type { Archive } from '../archive/archive.ts'
import { encrypted } from '../archive/bounds.ts'
import { HeadingHolder } from '../heading-holder.ts'
import { LineWriter } from '../line-writer.ts'
import type { CharacterFaults, Line } from '../lines.ts'
import { factsOf, type LeftOut, type OpenedText } from '../opened.ts'
import { decodeXml, xmlEncoding } from '../xml/decode-xml.ts'
import { readPart } from '../xml/read-part.ts'
import { XmlReader } from '../xml/read-xml.ts'
import { ContentEvents } from './content-events.ts'
import { type ContentsEntry, readContents } from './contents.ts'
import { lockedFiles } from './encryption.ts'
import { readPackage } from './package.ts'
import { type Chapters, type Page, planPages } from './pages.ts'

/** Whether an archive says that it is an EPUB. */
export function isEpub(archive: Archive): boolean {
  return archive.has('META-INF/container.xml')
}

/**
 * Opens an EPUB of version 2 or 3: what it says of itself, and its text in reading order, with the titles of its table of contents
 * where it has one. Throws what `Archive.read` and `XmlReader` throw, and FILE_PROTECTED where its text is encrypted.
 */
export async function openEpub(archive: Archive): Promise<OpenedText> {
  const book = await readPackage(archive)
  const locked = await lockedFiles(archive)
  if (book.spine.some(({ item }) => locked.has(item.file)))
    throw encrypted('it is under copy protection (DRM)')
  const chapters = planPages(archive, book, await readContents(archive, book))
  const first = chapters.pages.find(({ purpose }) => purpose === 'text')
  return {
    kind: 'epub',
    encoding: {
      name: first === undefined ? 'utf-8' : await xmlEncoding(archive.read(first.file)),
      confidence: 1,
    },
    facts: factsOf({ title: book.title, author: book.authors.join(', '), language: book.language }),
    declared: chapters.declared,
    lines: (faults, leftOut) => epubLines(archive, chapters, faults, leftOut),
  }
}

async function* epubLines(
  archive: Archive,
  { pages, declared }: Chapters,
  faults: CharacterFaults,
  leftOut: LeftOut,
): AsyncGenerator<Line[]> {
  const writer = new LineWriter(faults)
  const out = new HeadingHolder(writer, declared)
  for (const page of pages) {
    if (page.purpose === 'page') leftOut.pages.push(page.name)
    else if (page.purpose === 'missing') leftOut.broken.push(page.name)
    else yield* pageLines(archive, page, { writer, out, leftOut })
  }
  out.release()
  yield writer.take()
}

interface Writing {
  readonly writer: LineWriter
  readonly out: HeadingHolder
  readonly leftOut: LeftOut
}

async function* pageLines(
  archive: Archive,
  page: Page,
  { writer, out, leftOut }: Writing,
): AsyncGenerator<Line[]> {
  const { file } = page
  const { atStart, within } = await placesOf(archive, page)
  for (const { depth, title } of atStart) out.listed(depth, title)
  const events = new ContentEvents(out, within, leftOut)
  const reader = new XmlReader({ name: file, bounds: archive.bounds }, events)
  const { text } = await decodeXml(archive.read(file))
  for await (const piece of text) {
    reader.push(piece)
    yield writer.take()
  }
  reader.end()
  events.end()
  if (reader.faults > 0) leftOut.broken.push(page.name)
  yield writer.take()
}

/** Where the entries of a page stand: at its start, or at the element of an id. An id that is not there is the start. */
async function placesOf(archive: Archive, { file, entries }: Page) {
  const wanted = new Set(entries.map(({ target }) => target.fragment).filter(id => id !== ''))
  const there = wanted.size === 0 ? wanted : await idsIn(archive, file, wanted)
  const atStart = entries.filter(({ target }) => !there.has(target.fragment))
  const within = new Map<string, ContentsEntry[]>()
  for (const entry of entries) {
    const { fragment } = entry.target
    if (there.has(fragment)) within.set(fragment, [...(within.get(fragment) ?? []), entry])
  }
  return { atStart, within }
}

async function idsIn(archive: Archive, file: string, wanted: ReadonlySet<string>): Promise<Set<string>> {
  const there = new Set<string>()
  await readPart(archive, file, {
    open(_, { id, name }) {
      for (const each of [id, name]) if (each !== undefined && wanted.has(each)) there.add(each)
    },
    close: () => undefined,
    text: () => undefined,
  })
  return there
}
