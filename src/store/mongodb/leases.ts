import { liveStatuses } from '../../task/status.ts'
import { claiming } from '../../task/transition.ts'
import type { Extended, Lease, Overdue } from '../store.ts'
import type { TaskDocument } from './documents.ts'
import { recordsOf } from './payloads.ts'
import { after } from './pipeline.ts'
import type { Session } from './session.ts'

/** Extends the leases that are still held, by id and token, and tells which are lost or asked to stop. */
export async function extend(
  session: Session,
  leases: readonly Lease[],
  leaseMs: number,
): Promise<Extended[]> {
  session.requireOpen()
  if (leases.length === 0) return []
  const { database, tasks } = session
  // Each token is given once, so a task and a token of the same list belong together.
  const held = {
    _id: { $in: leases.map(({ taskId }) => taskId) },
    claimToken: { $in: leases.map(({ token }) => token) },
  }
  await database.run('extend', () =>
    tasks.updateMany({ ...held, leaseUntil: { $exists: true } }, [
      { $set: { leaseUntil: after(session.serverNow(), leaseMs) } },
    ]),
  )
  const found = await database.run('which are held', () =>
    tasks
      .find(held)
      .project<Pick<TaskDocument, '_id' | 'claimToken' | 'cancelRequestedAt'>>({
        claimToken: 1,
        cancelRequestedAt: 1,
      })
      .toArray(),
  )
  const byId = new Map(found.map(task => [task._id, task]))
  return leases.map(({ taskId, token }) => {
    const task = byId.get(taskId)
    if (task?.claimToken !== token) return { held: false, cancelRequested: false }
    return { held: true, cancelRequested: task.cancelRequestedAt !== undefined }
  })
}

/** Waiting tasks whose deadline has passed. */
function findOverdue({ database, tasks }: Session, now: Date, limit: number): Promise<TaskDocument[]> {
  const waits = { status: { $in: [...liveStatuses] }, leaseUntil: { $exists: false } }
  return database.run('passed deadlines', () =>
    tasks
      .find({ deadline: { $lte: now }, ...waits })
      .hint('tasks_deadline')
      .sort({ deadline: 1 })
      .limit(limit)
      .toArray(),
  )
}

/** Records whose lease has expired, and waiting ones whose deadline has passed; the longest overdue first. */
export async function lapsed(session: Session, limit: number): Promise<Overdue[]> {
  session.requireOpen()
  const { database, tasks } = session
  const now = new Date(session.now())
  const expired = await database.run('expired leases', () =>
    tasks
      .find({ status: claiming.to, leaseUntil: { $lte: now } })
      .hint('tasks_lease')
      .sort({ leaseUntil: 1 })
      .limit(limit)
      .toArray(),
  )
  const room = limit - expired.length
  const overdue = room === 0 ? [] : await findOverdue(session, now, room)
  const records = await recordsOf(session, [...expired, ...overdue])
  return records.map((record, index) => ({ record, why: index < expired.length ? 'lease' : 'deadline' }))
}
