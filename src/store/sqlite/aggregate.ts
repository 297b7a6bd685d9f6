/** Counters kept in step with the transitions and written once per commit: tasks per status, and the sub-task summaries of parents. */
import type { TaskStatus } from '../../task/status.ts'
import { liveOf, recount } from '../../task/subtasks.ts'
import type { Statements } from './database.ts'

interface Change {
  from?: TaskStatus
  to: TaskStatus
}

/** The counters of one database. */
export type Aggregate = ReturnType<typeof createAggregate>

/** The counters of a database. */
export function createAggregate(sql: Statements) {
  const statuses = new Map<TaskStatus, number>()
  const parents = new Map<string, Change[]>()

  return {
    /** A task came to be, changed its status, or was deleted. */
    moved(from: TaskStatus | undefined, to: TaskStatus | undefined): void {
      if (from !== undefined) statuses.set(from, (statuses.get(from) ?? 0) - 1)
      if (to !== undefined) statuses.set(to, (statuses.get(to) ?? 0) + 1)
    },
    /** A sub-task came to be or changed its status. */
    childMoved(parentId: string, change: Change): void {
      const changes = parents.get(parentId)
      if (changes === undefined) parents.set(parentId, [change])
      else changes.push(change)
    },
    flush() {
      for (const [status, change] of statuses) if (change !== 0) sql(addToCount).run(status, change)
      statuses.clear()
      for (const [parentId, changes] of parents) writeParent(sql, parentId, changes)
      parents.clear()
    },
    reset() {
      statuses.clear()
      parents.clear()
    },
  }
}

const addToCount =
  'INSERT INTO counts (status, tasks) VALUES (?, ?) ON CONFLICT (status) DO UPDATE SET tasks = tasks + excluded.tasks'

function writeParent(sql: Statements, parentId: string, changes: readonly Change[]): void {
  const before = sql('SELECT sub_tasks FROM tasks WHERE id = ?').pluck().get(parentId)
  if (before === undefined) return
  const summary = recount(before === null ? undefined : JSON.parse(String(before)), changes)
  const update = 'UPDATE tasks SET sub_tasks = ?, live_sub_tasks = ?, version = version + 1 WHERE id = ?'
  sql(update).run(JSON.stringify(summary), liveOf(summary), parentId)
}
