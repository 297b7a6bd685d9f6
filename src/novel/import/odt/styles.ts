import { type Bounds, checkBound } from '../bounds.ts'
import { type Purpose, purposeByName } from '../paragraphs.ts'
import type { XmlEvents } from '../xml.ts'

/** What a style says itself; what it does not say, its parent says. */
interface Style {
  readonly name: string
  readonly parent: string | undefined
  /** From 1 on; 0 for no heading. */
  readonly outline: number | undefined
  breaksBefore?: boolean
  breaksAfter?: boolean
  isHidden?: boolean
}

/** Most styles that a chain of parents may have. */
const deepest = 20

/** The styles of an OpenDocument text: those with names, and those that its content makes for single paragraphs, which come before them. */
export class OdtStyles implements XmlEvents {
  readonly #bounds: Bounds
  readonly #styles: Map<string, Style>
  #open: Style | undefined

  constructor(bounds: Bounds, styles: Iterable<readonly [string, Style]> = []) {
    this.#bounds = bounds
    this.#styles = new Map(styles)
  }

  /** Returns the same styles, to which others can be added. */
  copy(): OdtStyles {
    return new OdtStyles(this.#bounds, this.#styles)
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    if (name === 'style:style') this.#begin(attributes)
    else if (this.#open === undefined) return
    else if (name === 'style:paragraph-properties') {
      if (attributes['fo:break-before'] !== undefined)
        this.#open.breaksBefore = attributes['fo:break-before'] === 'page'
      if (attributes['fo:break-after'] !== undefined)
        this.#open.breaksAfter = attributes['fo:break-after'] === 'page'
    } else if (name === 'style:text-properties' && attributes['text:display'] !== undefined)
      this.#open.isHidden = attributes['text:display'] === 'none'
  }

  close(name: string): void {
    if (name === 'style:style') this.#open = undefined
  }

  /** Returns the purpose of the paragraphs of a style. */
  purposeOf(id: string | undefined): Purpose {
    for (const { name, outline } of this.#chain('paragraph', id)) {
      const byName = purposeByName(name)
      if (byName === 'contents') return byName
      if (outline !== undefined) return outline > 0 ? { level: outline } : 'text'
      if (byName !== undefined) return byName
    }
    return purposeByName(shownName(id ?? '')) ?? 'text'
  }

  /** Whether a paragraph of a style begins a page, or ends one. */
  breaksOf(id: string | undefined): { before: boolean; after: boolean } {
    const chain = this.#chain('paragraph', id)
    return {
      before: chain.find(each => each.breaksBefore !== undefined)?.breaksBefore ?? false,
      after: chain.find(each => each.breaksAfter !== undefined)?.breaksAfter ?? false,
    }
  }

  /** Whether text of a style is not shown. */
  isHidden(family: 'paragraph' | 'text', id: string | undefined): boolean {
    return this.#chain(family, id).find(each => each.isHidden !== undefined)?.isHidden ?? false
  }

  #begin(attributes: Readonly<Record<string, string>>): void {
    const { 'style:name': id, 'style:family': family, 'style:display-name': name } = attributes
    if (id === undefined || (family !== 'paragraph' && family !== 'text')) return
    const outline = attributes['style:default-outline-level']
    const page = attributes['style:master-page-name']
    this.#open = {
      name: name ?? shownName(id),
      parent: attributes['style:parent-style-name'],
      outline: outline === undefined ? undefined : outlineLevel(outline),
      ...(page !== undefined && page !== '' && { breaksBefore: true }),
    }
    this.#styles.set(`${family} ${id}`, this.#open)
    checkBound(this.#bounds, 'listed', this.#styles.size)
  }

  /** Returns a style and those that it inherits from. */
  #chain(family: string, id: string | undefined): readonly Style[] {
    const chain: Style[] = []
    let next = id
    while (next !== undefined && chain.length < deepest) {
      const style = this.#styles.get(`${family} ${next}`)
      if (style !== undefined) chain.push(style)
      next = style?.parent
    }
    return chain
  }
}

/** Returns the name of a style as people see it: in an id, `_20_` is a space. */
function shownName(id: string): string {
  return id.replace(/_([\da-f]{2,4})_/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

/** Returns a level from 1 to 10; 0 for text. */
export function outlineLevel(value: string): number {
  return /^(?:[1-9]|10)$/.test(value) ? Number(value) : 0
}
