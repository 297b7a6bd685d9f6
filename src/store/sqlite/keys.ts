/**
 * Which task has an idempotency key. The table `task_keys` says it of the tasks that the index of listings has, and is written with it in bulk, see
 * listing-index.ts: an index of the tasks would change a page for each of them. The keys of those that it leaves out are in memory, read from their
 * rows when first needed.
 */
import type { NewTask } from '../../task/task.ts'
import type { DatabaseFile, Statements } from './database.ts'
import type { Known } from './in-flight.ts'
import type { ListingIndex } from './listing-index.ts'
import { readTasks } from './rows.ts'

/** An idempotency key, which is unique for a user and a task type. */
type Keyed = Pick<NewTask, 'userId' | 'taskType' | 'idempotencyKey'>

/** The idempotency keys of one file. */
export type Keys = ReturnType<typeof createKeys>

const hasKey = 'user_id = ? AND task_type = ? AND idempotency_key = ?'
const leftOutRow = `tasks WHERE seq = ? AND ${hasKey}`
const takenRow = `SELECT task_seq FROM task_keys WHERE ${hasKey}`

/** Returns the text of a key. With the lengths no two keys have the same, whatever their parts contain. */
export function keyOf({ userId, taskType, idempotencyKey }: Keyed): string {
  return `${userId.length}:${userId}${taskType.length}:${taskType}${idempotencyKey}`
}

/** The idempotency keys of a file, which take part in its transactions. */
export function createKeys(file: DatabaseFile, sql: Statements, listing: ListingIndex) {
  /**
   * Rows by key, in their order. It may name a row that is not there: a write was undone, or the task was deleted. It misses none, for what was
   * taken into the table is forgotten when that is committed.
   */
  let leftOut: Map<string, number> | undefined
  /** If the transaction is undone, a row may be missing. */
  let mayMiss = false

  function rows(): Map<string, number> {
    if (leftOut !== undefined) return leftOut
    leftOut = new Map()
    mayMiss = true
    const query = sql(`SELECT user_id AS userId, task_type AS taskType, idempotency_key AS idempotencyKey, seq
      FROM tasks WHERE seq > ? AND idempotency_key IS NOT NULL ORDER BY seq`)
    for (const row of query.all(listing.last) as (Keyed & { seq: number })[]) leftOut.set(keyOf(row), row.seq)
    return leftOut
  }

  file.onCommit(() => {
    mayMiss = false
    for (const [key, seq] of leftOut ?? []) {
      if (seq > listing.last) return
      leftOut?.delete(key)
    }
  })

  return {
    /** Returns the task that has the key. */
    find(task: Keyed): Known | undefined {
      const { userId, taskType, idempotencyKey = '' } = task
      const seq = rows().get(keyOf(task))
      const known =
        seq === undefined ? undefined : readTasks(sql, leftOutRow, seq, userId, taskType, idempotencyKey)[0]
      if (known !== undefined) return known
      const taken = sql(takenRow).get(userId, taskType, idempotencyKey) as { task_seq: number } | undefined
      return taken === undefined ? undefined : readTasks(sql, 'tasks WHERE seq = ?', taken.task_seq)[0]
    },
    /** A row was written. */
    wrote(task: Keyed, seq: number): void {
      if (task.idempotencyKey === undefined || leftOut === undefined || seq <= listing.last) return
      const key = keyOf(task)
      leftOut.delete(key)
      leftOut.set(key, seq)
    },
    /** A row is about to be deleted or replaced. */
    deleted(seq: number): void {
      if (seq > listing.last) mayMiss = true
      sql(`DELETE FROM task_keys WHERE (user_id, task_type, idempotency_key) =
        (SELECT user_id, task_type, idempotency_key FROM tasks WHERE seq = ?) AND task_seq = ?`).run(seq, seq)
    },
    flush() {
      // What is in memory is written with the index of listings.
    },
    reset() {
      if (mayMiss) leftOut = undefined
    },
  }
}
