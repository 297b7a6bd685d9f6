import type { Filter } from 'mongodb'
import type { TaskQueries } from '../queries.ts'
import type { TaskDocument } from './documents.ts'
import { recordsOf } from './payloads.ts'
import type { Session } from './session.ts'

/** The tasks of a tree that wait for its budget. */
export async function waitingForBudget(
  session: Session,
  rootTaskId: string,
  limit: number,
): ReturnType<TaskQueries['waitingForBudget']> {
  const { database, tasks } = session
  const filter: Filter<TaskDocument> = {
    rootTaskId: { $eq: rootTaskId },
    wakeAt: { $exists: true },
    status: 'RETRYING',
    'errorInfo.code': 'BUDGET_EXHAUSTED',
  }
  const hint = 'tasks_tree_wake'
  const total = await database.run('count who waits', () => tasks.countDocuments(filter, { hint }))
  if (total === 0 || limit === 0) return { total, tasks: [] }
  const found = await database.run('who waits', () =>
    tasks.find(filter).hint(hint).sort({ order: 1, _id: 1 }).limit(limit).toArray(),
  )
  return { total, tasks: await recordsOf(session, found) }
}
