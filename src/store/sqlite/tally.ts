/**
 * Counters kept in step with the transitions and written once per commit: tasks per status, waiting tasks per lane and per user, the
 * fair order's virtual time and last ranks, and the sub-task summaries of parents.
 */
import { fairRank } from '../../task/fairness.ts'
import type { TaskStatus } from '../../task/status.ts'
import { liveOf, recount } from '../../task/subtasks.ts'
import type { SubTaskSummary } from '../../task/task.ts'
import type { Statements } from './statements.ts'
import type { Participant } from './transactions.ts'

interface Lane {
  paused: boolean
  waiting: number
  roots: number
  virtualTime: number
  changed: boolean
}

/** The waiting tasks of one user in one lane with one priority. */
interface Flow {
  userId: string
  lane: string
  priority: number
  waiting: number
  roots: number
  lastRank: number
  stored: boolean
}

interface Change {
  from?: TaskStatus
  to: TaskStatus
}

/** Where a task waits. */
export interface Place {
  userId: string
  lane: string
  priority: number
  rank: number
  isRoot: boolean
}

/** Flows and users kept in memory; beyond it the unchanged ones are read again when needed. */
const mostCached = 20_000

/** The counters of one database. */
export interface Tally extends Participant {
  /** The rank of one more task of this user; call `entered` when it is written. */
  rankFor(place: Omit<Place, 'rank'>): number
  /** A task began to wait. */
  entered(place: Place): void
  /** A waiting task was claimed, or ended. */
  left(place: Place, claimed: boolean): void
  waiting(userId: string, lane: string): { user: number; lane: number }
  lane(lane: string): Readonly<Lane>
  setPaused(lane: string, paused: boolean): void
  /** A task came to be, changed its status, or was deleted. */
  moved(from: TaskStatus | undefined, to: TaskStatus | undefined): void
  /** A sub-task came to be or changed its status. */
  childMoved(parentId: string, change: Change): void
}

/** Makes the counters of a database; they are read from it when first needed. */
export function createTally(sql: Statements): Tally {
  const lanes = new Map<string, Lane>()
  const flows = new Map<string, Flow>()
  const users = new Map<string, number>()
  const statuses = new Map<TaskStatus, number>()
  const families = new Map<string, Change[]>()
  const changedFlows = new Set<Flow>()

  function laneOf(name: string): Lane {
    let lane = lanes.get(name)
    if (lane === undefined) {
      lane = readLane(sql, name)
      lanes.set(name, lane)
    }
    return lane
  }

  function flowOf(place: Omit<Place, 'rank'>): Flow {
    const key = `${place.lane}\n${place.priority}\n${place.userId}`
    let flow = flows.get(key)
    if (flow === undefined) {
      flow = readFlow(sql, place)
      flows.set(key, flow)
    }
    return flow
  }

  function rootsOf(userId: string): number {
    let roots = users.get(userId)
    if (roots === undefined) {
      writeFlows()
      roots = Number(
        sql('SELECT coalesce(sum(roots), 0) AS roots FROM flows WHERE user_id = ?').pluck().get(userId),
      )
      users.set(userId, roots)
    }
    return roots
  }

  function writeFlows(): void {
    for (const flow of changedFlows) writeFlow(sql, flow)
    changedFlows.clear()
  }

  function add(place: Place, change: 1 | -1): { lane: Lane; flow: Flow } {
    const lane = laneOf(place.lane)
    const flow = flowOf(place)
    lane.waiting += change
    flow.waiting += change
    if (place.isRoot) {
      lane.roots += change
      flow.roots += change
      const roots = users.get(place.userId)
      if (roots !== undefined) users.set(place.userId, roots + change)
    }
    lane.changed = true
    changedFlows.add(flow)
    return { lane, flow }
  }

  return {
    rankFor(place) {
      const flow = flowOf(place)
      return fairRank(laneOf(place.lane).virtualTime, flow.waiting > 0 ? flow.lastRank : undefined)
    },
    entered(place) {
      const { flow } = add(place, 1)
      flow.lastRank = flow.waiting === 1 ? place.rank : Math.max(flow.lastRank, place.rank)
    },
    left(place, claimed) {
      const { lane } = add(place, -1)
      if (claimed) lane.virtualTime = Math.max(lane.virtualTime, place.rank)
    },
    waiting: (userId, lane) => ({ user: rootsOf(userId), lane: laneOf(lane).roots }),
    lane: laneOf,
    setPaused(name, paused) {
      const lane = laneOf(name)
      lane.paused = paused
      lane.changed = true
    },
    moved(from, to) {
      if (from !== undefined) statuses.set(from, (statuses.get(from) ?? 0) - 1)
      if (to !== undefined) statuses.set(to, (statuses.get(to) ?? 0) + 1)
    },
    childMoved(parentId, change) {
      const changes = families.get(parentId)
      if (changes === undefined) families.set(parentId, [change])
      else changes.push(change)
    },
    flush() {
      for (const [name, lane] of lanes) if (lane.changed) writeLane(sql, name, lane)
      writeFlows()
      if (flows.size > mostCached) flows.clear()
      if (users.size > mostCached) users.clear()
      for (const [status, change] of statuses) if (change !== 0) writeCount(sql, status, change)
      statuses.clear()
      for (const [parentId, changes] of families) writeFamily(sql, parentId, changes)
      families.clear()
    },
    reset() {
      lanes.clear()
      flows.clear()
      users.clear()
      statuses.clear()
      families.clear()
      changedFlows.clear()
    },
  }
}

function readLane(sql: Statements, name: string): Lane {
  const row = sql('SELECT paused, waiting, roots, virtual_time FROM lanes WHERE lane = ?').get(name) as
    | { paused: number; waiting: number; roots: number; virtual_time: number }
    | undefined
  if (row === undefined) return { paused: false, waiting: 0, roots: 0, virtualTime: 0, changed: false }
  return {
    paused: row.paused === 1,
    waiting: row.waiting,
    roots: row.roots,
    virtualTime: row.virtual_time,
    changed: false,
  }
}

function writeLane(sql: Statements, name: string, lane: Lane): void {
  sql('INSERT OR REPLACE INTO lanes (lane, paused, waiting, roots, virtual_time) VALUES (?, ?, ?, ?, ?)').run(
    name,
    lane.paused ? 1 : 0,
    lane.waiting,
    lane.roots,
    lane.virtualTime,
  )
  lane.changed = false
}

function readFlow(sql: Statements, { userId, lane, priority }: Omit<Place, 'rank'>): Flow {
  const row = sql(
    'SELECT waiting, roots, last_rank FROM flows WHERE user_id = ? AND lane = ? AND priority = ?',
  ).get(userId, lane, priority) as { waiting: number; roots: number; last_rank: number } | undefined
  const base = { userId, lane, priority }
  if (row === undefined) return { ...base, waiting: 0, roots: 0, lastRank: 0, stored: false }
  return { ...base, waiting: row.waiting, roots: row.roots, lastRank: row.last_rank, stored: true }
}

/** A flow without waiting tasks is not kept: the lane's virtual time has passed its last rank. */
function writeFlow(sql: Statements, flow: Flow): void {
  if (flow.waiting > 0) {
    sql(
      'INSERT OR REPLACE INTO flows (user_id, lane, priority, waiting, roots, last_rank) VALUES (?, ?, ?, ?, ?, ?)',
    ).run(flow.userId, flow.lane, flow.priority, flow.waiting, flow.roots, flow.lastRank)
  } else if (flow.stored) {
    sql('DELETE FROM flows WHERE user_id = ? AND lane = ? AND priority = ?').run(
      flow.userId,
      flow.lane,
      flow.priority,
    )
  }
  flow.stored = flow.waiting > 0
}

function writeCount(sql: Statements, status: TaskStatus, change: number): void {
  sql(
    'INSERT INTO counts (status, tasks) VALUES (?, ?) ON CONFLICT (status) DO UPDATE SET tasks = tasks + excluded.tasks',
  ).run(status, change)
}

function writeFamily(sql: Statements, parentId: string, changes: readonly Change[]): void {
  const before = sql('SELECT sub_tasks FROM tasks WHERE id = ?').pluck().get(parentId)
  if (before === undefined) return
  const summary = recount(
    typeof before === 'string' ? (JSON.parse(before) as SubTaskSummary) : undefined,
    changes,
  )
  sql('UPDATE tasks SET sub_tasks = ?, live_sub_tasks = ?, version = version + 1 WHERE id = ?').run(
    JSON.stringify(summary),
    liveOf(summary),
    parentId,
  )
}
