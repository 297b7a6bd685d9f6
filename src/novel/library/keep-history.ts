/**
 * The history of a scene: it is written with the scene, by whose revision it is guarded. The scene knows what the next entry needs, so that a
 * save costs the same however much was saved before. What is never dropped is stored as the difference to an entry with a whole text, which is
 * never dropped either: it is read in two steps, however long the history is.
 */
import { type Change, erase, getOne, replace, type Stored, write } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import type { Page, PageRequest } from '../../task/page.ts'
import {
  entryIdOf,
  type HistoryNote,
  isExpendable,
  type KeptEntry,
  overwrittenTextId,
  wasApplied,
} from './history.ts'
import { idsOf } from './ids.ts'
import {
  type HistoryRecord,
  history,
  type LibraryParts,
  type SceneHistory,
  type SceneRecord,
  scenes,
} from './kinds.ts'
import { type Listing, readPage } from './page-token.ts'
import { entryNotFound, sceneNotFound } from './refusal.ts'
import { generatedEntries, type HistoryEntry, type SceneWritten } from './scenes.ts'
import { snapshotChapters, snapshotRowId, snapshots } from './snapshot-kinds.ts'
import { deltaOf, textOfDelta } from './text-delta.ts'

/** An entry with its text. */
export type ReadEntry = Omit<Stored<HistoryRecord>, 'text' | 'difference'> & { text: string }

/** Entries that a reading takes, and a page has at most. */
const largestPage = 100

/**
 * Keeps what a task made and must not write, once. A write that was applied before, and overwritten since, is applied still. Undefined: the
 * scene is no longer what it was when that was decided.
 */
export async function keepRefused(
  library: LibraryParts,
  scene: Stored<SceneRecord>,
  entry: KeptEntry,
): Promise<SceneWritten | undefined> {
  const { id, version, textVersion } = scene
  const seen = { version, textVersion }
  if (await isOverwritten(library, id, entry)) return { outcome: 'applied', ...seen }
  const alternativeId = entryIdOf(id, entry)
  if ((await getOne(library.records, history, alternativeId, ['text'])) === undefined) {
    const kept = await keep(library, scene, { entries: [entry] })
    const changed = replace(scenes, defined({ ...scene, history: kept.history }))
    if ((await library.records.commit([changed, ...kept.changes])) === 'stale') return undefined
  }
  return { outcome: 'conflict', ...seen, alternativeId }
}

/** Whether the history shows that what a task made was applied: among what was overwritten since the version that it had read. */
async function isOverwritten({ records }: LibraryParts, sceneId: string, made: KeptEntry): Promise<boolean> {
  const { what, version } = made
  const newest = { equal: { sceneId }, order: ['order'], reverse: true, limit: largestPage } as const
  for (let after: [number] | undefined; ; ) {
    const found = await records.find(history, { ...newest, after }, ['text'])
    if (wasApplied(found, made)) return true
    const last = found.at(-1)
    const isOlder = found.some(
      entry => entry.what === what && entry.why === 'overwritten' && entry.version <= version,
    )
    if (last === undefined || isOlder) return false
    after = [last.order]
  }
}

/** What goes into the history of a scene, oldest first, and the entry that a person puts in place. */
interface Keeping {
  entries: readonly KeptEntry[]
  restores?: ReadEntry | undefined
}

/**
 * Returns the changes that put entries into the history, and what the scene is to know of it then. The oldest of too many expendable
 * entries go. The caller commits them with the scene, guarded by its revision.
 */
export async function keep(
  library: LibraryParts,
  scene: Stored<SceneRecord>,
  { entries, restores }: Keeping,
): Promise<{ history: SceneHistory | undefined; changes: Change[] }> {
  if (entries.length === 0 && restores === undefined) return { history: scene.history, changes: [] }
  let known = without(scene.history ?? (await surveyed(library, scene.id)), restores?.order)
  const kept: HistoryRecord[] = []
  const dropped: number[] = []
  for (const entry of entries) {
    const { what, text, ...note } = entry
    const order = known.newest + 1
    const id = entryIdOf(scene.id, entry)
    const about = { what, ...note, id, sceneId: scene.id, order }
    known = { ...known, newest: order }
    if (isExpendable(entry)) {
      const orders = [...(known.expendable[what] ?? []), order]
      dropped.push(...orders.slice(0, -generatedEntries))
      known = { ...known, expendable: { ...known.expendable, [what]: orders.slice(-generatedEntries) } }
      kept.push({ ...about, text })
      continue
    }
    const difference = await differenceTo(library, known.base[what], text)
    if (difference === undefined) known = { ...known, base: { ...known.base, [what]: id } }
    kept.push(difference === undefined ? { ...about, text } : { ...about, difference })
  }
  const changes = [...write(history, kept), ...erase(history, await idsAt(library, scene, dropped))]
  return { history: known, changes }
}

/** An entry that a person puts in place is expendable no longer. */
function without(known: SceneHistory, order: number | undefined): SceneHistory {
  const { text = [], summary = [] } = known.expendable
  const isOther = (each: number) => each !== order
  return { ...known, expendable: { text: text.filter(isOther), summary: summary.filter(isOther) } }
}

/** Returns the difference of a text to that of a base; undefined without a base, or where the texts have little in common. */
async function differenceTo(
  { records }: LibraryParts,
  base: string | undefined,
  text: string,
): Promise<HistoryRecord['difference']> {
  const whole = base && (await getOne(records, history, base))?.text
  const delta = whole && deltaOf(whole, text)
  return base && delta ? { base, delta } : undefined
}

/** The ids of entries that may go: those of a text that a snapshot names stay. */
async function idsAt({ records }: LibraryParts, scene: Stored<SceneRecord>, orders: readonly number[]) {
  if (orders.length === 0) return []
  const { id, novelId, chapterId, wasIn = [] } = scene
  // What an earlier build wrote meanwhile may have the order of an expendable one.
  const found = await records.find(history, { equal: { sceneId: id, order: orders } }, ['text'])
  const taken = await records.find(snapshots, { equal: { novelId } })
  const inChapters = [chapterId, ...wasIn]
  const rowIds = taken.flatMap(snapshot => inChapters.map(each => snapshotRowId(snapshot.id, each)))
  const rows = await records.get(snapshotChapters, rowIds)
  const pinned = [...rows.values()].flatMap(row =>
    row.scenes.filter(each => each.id === id).map(each => each.textVersion),
  )
  const isPinned = ({ what, version }: HistoryNote) => what === 'text' && pinned.includes(version)
  return idsOf(found.filter(entry => isExpendable(entry) && !isPinned(entry)))
}

/** Finds out what the scene does not know because an earlier version kept its history, which had 80 entries at most. */
async function surveyed({ records }: LibraryParts, sceneId: string): Promise<SceneHistory> {
  const there = await records.find(history, { equal: { sceneId }, order: ['order'] }, ['text'])
  const restored = new Set(there.map(({ provenance }) => provenance?.restored?.entryId))
  const expendable = there.filter(entry => isExpendable(entry) && !restored.has(entry.id))
  const ordersOf = (what: KeptEntry['what']) =>
    expendable.filter(entry => entry.what === what).map(({ order }) => order)
  return {
    newest: there.at(-1)?.order ?? 0,
    base: {},
    expendable: { text: ordersOf('text'), summary: ordersOf('summary') },
  }
}

/** One page of the history, newest first. */
export function listHistory(
  library: LibraryParts,
  sceneId: string,
  { pageSize, ...page }: PageRequest,
): Promise<Page<HistoryEntry>> {
  const query: Listing<HistoryRecord>['query'] = { equal: { sceneId }, order: ['order'], reverse: true }
  const request = {
    listing: { name: 'history', filter: [sceneId], query },
    page: { ...page, pageSize: Math.min(pageSize, largestPage) },
  }
  return readPage(library.records, history, request, async found =>
    (await withTexts(library, sceneId, found)).map(historyEntryOf),
  )
}

/** An entry of a scene. Throws HISTORY_ENTRY_NOT_FOUND. */
export async function findEntry(
  library: LibraryParts,
  wanted: { sceneId: string; entryId: string },
): Promise<ReadEntry> {
  const entry = await entryAt(library, wanted)
  if (entry === undefined) throw entryNotFound(wanted)
  return entry
}

/** An entry of a scene, or undefined. */
export async function entryAt(
  library: LibraryParts,
  { sceneId, entryId }: { sceneId: string; entryId: string },
): Promise<ReadEntry | undefined> {
  const found = await getOne(library.records, history, entryId)
  const [entry] = found?.sceneId === sceneId ? await withTexts(library, sceneId, [found]) : []
  return entry
}

/** Versions of a scene, back from one of them, in which its text is looked for; other fields change seldom. */
const versionsBack = 100

/** The text that a scene had at a version, which was overwritten since; undefined where the history does not keep it. */
export async function textAtVersion(
  library: LibraryParts,
  sceneId: string,
  version: number,
): Promise<string | undefined> {
  const count = Math.min(version, versionsBack)
  const ids = Array.from({ length: count }, (_, back) => overwrittenTextId(sceneId, version - back))
  const kept = await library.records.get(history, ids, ['text'])
  const entryId = ids.find(id => kept.has(id))
  return entryId && (await entryAt(library, { sceneId, entryId }))?.text
}

/** The entries with their texts. Throws SCENE_NOT_FOUND: a base is gone only while the novel is being removed. */
async function withTexts(
  { records }: LibraryParts,
  sceneId: string,
  found: readonly Stored<HistoryRecord>[],
): Promise<ReadEntry[]> {
  const bases = await records.get(history, [
    ...new Set(found.flatMap(({ difference }) => difference?.base ?? [])),
  ])
  return found.map(({ difference, text = '', ...entry }) => {
    if (difference === undefined) return { ...entry, text }
    const base = bases.get(difference.base)?.text
    if (base === undefined) throw sceneNotFound(sceneId)
    return { ...entry, text: textOfDelta(base, difference.delta) }
  })
}

/** The entry as readers see it. */
export function historyEntryOf({
  sceneId: _,
  order: __,
  revision: ___,
  expectedVersion: ____,
  ...entry
}: ReadEntry): HistoryEntry {
  return entry
}
