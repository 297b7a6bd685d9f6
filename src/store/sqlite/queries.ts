import type { TaskStatus } from '../../task/status.ts'
import { countsOf, rangeOf, type TaskQueries } from '../store.ts'
import { readAttempts, readLog, readSteps } from './attempts.ts'
import { countOfUser, groupDeadLetters, listChildren, listDeadLetters, listTasks } from './listings.ts'
import { readTask, readTasks } from './rows.ts'
import type { Session } from './session.ts'
import { readCalls, reportUsage } from './usage.ts'

/** Questions; each reads by an index and a bounded number of rows. */
export function createQueries(session: Session): TaskQueries {
  const { file, sql, listing } = session
  return {
    get: (taskIds, status) =>
      file.read(() => {
        const records = taskIds.map(id => readTask(sql, id)?.record)
        return records.map(record =>
          record && status?.includes(record.status) !== false ? record : undefined,
        )
      }),
    list(filter, page) {
      const read = () => file.readInSteps(() => listTasks(session, filter, page))
      return listing.fill()?.then(read) ?? read()
    },
    withIdPrefix: (prefix, limit, userId) =>
      file.read(() => {
        const [ofUser, values] = userId === undefined ? ['', []] : ['AND user_id = ?', [userId]]
        const which = `tasks WHERE id >= ? AND id < ? ${ofUser} ORDER BY id LIMIT ?`
        return readTasks(sql, which, ...rangeOf(prefix), ...values, limit).map(({ record }) => record)
      }),
    children: (parentTaskId, filter, page) =>
      file.readInSteps(() => listChildren(session, { listing: 'sub-tasks', parentTaskId, ...filter }, page)),
    counts(userId) {
      if (userId === undefined)
        return file.read(() => {
          const counts = sql('SELECT status, tasks FROM counts').raw().all()
          return countsOf(counts as [TaskStatus, number][])
        })
      const read = () => file.read(() => countOfUser(session, userId))
      return listing.fill()?.then(read) ?? read()
    },
    attempts: taskId => file.read(() => readAttempts(sql, taskId)),
    calls: (taskId, limit) => file.read(() => readCalls(sql, taskId, limit)),
    steps: (taskId, limit) => file.read(() => readSteps(sql, taskId, limit)),
    logs: (taskId, after, limit) => file.read(() => readLog(sql, taskId, { after, limit })),
    usageReport: (filter, request) => reportUsage(session, filter, request),
    waitingForBudget: (root, limit) =>
      file.read(() => {
        const count = sql(`SELECT count(*) FROM (${inTree('1')})`).pluck()
        const total = Number(count.get(root, root))
        if (total === 0 || limit === 0) return { total, tasks: [] }
        const found = readTasks(sql, `(${inTree('*')}) AS tasks ORDER BY seq LIMIT ?`, root, root, limit)
        return { total, tasks: found.map(({ record }) => record) }
      }),
    deadLetters: (filter, page) => file.readInSteps(() => listDeadLetters(session, filter, page)),
    deadLetterGroups: filter => file.read(() => groupDeadLetters(session, filter)),
  }
}

/** A damaged error is that of no task that waits for its budget. */
const waits = `status = 'RETRYING' AND wake_at IS NOT NULL
  AND json_extract(iif(json_valid(error), error, NULL), '$.code') = 'BUDGET_EXHAUSTED'`

/** The root of a tree is found by its id, all others by the tree. */
const inTree = (columns: string) => `SELECT ${columns} FROM tasks WHERE id = ? AND ${waits}
  UNION ALL SELECT ${columns} FROM tasks INDEXED BY tasks_tree_wake WHERE root_id = ? AND ${waits}`
