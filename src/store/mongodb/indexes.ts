/** The collections and indexes of the engine, and how a database gets them. */
import type { Db, Document, IndexDirection } from 'mongodb'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import { liveStatuses } from '../../task/status.ts'
import { unstarted } from './documents.ts'

/** An index that a part needs. */
export interface IndexPlan {
  collection: string
  /** Unique within the collection. */
  name: string
  key: Readonly<Record<string, IndexDirection>>
  unique?: boolean
  /** Which documents it holds; default all. */
  partial?: Document
}

type IndexFields = readonly Omit<IndexPlan, 'collection'>[]

/** The code of a write that met a unique key. */
export const duplicateKey = 11_000

/** Whether the error is that of a unique key that is taken. Needs no driver, so that those who share the database load none for it. */
export function isDuplicateKey(error: unknown): boolean {
  return (
    codeOf(error) === duplicateKey ||
    (error instanceof QuillworkError && codeOf(error.cause) === duplicateKey)
  )
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** Codes of an index that is there with the same name or keys, but not the same. */
const conflicts = new Set([85, 86])

/** Creates the indexes that are missing. Throws STORE_UNSUITABLE, naming the index, where one is there that differs. */
export async function makeIndexes(db: Db, plans: readonly IndexPlan[]): Promise<void> {
  const listed = await db.listCollections({}, { nameOnly: true }).toArray()
  const there = new Set(listed.map(({ name }) => name))
  const make = async (collection: string) => {
    const wanted = plans.filter(plan => plan.collection === collection)
    const present = there.has(collection) ? await listIndexes(db, collection) : []
    for (const plan of wanted) requireSame(plan, present)
    // Also those that are listed: another process may still be making them, and this waits until they can be used.
    await create(db, collection, wanted)
  }
  // Side by side: one after the other they are some eighty ways to the server and back.
  await Promise.all([...new Set(plans.map(plan => plan.collection))].map(make))
}

async function listIndexes(db: Db, collection: string): Promise<Document[]> {
  try {
    return await db.collection(collection).listIndexes().toArray()
  } catch (error) {
    // NamespaceNotFound: the collection is not there yet.
    if (codeOf(error) === 26) return []
    throw error
  }
}

async function create(db: Db, collection: string, plans: readonly IndexPlan[]): Promise<void> {
  const indexes = plans.map(({ name, key, unique, partial }) =>
    defined({ name, key, unique, partialFilterExpression: partial }),
  )
  try {
    await db.collection(collection).createIndexes(indexes)
  } catch (error) {
    if (!(error instanceof Error) || !conflicts.has(Number(codeOf(error)))) throw error
    throw unsuitableIndex(collection, plans.map(plan => plan.name).join(', '), error.message)
  }
}

/** Refuses an index of the same name that means something else: a wrong one makes queries wrong, or slow. */
function requireSame(plan: IndexPlan, present: readonly Document[]): void {
  const found = present.find(index => index['name'] === plan.name)
  if (found === undefined) return
  const isSame =
    JSON.stringify(found['key']) === JSON.stringify(plan.key) &&
    Boolean(found['unique']) === Boolean(plan.unique) &&
    JSON.stringify(found['partialFilterExpression']) === JSON.stringify(plan.partial)
  if (!isSame) throw unsuitableIndex(plan.collection, plan.name, `it is ${JSON.stringify(found['key'])}`)
}

function unsuitableIndex(collection: string, index: string, why: string): QuillworkError {
  return new QuillworkError(
    'STORE_UNSUITABLE',
    `The index ${index} of ${collection} differs from the one that is needed: ${why}. Drop it, and it is rebuilt at the next start.`,
  )
}

/** The engine's collections that several parts use. */
export const collections = {
  tasks: 'background_tasks',
  payloads: 'task_payloads',
  lanes: 'task_lanes',
  relays: 'task_relays',
  checkpoints: 'task_checkpoints',
  logs: 'task_logs',
  output: 'task_output',
  usage: 'task_usage',
} as const

const present = { $exists: true } as const

/** The task could run now, and no process has the right to send it. */
const ready: IndexFields = [
  { name: 'ready', key: { ready: 1, priority: 1, rank: 1, order: 1, _id: 1 }, partial: { ready: present } },
  { name: 'tell', key: { tellAt: 1 }, partial: { tellAt: present } },
  { name: 'lost', key: { lostAt: 1 }, partial: { lostAt: present } },
  // What waits of a lane or of a user, counted, and the last rank of a user: from the keys alone, so the status stands among them.
  {
    name: 'waiting',
    key: { depth: 1, lane: 1, userId: 1, priority: 1, rank: -1, status: 1 },
    partial: unstarted,
  },
]

/** The sweep, the aggregator or a relay has to read it. */
const upkeep: IndexFields = [
  { name: 'lease', key: { leaseUntil: 1 }, partial: { leaseUntil: present } },
  {
    name: 'deadline',
    key: { deadline: 1 },
    partial: { deadline: present, status: { $in: [...liveStatuses] } },
  },
  { name: 'look', key: { look: 1, order: 1 }, partial: { look: present } },
  { name: 'uncounted', key: { uncounted: 1, parentTaskId: 1 }, partial: { uncounted: present } },
  // Events that no process has published yet, the oldest first.
  { name: 'events', key: { eventsAt: 1 }, partial: { eventsAt: present } },
  // Dead letters whose notification is overdue.
  { name: 'notice', key: { noticeAt: 1 }, partial: { noticeAt: present } },
  // Roots that have been kept for their time, the first that ended first.
  { name: 'expiry', key: { status: 1, completedAt: 1, _id: 1 }, partial: { completedAt: present, depth: 0 } },
]

/** What people ask for. */
const listings: IndexFields = [
  // All tasks, those of some statuses, and roots: as many ranges as there are statuses and depths, merged in order. Counts by status.
  { name: 'by_status', key: { status: 1, depth: 1, order: -1, _id: -1 } },
  // Tasks of a lane, of a type, or both; and which lanes and types there are.
  { name: 'lane', key: { lane: 1, taskType: 1, order: -1, _id: -1 } },
  { name: 'tag', key: { tags: 1, order: -1, _id: -1 }, partial: { tags: present } },
  { name: 'user', key: { userId: 1, order: -1, _id: -1 } },
  { name: 'parent', key: { parentTaskId: 1, order: 1, _id: 1 }, partial: { parentTaskId: present } },
  // Sub-tasks that wait for a sibling, or were not attempted because of it.
  {
    name: 'predecessor',
    key: { parentTaskId: 1, predecessor: 1, order: 1, _id: 1 },
    partial: { predecessor: present },
  },
  // Below a root: the deepest, which are deleted first, and those that wait for the budget of the tree.
  {
    name: 'below',
    key: { rootTaskId: 1, depth: -1, wakeAt: 1 },
    partial: { parentTaskId: present },
  },
  // Open dead letters, also by equal failures.
  {
    name: 'dead_letters',
    key: { order: -1, _id: -1, 'deadLetter.fingerprint': 1 },
    partial: { deadLetter: present },
  },
  // The task of an idempotency key.
  {
    name: 'idempotency',
    key: { userId: 1, taskType: 1, idempotencyKey: 1 },
    unique: true,
    partial: { idempotencyKey: present },
  },
]

/** For the sums of a task, a tree, a user, a subject, and of all. */
const usage: IndexFields = [
  { name: 'path', key: { path: 1 } },
  { name: 'task', key: { taskId: 1 } },
  { name: 'user', key: { userId: 1, at: 1 } },
  { name: 'subject', key: { subject: 1, at: 1 }, partial: { subject: present } },
  { name: 'time', key: { at: 1 } },
]

const of = (collection: string, prefix: string, fields: IndexFields): IndexPlan[] =>
  fields.map(each => ({ ...each, name: `${prefix}_${each.name}`, collection }))

/**
 * Every index of the engine. Most hold live tasks only: a task that has ended leaves them, so that history makes nothing slower. A partial
 * index is used only by a query that repeats its condition. Each write pays for every index that it changes, so a new one needs a query that
 * no other can serve.
 */
export const engineIndexes: readonly IndexPlan[] = [
  ...of(collections.tasks, 'tasks', [...ready, ...upkeep, ...listings]),
  ...of(collections.payloads, 'payloads', [
    { name: 'payload', key: { payload: 1, part: 1 } },
    { name: 'task', key: { taskId: 1 } },
  ]),
  ...of(collections.checkpoints, 'checkpoints', [{ name: 'task', key: { taskId: 1 } }]),
  ...of(collections.logs, 'logs', [{ name: 'task', key: { taskId: 1, last: 1 } }]),
  ...of(collections.output, 'output', [{ name: 'task', key: { taskId: 1, attempt: 1, sequence: 1 } }]),
  ...of(collections.usage, 'usage', usage),
]
