/**
 * Finds the entries of a codex that a text mentions. All names and aliases are searched in one pass (Aho and Corasick, "Efficient string
 * matching", 1975), in time linear in the text and its matches. Of overlapping matches the one that begins first counts, and of those the longest.
 */
import type { CodexFields } from './entry.ts'

/** What of an entry its mentions depend on. */
export type NamedEntry = Pick<CodexFields, 'name' | 'aliases' | 'exclusions' | 'matchCase' | 'when'> & {
  readonly id: string
}

/** A name that several entries have: it is a mention of none of them. */
export interface SharedName {
  readonly name: string
  readonly entryIds: readonly string[]
}

/** How often a text mentions an entry, and by which of its names. */
export interface Mention {
  count: number
  readonly names: Set<string>
}

/** What a text mentions. */
export interface FoundMentions {
  /** By the id of the entry. */
  readonly mentions: ReadonlyMap<string, Mention>
  /** The shared names in the text. */
  readonly shared: readonly SharedName[]
}

/** A name in a text. */
export interface NamePlace {
  /** Code units of the text, as it was given. */
  readonly start: number
  readonly end: number
  /** The entries that have the name, and how they write it; several where they share it. */
  readonly of: readonly { readonly entryId: string; readonly name: string }[]
}

/** Finds mentions of the entries that it was made of. */
export interface MentionFinder {
  /** The names that several entries share, whether a text has them or not. */
  readonly shared: readonly SharedName[]
  find(text: string): FoundMentions
  /** The names in a text, in its order. */
  places(text: string): NamePlace[]
}

/** A name of an entry. */
interface Owner {
  readonly entry: NamedEntry
  readonly name: string
  /** As it is written, with plain white space and apostrophes. */
  readonly exact: string
}

/** A text that is searched. */
interface Term {
  readonly length: number
  /** Owners; none where it is an exclusion alone. */
  readonly owners: Owner[]
}

/** Returns a finder. Its cost is linear in the length of all names. */
export function mentionFinder(entries: readonly NamedEntry[]): MentionFinder {
  const terms = termsOf(entries)
  const search = searchOf(terms)
  const shared = [...terms.values()]
    .map(({ owners }) => sharedBy(owners))
    .filter(found => found !== undefined)
  return {
    shared,
    find: text => findMentions(search, text),
    places(text) {
      const { written, at } = readable(text)
      return [...matchesOf(search, written)]
        .filter(({ owners }) => owners.length > 0)
        .map(({ start, end, owners }) => ({
          start: at(start),
          end: at(end - 1, 'end'),
          of: owners.map(({ entry, name }) => ({ entryId: entry.id, name })),
        }))
    },
  }
}

function termsOf(entries: readonly NamedEntry[]): ReadonlyMap<string, Term> {
  const terms = new Map<string, Term>()
  const termOf = (text: string) => {
    const known = terms.get(text) ?? { length: text.length, owners: [] }
    terms.set(text, known)
    return known
  }
  const owners = entries.flatMap(entry =>
    [entry.name, ...entry.aliases].map(name => ({ entry, name, exact: plain(name) })),
  )
  for (const owner of owners) {
    const { owners: known } = termOf(fold(owner.exact))
    // An entry may have a name twice, in another case.
    if (!known.some(({ entry, exact }) => entry === owner.entry && exact === owner.exact)) known.push(owner)
  }
  for (const { exclusions } of entries) for (const phrase of exclusions) termOf(fold(plain(phrase)))
  // A name as it is written goes before the plural of another one.
  const written = new Set(terms.keys())
  for (const owner of owners) {
    const plural = fold(owner.exact).replace(/(?<=[b-df-hj-np-tv-xz])y$/, 'ies')
    if (plural.endsWith('ies') && !written.has(plural)) termOf(plural).owners.push(owner)
  }
  return terms
}

/** Returns a name as names are compared: with plain white space and apostrophes, and whole letters. */
export function plain(text: string): string {
  return readable(text).written.trim()
}

/** What is written in several ways: white space, apostrophes, letters with marks, and the parts of Hangul syllables. */
const variants = / \s+|[^\S ]\s*|[‘’ʼ＇]|[^\p{M}\s]\p{M}+|[\u1100-\u11ff]+/gu

/** Returns a text with plain white space and apostrophes, and the place in the given text of a code unit of that one: where it begins, or ends. */
function readable(text: string): { written: string; at(unit: number, edge?: 'end'): number } {
  /** Where a part begins and ends that is written otherwise. */
  const parts: { start: number; end: number; from: number; to: number }[] = []
  let shift = 0
  const written = text.replace(variants, (part, from: number) => {
    const other = /^\s/u.test(part) ? ' ' : /^[‘’ʼ＇]$/u.test(part) ? "'" : part.normalize('NFC')
    if (other.length !== part.length) {
      const start = from + shift
      parts.push({ start, end: start + other.length, from, to: from + part.length })
      shift += other.length - part.length
    }
    return other
  })
  return {
    written,
    at(unit, edge) {
      const part = parts[lastAtMost(parts, unit)]
      const end = edge === undefined ? 0 : 1
      if (part === undefined) return unit + end
      if (unit >= part.end) return unit - part.end + part.to + end
      return edge === undefined ? part.from : part.to
    },
  }
}

/** Returns the number of the last part that does not begin behind a code unit; -1 for none. */
function lastAtMost(parts: readonly { start: number }[], unit: number): number {
  let [low, high] = [0, parts.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((parts[middle]?.start ?? 0) <= unit) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** Returns a text in lower case, of the same length. */
function fold(text: string): string {
  const lower = text.toLowerCase()
  if (lower.length === text.length) return lower
  return text.replace(/\p{Lu}/gu, letter => {
    const small = letter.toLowerCase()
    return small.length === letter.length ? small : letter
  })
}

/** Returns the name that entries share. An entry that is never told shares none; entries that match the case share a name in one case only. */
function sharedBy(owners: readonly Owner[]): SharedName | undefined {
  const able = owners.filter(({ entry }) => entry.when !== 'never')
  const ids = new Set(
    able
      .filter(one =>
        able.some(
          other =>
            other.entry !== one.entry &&
            !(one.entry.matchCase && other.entry.matchCase && one.exact !== other.exact),
        ),
      )
      .map(({ entry }) => entry.id),
  )
  const [first] = able
  return ids.size < 2 || first === undefined ? undefined : { name: first.name, entryIds: [...ids] }
}

/** The automaton: its nodes are numbers, the root is 0. */
interface Search {
  /** The next node, by the number of a node and a code unit. */
  readonly next: ReadonlyMap<number, number>
  /** The node of the longest proper end of a node's text. */
  readonly fails: readonly number[]
  /** The term that ends at a node. */
  readonly terms: readonly (Term | undefined)[]
  /** The nearest node on the way of `fails` at which a term ends; 0 for none. */
  readonly outputs: readonly number[]
}

const units = 0x10000

function searchOf(terms: ReadonlyMap<string, Term>): Search {
  const next = new Map<number, number>()
  const ends: (Term | undefined)[] = [undefined]
  const parents: number[] = [0]
  const levels: number[][] = []
  for (const [text, term] of terms) {
    let node = 0
    for (let at = 0; at < text.length; at++) {
      const key = node * units + text.charCodeAt(at)
      const known = next.get(key)
      node = known ?? ends.push(undefined) - 1
      if (known !== undefined) continue
      next.set(key, node)
      parents[node] = key
      levels[at] ??= []
      levels[at]?.push(node)
    }
    ends[node] = term
  }
  const fails = ends.map(() => 0)
  const outputs = ends.map(() => 0)
  for (const node of levels.flat()) {
    const key = parents[node] ?? 0
    const [parent, unit] = [Math.floor(key / units), key % units]
    const fail = parent === 0 ? 0 : step({ next, fails }, fails[parent] ?? 0, unit)
    fails[node] = fail
    outputs[node] = ends[fail] === undefined ? (outputs[fail] ?? 0) : fail
  }
  return { next, fails, terms: ends, outputs }
}

function step({ next, fails }: Pick<Search, 'next' | 'fails'>, from: number, unit: number): number {
  for (let node = from; ; node = fails[node] ?? 0) {
    const found = next.get(node * units + unit)
    if (found !== undefined) return found
    if (node === 0) return 0
  }
}

/** A term in a text. */
interface Match {
  readonly start: number
  readonly end: number
  readonly owners: readonly Owner[]
}

function findMentions(search: Search, text: string): FoundMentions {
  const { written } = readable(text)
  const mentions = new Map<string, Mention>()
  const shared = new Map<string, SharedName>()
  for (const match of matchesOf(search, written)) {
    const both = sharedBy(match.owners)
    if (both !== undefined) shared.set(both.name, both)
    const [owner] = match.owners.filter(({ entry }) => entry.when !== 'never')
    if (both !== undefined || owner === undefined) continue
    const mention = mentions.get(owner.entry.id) ?? { count: 0, names: new Set() }
    mention.count += 1
    mention.names.add(owner.name)
    mentions.set(owner.entry.id, mention)
  }
  return { mentions, shared: [...shared.values()] }
}

/** Returns the matches that count: of those that overlap the one that begins first, and of those the longest. */
function* matchesOf(search: Search, written: string): Generator<Match> {
  const text = fold(written)
  const begun = termsByStart(search, text)
  let end = 0
  for (const [start, terms] of begun.entries()) {
    if (terms === undefined || start < end) continue
    for (const term of terms.reverse()) {
      const match = matchOf(term, start, { text, written })
      if (match === undefined) continue
      end = match.end
      yield match
      break
    }
  }
}

/** Returns the terms that begin at each place of a text, the shortest first; undefined where none does, or no name can begin. */
function termsByStart(search: Search, text: string): (Term[] | undefined)[] {
  const begun = new Array<Term[] | undefined>(text.length)
  const refused = new Uint8Array(text.length)
  let node = 0
  for (let at = 0; at < text.length; at++) {
    node = step(search, node, text.charCodeAt(at))
    for (let ending = node; ending !== 0; ending = search.outputs[ending] ?? 0) {
      const term = search.terms[ending]
      if (term === undefined) continue
      const start = at + 1 - term.length
      const known = begun[start]
      if (known !== undefined) known.push(term)
      else if (refused[start] === 1) continue
      else if (hasBorderBefore(text, start)) begun[start] = [term]
      else refused[start] = 1
    }
  }
  return begun
}

/** Returns the match of a term; undefined where it is a part of a longer word, or a name in another case. */
function matchOf(
  { length, owners }: Term,
  start: number,
  { text, written }: { text: string; written: string },
): Match | undefined {
  const end = start + length
  if (!hasBorderAfter(text, end)) return undefined
  const exact = written.slice(start, end)
  const meant = owners.filter(({ entry, exact: own }) => !entry.matchCase || own === exact)
  // An exclusion has no owner. A name that is only found in another case is none.
  return meant.length > 0 || owners.length === 0 ? { start, end, owners: meant } : undefined
}

/** Scripts that put no space between words: a name in them has no borders. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー々〇]/u
/** In Japanese a run of Katakana is one word. */
const katakana = /[\p{Script=Katakana}ーｰﾞﾟ]/u
const word = /[\p{L}\p{N}\p{M}]/u
const hangul = /\p{Script=Hangul}/u
const latin = /\p{Script=Latin}/u
/** Of an English plural; that of a possessive begins with an apostrophe, which is a border. */
const plural = /e?s/y

/** Whether no longer word ends with what begins here. */
function hasBorderBefore(text: string, start: number): boolean {
  const [before, first] = [characterBefore(text, start), characterAt(text, start)]
  if (katakana.test(before) && katakana.test(first)) return false
  return !isSpaced(first) || !isSpaced(before)
}

/** Whether no longer word begins with what ends here. In Korean particles follow a name without a space. */
function hasBorderAfter(text: string, end: number): boolean {
  const [last, after] = [characterBefore(text, end), characterAt(text, end)]
  if (katakana.test(last) && katakana.test(after)) return false
  if (!isSpaced(last) || !isSpaced(after) || hangul.test(last)) return true
  plural.lastIndex = end
  return latin.test(last) && plural.test(text) && !isSpaced(characterAt(text, plural.lastIndex))
}

function isSpaced(character: string): boolean {
  return word.test(character) && !unspaced.test(character)
}

function characterAt(text: string, at: number): string {
  const code = text.codePointAt(at)
  return code === undefined ? '' : String.fromCodePoint(code)
}

function characterBefore(text: string, at: number): string {
  const isPair = /[\uDC00-\uDFFF]/.test(text.charAt(at - 1))
  return at === 0 ? '' : characterAt(text, isPair ? at - 2 : at - 1)
}
