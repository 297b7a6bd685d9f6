/**
 * Which entries of a codex a prompt is told, and why. Two pure steps: `detectEntries` finds those that a scene is about, and `fitEntries` takes as
 * many as a number of tokens allows. Nothing is left out without its reason.
 */
import type { ToldEntry } from '../library/codex.ts'
import type { ScenePlace } from '../library/shelf.ts'
import type { PromptLanguage } from '../prompts/prompts.ts'
import { type CodexFields, codexKinds, type SceneCodex } from './entry.ts'
import { mentionFinder, type SharedName } from './find-mentions.ts'

/** Where a mention was found. */
export type MentionSource = 'pov' | 'summary' | 'instructions' | 'textBefore'

/** A text in which mentions are searched. */
export interface SearchedText {
  readonly from: MentionSource
  readonly text: string
}

/** Why an entry is told. */
export type WhyTold =
  /** `pinned`: for this scene. */
  | { readonly why: 'always' | 'pinned' }
  | {
      readonly why: 'mentioned'
      readonly mentions: number
      /** The names by which it is mentioned. */
      readonly names: readonly string[]
      readonly in: readonly MentionSource[]
    }
  | { readonly why: 'related'; readonly to: readonly string[] }

/**
 * Why an entry is not told. `barred`: for this scene. `later`: it begins at a later scene. `shared-name`: it is mentioned only by names that another entry has
 * too.
 */
export type WhyNot =
  | 'barred'
  | 'never'
  | 'later'
  | 'not-mentioned'
  | 'not-related'
  | 'shared-name'
  | 'no-text'
  | 'over-budget'

/** What names an entry. */
type Heading = Pick<ToldEntry, 'id' | 'kind' | 'name'>

/** An entry that a scene is about. */
export interface DetectedEntry extends Heading {
  readonly reason: WhyTold
  /** What the prompt says of it: its text as of the scene, under its name. */
  readonly text: string
}

/** An entry that is not told. */
export interface LeftOutEntry extends Heading {
  readonly reason: WhyNot
  /** Of its text; where the budget leaves it out. */
  readonly tokens?: number
}

/** What a scene is about, before its budget is known. */
export interface DetectedEntries {
  /** Told whatever the budget is, in their stable order: also those that are pinned. */
  readonly always: readonly DetectedEntry[]
  /** The others: what falls first stands last. */
  readonly others: readonly DetectedEntry[]
  readonly leftOut: readonly LeftOutEntry[]
  /** Names that several entries share, and that the texts have. */
  readonly shared: readonly SharedName[]
  /** Changes that name a scene which is gone: they are not applied. */
  readonly lostChanges: readonly (Heading & { readonly sceneId: string })[]
}

/** The entries of a prompt. */
export interface CodexSelection extends Pick<DetectedEntries, 'shared' | 'lostChanges'> {
  /** Always first, then by kind, then by name: a scene with the same entries has the same text. */
  readonly told: readonly (DetectedEntry & { readonly tokens: number })[]
  readonly leftOut: readonly LeftOutEntry[]
  readonly tokens: number
  readonly budget: number
  /** Tokens by which the entries that are always told are longer than the budget; 0 where they fit. */
  readonly missing: number
}

/** A codex of no entries. */
export const noEntries: DetectedEntries = { always: [], others: [], leftOut: [], shared: [], lostChanges: [] }

/** A scene, and the codex as it is there. */
export interface CodexRequest {
  readonly entries: readonly ToldEntry[]
  readonly place: ScenePlace
  /** The places of the scenes that entries and their changes name. */
  readonly places: ReadonlyMap<string, ScenePlace>
  /** What the author decided for the scene. */
  readonly chosen?: SceneCodex
  readonly texts: readonly SearchedText[]
  readonly language: PromptLanguage
}

/** Finds the entries that a scene is about. */
export function detectEntries(request: CodexRequest): DetectedEntries {
  const entries = request.entries.toSorted(byKindAndName)
  if (entries.length === 0) return noEntries
  const found = findIn(entries, request.texts)
  const { pinned = [], barred = [] } = request.chosen ?? {}
  const isLater = ({ begins }: ToldEntry) => {
    const begin = request.places.get(begins)
    return begin !== undefined && byPlace(request.place, begin) < 0
  }
  const isDirect = (entry: ToldEntry) => {
    const { id, when } = entry
    const isTold = when === 'always' || (when === 'when-detected' && found.mentions.has(id))
    return !barred.includes(id) && (pinned.includes(id) || (isTold && !isLater(entry)))
  }
  const parents = relationsFrom(entries.filter(isDirect))
  const always: DetectedEntry[] = []
  const others: (DetectedEntry & { rank: Rank })[] = []
  const leftOut: LeftOutEntry[] = []
  for (const entry of entries) {
    const told = choiceOf(entry, request.chosen) ?? reasonOf(entry, { found, parents, isLater })
    const text = typeof told === 'string' ? '' : textAt(entry, request)
    const reason = typeof told === 'string' ? told : text === '' ? 'no-text' : undefined
    const { id, kind, name } = entry
    if (typeof told === 'string' || reason !== undefined) {
      leftOut.push({ id, kind, name, reason: reason ?? 'not-mentioned' })
      continue
    }
    const detected = { id, kind, name, reason: told, text: rendered(entry, text, request.language) }
    if (told.why === 'always' || told.why === 'pinned') always.push(detected)
    else others.push({ ...detected, rank: rankOf(told, found.mentions) })
  }
  const ranked = others.toSorted((a, b) => byRank(a.rank, b.rank)).map(({ rank: _, ...detected }) => detected)
  return {
    always,
    others: ranked,
    leftOut,
    shared: found.shared,
    lostChanges: lostChangesOf(entries, request),
  }
}

/** How entries were mentioned in all texts. */
interface Found {
  readonly mentions: ReadonlyMap<string, WhyTold & { why: 'mentioned' }>
  readonly shared: readonly SharedName[]
}

function findIn(entries: readonly ToldEntry[], texts: readonly SearchedText[]): Found {
  const finder = mentionFinder(entries)
  const mentions = new Map<string, WhyTold & { why: 'mentioned' }>()
  const shared = new Map<string, SharedName>()
  for (const { from, text } of texts) {
    const found = finder.find(text)
    for (const each of found.shared) shared.set(each.name, each)
    for (const [id, { count, names }] of found.mentions) {
      const known = mentions.get(id)
      mentions.set(id, {
        why: 'mentioned',
        mentions: (known?.mentions ?? 0) + count,
        names: [...new Set([...(known?.names ?? []), ...names])],
        in: [...new Set([...(known?.in ?? []), from])],
      })
    }
  }
  return { mentions, shared: [...shared.values()] }
}

/** Returns the entries that are related to, each with those that it comes with: one level. */
function relationsFrom(direct: readonly ToldEntry[]): ReadonlyMap<string, readonly string[]> {
  const parents = new Map<string, string[]>()
  for (const { id, relations } of direct)
    for (const related of relations) parents.set(related, [...(parents.get(related) ?? []), id])
  return parents
}

function choiceOf(
  { id }: Heading,
  { pinned, barred }: SceneCodex = { pinned: [], barred: [] },
): WhyTold | WhyNot | undefined {
  if (barred.includes(id)) return 'barred'
  return pinned.includes(id) ? { why: 'pinned' } : undefined
}

/** What decides whether an entry is told that the author has not chosen for the scene. */
interface Surroundings {
  readonly found: Found
  readonly parents: ReadonlyMap<string, readonly string[]>
  isLater(entry: ToldEntry): boolean
}

function reasonOf(entry: ToldEntry, { found, parents, isLater }: Surroundings): WhyTold | WhyNot {
  const { id, when } = entry
  if (when === 'never') return 'never'
  if (isLater(entry)) return 'later'
  if (when === 'always') return { why: 'always' }
  const mention = when === 'when-detected' ? found.mentions.get(id) : undefined
  if (mention !== undefined) return mention
  const to = parents.get(id)
  if (to !== undefined) return { why: 'related', to }
  if (when === 'with-related') return 'not-related'
  return found.shared.some(({ entryIds }) => entryIds.includes(id)) ? 'shared-name' : 'not-mentioned'
}

/** What decides which entry falls first: the one with the lower rank. */
type Rank = readonly [isPov: number, isMentioned: number, mentions: number]

/** The person through whose eyes it is told stays longest; what is only related falls first, with the mentions of those that it comes with. */
function rankOf(reason: WhyTold, mentions: Found['mentions']): Rank {
  if (reason.why === 'mentioned') return [Number(reason.in.includes('pov')), 1, reason.mentions]
  const to = reason.why === 'related' ? reason.to : []
  return [0, 0, to.reduce((sum, id) => sum + (mentions.get(id)?.mentions ?? 0), 0)]
}

function byRank(one: Rank, other: Rank): number {
  const [pov, mentioned, count] = one
  return other[0] - pov || other[1] - mentioned || other[2] - count
}

function byKindAndName(one: Heading, other: Heading): number {
  const kinds = codexKinds.indexOf(one.kind) - codexKinds.indexOf(other.kind)
  return kinds || compare(one.name, other.name) || compare(one.id, other.id)
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}

/** Returns the text of an entry as of a scene: its changes are applied in story order. */
export function textAt(
  { text, changes }: Pick<CodexFields, 'text' | 'changes'>,
  { place, places }: Pick<CodexRequest, 'place' | 'places'>,
): string {
  const known = changes.flatMap(change => {
    const from = places.get(change.from)
    const until = change.until === undefined ? undefined : places.get(change.until)
    const isLost = from === undefined || (change.until !== undefined && until === undefined)
    if (isLost || byPlace(from, place) > 0) return []
    return until === undefined || byPlace(place, until) < 0 ? [{ ...change, from }] : []
  })
  let whole = text.trim()
  for (const change of known.toSorted((a, b) => byPlace(a.from, b.from))) {
    const added = change.text.trim()
    whole = change.how === 'replace' || whole === '' ? added : `${whole}\n${added}`
  }
  return whole
}

/** Compares places in reading order. */
function byPlace(one: ScenePlace, other: ScenePlace): number {
  return one[0] - other[0] || one[1] - other[1]
}

function lostChangesOf(entries: readonly ToldEntry[], { places }: CodexRequest) {
  return entries.flatMap(({ id, kind, name, changes }) => {
    const named = new Set(changes.flatMap(({ from, until }) => [from, until ?? from]))
    return [...named].filter(sceneId => !places.has(sceneId)).map(sceneId => ({ id, kind, name, sceneId }))
  })
}

const kindNames: Record<PromptLanguage, Record<CodexFields['kind'], string>> = {
  en: { person: 'person', place: 'place', thing: 'thing', fact: 'fact' },
  zh: { person: '人物', place: '地点', thing: '事物', fact: '事实' },
}

/** Returns what a prompt says of an entry. */
function rendered({ kind, name, aliases }: ToldEntry, text: string, language: PromptLanguage): string {
  const about = kindNames[language][kind]
  if (language === 'zh') {
    const also = aliases.length === 0 ? '' : `，又称${aliases.join('、')}`
    return `${name}（${about}${also}）：${text}`
  }
  const also = aliases.length === 0 ? '' : `, also called ${aliases.join(', ')}`
  return `${name} (${about}${also}): ${text}`
}

/** Stands between two entries in a prompt. */
export const betweenEntries = '\n\n'

/**
 * Takes the entries that fit into a number of tokens. Those that are always told stay, also where they do not fit: then `missing` says by how much. Of
 * the others those fall that are longer alone than what is left, and then the least mentioned, until the rest fits.
 */
export function fitEntries(
  { always, others, leftOut, shared, lostChanges }: DetectedEntries,
  budget: number,
  countTokens: (text: string) => number,
): CodexSelection {
  const counted = (entries: readonly DetectedEntry[]) =>
    entries.map(entry => ({ ...entry, tokens: countTokens(`${entry.text}${betweenEntries}`) }))
  const sum = (entries: readonly { tokens: number }[]) => entries.reduce((all, { tokens }) => all + tokens, 0)
  const fixed = counted(always)
  const left = budget - sum(fixed)
  const rest = counted(others)
  const kept = rest.filter(({ tokens }) => tokens <= left)
  for (let used = sum(kept); used > left && kept.length > 0; ) used -= kept.pop()?.tokens ?? 0
  const stays = new Set(kept.map(({ id }) => id))
  const fallen = rest
    .filter(({ id }) => !stays.has(id))
    .map(({ id, kind, name, tokens }) => ({ id, kind, name, reason: 'over-budget' as const, tokens }))
  const told = [...fixed, ...kept.toSorted(byKindAndName)]
  return {
    ...{ told, shared, lostChanges, budget },
    leftOut: [...fallen, ...leftOut],
    tokens: sum(told),
    missing: Math.max(0, -left),
  }
}
