/** The answer of a model that was asked for the people, places, things and facts of a scene: read, and kept where the text has it. */
import { z } from 'zod'
import { jsonOf, noJson, type Read } from '../models/ask-twice.ts'
import { findQuotation, findWritten } from '../quotation.ts'
import { type CodexFields, codexKinds, codexShape } from './entry.ts'

/** An entry that a codex could have. */
export interface FoundEntry extends Pick<CodexFields, 'kind' | 'name' | 'aliases' | 'text'> {
  /** As the text has it. */
  readonly quotation: string
}

/** What of an answer the text bears out, and how many items it does not. */
export interface FoundItems<Item> {
  readonly items: readonly Item[]
  readonly dropped: number
}

/** Code units of what a model says of an entry, and of what it quotes. */
export const said = { text: 1_000, quotation: 1_000 } as const

/** Items of an answer: more are no list of what matters. */
const mostItems = 200

const proposed = z.object({
  kind: z.enum(codexKinds),
  name: codexShape.name,
  aliases: z.array(z.unknown()).catch([]),
  description: z.string().trim().catch(''),
  quotation: z.string().max(said.quotation),
})

/** Reads an answer. A name, other than that of a fact, and a quotation that the text does not have drop their entry, and other names are left out. */
export function readEntries(answer: string, text: string): Read<FoundItems<FoundEntry>> {
  const listed = itemsOf(answer, 'entries')
  if (listed.fault !== undefined) return listed
  const items = listed.value.flatMap(item => {
    const parsed = proposed.safeParse(item)
    if (!parsed.success) return []
    const { kind, name, aliases, description, quotation } = parsed.data
    const span = findQuotation(text, quotation)
    const isThere = kind === 'fact' || (isName(name) && findWritten(text, name) !== undefined)
    if (span === undefined || !isThere) return []
    const others = aliases.flatMap(alias => {
      const read = codexShape.name.safeParse(alias)
      return read.success && isName(read.data) && findWritten(text, read.data) !== undefined ? read.data : []
    })
    return {
      ...{ kind, name, text: whole(description, said.text) },
      aliases: [...new Set(others)].filter(alias => alias !== name).slice(0, codexNames),
      quotation: text.slice(span.from, span.to),
    }
  })
  return { value: { items, dropped: listed.value.length - items.length } }
}

const codexNames = 20

/** Returns the list of an answer, under its name. */
export function itemsOf(answer: string, name: string): Read<readonly unknown[]> {
  const json = jsonOf(answer)
  if (json === undefined) return { fault: noJson }
  const list = z.array(z.unknown()).safeParse(Reflect.get(Object(json), name))
  return list.success
    ? { value: list.data.slice(0, mostItems) }
    : { fault: `The answer has no list under the name "${name}".` }
}

/** Returns the beginning of a text, of whole characters that an entry may have. */
export function whole(text: string, most: number): string {
  return text.slice(0, most).replace(/[\0\p{Surrogate}]/gu, '')
}

const pronouns = new Set(
  'i me my you your he him his she her hers it its we us our they them their 我们 咱们 你们 他们 她们 它们 自己'.split(
    ' ',
  ),
)

/** Whether words can be a name: where letters have a case one is a capital, and they are no pronoun. */
function isName(name: string): boolean {
  const isCased = /\p{Ll}/u.test(name) && !/\p{Lu}/u.test(name)
  return !isCased && [...name].length > 1 && !pronouns.has(name.toLowerCase())
}
