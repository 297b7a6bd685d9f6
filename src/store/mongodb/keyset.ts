import type { Filter } from 'mongodb'
import type { TaskRecord } from '../../task/task.ts'
import { pageKey, pageOf, pageToken } from '../pages.ts'
import type { Page, PageRequest } from '../store.ts'
import type { TaskDocument } from './documents.ts'
import { recordsOf } from './payloads.ts'
import type { Session } from './session.ts'

/** A place in a listing: the order of submission, and the id where two processes gave the same. */
export type Place = readonly [order: number, id: string]

/** A listing: which tasks, along which index, newest or oldest first. */
export interface Listing {
  /** The name that faults and errors give it. */
  operation: string
  /** The index that ends with (order, id): the read is one walk along it, and stops with the page. */
  index: string
  filter: Filter<TaskDocument>
  newestFirst: boolean
}

/** At most `limit` tasks of a listing beyond a place. */
export function readBeyond(
  { database, tasks }: Session,
  listing: Listing,
  place: Place | undefined,
  limit: number,
): Promise<TaskDocument[]> {
  const { operation, index, filter, newestFirst } = listing
  const direction = newestFirst ? -1 : 1
  return database.run(operation, () =>
    tasks
      .find({ ...filter, ...(place === undefined ? {} : beyond(place, newestFirst)) })
      .hint(index)
      .sort({ order: direction, _id: direction })
      .limit(limit)
      .toArray(),
  )
}

/** One range of the index, less those of the same order that were shown already. */
function beyond([order, id]: Place, newestFirst: boolean): Filter<TaskDocument> {
  return newestFirst
    ? { order: { $lte: order }, $nor: [{ order: { $eq: order }, _id: { $gte: id } }] }
    : { order: { $gte: order }, $nor: [{ order: { $eq: order }, _id: { $lte: id } }] }
}

/** A page of a listing. `bound` is what its tokens are bound to. */
export async function pageOfTasks(
  session: Session,
  listing: Listing,
  bound: object,
  request: PageRequest,
): Promise<Page<TaskRecord>> {
  const place = pageKey(bound, request.pageToken, ['number', 'string'])
  const documents = await readBeyond(session, listing, place, request.pageSize + 1)
  return taskPage(session, documents, request.pageSize, ({ order, _id }) => pageToken(bound, [order, _id]))
}

/** The page of documents of which one more than asked for was read. */
export async function taskPage(
  session: Session,
  documents: readonly TaskDocument[],
  pageSize: number,
  token: (last: TaskDocument) => string,
): Promise<Page<TaskRecord>> {
  const { items, ...rest } = pageOf(documents, pageSize, { item: document => document, token })
  return { items: await recordsOf(session, items), ...rest }
}
