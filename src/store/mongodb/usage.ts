import { randomUUID } from 'node:crypto'
import type { UsageRow } from '../store.ts'
import type { TaskDocument } from './documents.ts'
import { ignoreDuplicates } from './failures.ts'
import type { IndexPlan } from './indexes.ts'
import type { Session } from './session.ts'

/** One call of a model, as the collection `task_usage` keeps it; also when its task is gone. */
export interface UsageDocument extends Omit<UsageRow, 'at'> {
  _id: string
  taskId: string
  userId: string
  at: Date
  /** The task and all above it, up to the root: a tree is then summed without walking it, and also after its records are gone. */
  path: readonly string[]
}

/** For the sums of a task and of a tree. */
export const usageIndexes: readonly IndexPlan[] = [
  { collection: 'task_usage', name: 'usage_path', key: { path: 1 } },
  { collection: 'task_usage', name: 'usage_task', key: { taskId: 1 } },
]

/** Adds calls of a task, whether its attempt still holds it or not. */
export async function addUsage(session: Session, taskId: string, rows: readonly UsageRow[]): Promise<void> {
  if (rows.length === 0) return
  const task = await findLink(session, taskId)
  const path = task === undefined ? [taskId] : await pathOf(session, task)
  const documents = rows.map(({ at, ...row }) => ({
    ...row,
    _id: randomUUID(),
    taskId,
    userId: task?.userId ?? '',
    at: new Date(at),
    path,
  }))
  const usage = session.database.collection<UsageDocument>('task_usage')
  await session.database.run('usage', () => ignoreDuplicates(usage.insertMany(documents, { ordered: false })))
}

type Link = Pick<TaskDocument, '_id' | 'userId' | 'parentTaskId' | 'rootTaskId'>

async function findLink({ database, tasks }: Session, taskId: string): Promise<Link | undefined> {
  const projection = { userId: 1, parentTaskId: 1, rootTaskId: 1 }
  const found = await database.run('usage', () =>
    tasks.findOne<Link>({ _id: { $eq: taskId } }, { projection }),
  )
  return found ?? undefined
}

/** A task names its parent and its root; only what lies between them is read, one read per level. */
async function pathOf(session: Session, task: Link): Promise<string[]> {
  const path = [task._id]
  for (
    let link: Link | undefined = task;
    link?.parentTaskId !== undefined && link.parentTaskId !== task.rootTaskId;
    link = await findLink(session, link.parentTaskId)
  )
    path.push(link.parentTaskId)
  return task.rootTaskId === task._id ? path : [...path, task.rootTaskId]
}

interface Sum {
  _id: string
  calls: number
  inputTokens: number
  outputTokens: number
  cost: number
  highest: number | null
}

const sumsByModel = [
  {
    $group: {
      _id: '$model',
      calls: { $sum: 1 },
      inputTokens: { $sum: '$inputTokens' },
      outputTokens: { $sum: '$outputTokens' },
      cost: { $sum: '$cost' },
      highest: { $max: '$cost' },
    },
  },
  { $sort: { _id: 1 } },
]

/** Sums per model, of a task or of a tree. */
export async function sumUsage(
  { database }: Session,
  taskId: string,
  tree: boolean,
): Promise<(Omit<UsageRow, 'at' | 'attempt'> & { calls: number })[]> {
  const which = tree ? { path: { $eq: taskId } } : { taskId: { $eq: taskId } }
  const sums = await database.run('usage', () =>
    database
      .collection<UsageDocument>('task_usage')
      .aggregate<Sum>([{ $match: which }, ...sumsByModel], { hint: tree ? 'usage_path' : 'usage_task' })
      .toArray(),
  )
  // A sum of costs that nobody told is not zero, it is not known.
  return sums.map(({ _id, cost, highest, ...sum }) => ({
    model: _id,
    ...sum,
    ...(highest === null ? {} : { cost }),
  }))
}
