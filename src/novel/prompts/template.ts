import { QuillworkError } from '../../index.ts'

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

/**
 * Reads a template; errors name `file`. Throws CONFIG_INVALID for a slot that is not one of `slots`, a missing required slot, and a section
 * that is not closed where it should be.
 */
export function parseTemplate(file: string, text: string, slots: TemplateSlots): readonly Node[] {
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
    if (!known.has(name))
      throw invalid(file, `there is no slot "${name}"; the slots are ${[...known].join(', ')}`)
    if (sign === '#') open.push({ name, inside: [] })
    else if (sign === '/') closeSection(file, name, open)
    else {
      used.add(name)
      add({ kind: 'slot', name })
    }
  }
  add({ kind: 'text', text: text.slice(at) })
  const unclosed = open.length > 1 ? open.at(-1) : undefined
  if (unclosed !== undefined) throw invalid(file, `the section {{#${unclosed.name}}} is never closed`)
  const missing = slots.required.find(name => !used.has(name))
  if (missing !== undefined) throw invalid(file, `it must have the slot {{${missing}}}`)
  return root
}

function closeSection(file: string, name: string, open: { name: string; inside: Node[] }[]): void {
  const section = open.length > 1 ? open.pop() : undefined
  if (section === undefined || section.name !== name) {
    const wanted = section === undefined ? 'no section is open' : `{{/${section.name}}} is due`
    throw invalid(file, `{{/${name}}} closes nothing: ${wanted}`)
  }
  open.at(-1)?.inside.push({ kind: 'section', name, inside: section.inside })
}

/** Fills a template. A slot without a value is empty. Three or more line breaks, as empty sections leave them, become two. */
export function renderTemplate(nodes: readonly Node[], values: Readonly<Record<string, string>>): string {
  const filled = new Map(Object.entries(values).filter(([, value]) => value.trim() !== ''))
  const kept: string[] = []
  // The slots are filled after the blank lines are reduced, so that texts of the novel keep theirs.
  const skeleton = skeletonOf(nodes, filled, kept)
  return skeleton
    .replace(/\n{3,}/g, '\n\n')
    .trim()
    .replace(/\0(\d+)\0/g, (_, place) => kept[Number(place)] ?? '')
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

/** Returns the error of a prompt that cannot be used. */
export function invalid(file: string, what: string): QuillworkError {
  return new QuillworkError('CONFIG_INVALID', `The prompt ${file} cannot be used: ${what}.`, {
    details: { file },
  })
}
