import type { TaskQueries } from '../queries.ts'
import { recordOf, type TaskRow } from './rows.ts'
import type { Session } from './session.ts'

/** A damaged error is that of no task that waits for its budget. */
const waits = `status = 'RETRYING' AND wake_at IS NOT NULL
  AND json_extract(iif(json_valid(error), error, NULL), '$.code') = 'BUDGET_EXHAUSTED'`

/** The root of a tree is found by its id, all others by the tree. */
const inTree = `SELECT * FROM tasks WHERE id = ? AND ${waits}
  UNION ALL SELECT * FROM tasks INDEXED BY tasks_tree_wake WHERE root_id = ? AND ${waits}`

/** The tasks of a tree that wait for its budget. */
export function waitingForBudget(
  { file, sql }: Session,
  root: string,
  limit: number,
): ReturnType<TaskQueries['waitingForBudget']> {
  return file.read(() => {
    const total = Number(sql(`SELECT count(*) FROM (${inTree})`).pluck().get(root, root))
    if (total === 0 || limit === 0) return { total, tasks: [] }
    const rows = sql(`${inTree} ORDER BY seq LIMIT ?`).all(root, root, limit) as TaskRow[]
    return { total, tasks: rows.map(row => recordOf(row, sql)) }
  })
}
