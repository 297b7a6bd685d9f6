/** A database that is being filled from another store is marked, so that no engine works on a part of it. */
import { QuillworkError } from '../../task/errors.ts'
import type { OpenableDatabase } from './database.ts'

/** Says of a database that it is being filled. */
interface Mark {
  _id: 'filling'
  /** Where the rows come from, for people. */
  from: string
  startedAt: Date
}

const markName = 'transfers'
/** What processes tell each other is nothing that anybody would miss. */
const passing = new Set([markName, 'nodes', 'shared_states'])

/**
 * Marks the database as one that is being filled. What an earlier transfer left is deleted. Throws STORE_NOT_EMPTY when a collection
 * that no transfer made has a document, whoever it belongs to.
 */
export async function beginFilling(database: OpenableDatabase, from: string): Promise<void> {
  const names = await database.run('list collections', () =>
    database.db.listCollections({}, { nameOnly: true }).toArray(),
  )
  const own = names.map(({ name }) => name).filter(name => !name.startsWith('system.'))
  const isOurs = (await readMark(database)) !== null
  for (const name of own.filter(each => !passing.has(each))) {
    if (isOurs) await empty(database, name)
    else if ((await database.run('look', () => database.collection(name).findOne({}))) !== null)
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
    const found = await database.run('look', () =>
      collection.find({}, { projection: { _id: 1 }, limit: perDelete }).toArray(),
    )
    if (found.length === 0) return
    await database.run('empty', () => collection.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } }))
  }
}

/** The database is full: engines may open it. */
export async function endFilling(database: OpenableDatabase): Promise<void> {
  await database.run('unmark', () => marksOf(database).deleteOne({ _id: 'filling' }))
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

function marksOf(database: OpenableDatabase) {
  return database.collection<Mark>(markName)
}
