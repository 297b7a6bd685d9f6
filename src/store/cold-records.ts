/**
 * What a store keeps beside its tasks, over records: schedules, unparsable messages, shared states, API keys, the audit trail, usage by day, activity,
 * and the processes that share it.
 */
import {
  type AnyKind,
  defineKind,
  erase,
  insert,
  largestRecord,
  type Records,
  write,
} from '../records/records.ts'
import { activity, createActivityStore } from './activity.ts'
import { apiKeys, createApiKeyStore } from './api-keys.ts'
import { audit, createAuditStore } from './audit.ts'
import { createOperatorValueStore, operatorValues } from './operator-values.ts'
import { pageKey, pageOf, pageToken } from './pages.ts'
import { createScheduleStore, keptSchedules, schedules } from './schedules.ts'
import type { NodeState, NodeStore, Store, UnparsableMessage } from './store.ts'
import { usageDays } from './usage-days.ts'

/** Messages and records that name no readable task. The name is that of the first version. */
export const unparsable = defineKind<UnparsableMessage>({
  name: 'strays',
  fields: { at: 'integer' },
  large: { content: 'text' },
  indexes: { newest: ['at', 'id'] },
})

/** Small states by key. */
export const states = defineKind<{ id: string; state: string; version: number }>({
  name: 'shared_states',
  fields: { version: 'integer' },
  large: { state: 'text' },
})

/** The kinds of every store. */
export const coldKinds: readonly AnyKind[] = [
  schedules,
  unparsable,
  states,
  usageDays,
  apiKeys,
  activity,
  audit,
  keptSchedules,
  operatorValues,
]

/** Bytes of a text that are kept at most; its record has a little more. */
const mostBytes = largestRecord - 100_000

/** Makes the ports of every store that are kept as records. */
export function createColdPorts(
  records: Records,
): Pick<Store, 'schedules' | 'unparsable' | 'states' | 'apiKeys' | 'activity' | 'audit' | 'operatorValues'> {
  return {
    apiKeys: createApiKeyStore(records),
    activity: createActivityStore(records),
    audit: createAuditStore(records),
    operatorValues: createOperatorValueStore(records),
    schedules: createScheduleStore(records),
    // Of a text near 15 MB the beginning is kept.
    unparsable: {
      async file(messages) {
        const kept = messages.map(each => ({ ...each, content: beginningOf(each.content) }))
        // One by one: what was filed before hinders no other.
        await Promise.all(kept.map(message => records.commit([insert(unparsable, message)])))
      },
      async list({ pageSize, pageToken: token }) {
        const after = pageKey('unparsable', token, ['number', 'string'])
        const query = { order: ['at', 'id'], reverse: true, after, limit: pageSize + 1 } as const
        return pageOf(await records.find(unparsable, query), pageSize, {
          item: ({ revision: _, ...message }) => message,
          token: ({ at, id }) => pageToken('unparsable', [at, id]),
        })
      },
      async remove(ids) {
        const found = [...(await records.get(unparsable, ids, ['content'])).keys()]
        if (found.length > 0) await records.commit(erase(unparsable, found))
        return found.length
      },
      async expire(before, limit) {
        const query = { order: ['at', 'id'], most: { at: before - 1 }, limit } as const
        const ids = (await records.find(unparsable, query, ['content'])).map(({ id }) => id)
        if (ids.length > 0) await records.commit(erase(unparsable, ids))
        return ids.length
      },
    },
    // Each is guarded by its version.
    states: {
      async load(keys) {
        const found = await records.get(states, keys)
        return keys.map(key => {
          const { state = '', version = 0 } = found.get(key) ?? {}
          return { key, state, version }
        })
      },
      async save({ key: id, state, version }) {
        const record = { id, state, version: version + 1 }
        const over = version === 0 ? ('none' as const) : { version }
        return (await records.commit([{ op: 'put', kind: states, id, record, over }])) === 'applied'
      },
    },
  }
}

function beginningOf(content: string): string {
  return Buffer.byteLength(content) <= mostBytes
    ? content
    : Buffer.from(content).subarray(0, mostBytes).toString()
}

/** A process of a store that several share, and the sessions of the database in which it has its transactions. */
type Node = Omit<NodeState, 'nodeId'> & { id: string; sessions?: readonly string[] }

export const nodes = defineKind<Node>({
  name: 'nodes',
  fields: { seenAt: 'integer' },
})

/** Milliseconds within which a process that is listed reported. */
const seenWithinMs = 60_000
/** Milliseconds after which a process that did not report is removed: it died without saying so. */
const keptForMs = 86_400_000

/** The transactions of the processes that share a database. */
export interface Transactions {
  /** The sessions in which this process has its own. */
  readonly sessions: readonly string[]
  /** Ends those that other processes have left open in these sessions. */
  endTransactions(sessions: readonly string[]): Promise<void>
}

/** @param now The store's clock, epoch milliseconds. */
export function createNodes(records: Records, now: () => number, database: Transactions): NodeStore {
  const reported = new Set<string>()

  async function removeLost(): Promise<void> {
    const lost = await records.find(nodes, { most: { seenAt: now() - keptForMs } })
    for (const { id } of lost) await records.commit(erase(nodes, [id]))
  }

  return {
    async report({ nodeId: id, ...node }) {
      await records.commit(write(nodes, [{ ...node, id, seenAt: now(), sessions: database.sessions }]))
      if (!reported.has(id)) await removeLost()
      reported.add(id)
    },
    async remove(nodeId) {
      await records.commit(erase(nodes, [nodeId]))
    },
    async list() {
      const found = await records.find(nodes, { above: { seenAt: now() - seenWithinMs }, order: ['id'] })
      return found.map(({ id: nodeId, revision: _, sessions: _sessions, ...node }) => ({ ...node, nodeId }))
    },
    async endTransactions(nodeIds) {
      const found = await records.get(nodes, nodeIds)
      await database.endTransactions([...found.values()].flatMap(node => node.sessions ?? []))
    },
  }
}
