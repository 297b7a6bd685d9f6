import type { Archive } from '../archive.ts'
import { type Bounds, checkBound } from '../bounds.ts'
import { type Purpose, purposeByName } from '../paragraphs.ts'
import { readPart, type XmlEvents } from '../xml.ts'

/** Returns the purpose of the paragraphs of a style; of the default style without an id. */
export type PurposeOf = (id: string | undefined) => Purpose

interface Style {
  name: string
  basedOn: string | undefined
  outline: number | undefined
}

/** Most styles that a chain of base styles may have. */
const deepest = 20

/** Reads the styles of a document; without that part, the styles of Word apply. Throws what `readPart` throws. */
export async function readStyles(archive: Archive, file: string): Promise<PurposeOf> {
  const { events, found } = styleEvents(file, archive.bounds)
  if (archive.has(file)) await readPart(archive, file, events)
  const known = new Map<string, Purpose>()
  return id => {
    const key = id ?? found.standard
    const purpose = known.get(key) ?? purposeIn(found.styles, key)
    if (known.size <= found.styles.size) known.set(key, purpose)
    return purpose
  }
}

/**
 * Returns the purpose of a style: by its own name or outline level, else by the style that it is based on. The names of Word's own styles
 * are English in every file; their ids are not.
 */
function purposeIn(styles: ReadonlyMap<string, Style>, id: string): Purpose {
  let style = styles.get(id)
  if (style === undefined) return purposeByName(id.replace(/(?<=\D)(?=\d+$)/, ' ')) ?? 'text'
  for (let steps = 0; style !== undefined && steps < deepest; steps += 1) {
    const byName = purposeByName(style.name)
    if (byName === 'contents') return byName
    if (style.outline !== undefined) return style.outline < 9 ? { level: style.outline + 1 } : 'text'
    if (byName !== undefined) return byName
    style = style.basedOn === undefined ? undefined : styles.get(style.basedOn)
  }
  return 'text'
}

function styleEvents(file: string, bounds: Bounds) {
  const names = new WordNames()
  const found = { styles: new Map<string, Style>(), standard: '' }
  let style: Style | undefined
  /** Within the properties before a tracked change. */
  let isOld = false

  function begin(attributes: Readonly<Record<string, string>>): void {
    const id = names.attribute(attributes, 'styleId')
    const kind = names.attribute(attributes, 'type') ?? 'paragraph'
    if (id === undefined || kind !== 'paragraph') return
    style = { name: '', basedOn: undefined, outline: undefined }
    found.styles.set(id, style)
    checkBound(bounds, 'listed', found.styles.size, file)
    if (isOn(names.attribute(attributes, 'default') ?? '0')) found.standard = id
  }

  const events: XmlEvents = {
    open(qualified, attributes) {
      const name = names.of(qualified, attributes)
      const value = names.attribute(attributes, 'val')
      if (name === 'pPrChange') isOld = true
      else if (name === 'style') begin(attributes)
      else if (style === undefined) return
      else if (name === 'name') style.name = value ?? ''
      else if (name === 'basedOn') style.basedOn = value
      else if (name === 'outlineLvl' && !isOld) style.outline = outlineLevel(value)
    },
    close(qualified) {
      const name = names.of(qualified)
      if (name === 'style') style = undefined
      else if (name === 'pPrChange') isOld = false
    },
  }
  return { events, found }
}

/** Returns an outline level: 0 is the highest, 9 is text. */
export function outlineLevel(value: string | undefined): number | undefined {
  return value !== undefined && /^\d$/.test(value) ? Number(value) : undefined
}

/** Whether the value of an on/off property means on; a property without a value is on. */
export function isOn(value: string | undefined): boolean {
  return value === undefined || !/^(?:0|false|off|none)$/.test(value)
}

/** Namespaces of WordprocessingML: as Word writes it, and in its strict form. */
const wordSpaces = new Set([
  'http://schemas.openxmlformats.org/wordprocessingml/2006/main',
  'http://purl.oclc.org/ooxml/wordprocessingml/main',
])

/** Distinguishes the names of WordprocessingML from those of drawings and formulas, which have paragraphs and texts too. */
export class WordNames {
  #prefix = 'w:'
  #isKnown = false

  /** Returns the name of a WordprocessingML element without its prefix; undefined for others. The first element declares the prefix. */
  of(name: string, attributes?: Readonly<Record<string, string>>): string | undefined {
    if (!this.#isKnown && attributes !== undefined) this.#learn(attributes)
    return name.startsWith(this.#prefix) ? name.slice(this.#prefix.length) : undefined
  }

  /** Returns a WordprocessingML attribute. */
  attribute(attributes: Readonly<Record<string, string>>, name: string): string | undefined {
    return attributes[this.#prefix + name] ?? attributes[name]
  }

  #learn(attributes: Readonly<Record<string, string>>): void {
    this.#isKnown = true
    for (const [name, value] of Object.entries(attributes)) {
      if (!wordSpaces.has(value)) continue
      if (name === 'xmlns') this.#prefix = ''
      else if (name.startsWith('xmlns:')) this.#prefix = `${name.slice('xmlns:'.length)}:`
    }
  }
}
