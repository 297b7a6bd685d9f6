/** The entries of codices: one record each. */
import { type Change, getOne, insert, remove, replace } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import {
  type CodexEntry,
  type CodexFields,
  codexBounds,
  codexFields,
  type SceneCodex,
} from '../codex/entry.ts'
import { mergedFields, repointed } from '../codex/merge.ts'
import type {
  CodexEntryRead,
  CodexMerge,
  CodexSplit,
  CodexStore,
  CodexWritten,
  NewCodexEntry,
  ToldEntry,
} from './codex.ts'
import { idsOf } from './ids.ts'
import { dismissalStore } from './keep-dismissals.ts'
import {
  type CodexRecord,
  codex,
  type LibraryParts,
  novels,
  ownNovel,
  scenes,
  shelvedNovel,
} from './kinds.ts'
import { type Listing, readPage } from './page-token.ts'
import { findPlace, placesOf } from './read-scenes.ts'
import { codexEntryNotFound, codexFull, notTaken, sceneNotFound } from './refusal.ts'
import { isBefore } from './shelf.ts'

/** The codices of a library. */
export function codexStore(library: LibraryParts): CodexStore {
  const { records } = library
  return {
    async entries(userId, novelId, page) {
      await ownNovel(library, userId, novelId)
      const query: Listing<CodexRecord>['query'] = { equal: { novelId }, order: ['order'] }
      return readPage(records, codex, { listing: { name: 'codex', filter: [novelId], query }, page }, found =>
        found.map(entryOf),
      )
    },
    async entry(userId, { novelId, entryId }) {
      const [novel, found] = await Promise.all([
        shelvedNovel(records, userId, novelId),
        getOne(records, codex, entryId),
      ])
      if (novel === undefined || found?.novelId !== novelId) throw codexEntryNotFound(entryId)
      return entryOf(found)
    },
    async all(userId, novelId) {
      await ownNovel(library, userId, novelId)
      return toldEntries(library, novelId)
    },
    async atPlace(userId, place) {
      const { novelId, at, scene } = await findPlace(library, userId, place)
      const entries = await toldEntries(library, novelId)
      const places = await placesOf(library, novelId, scenesIn(entries))
      return { entries, places, place: at, ...defined({ chosen: scene?.codex }) }
    },
    async add(userId, novelId, entries) {
      const added = new Set<string>()
      if (entries.length > perCommit) await checkFit(library, { userId, novelId }, entries)
      for (let at = 0; at < entries.length; at += perCommit)
        for (const id of await addSome(library, { userId, novelId }, entries.slice(at, at + perCommit)))
          added.add(id)
      return added
    },
    edit: (userId, read, fields) => edit(library, { userId, ...read }, fields),
    remove: (userId, read) => removeEntry(library, { userId, ...read }),
    merge: (userId, merge) => mergeEntries(library, { userId, ...merge }),
    split: (userId, given) => splitEntry(library, { userId, ...given }),
    ...dismissalStore(library),
  }
}

/** Entries that one commit adds. */
const perCommit = 100

/** An entry as readers see it. */
function entryOf<E extends Omit<CodexRecord, 'note'>>({
  revision: _,
  order: __,
  ...entry
}: E & { revision: string }) {
  return { ...entry, ...extentOf(entry) }
}

/** Where an entry begins and ends; one of an earlier version names no scene. */
function extentOf({ begins, ends }: Partial<Pick<CodexRecord, 'begins' | 'ends'>>) {
  return { begins: begins ?? '', ends: ends ?? '' }
}

async function toldEntries({ records }: LibraryParts, novelId: string): Promise<readonly ToldEntry[]> {
  const found = await records.find(codex, { equal: { novelId }, order: ['order'] }, ['note'])
  return found.map(entryOf)
}

/** The scenes that entries name. */
function scenesIn(entries: readonly Pick<CodexFields, 'changes' | 'begins' | 'ends'>[]): string[] {
  return entries.flatMap(({ changes, begins, ends }) => [
    ...[begins, ends],
    ...changes.flatMap(({ from, until = '' }) => [from, until]),
  ])
}

/** An entry that is to be written. */
interface Checked {
  novelId: string
  id: string
  fields: CodexFields
  /** Ids of entries that are not looked for: the same commit adds them, or a relation leads to them already. */
  known: Iterable<string>
}

/** Throws for an entry that is not taken: OPTION_INVALID, SCENE_NOT_FOUND, CODEX_ENTRY_NOT_FOUND. */
async function check(library: LibraryParts, { novelId, id, fields, known }: Checked): Promise<void> {
  const parsed = codexFields.safeParse(fields)
  const [issue] = parsed.error?.issues ?? []
  if (issue !== undefined)
    throw notTaken(
      `The entry ${fields.name} is not taken, because of ${issue.path.join('.')}: ${issue.message}.`,
    )
  const places = await placesOf(library, novelId, scenesIn([fields]))
  for (const { from, until = from } of fields.changes) {
    const [start, end] = [places.get(from), places.get(until)]
    if (start === undefined || end === undefined) throw sceneNotFound(start === undefined ? from : until)
    if (until !== from && !isBefore(start, end))
      throw notTaken(`A change of the entry ${fields.name} ends at a scene that is not after its first one.`)
  }
  const [begins, ends] = [fields.begins, fields.ends].map(scene => {
    const place = places.get(scene)
    if (scene !== '' && place === undefined) throw sceneNotFound(scene)
    return place
  })
  if (begins !== undefined && ends !== undefined && isBefore(ends, begins))
    throw notTaken(`The entry ${fields.name} ends at a scene before the one where it begins.`)
  await checkRelations(library, { novelId, id, fields, known })
}

/** Throws CODEX_ENTRY_NOT_FOUND. */
async function checkRelations(
  { records }: LibraryParts,
  { novelId, id, fields, known }: Checked,
): Promise<void> {
  const unasked = new Set([id, ...known])
  const others = fields.relations.filter(each => !unasked.has(each))
  const found = others.length === 0 ? undefined : await records.get(codex, others, ['note'])
  const missing = others.find(each => found?.get(each)?.novelId !== novelId)
  if (missing !== undefined) throw codexEntryNotFound(missing)
}

/** Throws CODEX_FULL where entries do not all fit, before the first commit of several adds some of them. */
async function checkFit(
  library: LibraryParts,
  { userId, novelId }: { userId: string; novelId: string },
  entries: readonly NewCodexEntry[],
): Promise<void> {
  await ownNovel(library, userId, novelId)
  const there = await library.records.get(codex, idsOf(entries), ['note'])
  await checkNumber(library, novelId, entries.length - there.size)
}

/** Throws CODEX_FULL. */
async function checkNumber({ records }: LibraryParts, novelId: string, more: number): Promise<void> {
  const sums = await records.sum(codex, { equal: { novelId }, by: 'novelId' })
  if ((sums.get(novelId)?.count ?? 0) + more > codexBounds.entries)
    throw codexFull(novelId, codexBounds.entries)
}

/** The guard of the novel keeps the number of entries within its bound, and the order without repeats. */
async function addSome(
  library: LibraryParts,
  { userId, novelId }: { userId: string; novelId: string },
  entries: readonly NewCodexEntry[],
): Promise<readonly string[]> {
  const { records, now } = library
  const beside = new Set(entries.map(({ id }) => id))
  for (const { id, fields } of entries) {
    if (!/^[\w-]{1,100}$/.test(id)) throw notTaken(`${JSON.stringify(id)} is not an id.`)
    await check(library, { novelId, id, fields, known: beside })
  }
  for (;;) {
    const novel = await ownNovel(library, userId, novelId)
    const there = await records.get(codex, [...beside], ['note'])
    const foreign = [...there.values()].find(entry => entry.novelId !== novelId)
    if (foreign !== undefined)
      throw notTaken(`The id ${foreign.id} belongs to an entry of another novel; choose another one.`)
    const missing = entries.filter(({ id }) => !there.has(id))
    if (missing.length === 0) return []
    await checkNumber(library, novelId, missing.length)
    const newest = { equal: { novelId }, order: ['order'] as const, reverse: true, limit: 1 }
    const [last] = await records.find(codex, newest, ['note'])
    const first = (last?.order ?? 0) + 1
    const at = now()
    const made = { novelId, version: 1, createdAt: at, updatedAt: at }
    const committed = await records.commit([
      replace(novels, { ...novel, updatedAt: at }),
      ...missing.map(({ id, fields }, index) =>
        insert(codex, { ...fields, id, ...made, order: first + index }),
      ),
    ])
    if (committed === 'applied') return missing.map(({ id }) => id)
  }
}

type OwnRead = CodexEntryRead & { userId: string }

/** The entry and whether it is still what was read. Throws NOVEL_NOT_FOUND. */
async function entryToWrite(library: LibraryParts, { userId, novelId, entryId }: OwnRead) {
  await ownNovel(library, userId, novelId)
  const entry = await getOne(library.records, codex, entryId)
  return entry?.novelId === novelId ? { ...entry, ...extentOf(entry) } : undefined
}

async function edit(
  library: LibraryParts,
  read: OwnRead,
  fields: Partial<CodexFields>,
): Promise<CodexWritten> {
  const { novelId, entryId, expectedVersion } = read
  for (;;) {
    const entry = await entryToWrite(library, read)
    if (entry === undefined) throw codexEntryNotFound(entryId)
    const { version } = entry
    const given = Object.entries(defined(fields))
    // Sent again, because its answer was lost, an edit finds itself.
    const isThere = given.every(([field, value]) => isSame(Reflect.get(entry, field), value))
    if (isThere) return { outcome: 'applied', version }
    if (version !== expectedVersion) return { outcome: 'conflict', version }
    const changed = { ...entry, ...Object.fromEntries(given) }
    const known = entry.relations
    await check(library, { novelId, id: entryId, fields: fieldsOf(changed), known })
    const next = { ...changed, version: version + 1, updatedAt: library.now() }
    if ((await library.records.commit([replace(codex, next)])) === 'applied')
      return { outcome: 'applied', version: next.version }
  }
}

/** Returns the changes of the entries of a codex that named a scene, and name another one then. */
export async function movedInCodex(
  { records, now }: LibraryParts,
  novelId: string,
  { from, to }: { from: string; to: string },
): Promise<Change[]> {
  const found = await records.find(codex, { equal: { novelId }, order: ['order'] })
  const other = (scene: string) => (scene === from ? to : scene)
  return found.flatMap(entry => {
    const changes = entry.changes.map(change => {
      const begins = other(change.from)
      // One that ended with the scene that it began in would be known nowhere.
      const until = change.until === from && begins !== to ? to : change.until
      return { ...change, from: begins, ...defined({ until }) }
    })
    const moved = { ...entry, begins: other(entry.begins), ends: other(entry.ends), changes }
    if (isSame(moved, entry)) return []
    return [replace(codex, { ...moved, version: entry.version + 1, updatedAt: now() })]
  })
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function fieldsOf(entry: CodexFields): CodexFields {
  const { kind, name, aliases, exclusions, matchCase, text, when, relations, note, changes } = entry
  const { begins, ends } = entry
  return { kind, name, aliases, exclusions, matchCase, text, when, relations, note, changes, begins, ends }
}

/** The relations to the entry go in the same commit, so that no reader finds one to nothing. */
async function removeEntry(library: LibraryParts, read: OwnRead): Promise<CodexWritten> {
  const { entryId, expectedVersion } = read
  for (;;) {
    const entry = await entryToWrite(library, read)
    if (entry === undefined) return { outcome: 'applied', version: expectedVersion }
    const { version } = entry
    if (version !== expectedVersion) return { outcome: 'conflict', version }
    const related = await relatedTo(library, entry, ({ relations }) => relations.filter(id => id !== entryId))
    if ((await library.records.commit([remove(codex, entry), ...related])) === 'applied')
      return { outcome: 'applied', version }
  }
}

/** Returns the changes of the entries that are related to one, each with other relations. */
async function relatedTo(
  { records, now }: LibraryParts,
  { id, novelId }: CodexEntry,
  relationsOf: (entry: CodexEntry) => string[],
  without?: string,
): Promise<Change[]> {
  const all = await records.find(codex, { equal: { novelId }, order: ['order'] })
  return all
    .filter(each => each.id !== id && each.id !== without && each.relations.includes(id))
    .map(each =>
      replace(codex, { ...each, relations: relationsOf(each), version: each.version + 1, updatedAt: now() }),
    )
}

/** The entry that is taken in goes in the same commit. */
async function mergeEntries(
  library: LibraryParts,
  { other: taken, ...read }: CodexMerge & { userId: string },
): Promise<CodexWritten> {
  const { records, now } = library
  if (taken.entryId === read.entryId) throw notTaken('An entry cannot take itself in; name another one.')
  for (;;) {
    const entry = await entryToWrite(library, read)
    const other = await entryToWrite(library, { ...read, ...taken })
    if (entry === undefined || other === undefined)
      throw codexEntryNotFound(entry === undefined ? read.entryId : taken.entryId)
    if (entry.version !== read.expectedVersion) return { outcome: 'conflict', version: entry.version }
    if (other.version !== taken.expectedVersion) return { outcome: 'conflict', version: other.version }
    const places = await placesOf(library, entry.novelId, scenesIn([entry, other]))
    const fields = mergedFields(entry, other, places)
    const known = [...entry.relations, ...other.relations]
    await check(library, { novelId: entry.novelId, id: entry.id, fields, known })
    const [from, to] = [other.id, entry.id]
    const related = await relatedTo(
      library,
      other,
      ({ id: of, relations }) => repointed(relations, { from, to, of }),
      entry.id,
    )
    const chosen = await chosenScenes(library, entry.novelId, { from, to })
    const version = entry.version + 1
    const whole = replace(codex, { ...entry, ...fields, version, updatedAt: now() })
    if ((await records.commit([whole, remove(codex, other), ...related, ...chosen])) === 'applied')
      return { outcome: 'applied', version }
  }
}

/** Returns the changes of the scenes to which an entry is pinned, or from which it is barred: they name the one that has taken it in. */
async function chosenScenes(
  { records, now }: LibraryParts,
  novelId: string,
  { from, to }: { from: string; to: string },
): Promise<Change[]> {
  const all = await records.find(scenes, { equal: { novelId } }, ['summary'])
  const named = all.filter(({ codex: { pinned, barred } = none }) => [...pinned, ...barred].includes(from))
  const whole = await records.get(scenes, idsOf(named))
  return [...whole.values()].map(scene => {
    const { pinned, barred } = scene.codex ?? none
    const repoint = (ids: readonly string[]) => repointed(ids, { from, to, of: scene.id })
    // What is barred from a scene must not come in by a pin.
    const out = repoint(barred)
    const choice = { pinned: repoint(pinned).filter(id => !out.includes(id)), barred: out }
    const version = scene.version + 1
    return replace(scenes, { ...scene, codex: choice, version, codexVersion: version, updatedAt: now() })
  })
}

const none: SceneCodex = { pinned: [], barred: [] }

/** The new entry comes first: who reads in between finds both whole. */
async function splitEntry(
  library: LibraryParts,
  { stays, into, ...read }: CodexSplit & { userId: string },
): Promise<CodexWritten> {
  const entry = await entryToWrite(library, read)
  if (entry === undefined) throw codexEntryNotFound(read.entryId)
  const isThere = (await getOne(library.records, codex, into.id, ['note'])) !== undefined
  if (entry.version !== read.expectedVersion && !isThere)
    return { outcome: 'conflict', version: entry.version }
  await check(library, {
    novelId: entry.novelId,
    id: entry.id,
    fields: fieldsOf({ ...entry, ...defined(stays) }),
    known: entry.relations,
  })
  await addSome(library, read, [into])
  return edit(library, read, stays)
}
