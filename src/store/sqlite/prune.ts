import type { TaskStatus } from '../../task/status.ts'
import { states } from '../cold-records.ts'
import { budgetKey, type Retention } from '../store.ts'
import { deleteBelongings } from './rows.ts'
import type { Session } from './session.ts'

/** A live task below an ended root has an ended ancestor with a live sub-task, and that one is to be reconciled. */
const allEnded = `tasks.look IS NOT 1
  AND NOT EXISTS (SELECT 1 FROM tasks AS open INDEXED BY tasks_look WHERE open.root_id = tasks.id AND open.look = 1)`

/**
 * Deletes ended trees whose root ended longer ago than its status is kept: leaves first, the root last, at most `limit` records per
 * call, so that the tree is gone step by step and never half of a live one. Its root is marked before the first step: a task of a tree that
 * is being deleted cannot be retried. What its model calls used is kept: it is the history of cost.
 */
export function prune(session: Session, retention: Retention, limit: number): Promise<number> {
  const { sql } = session
  return session.file.write(() => {
    const now = session.now()
    let gone = 0
    for (const [status, age] of Object.entries(retention)) {
      const roots = sql(`SELECT id FROM tasks INDEXED BY tasks_expiry WHERE status = ? AND completed_at < ?
        AND parent_id IS NULL AND completed_at IS NOT NULL AND ${allEnded} ORDER BY completed_at LIMIT ?`).pluck()
      for (const root of roots.all(status, now - age, limit) as string[]) {
        if (gone >= limit) return gone
        sql('UPDATE tasks SET pruning = 1 WHERE id = ?').run(root)
        gone += pruneBelow(session, root, limit - gone)
      }
    }
    return gone
  })
}

/** Deletes up to `limit` records of the subtree, deepest first. */
function pruneBelow(session: Session, id: string, limit: number): number {
  const { sql } = session
  const below = sql('SELECT id FROM tasks WHERE parent_id = ? LIMIT ?').pluck()
  let gone = 0
  for (;;) {
    const children = below.all(id, limit - gone) as string[]
    if (children.length === 0) break
    const before = gone
    for (const child of children) {
      if (gone >= limit) return gone
      gone += pruneBelow(session, child, limit - gone)
    }
    if (gone === before || gone >= limit) return gone
  }
  return gone + remove(session, id)
}

function remove({ sql, aggregate, inFlight }: Session, id: string): number {
  const row = sql('SELECT seq, status FROM tasks WHERE id = ? AND completed_at IS NOT NULL').get(id)
  if (row === undefined) return 0
  const { seq, status } = row as { seq: number; status: TaskStatus }
  deleteBelongings(sql, seq)
  sql(`DELETE FROM ${states.name} WHERE id = ?`).run(budgetKey(id))
  sql('DELETE FROM tasks WHERE seq = ?').run(seq)
  // The number of a deleted row may be given to a new one.
  inFlight.recall(seq)
  inFlight.reclaim(id)
  aggregate.moved(status, undefined)
  return 1
}
