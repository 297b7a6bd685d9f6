/** A whole database as rows that can be moved to another store. One that is being filled is marked, so that no engine works on a part of it. */

import { randomUUID } from 'node:crypto'
import type { Collection, Document } from 'mongodb'
import { QuillworkError } from '../../task/errors.ts'
import { nodes, states } from '../cold-records.ts'
import {
  type RowsTransfer,
  readPages,
  type StoreTransfer,
  type TransferredPiece,
  type TransferredUsage,
} from '../transfer.ts'
import type { OpenableDatabase } from './database.ts'
import { collections } from './indexes.ts'
import { type OutputDocument, outputDocument } from './output.ts'
import { readFields, replaceAll, type Session } from './session.ts'
import { tasksTransfer } from './transfer-tasks.ts'
import { nameOf, type UsageDocument } from './usage.ts'

const pageRows = 500
/** Pieces of output of a page: each may have some kilobytes. */
const pagePieces = 100

/** Reads and writes the rows of a database. */
export function createTransfer(session: Session): StoreTransfer {
  return {
    tasks: tasksTransfer(session),
    output: outputTransfer(session),
    usage: usageTransfer(session),
    begin: from => beginFilling(session.database, from),
    // Nothing is derived that the rows do not hold; engines may open the database.
    async finish() {
      await session.database.run('unmark', () => marksOf(session.database).deleteOne({ _id: 'filling' }))
    },
  }
}

/** Reads a collection by its ids. */
function readById<D extends Document & { _id: string }, Row>(
  { database }: Session,
  name: string,
  { limit, rowOf }: { limit: number; rowOf(document: D): Row },
): AsyncGenerator<readonly Row[]> {
  const collection = database.collection<Document>(name)
  return readPages({
    start: undefined as string | undefined,
    read(after) {
      const filter: Document = after === undefined ? {} : { _id: { $gt: after } }
      const options = { sort: { _id: 1 }, limit } as const
      return database.run('read rows', () => collection.find<D>(filter, options).toArray())
    },
    placeOf: ({ _id }) => _id,
    make: documents => documents.map(rowOf),
  })
}

function outputTransfer(session: Session): RowsTransfer<TransferredPiece> {
  return {
    read: () =>
      readById(session, collections.output, {
        limit: pagePieces,
        rowOf: ({ _id, ...piece }: OutputDocument) => piece,
      }),
    async write(rows) {
      await replaceAll(session, 'write rows', collections.output, rows.map(outputDocument))
      await allowUpTo(session, rows)
    },
  }
}

/** Writes into the tasks how far their output goes: to the last piece of the last attempt. */
async function allowUpTo({ database, tasks }: Session, pieces: readonly TransferredPiece[]): Promise<void> {
  if (pieces.length === 0) return
  const writes = pieces.map(({ taskId, attempt, sequence }) => ({
    updateOne: {
      filter: {
        _id: { $eq: taskId },
        $or: [
          { output: { $exists: false } },
          { 'output.attempt': { $lt: attempt } },
          { 'output.attempt': { $eq: attempt }, 'output.sequence': { $lt: sequence } },
        ],
      },
      update: { $set: { output: { attempt, sequence } } },
    },
  }))
  await database.run('write rows', () => tasks.bulkWrite(writes))
}

function usageTransfer(session: Session): RowsTransfer<TransferredUsage> {
  return {
    read: () =>
      readById(session, collections.usage, {
        limit: pageRows,
        rowOf: ({ _id, path, at, ...row }: UsageDocument) => ({
          ...row,
          at: at.getTime(),
          rootTaskId: path.at(-1) ?? row.taskId,
        }),
      }),
    async write(rows) {
      const pathOf = await readPaths(session, rows)
      const documents = rows.map(({ rootTaskId, at, ...row }): UsageDocument => {
        const path = pathOf({ taskId: row.taskId, rootTaskId })
        const _id = row.call === undefined ? randomUUID() : nameOf(row.taskId, row.call)
        return { ...row, _id, at: new Date(at), path }
      })
      await replaceAll(session, 'write rows', collections.usage, documents)
    },
  }
}

/** Returns the way from a task up to its root, as far as its tasks are there. */
async function readPaths(session: Session, rows: readonly TransferredUsage[]) {
  const parents = new Map<string, string | undefined>()
  let asked = [...new Set(rows.map(({ taskId }) => taskId))]
  while (asked.length > 0) {
    const ids = asked
    const found = await readFields(session, 'read parents', { _id: { $in: ids } }, ['parentTaskId'])
    for (const { _id, parentTaskId } of found) parents.set(_id, parentTaskId)
    asked = [...new Set(found.flatMap(({ parentTaskId }) => parentTaskId ?? []))].filter(
      id => !parents.has(id),
    )
  }
  return ({ taskId, rootTaskId }: { taskId: string; rootTaskId: string }) => {
    const path = [taskId]
    for (let id = parents.get(taskId); id !== undefined; id = parents.get(id)) path.push(id)
    return path.at(-1) === rootTaskId ? path : [...path, rootTaskId]
  }
}

/** Says that the database is being filled. */
interface Mark {
  _id: 'filling'
  /** Where the rows come from, for people. */
  from: string
  startedAt: Date
}

const markName = 'transfers'
/** What processes say of themselves need not be kept. */
const passing = new Set([markName, nodes.name, states.name])

/**
 * Marks the database as one that is being filled. What an earlier transfer left is deleted. Throws STORE_NOT_EMPTY when a collection
 * that no transfer made has a document.
 */
async function beginFilling(database: OpenableDatabase, from: string): Promise<void> {
  const names = await database.run('list collections', () =>
    database.db.listCollections({}, { nameOnly: true }).toArray(),
  )
  const own = names.map(({ name }) => name).filter(name => !name.startsWith('system.'))
  const isOurs = (await readMark(database)) !== null
  for (const name of own.filter(each => !passing.has(each))) {
    if (isOurs) await empty(database, name)
    else if ((await database.run('read', () => database.collection(name).findOne({}))) !== null)
      throw new QuillworkError(
        'STORE_NOT_EMPTY',
        `The collection ${name} of the database has documents; name another database.`,
      )
  }
  const mark: Mark = { _id: 'filling', from, startedAt: new Date() }
  await database.run('mark', () => marksOf(database).replaceOne({ _id: 'filling' }, mark, { upsert: true }))
}

/** Documents that are deleted at a time: all of a large collection would take longer than an operation may. */
const perDelete = 1_000

async function empty(database: OpenableDatabase, name: string): Promise<void> {
  const collection = database.collection(name)
  for (;;) {
    const found = await database.run('read', () =>
      collection.find({}, { projection: { _id: 1 }, limit: perDelete }).toArray(),
    )
    if (found.length === 0) return
    await database.run('empty', () => collection.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } }))
  }
}

/** Throws TRANSFER_INCOMPLETE for a database that holds a part of what it should. */
export async function requireWhole(database: OpenableDatabase): Promise<void> {
  const mark = await readMark(database)
  if (mark === null) return
  throw new QuillworkError(
    'TRANSFER_INCOMPLETE',
    `The database is being filled from ${mark.from} since ${mark.startedAt.toISOString()}, or that was cut off. Let it end, or run it again.`,
  )
}

function readMark(database: OpenableDatabase): Promise<Mark | null> {
  return database.run('look for a mark', () => marksOf(database).findOne({ _id: 'filling' }))
}

function marksOf(database: OpenableDatabase): Collection<Mark> {
  return database.collection<Mark>(markName)
}
