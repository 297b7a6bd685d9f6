/**
 * Counters kept in step with the transitions and written once per commit: tasks per status, and the sub-task summaries of parents. Where sub-tasks
 * wait for siblings, those are marked whose sibling has ended: the aggregator is to reconcile them.
 */
import { subTaskId } from '../../task/id.ts'
import { hasEnded, type TaskStatus } from '../../task/status.ts'
import { liveOf, recount } from '../../task/subtasks.ts'
import type { Statements } from './database.ts'

interface Change {
  from?: TaskStatus
  to: TaskStatus
  /** The key of the sub-task; its end is what its siblings wait for. */
  key?: string | null | undefined
}

/** The counters of one database. */
export type Aggregate = ReturnType<typeof createAggregate>

/** The counters of a database. */
export function createAggregate(sql: Statements) {
  const statuses = new Map<TaskStatus, number>()
  const parents = new Map<string, Change[]>()
  /** Parents of sub-tasks that wait for siblings. */
  const followed = new Set<string>()

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
    /** A sub-task, by its row, waits for a sibling from now on. */
    childWaits(parentId: string, seq: number, key: string): void {
      followed.add(parentId)
      sql(markWhereEnded).run(seq, subTaskId(parentId, key))
    },
    flush() {
      for (const [status, change] of statuses) if (change !== 0) sql(addToCount).run(status, change)
      statuses.clear()
      for (const parentId of followed) sql(noteSuccessors).run(parentId)
      followed.clear()
      for (const [parentId, changes] of parents) writeParent(sql, parentId, changes)
      parents.clear()
    },
    reset() {
      statuses.clear()
      followed.clear()
      parents.clear()
    },
  }
}

const addToCount =
  'INSERT INTO counts (status, tasks) VALUES (?, ?) ON CONFLICT (status) DO UPDATE SET tasks = tasks + excluded.tasks'

const noteSuccessors = 'UPDATE tasks SET has_successors = 1 WHERE id = ? AND has_successors IS NULL'

const markWhereEnded = `UPDATE tasks SET predecessor_ended = 1 WHERE seq = ?
  AND EXISTS (SELECT 1 FROM tasks AS sibling WHERE sibling.id = ? AND sibling.completed_at IS NOT NULL)`

/** By the index of those that wait for this one, or were not attempted for it: no sibling that has nothing to do with it is read. */
const markSuccessors = `UPDATE tasks INDEXED BY tasks_predecessor SET predecessor_ended = 1
  WHERE parent_id = ? AND predecessor = ? AND completed_at IS NULL`

function writeParent(sql: Statements, parentId: string, changes: readonly Change[]): void {
  const row = sql('SELECT sub_tasks, has_successors FROM tasks WHERE id = ?').raw().get(parentId)
  if (row === undefined) return
  const [before, hasSuccessors] = row as [string | null, 1 | null]
  const summary = recount(before === null ? undefined : JSON.parse(before), changes)
  const update = 'UPDATE tasks SET sub_tasks = ?, live_sub_tasks = ?, version = version + 1 WHERE id = ?'
  sql(update).run(JSON.stringify(summary), liveOf(summary), parentId)
  if (hasSuccessors === null) return
  for (const { to, key } of changes)
    if (typeof key === 'string' && hasEnded(to)) sql(markSuccessors).run(parentId, key)
}
