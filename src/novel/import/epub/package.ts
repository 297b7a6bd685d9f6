import { type Archive, resolveTarget, type Target } from '../archive.ts'
import { type Bounds, checkBound, damaged } from '../bounds.ts'
import { localName, readPart } from '../xml.ts'

/** A file that the package lists. */
export interface ManifestItem {
  readonly file: string
  readonly mediaType: string
  readonly properties: readonly string[]
}

/** The content of the package document: metadata, files, reading order. */
export interface EpubPackage {
  readonly title: string | undefined
  readonly authors: readonly string[]
  readonly language: string | undefined
  /** The program that made the file. */
  readonly generator: string | undefined
  readonly items: readonly ManifestItem[]
  /** The files in reading order; those that are not linear are beside the text. */
  readonly spine: readonly { readonly item: ManifestItem; readonly linear: boolean }[]
  /** The table of contents of EPUB 2. */
  readonly ncx: ManifestItem | undefined
  /** Pages of a kind, such as `cover` or `text`, by EPUB 2. */
  readonly guide: readonly { readonly kind: string; readonly target: Target }[]
}

/** Reads the package document. Throws FILE_DAMAGED when it is missing or has no reading order, and what `readPart` throws. */
export async function readPackage(archive: Archive): Promise<EpubPackage> {
  const file = await packageFile(archive)
  const events = new PackageEvents(file, archive.bounds)
  await readPart(archive, file, events)
  const found = events.package()
  if (found.spine.length === 0) throw damaged('is an EPUB without a reading order')
  return found
}

async function packageFile(archive: Archive): Promise<string> {
  let file: string | undefined
  await readPart(archive, 'META-INF/container.xml', {
    open(name, attributes) {
      const path = attributes['full-path']
      if (localName(name) === 'rootfile' && path !== undefined) file ??= resolveTarget('', path)?.file
    },
  })
  if (file === undefined) throw damaged('is an EPUB that does not say where its book is')
  return file
}

class PackageEvents {
  readonly #file: string
  readonly #bounds: Bounds
  readonly #items = new Map<string, ManifestItem>()
  readonly #spine: { id: string; linear: boolean }[] = []
  readonly #guide: { kind: string; target: Target }[] = []
  readonly #titles: { id: string; text: string }[] = []
  readonly #creators: { id: string; role: string; text: string }[] = []
  readonly #refined = new Map<string, string>()
  #ncx = ''
  #language: string | undefined
  #generator: string | undefined
  #text = ''
  #attributes: Readonly<Record<string, string>> = {}

  constructor(file: string, bounds: Bounds) {
    this.#file = file
    this.#bounds = bounds
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    this.#text = ''
    this.#attributes = attributes
    const local = localName(name)
    if (local === 'item') this.#addItem(attributes)
    else if (local === 'itemref') this.#addReference(attributes)
    else if (local === 'spine') this.#ncx = attributes['toc'] ?? ''
    else if (local === 'reference') this.#addGuide(attributes)
    else if (local === 'meta' && attributes['name'] === 'generator') this.#generator ??= attributes['content']
  }

  text(text: string): void {
    if (this.#text.length < longestField) this.#text += text
  }

  close(name: string): void {
    const text = this.#text.trim()
    this.#text = ''
    const attributes = this.#attributes
    this.#attributes = {}
    if (text !== '') this.#addField(localName(name), text, attributes)
  }

  package(): EpubPackage {
    const items = [...this.#items.values()]
    const role = ({ id, role: own }: { id: string; role: string }) => this.#refined.get(`${id} role`) ?? own
    const main = this.#titles.find(({ id }) => this.#refined.get(`${id} title-type`) === 'main')
    const writers = this.#creators.filter(creator => ['', 'aut'].includes(role(creator)))
    return {
      title: (main ?? this.#titles[0])?.text,
      authors: (writers.length > 0 ? writers : this.#creators).slice(0, 5).map(({ text }) => text),
      language: this.#language,
      generator: this.#generator,
      items,
      spine: this.#spine.flatMap(({ id, linear }) => {
        const item = this.#items.get(id)
        return item === undefined ? [] : [{ item, linear }]
      }),
      ncx: this.#items.get(this.#ncx) ?? items.find(({ mediaType }) => mediaType === ncxType),
      guide: this.#guide,
    }
  }

  #addItem({ id, href, 'media-type': mediaType = '', properties = '' }: Readonly<Record<string, string>>) {
    const target = href === undefined ? undefined : resolveTarget(this.#file, href)
    if (id === undefined || target === undefined || this.#items.has(id)) return
    this.#items.set(id, { file: target.file, mediaType, properties: properties.split(/\s+/) })
    this.#count(this.#items.size)
  }

  #addReference({ idref = '', linear = 'yes' }: Readonly<Record<string, string>>): void {
    this.#spine.push({ id: idref, linear: linear.trim().toLowerCase() !== 'no' })
    this.#count(this.#spine.length)
  }

  #addGuide({ type = '', href = '' }: Readonly<Record<string, string>>): void {
    const target = resolveTarget(this.#file, href)
    if (target !== undefined) this.#guide.push({ kind: type.toLowerCase(), target })
    this.#count(this.#guide.length)
  }

  #addField(name: string, text: string, attributes: Readonly<Record<string, string>>): void {
    const id = attributes['id'] ?? ''
    if (placeholders.test(`${name} ${text}`)) return
    if (name === 'title') this.#titles.push({ id, text })
    else if (name === 'creator') this.#creators.push({ id, role: roleOf(attributes), text })
    else if (name === 'language') this.#language ??= text
    else if (name === 'meta' && attributes['refines'] !== undefined)
      this.#refined.set(`${attributes['refines'].replace('#', '')} ${attributes['property'] ?? ''}`, text)
    this.#count(this.#titles.length + this.#creators.length + this.#refined.size)
  }

  #count(count: number): void {
    checkBound(this.#bounds, 'listed', count, this.#file)
  }
}

/** What programs write where nobody has named a book, or who wrote it. */
const placeholders = /^(?:title unknown title|creator unknown(?: author)?)$/i
const ncxType = 'application/x-dtbncx+xml'
/** UTF-16 units of a field that are kept: a description may hold a chapter. */
const longestField = 1_000

function roleOf(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes).find(([name]) => localName(name) === 'role')?.[1] ?? ''
}
