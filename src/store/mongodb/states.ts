import { randomUUID } from 'node:crypto'
import type { SharedState, SharedStates } from '../store.ts'
import { isDuplicateKey } from './duplicate-key.ts'
import type { Session } from './session.ts'

/** A shared state, as the collection `shared_states` keeps it. */
interface StateDocument {
  _id: string
  state: string
  version: number
  /** Names the write that made it what it is, so that one that was sent twice recognises itself. */
  write: string
}

/** States that processes share, each guarded by its version. */
export function createStates({ database }: Session): SharedStates {
  const states = database.collection<StateDocument>('shared_states')

  async function write({ _id, ...set }: StateDocument): Promise<boolean> {
    if (set.version > 1) {
      const seen = { _id: { $eq: _id }, version: { $eq: set.version - 1 } }
      return (await states.updateOne(seen, { $set: set })).matchedCount === 1
    }
    try {
      await states.insertOne({ _id, ...set })
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  return {
    async load(keys) {
      const found = await database.run('states', () => states.find({ _id: { $in: [...keys] } }).toArray())
      const byKey = new Map(found.map(({ _id, state, version }) => [_id, { key: _id, state, version }]))
      return keys.map((key): SharedState => byKey.get(key) ?? { key, state: '', version: 0 })
    },
    save({ key, state, version }) {
      const document = { _id: key, state, version: version + 1, write: randomUUID() }
      let sends = 0
      return database.run('state', async () => {
        sends += 1
        if (await write(document)) return true
        // Only a write that was sent before may have been refused because of itself.
        return sends > 1 && (await states.findOne({ _id: { $eq: key } }))?.write === document.write
      })
    },
  }
}
