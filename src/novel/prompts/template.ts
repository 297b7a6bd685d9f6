import type { QuillworkError } from '../../index.ts'

/**
 * Prompt templates: text with slots `{{name}}` and sections `{{#name}}...{{/name}}`, which appear where the slot is filled. The value of a
 * slot is never read as a template.
 */

/** Text, a slot, or a section. */
type Node =
  | { kind: 'text'; text: string }
  | { kind: 'slot'; name: string }
  | { kind: 'section'; name: string; inside: readonly Node[] }

/** The slots that a template may have, and those that it must have. */
interface TemplateSlots {
  readonly required: readonly string[]
  readonly optional: readonly string[]
}

const mark = /\{\{([^{}]*)\}\}/g

/** Makes the error of a template that cannot be used. */
export type Refuse = (what: string) => QuillworkError

/**
 * Reads a template. Throws what `refuse` makes for a slot that is not one of `slots`, a missing required slot, and a section that is not closed
 * where it should be.
 */
export function parseTemplate(text: string, slots: TemplateSlots, refuse: Refuse): readonly Node[] {
  const known = new Set([...slots.required, ...slots.optional])
  const root: Node[] = []
  const open: { name: string; inside: Node[] }[] = [{ name: '', inside: root }]
  const used = new Set<string>()
  const add = (node: Node) => open.at(-1)?.inside.push(node)
  let at = 0
  for (const found of text.matchAll(mark)) {
    add({ kind: 'text', text: text.slice(at, found.index) })
    at = found.index + found[0].length
    const inside = found[1]?.trim() ?? ''
    const sign = /^[#/]/.exec(inside)?.[0] ?? ''
    const name = inside.slice(sign.length).trim()
    if (!known.has(name)) throw refuse(`there is no slot "${name}"; the slots are ${[...known].join(', ')}`)
    if (sign === '#') open.push({ name, inside: [] })
    else if (sign === '/') closeSection(name, open, refuse)
    else {
      used.add(name)
      add({ kind: 'slot', name })
    }
  }
  add({ kind: 'text', text: text.slice(at) })
  const unclosed = open.length > 1 ? open.at(-1) : undefined
  if (unclosed !== undefined) throw refuse(`the section {{#${unclosed.name}}} is never closed`)
  const missing = slots.required.find(name => !used.has(name))
  if (missing !== undefined) throw refuse(`it must have the slot {{${missing}}}`)
  return root
}

function closeSection(name: string, open: { name: string; inside: Node[] }[], refuse: Refuse): void {
  const section = open.length > 1 ? open.pop() : undefined
  if (section === undefined || section.name !== name) {
    const wanted = section === undefined ? 'no section is open' : `{{/${section.name}}} is due`
    throw refuse(`{{/${name}}} closes nothing: ${wanted}`)
  }
  open.at(-1)?.inside.push({ kind: 'section', name, inside: section.inside })
}

/** A stretch of a filled template: text, or a slot or section with what it holds. */
export interface Piece {
  /** Absent for text that belongs to the template alone. */
  readonly slot?: string
  readonly text: string
}

/**
 * Fills a template and returns it in pieces: the whole is their texts, one behind the other. A slot without a value is empty. Three or more line
 * breaks, as empty sections leave them, become two; the values keep theirs.
 */
export function renderPieces(
  nodes: readonly Node[],
  values: Readonly<Record<string, string>>,
): readonly Piece[] {
  const filled = new Map(Object.entries(values).filter(([, value]) => value.trim() !== ''))
  const kept: string[] = []
  const pieces: Piece[] = []
  /** The line breaks before the next piece; undefined before the first one. */
  let end: string | undefined
  for (const node of nodes) {
    const skeleton = skeletonOf([node], filled, kept)
    const whole = end === undefined ? skeleton.trimStart() : end + skeleton
    const reduced = whole.replace(/\n{3,}/g, '\n\n')
    pieces.push({ ...('name' in node && { slot: node.name }), text: reduced.slice(end?.length ?? 0) })
    if (reduced !== '') end = /\n*$/.exec(reduced)?.[0] ?? ''
  }
  const last = pieces.findLastIndex(({ text }) => text.trim() !== '')
  // The slots are filled after the blank lines are reduced, so that texts of the novel keep theirs.
  const fill = (text: string) => text.replace(/\0(\d+)\0/g, (_, place) => kept[Number(place)] ?? '')
  return pieces
    .slice(0, last + 1)
    .map((piece, place) => ({ ...piece, text: fill(place === last ? piece.text.trimEnd() : piece.text) }))
}

/** Fills a template. */
export function renderTemplate(nodes: readonly Node[], values: Readonly<Record<string, string>>): string {
  return renderPieces(nodes, values)
    .map(({ text }) => text)
    .join('')
}

function skeletonOf(nodes: readonly Node[], filled: ReadonlyMap<string, string>, kept: string[]): string {
  return nodes
    .map(node => {
      if (node.kind === 'text') return node.text.replaceAll('\0', '')
      if (node.kind === 'section') return filled.has(node.name) ? skeletonOf(node.inside, filled, kept) : ''
      return `\0${kept.push(filled.get(node.name) ?? '') - 1}\0`
    })
    .join('')
}
