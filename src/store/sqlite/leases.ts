import { claiming } from '../../task/transition.ts'
import type { Extended, Lease, Overdue } from '../store.ts'
import type { Known } from './in-flight.ts'
import { readTasks } from './rows.ts'
import type { Session } from './session.ts'

/** Extends the leases that are still held, by id and token. Returns which are lost or asked to stop. */
export function extend(session: Session, leases: readonly Lease[], leaseMs: number): Promise<Extended[]> {
  const { sql, inFlight } = session
  const until = session.now() + leaseMs
  return session.file.write(
    () =>
      leases.map(({ taskId, token }) => {
        const { changes } = sql('UPDATE tasks SET lease_until = ? WHERE id = ? AND claim_token = ?').run(
          until,
          taskId,
          token,
        )
        if (changes === 0) return { held: false, cancelRequested: false }
        const requested = sql('SELECT cancel_requested_at FROM tasks WHERE id = ?').pluck().get(taskId)
        return { held: true, cancelRequested: requested !== null }
      }),
    results => {
      for (const [index, { taskId }] of leases.entries()) {
        const held = inFlight.held(taskId)
        if (held !== undefined && results[index]?.held === true) held.record.leaseUntil = until
      }
    },
  )
}

/** Records whose lease has expired, and waiting ones whose deadline has passed; the longest overdue first. */
export function overdue(session: Session, limit: number): Promise<Overdue[]> {
  const { sql } = session
  return session.file.read(() => {
    const now = session.now()
    const expired = expiredLeases(session, now, limit)
    const late = 'tasks WHERE deadline <= ? AND completed_at IS NULL AND lease_until IS NULL'
    const overdue = readTasks(sql, `${late} ORDER BY deadline LIMIT ?`, now, limit - expired.length)
    return [
      ...expired.map(({ record }): Overdue => ({ record, why: 'lease' })),
      ...overdue.map(({ record }): Overdue => ({ record, why: 'deadline' })),
    ]
  })
}

/** Reads the rows although no lease is known to have expired, once in this many calls. */
const checkAnyway = 20

/**
 * This process gave every lease that is not void, so it knows when one may have expired: leases need no index, which would cost
 * each task two writes. Rows are read only then, and now and then in case that knowledge is wrong.
 */
function expiredLeases({ sql, inFlight, dirty }: Session, now: number, limit: number): Known[] {
  dirty.leaseChecks += 1
  const mayHaveExpired =
    dirty.voidLeases || inFlight.earliestLease() <= now || dirty.leaseChecks % checkAnyway === 0
  if (!mayHaveExpired) return []
  const held = 'tasks WHERE status = ? AND lease_until <= ? ORDER BY lease_until LIMIT ?'
  const found = readTasks(sql, held, claiming.to, now, limit)
  if (found.length === 0) dirty.voidLeases = false
  return found
}

/** This process is the only owner of the file: whatever held a lease when it was opened is gone. */
export function voidLeases({ sql, dirty }: Session): void {
  sql('UPDATE tasks SET lease_until = 0 WHERE status = ? AND lease_until IS NOT NULL').run(claiming.to)
  dirty.voidLeases = true
}
