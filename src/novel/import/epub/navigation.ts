import { type Archive, resolveTarget, type Target } from '../archive.ts'
import { type Bounds, checkListed } from '../bounds.ts'
import { oneSpaced } from '../opened.ts'
import { localName, readPart, type XmlEvents } from '../xml.ts'
import type { EpubPackage } from './package.ts'

/** An entry of a table of contents. */
export interface ContentsEntry {
  readonly title: string
  /** 1 for the outermost entries, 6 at most. */
  readonly depth: number
  readonly target: Target
}

/** The structure that a book declares. */
export interface EpubContents {
  /** In the order of the table of contents. */
  readonly entries: readonly ContentsEntry[]
  /** Pages of a kind, such as `cover` or `bodymatter`. */
  readonly landmarks: readonly { readonly kind: string; readonly target: Target }[]
}

/**
 * Reads the table of contents of EPUB 3, or, where that is missing or empty, of EPUB 2. A broken one counts as far as it can be read.
 * Throws what `readPart` throws.
 */
export async function readContents(archive: Archive, book: EpubPackage): Promise<EpubContents> {
  const nav = book.items.find(item => item.properties.includes('nav'))?.file
  const fromNav = new NavEvents(nav ?? '', archive.bounds)
  if (nav !== undefined && archive.has(nav)) await readPart(archive, nav, fromNav)
  const ncx = book.ncx?.file
  if (fromNav.entries.length > 0 || ncx === undefined || !archive.has(ncx)) return fromNav
  const fromNcx = new NcxEvents(ncx, archive.bounds)
  await readPart(archive, ncx, fromNcx)
  return { entries: fromNcx.entries, landmarks: fromNav.landmarks }
}

/** Deepest entry; those below it count as of this depth. */
const deepest = 6
/** UTF-16 units of a title that are kept. */
const longestTitle = 400

/** Reads the lists `toc` and `landmarks` of an EPUB 3 navigation document; ignores others, such as page numbers. */
class NavEvents implements XmlEvents, EpubContents {
  readonly entries: ContentsEntry[] = []
  readonly landmarks: { kind: string; target: Target }[] = []
  readonly #file: string
  readonly #bounds: Bounds
  #list = ''
  #depth = 0
  #link: { reference: string | undefined; kinds: readonly string[] } | undefined
  #text = ''
  /** Titles without a link: they get the place of the first link below them. */
  #waiting: { title: string; depth: number }[] = []

  constructor(file: string, bounds: Bounds) {
    this.#file = file
    this.#bounds = bounds
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    const local = localName(name).toLowerCase()
    if (local === 'nav') {
      this.#list = kindsOf(attributes)[0] ?? (attributes['role'] === 'doc-toc' ? 'toc' : '')
      this.#depth = 0
      this.#waiting = []
    } else if (this.#list !== 'toc' && this.#list !== 'landmarks') return
    else if (local === 'ol') this.#depth += 1
    else if ((local === 'a' || local === 'span') && this.#link === undefined) {
      this.#link = { reference: attributes['href'], kinds: kindsOf(attributes) }
      this.#text = ''
    }
  }

  text(text: string): void {
    if (this.#link !== undefined && this.#text.length < longestTitle) this.#text += text
  }

  close(name: string): void {
    const local = localName(name).toLowerCase()
    if (local === 'nav') this.#list = ''
    else if (local === 'ol') this.#depth = Math.max(0, this.#depth - 1)
    else if (local === 'a') this.#take()
    // Only a span outside a link is the title of a part.
    else if (local === 'span' && this.#link?.reference === undefined) this.#take()
  }

  #take(): void {
    const link = this.#link
    this.#link = undefined
    if (link === undefined) return
    const title = oneSpaced(this.#text)
    const target = link.reference === undefined ? undefined : resolveTarget(this.#file, link.reference)
    if (this.#list === 'landmarks') {
      if (target !== undefined) for (const kind of link.kinds) this.landmarks.push({ kind, target })
      return
    }
    const depth = Math.min(deepest, Math.max(1, this.#depth))
    this.#waiting = this.#waiting.filter(each => each.depth < depth)
    if (target === undefined) this.#waiting.push({ title, depth })
    else {
      const titles = [...this.#waiting, { title, depth }]
      this.#waiting = []
      for (const each of titles) if (each.title !== '') this.entries.push({ ...each, target })
    }
    checkListed(this.entries.length, this.#bounds, this.#file)
  }
}

/** Reads the table of contents of EPUB 2. */
class NcxEvents implements XmlEvents {
  readonly entries: ContentsEntry[] = []
  readonly #file: string
  readonly #bounds: Bounds
  /** The entries that are open, from the outermost. */
  readonly #open: { title: string; isListed: boolean }[] = []
  #inMap = false
  #inLabel = false

  constructor(file: string, bounds: Bounds) {
    this.#file = file
    this.#bounds = bounds
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    const local = localName(name)
    if (local === 'navMap') this.#inMap = true
    else if (local === 'navPoint' && this.#inMap) this.#open.push({ title: '', isListed: false })
    else if (local === 'text') this.#inLabel = true
    else if (local === 'content') this.#take(attributes['src'])
  }

  text(text: string): void {
    const entry = this.#open.at(-1)
    if (this.#inLabel && entry !== undefined && entry.title.length < longestTitle) entry.title += text
  }

  close(name: string): void {
    const local = localName(name)
    if (local === 'navMap') this.#inMap = false
    else if (local === 'text') this.#inLabel = false
    else if (local === 'navPoint') this.#open.pop()
  }

  #take(reference: string | undefined): void {
    const entry = this.#open.at(-1)
    const target = reference === undefined ? undefined : resolveTarget(this.#file, reference)
    if (entry === undefined || entry.isListed || target === undefined) return
    entry.isListed = true
    const title = oneSpaced(entry.title)
    if (title !== '') this.entries.push({ title, depth: Math.min(deepest, this.#open.length), target })
    checkListed(this.entries.length, this.#bounds, this.#file)
  }
}

/** Returns the kinds that an element declares (`epub:type`), in lower case. */
export function kindsOf(attributes: Readonly<Record<string, string>>): string[] {
  const kinds = attributes['epub:type'] ?? ''
  return kinds === '' ? [] : kinds.toLowerCase().trim().split(/\s+/)
}
