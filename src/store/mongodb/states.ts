import { randomUUID } from 'node:crypto'
import type { SharedText } from '../../runtime/shared-account.ts'
import { budgetKey, type SharedStates } from '../store.ts'
import type { RowsTransfer } from '../transfer.ts'
import { isDuplicateKey } from './duplicate-key.ts'
import type { Session } from './session.ts'
import { replaceAll } from './transfer-tasks.ts'

/** The collection of shared states. */
export const stateCollection = 'shared_states'

/** A shared state as it is kept. */
interface StateDocument {
  _id: string
  state: string
  version: number
  /** Names the write that made it what it is, so that one that was sent twice recognises itself. */
  write: string
}

/** States that processes share, each guarded by its version. */
export function createStates({ database }: Session): SharedStates {
  const states = database.collection<StateDocument>(stateCollection)

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
      return keys.map((key): SharedText => byKey.get(key) ?? { key, state: '', version: 0 })
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

/** States of a page. */
const pageRows = 500

/** The accounts of budgets. Those of rate limits stay behind: a minute later they say nothing. */
export function budgetsTransfer(session: Session): RowsTransfer<SharedText> {
  const states = session.database.collection<StateDocument>(stateCollection)
  const prefix = budgetKey('')
  return {
    async *read() {
      for (let after = prefix; ; ) {
        const filter = { _id: { $gt: after, $lt: `${prefix}\uffff` } }
        const rows = await session.database.run('read states', () =>
          states.find(filter).sort({ _id: 1 }).limit(pageRows).toArray(),
        )
        const last = rows.at(-1)
        if (last === undefined) return
        yield rows.map(({ _id, state, version }) => ({ key: _id, state, version }))
        after = last._id
      }
    },
    write: rows =>
      replaceAll(
        session,
        stateCollection,
        rows.map(({ key, state, version }) => ({ _id: key, state, version, write: '' })),
      ),
  }
}
