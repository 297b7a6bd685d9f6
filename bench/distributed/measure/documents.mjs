import { BSON, MongoClient } from 'mongodb'
import { engineIndexes } from '../../../dist/store/mongodb/indexes.js'
import { payload } from '../../load.mjs'
import { openDistributed, removeTopology } from '../engine.mjs'
import { withFreshName } from '../fresh.mjs'

const COLLECTION = 'background_tasks'
/** In how many milliseconds the events of a task are published, and dropped from its document. */
const EVENTS_MS = 3_000

/**
 * How large a task is while it waits, while it runs and once it has ended: bytes of its document, and of its entries in the indexes. The
 * task has the parameters of the benchmark and its result, one user, no tags and no idempotency key.
 */
export function documents(options) {
  return withFreshName(options, removeTopology, async name => {
    const client = new MongoClient(options.mongoUrl)
    const read = () => client.db(name).collection(COLLECTION).findOne()
    const seen = {}
    const { engine, noop } = await openDistributed({ ...options, name }, () => {
      seen.running = read()
    })
    const handle = await engine.submit(noop, payload(0))
    seen.waiting = await read()
    await engine.start()
    await handle.result()
    for (const end = performance.now() + EVENTS_MS; performance.now() < end; ) {
      seen.ended = await read()
      if (seen.ended.events === undefined) break
    }
    seen.running = await seen.running
    await engine[Symbol.asyncDispose]()
    await client.close()
    const figures = figuresOf(['waiting', 'running', 'ended'].map(state => [state, seen[state]]))
    return { figures, commands: { mongodb: {}, statements: {}, sent: {}, received: {} } }
  })
}

/** `written` are entries of indexes that a task adds and removes from its creation to its end; a state between two of these is not seen. */
function figuresOf(states) {
  const figures = { entriesWritten: 0, entryBytesWritten: 0 }
  let before = []
  for (const [state, document] of states) {
    const entries = entriesOf(document)
    figures[`${state}Bytes`] = BSON.calculateObjectSize(document)
    figures[`${state}Entries`] = entries.length
    figures[`${state}EntryBytes`] = bytesOf(entries)
    const written = [...without(entries, before), ...without(before, entries)]
    figures.entriesWritten += written.length
    figures.entryBytesWritten += bytesOf(written)
    before = entries
  }
  return figures
}

const bytesOf = entries => entries.reduce((sum, { bytes }) => sum + bytes, 0)
const without = (entries, others) => entries.filter(({ text }) => !others.some(other => other.text === text))

/** The entry of each index that has the document, `_id` included. */
function entriesOf(document) {
  const plans = engineIndexes.filter(
    ({ collection, partial = {} }) => collection === COLLECTION && holds(partial, document),
  )
  return [{ name: '_id_', key: { _id: 1 } }, ...plans].map(({ name, key }) => {
    const values = Object.keys(key).map(field => document[field])
    return { text: JSON.stringify([name, values]), bytes: entryBytes(values) }
  })
}

/** Whether a partial index has the document. Their conditions are few: a field is there, has a value, or one of several. */
function holds(partial, document) {
  return Object.entries(partial).every(([field, wanted]) => {
    if (wanted?.$exists !== undefined) return document[field] !== undefined
    return wanted?.$in === undefined ? document[field] === wanted : wanted.$in.includes(document[field])
  })
}

/** About what the storage engine writes for an entry, before it shortens what neighbours have in common: the keys, the place of the record, a header. */
function entryBytes(values) {
  const place = 5
  const header = 3
  return values.reduce((sum, value) => sum + keyBytes(value), place + header)
}

function keyBytes(value) {
  if (typeof value === 'string') return Buffer.byteLength(value) + 2
  if (value instanceof Date) return 9
  if (typeof value === 'number') return Math.abs(value) < 64 ? 2 : 8
  return 1
}
