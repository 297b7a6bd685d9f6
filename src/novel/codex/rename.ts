/** Renaming an entry: the places of a text that speak of it by a name, and the text with another name there. */
import { z } from 'zod'
import type { SceneText } from '../library/shelf.ts'
import type { Thread } from '../library/threads.ts'
import type { Narration } from '../narration.ts'
import { type CodexFields, codexShape } from './entry.ts'
import { mentionFinder, type NamedEntry, plain } from './find-mentions.ts'

/** Names of an entry, each with the one that takes its place. */
export const renames = z
  .array(z.strictObject({ from: codexShape.name, to: codexShape.name }))
  .min(1)
  .max(10)
  .refine(
    names => names.every(({ to }) => names.every(({ from }) => from !== to)),
    'a new name is none of those that are replaced',
  )
  .refine(
    names => new Set(names.map(({ from }) => from)).size === names.length,
    'each name is replaced by one other',
  )

/** Names of an entry, each with the one that takes its place. */
export type Renames = z.output<typeof renames>

/** Why a place is changed only where it is chosen: other entries have the name too, or it is a word in other letters, such as `will` for Will. */
export const doubts = ['shared', 'other-case'] as const

/** A place where a name can take the place of another one. */
export interface RenamePlace {
  /** Code units of the text. */
  readonly start: number
  readonly end: number
  readonly text: string
  readonly to: string
  readonly doubt?: (typeof doubts)[number]
  /** The other entries that have the name. */
  readonly sharedWith?: readonly string[]
}

/** Returns what finds the places of a text. A text that has the new name already has no place there. */
export function placeFinder(
  entries: readonly NamedEntry[],
  { entryId, names }: { entryId: string; names: Renames },
): (text: string) => RenamePlace[] {
  const { places } = mentionFinder(
    entries.map(entry => ({ ...(entry.id === entryId ? renaming(entry, names) : entry), when: 'always' })),
  )
  const toOf = new Map(names.map(({ from, to }) => [from, to]))
  return text => {
    /** Words of the text that are the name in other letters. */
    const words = new Set<string>()
    const found = places(text).flatMap(({ start, end, of }) => {
      const name = of.find(each => each.entryId === entryId && toOf.has(each.name))?.name
      if (name === undefined || isOtherWord(text, end, name)) return []
      const written = text.slice(start, end)
      const respelled = respell(written, name, toOf.get(name) ?? name)
      if (respelled.letters === 'other') words.add(written)
      const sharedWith = [...new Set(of.map(each => each.entryId))].filter(id => id !== entryId)
      return [{ place: { start, end, text: written, to: respelled.to }, ...respelled, sharedWith }]
    })
    // In capitals, such a word looks like the name.
    const isWord = (written: string) => words.has(written) || words.has(written.toLowerCase())
    return found.flatMap(({ place, letters, sharedWith }): RenamePlace[] => {
      if (place.to === place.text) return []
      if (sharedWith.length > 0) return [{ ...place, doubt: 'shared', sharedWith }]
      return [letters !== 'same' && isWord(place.text) ? { ...place, doubt: 'other-case' } : place]
    })
  }
}

function renaming(entry: NamedEntry, names: Renames): NamedEntry {
  return {
    ...entry,
    aliases: [...entry.aliases, ...names.map(({ from }) => from)],
    exclusions: [...entry.exclusions, ...names.map(({ to }) => to)],
  }
}

/** Whether the word goes on as the plural of the name does not: Jones is none of Jon. */
function isOtherWord(text: string, end: number, name: string): boolean {
  return /^es(?!\p{L})/iu.test(text.slice(end, end + 4)) && !/(?:[sxz]|[cs]h|o)$/iu.test(name)
}

/** In which letters a name is written: its own or with a capital, in capitals, or in others. */
type Letters = 'same' | 'capitals' | 'other'

/** Returns the new name as the old one is written: in capitals, with a capital, in the plural. */
export function respell(written: string, name: string, to: string): { to: string; letters: Letters } {
  const [given, base] = [plain(written), plain(name)]
  if (given.length !== base.length && /ies$/iu.test(given))
    return respell(
      given.replace(/ies$/iu, 'y'),
      base,
      /[^aeiou]y$/iu.test(to) ? to.replace(/y$/u, 'ies') : `${to}s`,
    )
  if (given === base) return { to, letters: 'same' }
  if (given.length > 1 && given === base.toUpperCase()) return { to: to.toUpperCase(), letters: 'capitals' }
  if (given === withCapital(base)) return { to: withCapital(to), letters: 'same' }
  return { to, letters: 'other' }
}

function withCapital(text: string): string {
  return text.replace(/^\p{Ll}/u, letter => letter.toUpperCase())
}

/** Returns a text with the new names. */
export function renamedText(text: string, places: readonly RenamePlace[]): string {
  let [renamed, at] = ['', 0]
  for (const { start, end, to } of places) {
    renamed += text.slice(at, start) + to
    at = end
  }
  return renamed + text.slice(at)
}

/** Returns the names of an entry after it was renamed; with `keepsOld` the old ones stay as aliases. */
export function renamedNames(
  entry: Pick<CodexFields, 'name' | 'aliases'>,
  names: Renames,
  keepsOld: boolean,
): Pick<CodexFields, 'name' | 'aliases'> {
  const toOf = new Map(names.map(({ from, to }) => [from, to]))
  const own = [entry.name, ...entry.aliases]
  const [name = entry.name, ...aliases] = own.map(each => toOf.get(each) ?? each)
  const old = keepsOld ? own.filter(each => toOf.has(each)) : []
  return { name, aliases: [...new Set([...aliases, ...old])].filter(each => each !== name) }
}

/** What is searched: texts and summaries of scenes, entries of the codex, threads, and whose point of view a scene or the novel has. */
export const placeKinds = ['text', 'summary', 'entry', 'thread', 'view'] as const

/** A text in which a name may be replaced. */
export interface RenamableText {
  readonly what: (typeof placeKinds)[number]
  /** Id of the scene, the entry or the thread; of the point of view of the novel: that of the novel. */
  readonly id: string
  /** Of what has the id. */
  readonly version: number
  /** Of an entry: `text`, `note`, or the number of a change. Of a thread: `title`, `plan` or `note`. Of a scene and the novel: empty. */
  readonly part: string
  readonly text: string
}

/** Returns the texts of an entry. */
export function textsOfEntry({
  id,
  version,
  text,
  note,
  changes,
}: Pick<CodexFields, 'text' | 'note' | 'changes'> & { id: string; version: number }): RenamableText[] {
  const of = { what: 'entry', id, version } as const
  return [
    { ...of, part: 'text', text },
    { ...of, part: 'note', text: note },
    ...changes.map((change, at) => ({ ...of, part: String(at), text: change.text })),
  ]
}

/** Returns the texts of a thread, without the quotations of its events. */
export function textsOfThread({
  id,
  version,
  title,
  plan,
  note,
}: Pick<Thread, 'id' | 'version' | 'title' | 'plan' | 'note'>): RenamableText[] {
  const of = { what: 'thread', id, version } as const
  return Object.entries({ title, plan, note }).map(([part, text]) => ({ ...of, part, text }))
}

/** Returns the text, the summary and the point of view of a scene. */
export function textsOfScene({
  id,
  version,
  content,
  summary = '',
  narration = {},
}: Pick<SceneText, 'id' | 'version' | 'content' | 'summary' | 'narration'>): RenamableText[] {
  const of = { id, version, part: '' }
  return [
    { ...of, what: 'text', text: content },
    { ...of, what: 'summary', text: summary },
    textOfView(of, narration),
  ]
}

/** Returns the person whose point of view a scene or a novel has. */
export function textOfView(
  { id, version }: Pick<RenamableText, 'id' | 'version'>,
  { povCharacter = '' }: Narration,
): RenamableText {
  return { what: 'view', id, version, part: '', text: povCharacter }
}

/** Returns the id of a place: another one as soon as what it is in changes. */
export function placeIdOf({ what, id, version, part }: RenamableText, start: number): string {
  return [what, id, version, part, start].join(':')
}

/** The places that the author chose, by their ids: only those, or all but those. */
export interface PlaceChoice {
  readonly only?: readonly string[] | undefined
  readonly except?: readonly string[] | undefined
}

/** Returns what chooses of the places in a text; `changed` where the author saw an older text. */
export function placeChooser({
  only,
  except = [],
}: PlaceChoice): (text: RenamableText, places: readonly RenamePlace[]) => RenamePlace[] | 'changed' {
  const named = new Map<string, Set<string>>()
  for (const placeId of only ?? except) {
    const of = placeId.split(':').slice(0, 2).join(':')
    named.set(of, (named.get(of) ?? new Set()).add(placeId))
  }
  return (text, places) => {
    const seen = named.get(`${text.what}:${text.id}`) ?? new Set()
    const isSeen = [...seen].every(placeId => placeId.split(':')[2] === String(text.version))
    if (!isSeen) return 'changed'
    return places.filter(place => {
      const isNamed = seen.has(placeIdOf(text, place.start))
      return only === undefined ? place.doubt === undefined && !isNamed : isNamed
    })
  }
}
