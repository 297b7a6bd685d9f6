import type { Extended, Lapsed, Lease } from '../store.ts'
import { recordOf, type TaskRow } from './rows.ts'
import type { Session } from './session.ts'

/** Extends the leases that are still held, by id and token, and tells which are lost or asked to stop. */
export function extend(session: Session, leases: readonly Lease[], leaseMs: number): Promise<Extended[]> {
  const { sql } = session
  return session.file.write(() => {
    const until = session.now() + leaseMs
    return leases.map(({ taskId, token }) => {
      const { changes } = sql('UPDATE tasks SET lease_until = ? WHERE id = ? AND claim_token = ?').run(
        until,
        taskId,
        token,
      )
      if (changes === 0) return { held: false, cancelRequested: false }
      const requested = sql('SELECT cancel_requested_at FROM tasks WHERE id = ?').pluck().get(taskId)
      return { held: true, cancelRequested: requested !== null }
    })
  })
}

/** Records whose lease has expired, and waiting ones whose deadline has passed; the longest overdue first. */
export function lapsed(session: Session, limit: number): Promise<Lapsed[]> {
  const { sql } = session
  return session.file.read(() => {
    const now = session.now()
    const expired = sql('SELECT * FROM tasks WHERE lease_until <= ? ORDER BY lease_until LIMIT ?').all(
      now,
      limit,
    ) as TaskRow[]
    const overdue = sql(
      'SELECT * FROM tasks WHERE deadline <= ? AND completed_at IS NULL AND lease_until IS NULL ORDER BY deadline LIMIT ?',
    ).all(now, limit - expired.length) as TaskRow[]
    return [
      ...expired.map((row): Lapsed => ({ record: recordOf(row, sql), why: 'lease' })),
      ...overdue.map((row): Lapsed => ({ record: recordOf(row, sql), why: 'deadline' })),
    ]
  })
}

/** This process is the only owner of the file: whatever held a lease when it was opened is gone. */
export function voidLeases(session: Session): void {
  session.sql('UPDATE tasks SET lease_until = 0 WHERE lease_until IS NOT NULL').run()
}
