/**
 * The collections of the engine and their indexes. Most hold live tasks only: a task that has ended leaves them, so that history makes
 * nothing slower. A partial index is used only by a query that repeats its condition.
 */
import { liveStatuses } from '../../task/status.ts'
import { checkpointIndexes } from './checkpoints.ts'
import type { IndexPlan } from './indexes.ts'
import { logIndexes } from './logs.ts'
import { outputIndexes } from './output.ts'
import { waiting } from './queue.ts'
import { strayIndexes } from './strays.ts'
import { usageIndexes } from './usage.ts'

/** Names of the engine's collections. */
export const collections = {
  tasks: 'background_tasks',
  payloads: 'task_payloads',
  lanes: 'task_lanes',
} as const

const present = { $exists: true } as const

/** The task could run now, and nobody has the right to send it. */
const turns: readonly Omit<IndexPlan, 'collection'>[] = [
  { name: 'ready', key: { ready: 1, priority: 1, rank: 1, order: 1, _id: 1 }, partial: { ready: present } },
  { name: 'tell', key: { tellAt: 1 }, partial: { tellAt: present } },
  { name: 'lost', key: { lostAt: 1 }, partial: { lostAt: present } },
  { name: 'waiting_user', key: { userId: 1, lane: 1, priority: 1, rank: -1 }, partial: waiting },
  { name: 'waiting_lane', key: { lane: 1, depth: 1 }, partial: waiting },
]

/** What somebody has to look at. */
const upkeep: readonly Omit<IndexPlan, 'collection'>[] = [
  { name: 'lease', key: { leaseUntil: 1 }, partial: { leaseUntil: present } },
  {
    name: 'deadline',
    key: { deadline: 1 },
    partial: { deadline: present, status: { $in: [...liveStatuses] } },
  },
  { name: 'look', key: { look: 1, order: 1 }, partial: { look: present } },
  { name: 'uncounted', key: { uncounted: 1, parentTaskId: 1 }, partial: { uncounted: present } },
  { name: 'events', key: { eventsAt: 1 }, partial: { eventsAt: present } },
  { name: 'notice', key: { noticeAt: 1 }, partial: { noticeAt: present } },
  { name: 'expiry', key: { status: 1, completedAt: 1, _id: 1 }, partial: { completedAt: present, depth: 0 } },
]

/** What people ask for. */
const listings: readonly Omit<IndexPlan, 'collection'>[] = [
  { name: 'newest', key: { order: -1, _id: -1 } },
  { name: 'status', key: { status: 1, order: -1, _id: -1 } },
  { name: 'user', key: { userId: 1, order: -1, _id: -1 } },
  { name: 'parent', key: { parentTaskId: 1, order: 1, _id: 1 }, partial: { parentTaskId: present } },
  { name: 'tree', key: { rootTaskId: 1, depth: -1 }, partial: { parentTaskId: present } },
  { name: 'tree_wake', key: { rootTaskId: 1, order: 1, _id: 1 }, partial: { wakeAt: present } },
  {
    name: 'dead_letters',
    key: { order: -1, _id: -1, 'deadLetter.fingerprint': 1 },
    partial: { deadLetter: present },
  },
  {
    name: 'idempotency',
    key: { userId: 1, taskType: 1, idempotencyKey: 1 },
    unique: true,
    partial: { idempotencyKey: present },
  },
]

/** Every index of the engine. */
export const engineIndexes: readonly IndexPlan[] = [
  ...[turns, upkeep, listings]
    .flat()
    .map(plan => ({ ...plan, name: `tasks_${plan.name}`, collection: collections.tasks })),
  { collection: collections.payloads, name: 'payloads_payload', key: { payload: 1, part: 1 } },
  { collection: collections.payloads, name: 'payloads_task', key: { taskId: 1 } },
  ...[checkpointIndexes, logIndexes, outputIndexes, usageIndexes, strayIndexes].flat(),
]
