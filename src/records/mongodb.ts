/**
 * Records in the MongoDB database of the tasks: a document a record, a collection a kind. One change is one guarded write of a document,
 * several are a transaction.
 */
import type { AnyBulkWriteOperation, ClientSession, Collection, Document, Filter } from 'mongodb'
import type { SharedDatabase } from '../store/mongodb/database.ts'
import type { IndexPlan } from '../store/mongodb/indexes.ts'
import { isDuplicateKey } from '../store/mongodb/indexes.ts'
import {
  type AnyKind,
  type AnyQuery,
  type Change,
  holds,
  type Identified,
  indexFor,
  isGuarded,
  nextRevision,
  type OfOne,
  type Query,
  type Records,
  requireAllFit,
  type SumQuery,
  type Sums,
  type Value,
} from './records.ts'

interface RecordDocument extends Document {
  _id: string
  revision: string
}

/** The records of a database. Call it before the database is opened: opening makes the indexes of the kinds. */
export function mongoRecords(database: SharedDatabase, kinds: readonly AnyKind[]): Records {
  database.join(kinds.flatMap(indexesOf))
  const collection = ({ name }: AnyKind) => database.collection<RecordDocument>(name)
  return {
    async get(kind, ids, without = []) {
      const found = await database.run(`get ${kind.name}`, () =>
        collection(kind)
          .find({ _id: { $in: [...ids] } }, readingOf(without))
          .toArray(),
      )
      return new Map(found.map(document => [document._id, recordOf(document)])) as never
    },
    async find(kind, query, without = []) {
      const { limit = Number.POSITIVE_INFINITY } = query
      const found: RecordDocument[] = []
      for (const filter of filtersOf(query)) {
        const left = limit - found.length
        if (left <= 0) break
        const more = await database.run(`find ${kind.name}`, () =>
          collection(kind)
            .find(filter, { ...readingOf(without), ...hintOf(kind, query) })
            .sort(sortOf(query))
            .limit(Number.isFinite(left) ? left : 0)
            .toArray(),
        )
        found.push(...more)
      }
      return found.map(recordOf) as never
    },
    async sum(kind, query) {
      const groups = await database.run(`sum ${kind.name}`, () =>
        collection(kind)
          .aggregate<{ _id: Value } & Sums<string>>(pipelineOf(query), hintOf(kind, query))
          .toArray(),
      )
      return new Map(groups.map(({ _id, ...sums }) => [_id, sums])) as never
    },
    async commit(changes) {
      requireAllFit(changes)
      const commit: Commit = { changes, revision: nextRevision(), collection }
      const [only, another] = changes
      const names = [...new Set(changes.map(({ kind }) => kind.name))].join(', ')
      if (only !== undefined && only.op !== 'each' && another === undefined)
        return database.run(`write ${names}`, () => makeOne(commit, only))
      for (;;) {
        try {
          return await database.transaction(`commit ${names}`, session => makeAll(commit, session))
        } catch (error) {
          // Another process has just inserted the same record; its revision is seen now.
          if (!isDuplicateKey(error)) throw error
        }
      }
    },
  }
}

function indexesOf({ name, indexes }: AnyKind): IndexPlan[] {
  return Object.entries(indexes).map(([index, on]) => ({
    collection: name,
    name: index,
    key: Object.fromEntries(on.map(field => [stored(field), 1])),
  }))
}

/** Names the index, so that a query never reads a whole collection because another plan looked cheaper. */
export function hintOf<R>(kind: AnyKind, query: Query<R>): { hint?: string } {
  const hint = indexFor(kind, query as AnyQuery)
  return hint === undefined ? {} : { hint }
}

function stored(field: string): string {
  return field === 'id' ? '_id' : field
}

function readingOf(without: readonly PropertyKey[]) {
  const projection = Object.fromEntries(without.map(field => [String(field), 0]))
  return { promoteBuffers: true, ...(without.length === 0 ? {} : { projection }) }
}

function recordOf({ _id: id, ...record }: RecordDocument): Identified & { revision: string } {
  return Object.assign(record, { id })
}

/** Returns the filters of `find`, one after the other: what follows a place is several ranges of one index, read without `$or`. */
export function filtersOf<R extends Identified>(query: Query<R>): Filter<RecordDocument>[] {
  const { order = [], reverse = false, after } = query
  const conditions = conditionsOf(query as AnyQuery)
  if (after === undefined) return [conditions]
  return order.map((_, place) => {
    const fields = order.slice(0, order.length - place).map(stored)
    const filter: Record<string, unknown> = { ...conditions }
    for (const [at, field] of fields.entries()) filter[field] = after[at]
    const last = fields.at(-1) ?? ''
    const range = conditions[last]
    const behind = { [reverse ? '$lt' : '$gt']: filter[last] }
    filter[last] = typeof range === 'object' ? { ...range, ...behind } : behind
    return filter as Filter<RecordDocument>
  })
}

function conditionsOf({ equal = {}, above = {}, most = {} }: AnyQuery): Filter<RecordDocument> {
  const filter: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(equal))
    filter[stored(field)] = Array.isArray(value) ? { $in: value } : value
  for (const [field, value] of Object.entries(above)) filter[field] = { $gt: value }
  for (const [field, value] of Object.entries(most))
    filter[field] = { ...(filter[field] as object | undefined), $lt: Number(value) + 1 }
  return filter as Filter<RecordDocument>
}

/** Returns the order of `find`. */
export function sortOf<R>({ order = [], reverse = false }: Query<R>): Record<string, 1 | -1> {
  return Object.fromEntries(order.map(field => [stored(field), reverse ? -1 : 1]))
}

/** Returns the stages of `sum`. */
export function pipelineOf<R extends Identified>(query: SumQuery<R, keyof R & string>): Document[] {
  const sums = Object.fromEntries((query.of ?? []).map(field => [field, { $sum: `$${field}` }]))
  return [
    { $match: conditionsOf(query as AnyQuery) },
    { $group: { _id: `$${stored(query.by)}`, count: { $sum: 1 }, ...sums } },
  ]
}

interface Commit {
  changes: readonly Change[]
  revision: string
  collection(kind: AnyKind): Collection<RecordDocument>
}

/** The write finds the record as its guard says, or its own earlier self. */
async function makeOne({ revision, collection }: Commit, change: OfOne): Promise<'applied' | 'stale'> {
  const guard = change.op === 'add' || typeof change.over === 'string' ? {} : change.over
  const records = collection(change.kind)
  try {
    const done = await records.bulkWrite([operationOf(change, revision, guard)])
    if (done.matchedCount + done.insertedCount + done.upsertedCount + done.deletedCount > 0) return 'applied'
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
  }
  const held = await records.findOne({ _id: change.id }, { projection: { revision: 1 } })
  if (change.op === 'remove') return held === null || change.over === 'any' ? 'applied' : 'stale'
  return held?.revision === revision ? 'applied' : 'stale'
}

function operationOf(
  change: Change,
  revision: string,
  guard: Readonly<Record<string, Value>> = {},
): AnyBulkWriteOperation<RecordDocument> {
  if (change.op === 'each') {
    const { kind, of, by, set } = change
    const update = { $set: { revision, ...set }, $inc: by }
    return { updateMany: { filter: conditionsOf(of), update, ...hintOf(kind, of) } }
  }
  const filter = { _id: change.id, ...guard }
  if (change.op === 'remove') return { deleteOne: { filter } }
  if (change.op === 'add') {
    const update = { $set: { revision }, $inc: change.by, $max: change.raise }
    return { updateOne: { filter: { ...filter, revision: { $ne: revision } }, update } }
  }
  const { id: _id, ...record } = change.record
  const document = { _id, revision, ...record }
  if (change.over === 'none') return { insertOne: { document } }
  return { replaceOne: { filter, replacement: document, upsert: change.over === 'any' } }
}

/** Guards are checked first. What is written conflicts with any other transaction that writes it, and then all of it begins again. */
async function makeAll(commit: Commit, session: ClientSession): Promise<'applied' | 'stale'> {
  const { changes, revision, collection } = commit
  const kinds = [...new Set(changes.map(({ kind }) => kind))]
  for (const kind of kinds) {
    const guarded = changes.filter(isGuarded).filter(change => change.kind === kind)
    if (guarded.length === 0) continue
    const projection = Object.fromEntries(['revision', ...Object.keys(kind.fields)].map(field => [field, 1]))
    const found = await collection(kind)
      .find({ _id: { $in: guarded.map(({ id }) => id) } }, { session, projection })
      .toArray()
    const held = new Map(found.map(document => [document._id, document]))
    if (found.some(document => document.revision === revision)) return 'applied'
    if (!guarded.every(change => holds(change, held.get(change.id)))) return 'stale'
  }
  for (const kind of kinds) {
    const ofKind = changes.filter(change => change.kind === kind)
    const written = ofKind.filter(({ op }) => op !== 'remove').map(change => operationOf(change, revision))
    await collection(kind).bulkWrite([...written, ...removalOf(ofKind)], { session })
  }
  return 'applied'
}

/** Many are removed by one operation. */
function removalOf(changes: readonly Change[]): AnyBulkWriteOperation<RecordDocument>[] {
  const ids = changes.flatMap(change => (change.op === 'remove' ? change.id : []))
  return ids.length === 0 ? [] : [{ deleteMany: { filter: { _id: { $in: ids } } } }]
}
