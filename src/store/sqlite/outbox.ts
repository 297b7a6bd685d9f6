import { unranked } from '../../task/fairness.ts'
import { isQuarantined } from '../../task/task.ts'
import { type Delivery, type Due, type LaneCapacity, type Outbox, queueOf } from '../store.ts'
import { closedError } from './failures.ts'
import type { Place } from './fair-order.ts'
import { readTasks } from './rows.ts'
import type { Session } from './session.ts'

/** Tasks that a named time has come for are made ready in steps of this size. */
const wakeStep = 500

/**
 * Hands out due tasks in fair order. A task in a queue is its own delivery, so publishing writes nothing. What was published is known in
 * memory and ends with the process, as the in-process broker does.
 */
export function createOutbox(session: Session): Outbox {
  const { inFlight, file } = session
  return {
    async due(lanes, { quarantined }) {
      if (!file.db.open) throw closedError()
      const { dirty } = session
      if (dirty.wakeAt !== undefined && dirty.wakeAt <= session.now()) await wake(session)
      while (file.openTransaction !== undefined) await file.openTransaction
      let quarantinedLeft = quarantined - inFlight.quarantined
      const deliveries: Delivery[] = []
      for (const lane of lanes) {
        const inLane = dueIn(session, lane, quarantinedLeft)
        quarantinedLeft -= inLane.filter(({ crashCount }) => isQuarantined(crashCount)).length
        deliveries.push(...inLane)
      }
      return { deliveries, nextAt: dirty.wakeAt } satisfies Due
    },
    async pendingParents(limit) {
      if (!file.db.open) throw closedError()
      while (file.openTransaction !== undefined) await file.openTransaction
      if (!session.dirty.parents) return []
      const parents = pendingParentsOf(session, limit)
      if (parents.length === 0) session.dirty.parents = false
      return parents
    },
    async published(deliveries) {
      for (const { taskId } of deliveries) inFlight.publish(taskId)
      inFlight.handedOut.clear()
    },
    requeue(taskIds) {
      for (const taskId of taskIds) inFlight.reclaim(taskId)
    },
    onDue: listener => file.onCommit(listener),
  }
}

function dueIn(session: Session, { lane, capacity, takesUrgent }: LaneCapacity, quarantined: number) {
  const { paused, waiting } = session.order.lane(lane)
  if (paused || waiting === 0 || (capacity <= 0 && takesUrgent !== true)) return []
  const published = session.inFlight.publishedIn(lane)
  const most = takesUrgent === true ? quarantined : Math.min(quarantined, capacity)
  const first = most > 0 ? take(session, queueOf(lane, true), most, published) : []
  const left = capacity - first.length
  if (left <= 0) return first
  return [...first, ...take(session, queueOf(lane, false), left, published)]
}

/** The next rows of a queue in fair order. Those published already stand among the first, so as many more are read. */
function take(session: Session, queue: string, capacity: number, published: number): Delivery[] {
  const { sql, inFlight } = session
  const rows = sql('SELECT seq FROM tasks WHERE queue = ? ORDER BY priority, rank, seq LIMIT ?')
    .pluck()
    .all(queue, capacity + published) as number[]
  const deliveries: Delivery[] = []
  for (const seq of rows) {
    if (deliveries.length >= capacity) break
    if (inFlight.isInFlight(seq)) continue
    const known = inFlight.recall(seq) ?? readTasks(sql, 'tasks WHERE seq = ?', seq)[0]
    if (known === undefined) continue
    const { id: taskId, taskType, lane, attempt, crashCount } = known.record
    const delivery = { taskId, taskType, lane, attempt, crashCount }
    inFlight.handedOut.set(taskId, { known, delivery })
    deliveries.push(delivery)
  }
  return deliveries
}

interface Timely extends Omit<Place, 'isRoot'> {
  seq: number
  crashCount: number
  isRoot: 0 | 1
}

/** One that has a place in line keeps it; one that has none joins the line now. */
function rankInLine({ order }: Session, task: Timely): number {
  if (task.rank !== unranked) return task.rank
  const place = { ...task, isRoot: task.isRoot === 1 }
  order.left(place, false)
  const rank = order.rankFor(place)
  order.entered({ ...place, rank })
  return rank
}

/** Makes ready what a named time has come for. */
function wake(session: Session): Promise<void> {
  const { sql } = session
  const ready = () => {
    const tasks = sql(
      `SELECT seq, lane, crash_count AS crashCount, user_id AS userId, priority, rank, parent_id IS NULL AS isRoot
        FROM tasks WHERE wake_at <= ? ORDER BY wake_at LIMIT ?`,
    ).all(session.now(), wakeStep) as Timely[]
    for (const task of tasks)
      sql('UPDATE tasks SET queue = ?, rank = ?, wake_at = NULL, version = version + 1 WHERE seq = ?').run(
        queueOf(task.lane, isQuarantined(task.crashCount)),
        rankInLine(session, task),
        task.seq,
      )
  }
  // Only once it is committed: what could not be made ready is still waited for.
  return session.file.write(ready, () => {
    try {
      session.dirty.wakeAt = earliestWake(session)
    } catch {
      // The time stays over, so the next look asks again. What was committed with this is not refused for a query.
    }
  })
}

/** The earliest time that a task waits for. */
export function earliestWake({ sql }: Session): number | undefined {
  const next = sql('SELECT min(wake_at) FROM tasks WHERE wake_at IS NOT NULL').pluck().get()
  return typeof next === 'number' ? next : undefined
}

/** The next parents to reconcile, in rotation: those that stay, such as one whose sub-tasks do not stop, never hold up the others. */
function pendingParentsOf({ sql, dirty }: Session, limit: number): string[] {
  const between = sql(
    'SELECT seq, id FROM tasks INDEXED BY tasks_look WHERE look = 1 AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?',
  )
  const { lastParent } = dirty
  const rows = between.all(lastParent, Number.MAX_SAFE_INTEGER, limit) as { seq: number; id: string }[]
  if (rows.length < limit && lastParent > 0) {
    rows.push(...(between.all(0, lastParent, limit - rows.length) as { seq: number; id: string }[]))
  }
  dirty.lastParent = rows.at(-1)?.seq ?? 0
  return rows.map(({ id }) => id)
}
