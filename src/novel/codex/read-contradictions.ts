/** The answer of a model that was asked what in a scene speaks against the codex: read, and kept where text and entry have what is quoted. */
import { z } from 'zod'
import type { Read } from '../models/ask-twice.ts'
import { findQuotation } from '../quotation.ts'
import { type FoundItems, itemsOf, said, whole } from './read-entries.ts'

/**
 * What is contradicted: kinds of ConStory-Bench (arXiv 2603.05890) that an entry can tell of. `character`: what a person is, can or knows. `place`: also how the
 * world works. `fact`: a number, a name, a thing.
 */
export const contradictionKinds = [
  'appearance',
  'character',
  'relationship',
  'place',
  'time',
  'fact',
] as const

/** What in a scene speaks against an entry. */
export interface FoundContradiction {
  readonly kind: (typeof contradictionKinds)[number]
  readonly entryId: string
  /** As the text has it. */
  readonly quotation: string
  /** As the entry has it. */
  readonly entryQuotation: string
  /** What the model says of it. */
  readonly explanation: string
}

/** An entry as of a scene. */
export interface ComparedEntry {
  readonly id: string
  readonly name: string
  readonly aliases: readonly string[]
  readonly text: string
}

const found = z.object({
  entry: z.string(),
  kind: z.enum(contradictionKinds).catch('fact'),
  quotation: z.string().max(said.quotation),
  noted: z.string().max(said.quotation),
  explanation: z.string().trim().catch(''),
})

/** Reads an answer. What names no entry, or quotes what the text or the entry does not have, is dropped. */
export function readContradictions(
  answer: string,
  { text, entries }: { text: string; entries: readonly ComparedEntry[] },
): Read<FoundItems<FoundContradiction>> {
  const listed = itemsOf(answer, 'contradictions')
  if (listed.fault !== undefined) return listed
  /** Of the entries that have the name: the one whose text has what is noted. */
  const notedIn = (name: string, noted: string) =>
    entries
      .filter(each =>
        [each.name, ...each.aliases].some(own => own.toLowerCase() === name.trim().toLowerCase()),
      )
      .flatMap(entry => {
        const span = findQuotation(entry.text, noted)
        return span === undefined ? [] : [{ entry, span }]
      })[0]
  const items = listed.value.flatMap(item => {
    const parsed = found.safeParse(item)
    if (!parsed.success) return []
    const { entry: name, kind, quotation, noted, explanation } = parsed.data
    const inText = findQuotation(text, quotation)
    const inEntry = notedIn(name, noted)
    if (inText === undefined || inEntry === undefined) return []
    const { entry, span } = inEntry
    const [one, other] = [text.slice(inText.from, inText.to), entry.text.slice(span.from, span.to)]
    if (one === other) return []
    return {
      ...{ kind, entryId: entry.id, quotation: one, entryQuotation: other },
      explanation: whole(explanation, said.text),
    }
  })
  return { value: { items, dropped: listed.value.length - items.length } }
}
