import type { Archive } from './archive.ts'
import { HeadingHolder, LineWriter } from './book-lines.ts'
import { type Bounds, checkBound, damaged } from './bounds.ts'
import type { Line } from './lines.ts'
import { factsOf, type LeftOut, type OpenedText, oneSpaced } from './opened.ts'
import { codePageOf, RtfPart } from './rtf/open-rtf.ts'
import { localName, readPart, type XmlEvents } from './xml.ts'

/** A file that lists the folders and documents of a Scrivener project. macOS puts copies of no meaning beside those that it packs. */
const binderName = /^(?!__MACOSX\/)(?:[^/]+\/)*(?!\._)[^/]+\.scrivx$/

/** A folder or a document of the binder. */
interface BinderItem {
  /** Its folder among the files of the project. */
  readonly id: string
  readonly type: string
  title: string
  /** Undefined where it does not say. */
  isCompiled: boolean | undefined
  readonly children: BinderItem[]
}

/** What is read of the binder, in reading order. */
interface DraftItem extends Pick<BinderItem, 'id' | 'title'> {
  /** 1 for the outermost folders; 0 for a document below a folder, which is a scene. */
  readonly level: number
  readonly isLeftOut: boolean
}

/** Returns the name of the binder of a Scrivener project; undefined for another archive. */
export function binderOf(archive: Archive): string | undefined {
  for (const name of archive.names) if (binderName.test(name)) return name
  return undefined
}

/**
 * Opens a Scrivener project that was packed as a ZIP archive: the folder of its draft, with folders as volumes and chapters and documents as scenes.
 * `binder` is the file that lists them. Throws what `Archive.read` and `XmlReader` throw, and FILE_DAMAGED where there is no draft.
 */
export async function openScrivener(archive: Archive, binder: string): Promise<OpenedText> {
  const events = new BinderEvents(archive.bounds)
  await readPart(archive, binder, events)
  const { draft } = events
  if (draft === undefined) throw damaged('is a Scrivener project without a draft')
  const items = draftItems(draft)
  const folder = binder.slice(0, binder.lastIndexOf('/') + 1)
  const title = binder.slice(folder.length).replace(/\.scrivx$/, '')
  return {
    kind: 'scrivener',
    encoding: { name: 'utf-8', confidence: 1 },
    facts: factsOf({ title, author: undefined, language: undefined }),
    declared: items.some(({ level, isLeftOut }) => level > 0 && !isLeftOut),
    lines(faults, leftOut) {
      const out = new ScrivenerLines(new LineWriter(faults), true)
      return draftLines(archive, folder, { items, out, leftOut })
    },
  }
}

async function* draftLines(
  archive: Archive,
  folder: string,
  { items, out, leftOut }: { items: readonly DraftItem[]; out: HeadingHolder; leftOut: LeftOut },
): AsyncGenerator<Line[]> {
  for (const { id, title, level, isLeftOut } of items) {
    if (isLeftOut) {
      leftOut.pages.push({ name: title })
      continue
    }
    if (level > 0) out.listed(level, title)
    else out.sceneBreak()
    for (const beside of ['synopsis.txt', 'notes.rtf'])
      if (archive.has(`${folder}Files/Data/${id}/${beside}`))
        leftOut.pages.push({ name: `${title}: ${beside}` })
    yield* textLines(archive, `${folder}Files/Data/${id}/content.rtf`, { out, leftOut })
  }
  out.release()
  yield out.take()
}

/** Yields the lines of a document. A folder mostly has none. */
async function* textLines(
  archive: Archive,
  name: string,
  { out, leftOut }: { out: HeadingHolder; leftOut: LeftOut },
): AsyncGenerator<Line[]> {
  if (!archive.has(name)) return
  let part: RtfPart | undefined
  for await (const piece of archive.read(name)) {
    part ??= new RtfPart(out, { standard: codePageOf(piece), leftOut })
    part.push(piece)
    yield out.take()
  }
  part?.end()
  yield out.take()
}

/** What Scrivener writes into a text where a style of its own begins and ends. */
const styleMarks = /<!?\$Scr_[A-Za-z]{1,4}::\d{1,6}>/g

class ScrivenerLines extends HeadingHolder {
  override paragraph(text: string, isLine = false): void {
    super.paragraph(text.replace(styleMarks, ''), isLine)
  }
}

/**
 * Returns what is read of a draft. Folders within folders are chapters of volumes; a document beside folders is a chapter, and without any folder each one
 * is. Where some items say that they are compiled, those that do not say so are left out.
 */
function draftItems(draft: BinderItem): readonly DraftItem[] {
  const all: { readonly item: BinderItem; readonly depth: number; readonly isBesideFolders: boolean }[] = []
  const collect = (children: readonly BinderItem[], depth: number) => {
    const isBesideFolders = children.some(isFolder)
    for (const item of children) {
      all.push({ item, depth, isBesideFolders })
      collect(item.children, depth + 1)
    }
  }
  collect(draft.children, 1)
  const isSaid = all.some(({ item }) => item.isCompiled === true)
  return all.map(({ item, depth, isBesideFolders }) => ({
    id: item.id,
    title: item.title,
    level: isFolder(item) || isBesideFolders || depth === 1 ? depth : 0,
    isLeftOut: item.isCompiled === false || (isSaid && item.isCompiled === undefined),
  }))
}

function isFolder({ type, children }: BinderItem): boolean {
  return type === 'Folder' || children.length > 0
}

/** UTF-16 units of a title that are kept. */
const longestTitle = 400

/** Reads the binder of a project. */
class BinderEvents implements XmlEvents {
  draft: BinderItem | undefined
  readonly #bounds: Bounds
  readonly #open: BinderItem[] = []
  #items = 0
  #text = ''

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    this.#text = ''
    if (localName(name) !== 'BinderItem') return
    checkBound(this.#bounds, 'listed', ++this.#items)
    const { UUID: id = '', Type: type = '' } = attributes
    const item: BinderItem = { id, type, title: '', isCompiled: undefined, children: [] }
    this.#open.at(-1)?.children.push(item)
    if (type === 'DraftFolder') this.draft ??= item
    this.#open.push(item)
  }

  text(text: string): void {
    if (this.#text.length < longestTitle) this.#text += text
  }

  close(name: string): void {
    const local = localName(name)
    const item = this.#open.at(-1)
    const text = oneSpaced(this.#text)
    this.#text = ''
    if (local === 'BinderItem') this.#open.pop()
    else if (item === undefined) return
    else if (local === 'Title') item.title = text.slice(0, longestTitle)
    else if (local === 'IncludeInCompile') item.isCompiled = /^yes$/i.test(text)
  }
}
