/** The threads of the stories: one record each, guarded by the novel where it is new. */
import { type Change, getOne, insert, remove, replace, type Stored } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { groupedBy } from '../grouped-by.ts'
import { hasWords } from '../quotation.ts'
import {
  type PlacedEvent,
  type PlacedThread,
  standingAt,
  type ThreadEvent,
  type ThreadFields,
  threadBounds,
  threadFields,
} from '../threads/thread.ts'
import { type LibraryParts, novels, ownNovel, scenes, type ThreadRecord, texts, threads } from './kinds.ts'
import { type Listing, readPage } from './page-token.ts'
import { findPlace, placesOf } from './read-scenes.ts'
import { notTaken, quotationNotFound, sceneNotFound, threadNotFound, threadsFull } from './refusal.ts'
import { isBefore, type ScenePlace } from './shelf.ts'
import type { Thread, ThreadRead, ThreadStore, ThreadThere, ThreadWritten } from './threads.ts'

/** The threads of a library. */
export function threadStore(library: LibraryParts): ThreadStore {
  const { records } = library
  return {
    async threads(userId, { novelId, before }, page) {
      await ownNovel(library, userId, novelId)
      const place = await placeIn(library, userId, { novelId, before })
      const query: Listing<ThreadRecord>['query'] = { equal: { novelId }, order: ['order'] }
      const listing = { name: 'threads', filter: [novelId, before], query }
      return readPage(records, threads, { listing, page }, found =>
        thereOf(library, novelId, found.map(threadOf), place),
      )
    },
    async thread(userId, { novelId, threadId, before }) {
      await ownNovel(library, userId, novelId)
      const place = await placeIn(library, userId, { novelId, before })
      const found = await getOne(records, threads, threadRecordId(novelId, threadId))
      if (found === undefined) throw threadNotFound(threadId)
      const [there] = await thereOf(library, novelId, [threadOf(found)], place)
      if (there === undefined) throw threadNotFound(threadId)
      return there
    },
    async atPlace(userId, storyPlace) {
      const { novelId, at: place } = await findPlace(library, userId, storyPlace)
      const found = await records.find(threads, { equal: { novelId }, order: ['order'] }, ['note'])
      const placed = await placedOf(library, novelId, found.map(threadOf), place)
      return {
        place,
        threads: placed.map(({ thread: { id, title, plan }, ...rest }) => ({ id, title, plan, ...rest })),
      }
    },
    put: (userId, read, fields) => put(library, { userId, ...read }, fields),
    async remove(userId, { novelId, threadId, expectedVersion }) {
      await ownNovel(library, userId, novelId)
      for (;;) {
        const held = await getOne(records, threads, threadRecordId(novelId, threadId), ['note'])
        if (held === undefined) return { outcome: 'applied', version: expectedVersion }
        const { version } = held
        if (version !== expectedVersion) return { outcome: 'conflict', version }
        if ((await records.commit([remove(threads, held)])) === 'applied')
          return { outcome: 'applied', version }
      }
    },
  }
}

/** The id of the record of a thread: authors choose the ids of threads, each for the own novel. */
export function threadRecordId(novelId: string, threadId: string): string {
  return `${novelId} ${threadId}`
}

type Kept = Omit<ThreadRecord, 'note'> & { revision: string }

/** A thread as readers see it. */
function threadOf<R extends Kept>({ revision: _, order: __, threadId: id, ...thread }: R) {
  return { ...thread, id }
}

/** Returns the place right before a scene of the novel, or the one behind the last scene that has a text. Throws SCENE_NOT_FOUND. */
async function placeIn(
  library: LibraryParts,
  userId: string,
  { novelId, before }: { novelId: string; before: string | undefined },
): Promise<ScenePlace> {
  if (before !== undefined) {
    const found = await findPlace(library, userId, before)
    if (found.novelId !== novelId) throw sceneNotFound(before)
    return found.at
  }
  const backwards = { order: ['chapter', 'position'], reverse: true, limit: 1 } as const
  const written = { equal: { novelId }, above: { characters: 0 } }
  const [last] = await library.records.find(scenes, { ...written, ...backwards }, ['summary'])
  return last === undefined ? [0, 0] : [last.chapter, last.position + 1]
}

async function thereOf(
  library: LibraryParts,
  novelId: string,
  found: readonly Thread[],
  place: ScenePlace,
): Promise<readonly ThreadThere[]> {
  const placed = await placedOf(library, novelId, found)
  return placed.map(({ thread, ...rest }) => {
    const { state, isOverdue, isDue } = standingAt(rest, place)
    return { ...thread, events: rest.events, state, isOverdue, isDue }
  })
}

/** Texts that one reading of the store takes. */
const textsPerRead = 32

/** Returns threads with the places of their scenes, and the events that are before a place: whether their texts have the quotations. */
async function placedOf<T extends Pick<Thread, 'events' | 'plantBy' | 'resolveBy'>>(
  library: LibraryParts,
  novelId: string,
  found: readonly T[],
  before?: ScenePlace,
): Promise<(PlacedThread & { thread: T; events: PlacedEvent[] })[]> {
  const named = found.flatMap(({ events, plantBy, resolveBy }) => [
    ...[plantBy, resolveBy],
    ...events.map(({ scene }) => scene),
  ])
  const places = await placesOf(library, novelId, named)
  const isShown = ({ scene }: ThreadEvent) => {
    const place = places.get(scene)
    return before === undefined || (place !== undefined && isBefore(place, before))
  }
  const shown = found.map(thread => ({ thread, events: thread.events.filter(isShown) }))
  const quoted = await quotedOf(
    library,
    shown.flatMap(({ events }) => events).filter(({ scene }) => places.has(scene)),
  )
  return shown.map(({ thread, events }) => ({
    thread,
    ...defined({ plantAt: places.get(thread.plantBy), resolveAt: places.get(thread.resolveBy) }),
    events: events.map(event => ({
      ...event,
      ...defined({ place: places.get(event.scene) }),
      isQuoted: quoted.has(event),
    })),
  }))
}

/** Returns the events of which the text has the quotation. */
async function quotedOf(
  { records }: LibraryParts,
  events: readonly ThreadEvent[],
): Promise<ReadonlySet<ThreadEvent>> {
  const ofScene = groupedBy(events, ({ scene }) => scene)
  const sceneIds = [...ofScene.keys()]
  const quoted = new Set<ThreadEvent>()
  for (let at = 0; at < sceneIds.length; at += textsPerRead) {
    const found = await records.get(texts, sceneIds.slice(at, at + textsPerRead))
    for (const { id, content } of found.values())
      for (const event of ofScene.get(id) ?? []) if (hasWords(content, event.quotation)) quoted.add(event)
  }
  return quoted
}

/** The guard of the novel keeps the number of threads within its bound, and the order without repeats. */
async function put(
  library: LibraryParts,
  { userId, novelId, threadId, expectedVersion }: ThreadRead & { userId: string },
  fields: ThreadFields,
): Promise<ThreadWritten> {
  const { records, now } = library
  for (;;) {
    const novel = await ownNovel(library, userId, novelId)
    const held = await getOne(records, threads, threadRecordId(novelId, threadId))
    const version = held?.version ?? 0
    // Sent again, because its answer was lost, a write finds itself.
    if (held !== undefined && isSame(fieldsOf(held), fields)) return { outcome: 'applied', version }
    if (held === undefined && expectedVersion > 0) throw threadNotFound(threadId)
    if (version !== expectedVersion) return { outcome: 'conflict', version }
    await check(library, { novelId, threadId, fields, held })
    const at = now()
    const next = held === undefined ? at : version + 1
    const change =
      held === undefined
        ? insert(threads, {
            ...{
              ...fieldsOf(fields),
              id: threadRecordId(novelId, threadId),
              threadId,
              novelId,
              version: next,
            },
            ...{ createdAt: at, updatedAt: at, order: await nextOrder(library, novelId) },
          })
        : replace(threads, { ...held, ...fieldsOf(fields), version: next, updatedAt: at })
    const guard = held === undefined ? [replace(novels, { ...novel, updatedAt: at })] : []
    if ((await records.commit([...guard, change])) === 'applied') return { outcome: 'applied', version: next }
  }
}

/** Returns the changes of the threads of a novel that name other scenes then: `to` returns which, of an event by its words. */
export async function movedInThreads(
  { records, now }: LibraryParts,
  novelId: string,
  to: (scene: string, quotation?: string) => string,
): Promise<Change[]> {
  const found = await records.find(threads, { equal: { novelId }, order: ['order'] })
  return found.flatMap(thread => {
    const fields = fieldsOf(thread)
    const [plantBy, resolveBy] = [to(thread.plantBy), to(thread.resolveBy)]
    const events = fields.events.map(event => ({ ...event, scene: to(event.scene, event.quotation) }))
    const moved = { ...fields, plantBy, resolveBy, events }
    if (isSame(moved, fields)) return []
    return [replace(threads, { ...thread, ...moved, version: thread.version + 1, updatedAt: now() })]
  })
}

function fieldsOf({ title, plan, note, plantBy, resolveBy, events: all }: ThreadFields): ThreadFields {
  const events = all.map(({ scene, kind, quotation }) => ({ scene, kind, quotation }))
  return { title, plan, note, plantBy, resolveBy, events }
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** Throws THREADS_FULL. */
async function nextOrder({ records }: LibraryParts, novelId: string): Promise<number> {
  const ofNovel = { equal: { novelId } }
  const [sums, [last]] = await Promise.all([
    records.sum(threads, { ...ofNovel, by: 'novelId' }),
    records.find(threads, { ...ofNovel, order: ['order'], reverse: true, limit: 1 }, ['note']),
  ])
  if ((sums.get(novelId)?.count ?? 0) >= threadBounds.threads)
    throw threadsFull(novelId, threadBounds.threads)
  return (last?.order ?? 0) + 1
}

/** A thread that is to be written. */
interface ToCheck {
  novelId: string
  threadId: string
  fields: ThreadFields
  held: Stored<ThreadRecord> | undefined
}

/** Throws for a thread that is not taken: OPTION_INVALID, SCENE_NOT_FOUND, QUOTATION_NOT_FOUND. What is kept as it is may be out of date. */
async function check(library: LibraryParts, { novelId, threadId, fields, held }: ToCheck): Promise<void> {
  if (!/^[\w-]{1,100}$/.test(threadId)) throw notTaken(`${JSON.stringify(threadId)} is not an id.`)
  const parsed = threadFields.safeParse(fields)
  const [issue] = parsed.error?.issues ?? []
  if (issue !== undefined)
    throw notTaken(
      `The thread ${fields.title} is not taken, because of ${issue.path.join('.')}: ${issue.message}.`,
    )
  const kept = held === undefined ? [] : fieldsOf(held).events
  const events = fieldsOf(fields).events.filter(event => !kept.some(each => isSame(each, event)))
  const [placed] = await placedOf(library, novelId, [{ ...fields, events }])
  const lost = placed?.events.find(({ place }) => place === undefined)?.scene
  if (lost !== undefined) throw sceneNotFound(lost)
  const { plantAt, resolveAt } = placed ?? {}
  for (const [edge, place] of [
    ['plantBy', plantAt],
    ['resolveBy', resolveAt],
  ] as const)
    if (fields[edge] !== '' && place === undefined && fields[edge] !== held?.[edge])
      throw sceneNotFound(fields[edge])
  if (plantAt !== undefined && resolveAt !== undefined && isBefore(resolveAt, plantAt))
    throw notTaken(`The thread ${fields.title} is to be resolved before it is planted.`)
  const unquoted = placed?.events.find(({ isQuoted }) => !isQuoted)
  if (unquoted !== undefined) throw quotationNotFound(unquoted)
}
