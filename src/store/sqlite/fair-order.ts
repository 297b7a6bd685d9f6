/**
 * Who waits, and in which order: waiting tasks per lane and per user, the virtual times of each lane and the last rank of each user's
 * waiting tasks. Kept in memory while it changes, written once per commit.
 */
import { fairRank } from '../../task/fairness.ts'
import { priorities } from '../store.ts'
import type { Statements } from './database.ts'

interface Lane {
  paused: boolean
  waiting: number
  roots: number
  /** By priority: each has an order of its own, for none of one begins while one of an earlier waits. */
  virtualTimes: number[]
  changed: boolean
}

/** The waiting tasks of one user in one lane with one priority. */
interface Flow extends Omit<Place, 'rank' | 'isRoot'> {
  waiting: number
  roots: number
  lastRank: number
  stored: boolean
}

/** Where a task waits. */
export interface Place {
  userId: string
  lane: string
  priority: number
  /** `unranked` while it waits for a time and has no place in line. */
  rank: number
  isRoot: boolean
}

/** Flows and users kept in memory; beyond it the unchanged ones are read again when needed. */
const mostCached = 20_000

/** The fair order of one database. */
export type FairOrder = ReturnType<typeof createFairOrder>

/** The fair order of a database; it is read when first needed. */
export function createFairOrder(sql: Statements) {
  const lanes = new Map<string, Lane>()
  const flows = createFlows(sql)

  function laneOf(name: string): Lane {
    let lane = lanes.get(name)
    if (lane === undefined) {
      lane = readLane(sql, name)
      lanes.set(name, lane)
    }
    return lane
  }

  function add(place: Place, change: 1 | -1): { lane: Lane; flow: Flow } {
    const lane = laneOf(place.lane)
    lane.waiting += change
    if (place.isRoot) lane.roots += change
    lane.changed = true
    return { lane, flow: flows.add(place, change) }
  }

  return {
    /** Returns the rank of one more task of this user; call `entered` when it is written. */
    rankFor(place: Omit<Place, 'rank'>): number {
      const flow = flows.of(place)
      const virtualTime = laneOf(place.lane).virtualTimes[place.priority] ?? 0
      return fairRank(virtualTime, flow.waiting > 0 ? flow.lastRank : undefined)
    },
    /** A task began to wait. */
    entered(place: Place): void {
      const { flow } = add(place, 1)
      flow.lastRank = flow.waiting === 1 ? place.rank : Math.max(flow.lastRank, place.rank)
    },
    /** A waiting task was claimed, or ended. */
    left(place: Place, claimed: boolean): void {
      const { virtualTimes } = add(place, -1).lane
      if (claimed) virtualTimes[place.priority] = Math.max(virtualTimes[place.priority] ?? 0, place.rank)
    },
    /** Waiting tasks that count for admission: those without a parent. */
    waiting: (userId: string, lane: string) => ({ user: flows.rootsOf(userId), lane: laneOf(lane).roots }),
    lane: (name: string): Readonly<Lane> => laneOf(name),
    setPaused(name: string, paused: boolean): void {
      const lane = laneOf(name)
      lane.paused = paused
      lane.changed = true
    },
    flush() {
      for (const [name, lane] of lanes) if (lane.changed) writeLane(sql, name, lane)
      flows.flush()
    },
    reset() {
      lanes.clear()
      flows.reset()
    },
  }
}

function createFlows(sql: Statements) {
  const flows = new Map<string, Flow>()
  const users = new Map<string, number>()
  const changed = new Set<Flow>()

  function write(): void {
    for (const flow of changed) writeFlow(sql, flow)
    changed.clear()
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

  return {
    of: flowOf,
    add(place: Place, change: 1 | -1): Flow {
      const flow = flowOf(place)
      flow.waiting += change
      if (place.isRoot) {
        flow.roots += change
        const roots = users.get(place.userId)
        if (roots !== undefined) users.set(place.userId, roots + change)
      }
      changed.add(flow)
      return flow
    },
    rootsOf(userId: string): number {
      let roots = users.get(userId)
      if (roots === undefined) {
        write()
        roots = Number(sql('SELECT coalesce(sum(roots), 0) FROM flows WHERE user_id = ?').pluck().get(userId))
        users.set(userId, roots)
      }
      return roots
    },
    flush() {
      write()
      if (flows.size > mostCached) flows.clear()
      if (users.size > mostCached) users.clear()
    },
    reset() {
      flows.clear()
      users.clear()
      changed.clear()
    },
  }
}

function readLane(sql: Statements, name: string): Lane {
  const row = sql('SELECT paused, waiting, roots, virtual_times AS times FROM lanes WHERE lane = ?').get(name)
  const held = (row ?? {}) as { paused?: number; waiting?: number; roots?: number; times?: string }
  const { paused = 0, waiting = 0, roots = 0, times } = held
  const virtualTimes = times === undefined ? priorities.map(() => 0) : JSON.parse(times)
  return { paused: paused === 1, waiting, roots, virtualTimes, changed: false }
}

function writeLane(sql: Statements, name: string, lane: Lane): void {
  const { paused, waiting, roots, virtualTimes } = lane
  sql(
    'INSERT OR REPLACE INTO lanes (lane, paused, waiting, roots, virtual_times) VALUES (?, ?, ?, ?, ?)',
  ).run(name, Number(paused), waiting, roots, JSON.stringify(virtualTimes))
  lane.changed = false
}

function readFlow(sql: Statements, { userId, lane, priority }: Omit<Place, 'rank'>): Flow {
  const row = sql(`SELECT waiting, roots, last_rank AS lastRank FROM flows
    WHERE user_id = ? AND lane = ? AND priority = ?`).get(userId, lane, priority)
  const held = row as Pick<Flow, 'waiting' | 'roots' | 'lastRank'> | undefined
  const { waiting, roots, lastRank } = held ?? { waiting: 0, roots: 0, lastRank: 0 }
  return { userId, lane, priority, waiting, roots, lastRank, stored: held !== undefined }
}

/** A flow without waiting tasks is not kept: the lane's virtual time has passed its last rank. */
function writeFlow(sql: Statements, flow: Flow): void {
  const { userId, lane, priority, waiting, roots, lastRank } = flow
  const write = 'INSERT OR REPLACE INTO flows (user_id, lane, priority, waiting, roots, last_rank)'
  if (waiting > 0)
    sql(`${write} VALUES (?, ?, ?, ?, ?, ?)`).run(userId, lane, priority, waiting, roots, lastRank)
  else if (flow.stored)
    sql('DELETE FROM flows WHERE user_id = ? AND lane = ? AND priority = ?').run(userId, lane, priority)
  flow.stored = waiting > 0
}
