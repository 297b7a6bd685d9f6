/** Small states that processes share: the accounts of rate limits and budgets, schedules, and the processes themselves. */
import { randomUUID } from 'node:crypto'
import type { SharedText } from '../../runtime/shared-account.ts'
import { defined } from '../../task/defined.ts'
import type { NodeState, NodeStore, ScheduleState, ScheduleStore, SharedStates } from '../store.ts'
import { collections, isDuplicateKey } from './indexes.ts'
import type { Session } from './session.ts'

/** A shared state, as the collection `shared_states` keeps it. */
export interface StateDocument {
  _id: string
  state: string
  version: number
  /** Names the write that made it what it is, so that one that was sent twice recognises itself. */
  write: string
}

/** States that processes share, each guarded by its version. */
export function createStates({ database }: Session): SharedStates {
  const states = database.collection<StateDocument>(collections.states)

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

/** A schedule, as the collection `schedules` keeps it. */
export interface ScheduleDocument {
  _id: string
  definition: string
  lastTick?: Date
  lastTaskId?: string
  /** Names the write that took the tick, so that one that was sent twice recognises itself. */
  write: string
}

/** Returns the document of a schedule. */
export function scheduleDocument({ id, definition, lastTick, lastTaskId }: ScheduleState): ScheduleDocument {
  const tick = lastTick === undefined ? undefined : new Date(lastTick)
  return defined({ _id: id, definition, write: randomUUID(), lastTick: tick, lastTaskId })
}

/** Returns the schedule of a document. */
export function scheduleOf({ _id, definition, lastTick, lastTaskId }: ScheduleDocument): ScheduleState {
  return defined({ id: _id, definition, lastTick: lastTick?.getTime(), lastTaskId })
}

/** What schedules remember between ticks. */
export function createSchedules({ database }: Session): ScheduleStore {
  const schedules = database.collection<ScheduleDocument>('schedules')

  /** Of the processes that saw the same tick one finds it; of those that saw no schedule one inserts it, and the others meet its id. */
  async function take(document: ScheduleDocument, seenTick: number | undefined): Promise<boolean> {
    const { _id, ...rest } = document
    const filter = {
      _id: { $eq: _id },
      lastTick: seenTick === undefined ? { $exists: false } : { $eq: new Date(seenTick) },
    }
    try {
      const options = { upsert: seenTick === undefined }
      const { matchedCount, upsertedCount } = await schedules.replaceOne(filter, rest, options)
      if (matchedCount + upsertedCount > 0) return true
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
    }
    return (await schedules.findOne({ _id: { $eq: _id } }))?.write === document.write
  }

  return {
    async schedules() {
      const found = await database.run('schedules', () => schedules.find().sort({ _id: 1 }).toArray())
      return found.map(scheduleOf)
    },
    advance(state, seenTick) {
      const document = scheduleDocument(state)
      return database.run('advance', () => take(document, seenTick))
    },
  }
}

/** A process, as the collection `nodes` keeps it. */
interface NodeDocument extends Omit<NodeState, 'nodeId' | 'startedAt' | 'seenAt'> {
  _id: string
  startedAt: Date
  seenAt: Date
}

/** A process that did not report for this long is not listed, in milliseconds. */
const seenWithinMs = 60_000
/** A process that did not report for this long is removed, in milliseconds: it died without saying so. */
const keptForMs = 86_400_000

/** The processes that share the store. */
export function createNodes({ database, now }: Session): NodeStore {
  const nodes = database.collection<NodeDocument>('nodes')
  return {
    async report({ nodeId, startedAt, ...node }) {
      const set = { ...node, startedAt: new Date(startedAt), seenAt: new Date(now()) }
      const { upsertedCount } = await database.run('report', () =>
        nodes.updateOne({ _id: { $eq: nodeId } }, { $set: set }, { upsert: true }),
      )
      if (upsertedCount === 0) return
      const forgotten = new Date(now() - keptForMs)
      await database.run('report', () => nodes.deleteMany({ seenAt: { $lt: forgotten } }))
    },
    async remove(nodeId) {
      await database.run('report', () => nodes.deleteOne({ _id: { $eq: nodeId } }))
    },
    async list() {
      const since = new Date(now() - seenWithinMs)
      const found = await database.run('nodes', () =>
        nodes
          .find({ seenAt: { $gte: since } })
          .sort({ _id: 1 })
          .toArray(),
      )
      return found.map(
        ({ _id, startedAt, seenAt, ...node }): NodeState => ({
          ...node,
          nodeId: _id,
          startedAt: startedAt.getTime(),
          seenAt: seenAt.getTime(),
        }),
      )
    },
  }
}
