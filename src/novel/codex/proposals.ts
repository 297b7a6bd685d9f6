/** Names that the text has and no entry does: those that a model named, and those that patterns find without one. */
import { wholeAt } from '../../ai/text/characters.ts'
import { defined } from '../../task/defined.ts'
import type { ToldEntry } from '../library/codex.ts'
import type { SceneReading } from '../library/readings.ts'
import { findNames, mostNames } from '../names.ts'
import type { NovelServices } from '../services.ts'
import type { CodexFields } from './entry.ts'
import { mentionFinder } from './find-mentions.ts'
import { type FoundEntry, whole } from './read-entries.ts'

/** What could become an entry, or another name of one. */
export interface ProposedEntry {
  readonly name: string
  /** Of a model: other names that the text has. Of patterns: shorter forms of the name that it has, each the part of one name alone. */
  readonly aliases: readonly string[]
  readonly kind: CodexFields['kind']
  /** What a model says of it; empty where patterns found it. */
  readonly text: string
  readonly by: 'model' | 'patterns'
  /** The entry that the model takes it for: `name` and `aliases` are those that it has not. */
  readonly entryId?: string
  /** A place of it in the text, so that the author sees who is meant. */
  readonly sceneId: string
  readonly quotation: string
}

/** What a model found, and in which scene. */
export type PlacedEntry = FoundEntry & Pick<ProposedEntry, 'sceneId'>

/** Code units that patterns search: some 40 chapters. */
const mostUnits = 400_000
/** Code units on each side of the name in a quotation. */
const around = 80

/**
 * Returns what no entry has and the author has not ignored: first what models read out of the scenes, in reading order, then names that patterns find at the
 * beginning of the novel, the most frequent first. Throws NOVEL_NOT_FOUND.
 */
export async function listProposals(
  { library }: Pick<NovelServices, 'library'>,
  { userId, novelId, startChapterId }: { userId: string; novelId: string; startChapterId?: string },
): Promise<ProposedEntry[]> {
  const range = { novelId, ...(startChapterId !== undefined && { startChapterId }) }
  const [entries, dismissed, { items: scenes }] = await Promise.all([
    library.codex.all(userId, novelId),
    library.codex.dismissals(userId, novelId),
    library.shelf.texts(userId, range, { pageSize: 1_000 }),
  ])
  const ignored = new Set(dismissed.filter(({ what }) => what === 'name').map(({ key }) => key))
  const merger = entryMerger()
  for await (const reading of library.readings.all(userId, novelId, 'entries')) merger.add(reading)
  const byModel = withoutKnown(merger.entries, entries, ignored)
  const { find, shared } = mentionFinder(entries.map(entry => ({ ...entry, when: 'always' })))
  const named = new Set(byModel.flatMap(namesOf).map(lower))
  const isKnown = (name: string) =>
    named.has(lower(name)) ||
    find(name).mentions.size > 0 ||
    shared.some(each => lower(each.name) === lower(name))
  const text = scenes.map(({ content }) => content).join('\n')
  const { people, places, others } = findNames([text.slice(0, mostUnits)], Number.POSITIVE_INFINITY)
  // What is known counts for none of those that are listed.
  const left = (names: readonly string[], kind: 'person' | 'place' | 'thing') =>
    names
      .filter(name => !ignored.has(name) && !isKnown(name))
      .slice(0, mostNames)
      .map(name => ({ name, kind }))
  const proposed = [...left(people, 'person'), ...left(places, 'place'), ...left(others, 'thing')]
  const byPatterns = mergedNames(proposed).flatMap(each => {
    const scene = scenes.find(({ content }) => content.includes(each.name))
    if (scene === undefined) return []
    const { content } = scene
    const at = content.indexOf(each.name)
    const end = wholeAt(content, at + each.name.length + around)
    const quotation = content.slice(wholeAt(content, Math.max(0, at - around)), end)
    const shown = { sceneId: scene.id, quotation: quotation.replace(/\s+/gu, ' ').trim() }
    return [{ ...each, ...shown, text: '', by: 'patterns' as const }]
  })
  return [...byModel, ...byPatterns]
}

const lower = (name: string) => name.toLowerCase()

function namesOf({ name, aliases }: Pick<ProposedEntry, 'name' | 'aliases'>): string[] {
  return [name, ...aliases]
}

/** Code units of what several scenes say of an entry together. */
const longestText = 2_000

/**
 * Returns what joins what models found in several scenes of the same person, place, thing or fact: the name of one is a name of the other. Two that have only
 * another name in common may be two of a family. The first scene gives the name and the quotation.
 */
export function entryMerger(): {
  readonly entries: readonly PlacedEntry[]
  /** Takes what was found in a scene. */
  add(found: Pick<SceneReading<'entries'>, 'items' | 'sceneId'>): void
} {
  const entries: PlacedEntry[] = []
  /** The first entry that has a name at all, and the one that has it first of its names: by kind and name. */
  const [byName, byFirstName] = [new Map<string, number>(), new Map<string, number>()]
  const add = (found: PlacedEntry) => {
    const [own = '', ...others] = namesOf(found).map(name => `${found.kind} ${lower(name)}`)
    const firstNames = found.kind === 'fact' ? [] : [own, ...others]
    const known = [byName.get(own), ...firstNames.map(name => byFirstName.get(name))]
    const at = Math.min(...known.map(each => each ?? entries.length))
    const entry = entries[at]
    entries[at] = entry === undefined ? found : joined(entry, found)
    if (entry === undefined) byFirstName.set(own, at)
    for (const name of [own, ...others]) byName.set(name, Math.min(byName.get(name) ?? at, at))
  }
  return {
    entries,
    add({ items, sceneId }) {
      for (const item of items) add({ ...item, sceneId })
    },
  }
}

/** Names of an entry. */
export type NamesOfEntry = Pick<PlacedEntry, 'name' | 'aliases'>

/** Entries that have a finder of their own, until it is built into that of all. */
const mostNew = 200

/** Returns what finds which entries a text mentions. Building the finder of all takes long, so entries that are added have a small one first. */
export function entryNames(entries: readonly NamesOfEntry[]): {
  /** Returns the names of the entries, each once. */
  find(text: string): string[]
  /** Adds entries, and other names of entries. */
  add(more: readonly NamesOfEntry[]): void
} {
  const put = (into: Map<string, NamesOfEntry>, those: Iterable<NamesOfEntry>) => {
    for (const { name, aliases } of those)
      into.set(name, { name, aliases: [...new Set([...(into.get(name)?.aliases ?? []), ...aliases])] })
  }
  const finderOf = (those: ReadonlyMap<string, NamesOfEntry>) =>
    mentionFinder(
      [...those.values()].map(({ name, aliases }) => ({
        ...{ id: name, name, aliases: [...aliases] },
        ...{ exclusions: [], matchCase: false, when: 'always' as const },
      })),
    )
  const [all, recent] = [new Map<string, NamesOfEntry>(), new Map<string, NamesOfEntry>()]
  put(all, entries)
  let finders = [finderOf(all)]
  return {
    find: text => [...new Set(finders.flatMap(({ find }) => [...find(text).mentions.keys()]))],
    add(more) {
      put(recent, more)
      if (recent.size > mostNew) {
        put(all, recent.values())
        recent.clear()
        finders = [finderOf(all)]
      } else finders = [...finders.slice(0, 1), finderOf(recent)]
    },
  }
}

function joined(first: PlacedEntry, other: PlacedEntry): PlacedEntry {
  const names = new Map([...namesOf(first), ...namesOf(other)].toReversed().map(name => [lower(name), name]))
  names.delete(lower(first.name))
  const texts = first.text.split('\n').includes(other.text) ? [first.text] : [first.text, other.text]
  const text = texts.filter(each => each !== '').join('\n')
  return { ...first, aliases: [...names.values()].toReversed(), text: whole(text, longestText) }
}

/** Returns what entries have no name of, without what the author ignores; what has one, as other names of that entry. */
function withoutKnown(
  groups: readonly PlacedEntry[],
  entries: readonly ToldEntry[],
  ignored: ReadonlySet<string>,
): ProposedEntry[] {
  const owners = new Map(entries.flatMap(entry => namesOf(entry).map(name => [lower(name), entry.id])))
  return groups.flatMap(({ sceneId, quotation, kind, text, ...named }) => {
    const names = namesOf(named)
    const [owner, ...others] = new Set(names.flatMap(name => owners.get(lower(name)) ?? []))
    const ofName = owners.get(lower(named.name))
    // By its other names it could be several entries: then it is none of them.
    const entryId = ofName ?? (others.length === 0 ? owner : undefined)
    const [name, ...aliases] = names.filter(each => !owners.has(lower(each)) && !ignored.has(each))
    if (name === undefined || ignored.has(named.name)) return []
    return { name, aliases, kind, text, by: 'model', ...defined({ entryId }), sceneId, quotation }
  })
}

/** Forms of address: Miss Hask need not be the only one of her name. */
const form = /^(?:Mr|Mrs|Ms|Miss|Dr|Sir|Lady|Lord|Captain|Colonel|Madame|Aunt|Uncle)\.?$/u

/** Returns the names without those that are a part of one other name alone; these are aliases of that one. */
export function mergedNames<Named extends Pick<ProposedEntry, 'name' | 'kind'>>(
  names: readonly Named[],
): (Named & { aliases: string[] })[] {
  const all = names.map(each => ({ each, words: each.name.split(/\s+/u) }))
  const longerOf = new Map<Named, Named>()
  for (const { each, words: own } of all) {
    const [longer, ...others] = all.filter(
      ({ each: other, words }) =>
        other.kind === each.kind && words.length > own.length && own.every(word => words.includes(word)),
    )
    if (longer !== undefined && others.length === 0 && !own.some(word => form.test(word)))
      longerOf.set(each, longer.each)
  }
  return names
    .filter(name => !longerOf.has(name))
    .map(name => {
      const aliases = names.filter(other => longerOf.get(other) === name).map(other => other.name)
      return { ...name, aliases }
    })
}
