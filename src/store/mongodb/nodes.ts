import type { NodeState, NodeStore } from '../store.ts'
import type { Session } from './session.ts'

/** A process, as the collection `nodes` keeps it. */
interface NodeDocument extends Omit<NodeState, 'nodeId' | 'startedAt' | 'seenAt'> {
  _id: string
  startedAt: Date
  seenAt: Date
}

/** A process that did not report for this long is not listed, in milliseconds. */
const seenWithinMs = 60_000
/** A process that did not report for this long is forgotten, in milliseconds: it died without saying so. */
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
