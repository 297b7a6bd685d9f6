/**
 * What this process knows of the tasks in its hands, so that the next step of a task needs no look-up: those it created a moment
 * ago, those handed to the broker, and those it runs. One process owns the file, so this is all there is to know; it is filled only
 * with what is durable, and every write checks the version all the same.
 */

import type { TaskRecord } from '../../task/task.ts'
import type { Delivery } from '../store.ts'

/** A task whose row is known. */
export interface Known {
  seq: number
  rank: number
  record: TaskRecord
  /** Its attempt that runs here submitted sub-tasks. */
  hasSubTasks?: boolean
}

/** A task that was handed to the broker and waits for its claim. */
export interface Handed {
  known: Known
  delivery: Delivery
}

const mostRecent = 4_096

/** The tasks in the hands of this process. */
export interface Window {
  /** Created or made ready a moment ago, by row. */
  remember(known: Known): void
  /** Returns what is remembered of a row, and forgets it: it is handed out, or it changed. */
  recall(seq: number): Known | undefined
  readonly offered: Map<string, Handed>
  readonly handed: Map<string, Handed>
  handedIn(lane: string): number
  isHanded(seq: number): boolean
  hand(taskId: string): void
  unhand(taskId: string): Handed | undefined
  /** This process runs the task. */
  hold(known: Known): void
  held(taskId: string): Known | undefined
  release(taskId: string): void
  /** When the first lease of the tasks that this process runs ends, epoch milliseconds. */
  earliestLease(): number
  /** Tasks whose last attempt crashed, handed out or running. */
  readonly quarantined: number
}

/** An empty window. */
export function createWindow(): Window {
  const recent = new Map<number, Known>()
  const offered = new Map<string, Handed>()
  const handed = new Map<string, Handed>()
  const handedRows = new Set<number>()
  const held = new Map<string, Known>()
  const perLane = new Map<string, number>()
  let quarantined = 0

  function count(handedTask: Handed, change: 1 | -1): void {
    const { delivery } = handedTask
    perLane.set(delivery.lane, (perLane.get(delivery.lane) ?? 0) + change)
    if (delivery.quarantined) quarantined += change
  }

  return {
    remember(known) {
      if (recent.size >= mostRecent) recent.clear()
      recent.set(known.seq, known)
    },
    recall(seq) {
      const known = recent.get(seq)
      if (known !== undefined) recent.delete(seq)
      return known
    },
    offered,
    handed,
    handedIn: lane => perLane.get(lane) ?? 0,
    isHanded: seq => handedRows.has(seq),
    hand(taskId) {
      const task = offered.get(taskId)
      if (task === undefined || handed.has(taskId)) return
      offered.delete(taskId)
      handed.set(taskId, task)
      handedRows.add(task.known.seq)
      count(task, 1)
    },
    unhand(taskId) {
      const task = handed.get(taskId)
      if (task === undefined) return undefined
      handed.delete(taskId)
      handedRows.delete(task.known.seq)
      count(task, -1)
      return task
    },
    hold(known) {
      this.release(known.record.id)
      held.set(known.record.id, known)
      if (known.record.crashCount > 0) quarantined += 1
    },
    held: taskId => held.get(taskId),
    release(taskId) {
      const known = held.get(taskId)
      if (known === undefined) return
      held.delete(taskId)
      if (known.record.crashCount > 0) quarantined -= 1
    },
    earliestLease() {
      let earliest = Number.POSITIVE_INFINITY
      for (const { record } of held.values()) earliest = Math.min(earliest, record.leaseUntil ?? earliest)
      return earliest
    },
    get quarantined() {
      return quarantined
    },
  }
}
