import { type TaskStatus, taskStatuses } from '../../task/status.ts'
import type { TaskRecord } from '../../task/task.ts'
import type { AttemptRow, TaskQueries } from '../store.ts'
import { groupDeadLetters, listDeadLetters } from './dead-letters.ts'
import type { TaskDocument } from './documents.ts'
import { listChildren, listTasks } from './listings.ts'
import { readLog } from './logs.ts'
import { recordsOf } from './payloads.ts'
import type { Session } from './session.ts'
import { reportUsage } from './usage.ts'
import { waitingForBudget } from './waiting.ts'

/**
 * Questions; each reads by an index that it names, and a bounded number of documents. Only `counts` reads as many index entries as
 * there are tasks: a counter would be a second document to keep in step with every write of a task, and every write is of one
 * document.
 */
export function createQueries(session: Session): TaskQueries {
  return {
    get: taskIds => getTasks(session, taskIds),
    list: (filter, page) => listTasks(session, filter, page),
    children: (parentTaskId, filter, page) => listChildren(session, { parentTaskId, ...filter }, page),
    counts: () => countTasks(session),
    attempts: taskId => listAttempts(session, taskId),
    logs: (taskId, after, limit) => readLog(session, taskId, { after, limit }),
    usageReport: (filter, request) => reportUsage(session, filter, request),
    waitingForBudget: (rootTaskId, limit) => waitingForBudget(session, rootTaskId, limit),
    deadLetters: (filter, page) => listDeadLetters(session, filter, page),
    deadLetterGroups: filter => groupDeadLetters(session, filter),
  }
}

async function getTasks(session: Session, taskIds: readonly string[]): Promise<(TaskRecord | undefined)[]> {
  // Room for one more than can come: all come at once, and no second trip finds out that there are no more.
  const batchSize = taskIds.length + 1
  const documents = await session.database.run('get', () =>
    session.tasks.find({ _id: { $in: [...new Set(taskIds)] } }, { batchSize }).toArray(),
  )
  const records = new Map((await recordsOf(session, documents)).map(record => [record.id, record]))
  return taskIds.map(id => records.get(id))
}

async function countTasks({ database, tasks }: Session): Promise<Record<TaskStatus, number>> {
  const counted = await database.run('counts', () =>
    tasks
      .aggregate<{ _id: TaskStatus; tasks: number }>(
        [{ $match: { status: { $in: taskStatuses } } }, { $group: { _id: '$status', tasks: { $sum: 1 } } }],
        { hint: 'tasks_status' },
      )
      .toArray(),
  )
  const zero = Object.fromEntries(taskStatuses.map(status => [status, 0])) as Record<TaskStatus, number>
  return Object.assign(zero, Object.fromEntries(counted.map(({ _id, tasks: count }) => [_id, count])))
}

/** Kept in the record by the writes that end attempts, oldest first; the last fifty. */
async function listAttempts({ database, tasks }: Session, taskId: string): Promise<AttemptRow[]> {
  const found = await database.run('attempts', () =>
    tasks.findOne<Pick<TaskDocument, 'pastAttempts'>>(
      { _id: { $eq: taskId } },
      { projection: { pastAttempts: 1 } },
    ),
  )
  return (found?.pastAttempts ?? []).map(({ startedAt, endedAt, ...row }) => ({
    ...row,
    startedAt: startedAt.getTime(),
    endedAt: endedAt.getTime(),
  }))
}
