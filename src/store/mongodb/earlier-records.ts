/** Documents that earlier versions kept beside the tasks, and how they become records. */
import type { Collection } from 'mongodb'
import { coldKinds, nodes } from '../cold-records.ts'
import type { SharedDatabase } from './database.ts'

/** A record has a revision. */
const ofEarlier = { revision: { $exists: false } }

/** Times are numbers in a record; what has no such time gets none. */
const numberOf = (time: string) => ({ $ifNull: [{ $toLong: time }, '$$REMOVE'] })

/** Converts what an earlier version left; of several processes one converts each document. */
export async function convertEarlier(database: SharedDatabase): Promise<void> {
  const times = { at: numberOf('$at'), lastTick: numberOf('$lastTick') }
  const update = [{ $set: { revision: 'earlier', ...times } }, { $unset: ['order', 'write'] }]
  const convert = (name: string, work: (collection: Collection) => Promise<unknown>) =>
    database.run(`convert ${name}`, () => work(database.collection(name)))
  await Promise.all([
    ...coldKinds.map(({ name }) => convert(name, documents => documents.updateMany(ofEarlier, update))),
    convert(nodes.name, documents => documents.deleteMany(ofEarlier)),
  ])
}
