import { type ArchiveFile, archived } from './archive.ts'
import { BlockReader, type HeadingBlock } from './blocks.ts'
import type { Book, BookPart, BookWriter } from './book.ts'
import {
  type ContentsEntry,
  container,
  contentsOfEpub2,
  contentsPage,
  packageDocument,
} from './epub-package.ts'
import {
  blockXhtml,
  matterPage,
  matterPagesOf,
  pageEnd,
  pageStart,
  styleSheet,
  titlePage,
} from './epub-page.ts'
import { type BookScript, scriptOf } from './script.ts'

/**
 * Writes a book as EPUB 3, with a table of contents for readers of EPUB 2 as well: a page for each volume and each chapter. The import reads it back
 * exactly. Holds one scene, and the titles, in memory.
 */
export const writeEpub: BookWriter = book => archived(bookFiles(book), book.updatedAt)

/** Yields the files of a book. The type comes first, as the format asks; what lists the pages comes last. */
async function* bookFiles(book: Book): AsyncGenerator<ArchiveFile> {
  const script = await scriptOf(book)
  yield { name: 'mimetype', content: 'application/epub+zip', isStored: true }
  yield { name: 'META-INF/container.xml', content: container }
  yield { name: 'EPUB/style.css', content: styleSheet(script) }
  yield { name: 'EPUB/title.xhtml', content: titlePage(book, script) }
  const { front, end } = matterPagesOf(book)
  for (const page of [...front, ...end])
    yield { name: `EPUB/${page.file}`, content: matterPage(page, book, script) }
  const contents = new Contents()
  const reader = new BlockReader()
  for await (const { head, scenes } of pagesOf(book.parts())) {
    const heading = reader.headingOf(head)
    if (heading === undefined) contents.endVolume()
    else {
      const file = contents.add(heading)
      yield { name: `EPUB/${file}`, content: pageXhtml(heading, scenes, { reader, script }) }
    }
  }
  yield { name: 'EPUB/nav.xhtml', content: contentsPage(book, script, contents.entries) }
  yield { name: 'EPUB/toc.ncx', content: contentsOfEpub2(book, contents.entries) }
  yield { name: 'EPUB/package.opf', content: packageDocument(book, script, contents.entries) }
}

/** The table of contents, while pages are added. */
class Contents {
  readonly entries: ContentsEntry[] = []
  /** The chapters of the open volume. */
  #chapters = this.entries
  readonly #pages = { volume: 0, chapter: 0 }

  /** Adds a page. Returns the name of its file. */
  add({ kind, title }: HeadingBlock): string {
    this.#pages[kind] += 1
    const id = `${kind}-${this.#pages[kind]}`
    const entry = { id, title, file: `${id}.xhtml`, below: [] as ContentsEntry[] }
    if (kind === 'chapter') this.#chapters.push(entry)
    else {
      this.entries.push(entry)
      this.#chapters = entry.below
    }
    return entry.file
  }

  /** Adds the next chapters beside the volumes. */
  endVolume(): void {
    this.#chapters = this.entries
  }
}

type Scene = Extract<BookPart, { kind: 'scene' }>

/** A volume or a chapter with its scenes, which have to be read before the next one. */
interface BookPage {
  readonly head: Exclude<BookPart, Scene>
  readonly scenes: AsyncIterable<Scene>
}

async function* pagesOf(parts: AsyncIterable<BookPart>): AsyncGenerator<BookPage> {
  const iterator = parts[Symbol.asyncIterator]()
  let next = await iterator.next()
  async function* scenesBelow(): AsyncGenerator<Scene> {
    for (; !next.done && next.value.kind === 'scene'; next = await iterator.next()) yield next.value
  }
  try {
    while (!next.done) {
      const head = next.value
      next = await iterator.next()
      if (head.kind !== 'scene') yield { head, scenes: scenesBelow() }
    }
  } finally {
    await iterator.return?.()
  }
}

async function* pageXhtml(
  heading: HeadingBlock,
  scenes: AsyncIterable<Scene>,
  { reader, script }: { reader: BlockReader; script: BookScript },
): AsyncGenerator<string> {
  yield `${pageStart(heading.title, script)}<section epub:type="${heading.kind}">\n${blockXhtml(heading)}`
  for await (const scene of scenes) {
    let xhtml = ''
    for (const block of reader.blocksOf(scene)) xhtml += blockXhtml(block)
    yield xhtml
  }
  yield `</section>\n${pageEnd}`
}
