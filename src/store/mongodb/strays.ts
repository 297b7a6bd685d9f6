import { pageKey, pageOf, pageToken } from '../pages.ts'
import type { UnparsableMessage, UnparsableStore } from '../store.ts'
import { ignoreDuplicates } from './failures.ts'
import type { IndexPlan } from './indexes.ts'
import type { Session } from './session.ts'

/** A message or record that names no readable task, as the collection `strays` keeps it. */
export interface StrayDocument {
  _id: string
  /** Rises as strays are filed: milliseconds times 4,096 and a counter. */
  order: number
  at: Date
  reason: string
  content: string
}

/** Most bytes of a text that are kept: what a document holds, less some room for the rest of it. */
const mostBytes = 15_000_000

/** For the listing. */
export const strayIndexes: readonly IndexPlan[] = [
  { collection: 'strays', name: 'strays_newest', key: { order: -1, _id: -1 } },
]

/** Messages and records that name no readable task. Of a text over 15 MB the beginning is kept. */
export function createStrays({ database, now }: Session): UnparsableStore {
  const strays = database.collection<StrayDocument>('strays')
  let lastOrder = 0
  const nextOrder = () => {
    lastOrder = Math.max(lastOrder + 1, now() * 4_096)
    return lastOrder
  }
  return {
    async file(found) {
      if (found.length === 0) return
      const documents = found.map(
        ({ id, at, reason, content }): StrayDocument => ({
          _id: id,
          order: nextOrder(),
          at: new Date(at),
          reason,
          content: beginningOf(content),
        }),
      )
      await database.run('file', () => ignoreDuplicates(strays.insertMany(documents, { ordered: false })))
    },
    async list({ pageSize, pageToken: token }) {
      const [order, id] = pageKey('strays', token, ['number', 'string']) ?? []
      const filter =
        order === undefined || id === undefined
          ? {}
          : { order: { $lte: order }, $nor: [{ order: { $eq: order }, _id: { $gte: id } }] }
      const documents = await database.run('strays', () =>
        strays
          .find(filter)
          .hint('strays_newest')
          .sort({ order: -1, _id: -1 })
          .limit(pageSize + 1)
          .toArray(),
      )
      return pageOf(documents, pageSize, {
        item: ({ _id, at, reason, content }): UnparsableMessage => ({
          id: _id,
          at: at.getTime(),
          reason,
          content,
        }),
        token: last => pageToken('strays', [last.order, last._id]),
      })
    },
    async remove(ids) {
      const { deletedCount } = await database.run('strays', () =>
        strays.deleteMany({ _id: { $in: [...ids] } }),
      )
      return deletedCount
    },
  }
}

/** A text as far as a document holds it. */
export function beginningOf(content: string): string {
  return content.length * 3 <= mostBytes || Buffer.byteLength(content) <= mostBytes
    ? content
    : Buffer.from(content).subarray(0, mostBytes).toString()
}
