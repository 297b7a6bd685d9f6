/**
 * The tasks in flight in this process, so that the next step of a task needs no look-up: those it created a moment
 * ago, those published to the broker, and those it runs. One process owns the file, so this is all there is to know; it is filled only
 * with what is durable, and every write checks the version all the same.
 */

import { isQuarantined, type TaskRecord } from '../../task/task.ts'
import type { Delivery } from '../store.ts'

/** A task whose row is known. */
export interface Known {
  seq: number
  rank: number
  record: TaskRecord
  /** Its attempt that runs here submitted sub-tasks. */
  hasSubTasks?: boolean
}

/** A delivery that was handed out or published and waits for its claim. */
export interface InFlightDelivery {
  known: Known
  delivery: Delivery
}

const mostRecent = 4_096
/** A task with longer texts is read again when it is handed out, so that those that are remembered have some megabytes together. Characters. */
const longestRemembered = 4_096

/** The tasks in flight in this process. */
export type InFlight = ReturnType<typeof createInFlight>

/** The tasks that came in line a moment ago. */
function createRecent() {
  const recent = new Map<number, Known>()
  /** Rows that were not remembered since one that was came of use. */
  let refused = 0
  return {
    /** Created or made ready a moment ago, by row; nothing of a large task. */
    remember(known: Known): void {
      if (known.record.parameters.length > longestRemembered) return
      // The first are those that are handed out next; unless they stay, as those of a paused lane do.
      if (recent.size >= mostRecent && !recent.has(known.seq)) {
        refused += 1
        if (refused <= mostRecent) return
        recent.clear()
      }
      recent.set(known.seq, known)
    },
    /** Returns what is remembered of a row, and drops it: it is handed out, or it changed. */
    recall(seq: number): Known | undefined {
      const known = recent.get(seq)
      if (known === undefined) return undefined
      recent.delete(seq)
      refused = 0
      return known
    },
  }
}

/** Nothing in flight. */
export function createInFlight() {
  const handedOut = new Map<string, InFlightDelivery>()
  const published = new Map<string, InFlightDelivery>()
  const publishedRows = new Set<number>()
  const held = new Map<string, Known>()
  const perLane = new Map<string, number>()
  let quarantined = 0

  function count({ delivery }: InFlightDelivery, change: 1 | -1): void {
    perLane.set(delivery.lane, (perLane.get(delivery.lane) ?? 0) + change)
    if (isQuarantined(delivery.crashCount)) quarantined += change
  }

  function release(taskId: string): void {
    const known = held.get(taskId)
    if (known === undefined) return
    held.delete(taskId)
    if (isQuarantined(known.record.crashCount)) quarantined -= 1
  }

  return {
    ...createRecent(),
    handedOut,
    published,
    publishedIn: (lane: string) => perLane.get(lane) ?? 0,
    isInFlight: (seq: number) => publishedRows.has(seq),
    publish(taskId: string): void {
      const task = handedOut.get(taskId)
      if (task === undefined || published.has(taskId)) return
      handedOut.delete(taskId)
      published.set(taskId, task)
      publishedRows.add(task.known.seq)
      count(task, 1)
    },
    reclaim(taskId: string): void {
      const task = published.get(taskId)
      if (task === undefined) return
      published.delete(taskId)
      publishedRows.delete(task.known.seq)
      count(task, -1)
    },
    /** This process runs the task. */
    hold(known: Known): void {
      release(known.record.id)
      held.set(known.record.id, known)
      if (isQuarantined(known.record.crashCount)) quarantined += 1
    },
    held: (taskId: string) => held.get(taskId),
    release,
    /** When the first lease of the tasks that this process runs ends, epoch milliseconds. */
    earliestLease(): number {
      let earliest = Number.POSITIVE_INFINITY
      for (const { record } of held.values()) earliest = Math.min(earliest, record.leaseUntil ?? earliest)
      return earliest
    },
    /** Quarantined tasks, published or running. */
    get quarantined() {
      return quarantined
    },
  }
}
