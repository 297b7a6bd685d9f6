/** Every place of a novel that renaming an entry, or replacing words, would change, for the author to choose from; nothing is changed. */
import { defined } from '../../task/defined.ts'
import { everyItem, type Page, type PageRequest } from '../../task/page.ts'
import type { CodexEntry } from '../codex/entry.ts'
import { type Words, wordFinder } from '../find-words.ts'
import { codexEntryNotFound } from '../library/refusal.ts'
import type { ThreadThere } from '../library/threads.ts'
import type { NovelServices } from '../services.ts'
import {
  placeFinder,
  placeIdOf,
  type placeKinds,
  type RenamableText,
  type RenamePlace,
  type Renames,
  textOfView,
  textsOfEntry,
  textsOfScene,
  textsOfThread,
} from './rename.ts'

/** A place, and what is around it. */
export interface FoundPlace extends Omit<RenamePlace, 'start' | 'end'> {
  /** Names the place to the task; another one as soon as the text changes. */
  readonly id: string
  readonly what: RenamableText['what']
  readonly before: string
  readonly after: string
  /** Of a text or a summary, and of a point of view that is not that of the whole novel. */
  readonly scene?: {
    readonly id: string
    readonly chapterId: string
    readonly position: number
    readonly title?: string
  }
  /** Of an entry. */
  readonly entry?: { readonly id: string; readonly name: string; readonly part: string }
  readonly thread?: { readonly id: string; readonly title: string; readonly part: string }
}

/** What is to be renamed. */
export interface PlacesRequest {
  readonly userId: string
  readonly novelId: string
  readonly entryId: string
  readonly names: Renames
  readonly in: readonly (typeof placeKinds)[number][]
}

/** Entries that are read at a time. */
const perPage = 200
/** Threads that are read at a time. */
const threadsPerPage = 50
/** Code units shown on each side of a place. */
const around = 60
/** Texts that one page searches at most, each of some 400,000 code units. */
const mostReads = 5

/** Returns all entries of a codex with their notes. Throws NOVEL_NOT_FOUND. */
export async function everyEntry(
  { library }: Pick<NovelServices, 'library'>,
  userId: string,
  novelId: string,
): Promise<CodexEntry[]> {
  const entries: CodexEntry[] = []
  for await (const entry of everyItem(perPage, page => library.codex.entries(userId, novelId, page)))
    entries.push(entry)
  return entries
}

/** Returns all threads of a novel. Throws NOVEL_NOT_FOUND. */
export function everyThread(
  { library }: Pick<NovelServices, 'library'>,
  userId: string,
  novelId: string,
): AsyncIterable<ThreadThere> {
  return everyItem(threadsPerPage, page => library.threads.threads(userId, { novelId }, page))
}

/**
 * Returns one page of places: those in entries, in threads and in the point of view of the novel come first, then those of the scenes in reading order. A page ends with a scene, when it has at least as
 * many places as wanted, or has read two million code units: it may have none and not be the last. Throws NOVEL_NOT_FOUND, CODEX_ENTRY_NOT_FOUND.
 */
export async function findPlaces(
  services: Pick<NovelServices, 'library'>,
  { userId, novelId, ...request }: PlacesRequest,
  { pageSize, pageToken }: PageRequest,
): Promise<Page<FoundPlace>> {
  const entries = await everyEntry(services, userId, novelId)
  if (!entries.some(({ id }) => id === request.entryId)) throw codexEntryNotFound(request.entryId)
  const find = placeFinder(entries, request)
  const shown: Shown = (text, of = {}) =>
    request.in.includes(text.what)
      ? find(text.text).map(place => ({ ...shownPlace(text, place), ...of }))
      : []
  const items: FoundPlace[] = []
  if (pageToken === undefined) {
    for (const entry of entries)
      for (const text of textsOfEntry(entry))
        items.push(...shown(text, { entry: { id: entry.id, name: entry.name, part: text.part } }))
    for await (const thread of everyThread(services, userId, novelId))
      for (const text of textsOfThread(thread))
        items.push(...shown(text, { thread: { id: thread.id, title: thread.title, part: text.part } }))
    const { version, ...usual } = await services.library.shelf.narration(userId, novelId)
    items.push(...shown(textOfView({ id: novelId, version }, usual)))
  }
  return placesInScenes(services, { userId, novelId, pageSize, ...defined({ pageToken }), shown }, items)
}

/** Words that are to be replaced. */
export interface WordsRequest extends Words {
  readonly userId: string
  readonly novelId: string
  readonly in: readonly ('text' | 'summary')[]
}

/** The same of words that are replaced in texts and summaries. Throws NOVEL_NOT_FOUND. */
export function findWords(
  services: Pick<NovelServices, 'library'>,
  { userId, novelId, ...request }: WordsRequest,
  page: PageRequest,
): Promise<Page<FoundPlace>> {
  const find = wordFinder(request)
  const isSearched = (what: RenamableText['what']) => request.in.some(each => each === what)
  const shown: Shown = (text, of = {}) =>
    isSearched(text.what) ? find(text.text).map(place => ({ ...shownPlace(text, place), ...of })) : []
  return placesInScenes(services, { userId, novelId, ...page, shown }, [])
}

/** Shows the places of a text. */
type Shown = (text: RenamableText, of?: Pick<FoundPlace, 'scene' | 'entry' | 'thread'>) => FoundPlace[]

/** One page of places, of which some are found already. */
async function placesInScenes(
  services: Pick<NovelServices, 'library'>,
  {
    userId,
    novelId,
    pageSize,
    pageToken,
    shown,
  }: PageRequest & { userId: string; novelId: string; shown: Shown },
  items: FoundPlace[],
): Promise<Page<FoundPlace>> {
  let next = pageToken
  for (let reads = 0; reads < mostReads && (reads === 0 || items.length < pageSize); reads++) {
    const page = { pageSize: scenesPerRead, ...defined({ pageToken: next }) }
    const { items: scenes, nextPageToken } = await services.library.shelf.texts(userId, { novelId }, page)
    for (const scene of scenes) {
      const { id, chapterId, position, title } = scene
      for (const text of textsOfScene(scene))
        items.push(...shown(text, { scene: { id, chapterId, position, ...defined({ title }) } }))
    }
    next = nextPageToken
    if (next === undefined) break
  }
  return { items, ...defined({ nextPageToken: next }) }
}

/** Scenes of one reading. */
const scenesPerRead = 100

function shownPlace(of: RenamableText, { start, end, ...place }: RenamePlace): FoundPlace {
  return {
    id: placeIdOf(of, start),
    what: of.what,
    ...place,
    before: of.text.slice(Math.max(0, start - around), start).replace(/^[\uDC00-\uDFFF]/u, ''),
    after: of.text.slice(end, end + around).replace(/[\uD800-\uDBFF]$/u, ''),
  }
}
