import { type Archive, resolveTarget, type Target } from '../archive.ts'
import { type Bounds, checkBound } from '../bounds.ts'
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
  const fromNav = navEvents(nav ?? '', archive.bounds)
  if (nav !== undefined && archive.has(nav)) await readPart(archive, nav, fromNav)
  const ncx = book.ncx?.file
  if (fromNav.entries.length > 0 || ncx === undefined || !archive.has(ncx)) return fromNav
  const fromNcx = ncxEvents(ncx, archive.bounds)
  await readPart(archive, ncx, fromNcx)
  return { entries: fromNcx.entries, landmarks: fromNav.landmarks }
}

/** Deepest entry; those below it count as of this depth. */
const deepest = 6
/** UTF-16 units of a title that are kept. */
const longestTitle = 400

/** Reads the lists `toc` and `landmarks` of an EPUB 3 navigation document; ignores others, such as page numbers. */
function navEvents(file: string, bounds: Bounds): XmlEvents & EpubContents {
  const entries: ContentsEntry[] = []
  const landmarks: { kind: string; target: Target }[] = []
  let list = ''
  let depth = 0
  let link: { reference: string | undefined; kinds: readonly string[] } | undefined
  let linkText = ''
  /** Titles without a link: they get the place of the first link below them. */
  let waiting: { title: string; depth: number }[] = []

  function take(): void {
    if (link === undefined) return
    const { reference, kinds } = link
    link = undefined
    const target = reference === undefined ? undefined : resolveTarget(file, reference)
    if (list === 'landmarks') {
      if (target !== undefined) for (const kind of kinds) landmarks.push({ kind, target })
      return
    }
    const own = { title: oneSpaced(linkText), depth: Math.min(deepest, Math.max(1, depth)) }
    waiting = [...waiting.filter(each => each.depth < own.depth), own]
    if (target === undefined) return
    for (const each of waiting) if (each.title !== '') entries.push({ ...each, target })
    waiting = []
    checkBound(bounds, 'listed', entries.length, file)
  }

  return {
    entries,
    landmarks,
    open(name, attributes) {
      const local = localName(name).toLowerCase()
      if (local === 'nav') {
        list = kindsOf(attributes)[0] ?? (attributes['role'] === 'doc-toc' ? 'toc' : '')
        depth = 0
        waiting = []
      } else if (list !== 'toc' && list !== 'landmarks') return
      else if (local === 'ol') depth += 1
      else if ((local === 'a' || local === 'span') && link === undefined) {
        link = { reference: attributes['href'], kinds: kindsOf(attributes) }
        linkText = ''
      }
    },
    text(text) {
      if (link !== undefined && linkText.length < longestTitle) linkText += text
    },
    close(name) {
      const local = localName(name).toLowerCase()
      if (local === 'nav') list = ''
      else if (local === 'ol') depth = Math.max(0, depth - 1)
      // Only a span outside a link is the title of a part.
      else if (local === 'a' || (local === 'span' && link?.reference === undefined)) take()
    },
  }
}

/** Reads the table of contents of EPUB 2. */
function ncxEvents(file: string, bounds: Bounds): XmlEvents & Pick<EpubContents, 'entries'> {
  const entries: ContentsEntry[] = []
  /** The entries that are open, from the outermost. */
  const opened: { title: string; isListed: boolean }[] = []
  let inMap = false
  let inLabel = false

  function take(reference: string | undefined): void {
    const entry = opened.at(-1)
    const target = reference === undefined ? undefined : resolveTarget(file, reference)
    if (entry === undefined || entry.isListed || target === undefined) return
    entry.isListed = true
    const title = oneSpaced(entry.title)
    if (title !== '') entries.push({ title, depth: Math.min(deepest, opened.length), target })
    checkBound(bounds, 'listed', entries.length, file)
  }

  return {
    entries,
    open(name, attributes) {
      const local = localName(name)
      if (local === 'navMap') inMap = true
      else if (local === 'navPoint' && inMap) opened.push({ title: '', isListed: false })
      else if (local === 'text') inLabel = true
      else if (local === 'content') take(attributes['src'])
    },
    text(text) {
      const entry = opened.at(-1)
      if (inLabel && entry !== undefined && entry.title.length < longestTitle) entry.title += text
    },
    close(name) {
      const local = localName(name)
      if (local === 'navMap') inMap = false
      else if (local === 'text') inLabel = false
      else if (local === 'navPoint') opened.pop()
    },
  }
}

/** Returns the kinds that an element declares (`epub:type`), in lower case. */
export function kindsOf(attributes: Readonly<Record<string, string>>): string[] {
  const kinds = attributes['epub:type'] ?? ''
  return kinds === '' ? [] : kinds.toLowerCase().trim().split(/\s+/)
}
