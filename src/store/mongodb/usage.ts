import { randomUUID } from 'node:crypto'
import type { Document, Filter } from 'mongodb'
import { defined } from '../../task/defined.ts'
import { pageKey, pageOf, pageToken } from '../pages.ts'
import {
  goesDown,
  type UsageFilter,
  type UsageKind,
  type UsageReportRequest,
  type UsageRow,
  type UsageSum,
} from '../store.ts'
import type { TaskDocument } from './documents.ts'
import { ignoreDuplicates } from './failures.ts'
import { collections } from './indexes.ts'
import { readFields, type Session } from './session.ts'

/** One call of a model, as the collection `task_usage` keeps it; also when its task is gone. */
export interface UsageDocument extends Omit<UsageRow, 'at' | 'id'> {
  _id: string
  taskId: string
  userId: string
  at: Date
  /** The task and all above it, up to the root: a tree is then summed without walking it, and also after its records are gone. */
  path: readonly string[]
}

/** Adds calls of a task, whether its attempt still holds it or not. */
export async function addUsage(session: Session, taskId: string, rows: readonly UsageRow[]): Promise<void> {
  if (rows.length === 0) return
  const task = await findLink(session, taskId)
  const path = task === undefined ? [taskId] : await pathOf(session, task)
  const documents = rows.map(({ id = randomUUID(), at, ...row }) => ({
    ...row,
    _id: row.call === undefined ? id : nameOf(taskId, row.call),
    taskId,
    userId: task?.userId ?? '',
    at: new Date(at),
    path,
  }))
  const usage = session.database.collection<UsageDocument>(collections.usage)
  const writes = documents.map(document =>
    document.call === undefined || document.isEstimated === true
      ? { insertOne: { document } }
      : // It takes the place of an estimate; where its row is there already, its insert meets that one.
        {
          replaceOne: {
            filter: { _id: { $eq: document._id }, isEstimated: true as const },
            replacement: document,
            upsert: true,
          },
        },
  )
  await session.database.run('usage', () => ignoreDuplicates(usage.bulkWrite(writes, { ordered: false })))
}

/** Returns the name of the row of a call: a second one meets the first. */
export function nameOf(taskId: string, call: string): string {
  return `${taskId}/${call}`
}

type Link = Pick<TaskDocument, '_id' | 'userId' | 'parentTaskId' | 'rootTaskId'>

async function findLink(session: Session, taskId: string): Promise<Link | undefined> {
  const link = ['userId', 'parentTaskId', 'rootTaskId'] as const
  return (await readFields(session, 'usage', { _id: { $eq: taskId } }, link))[0]
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

type Sum = Omit<UsageSum, 'key' | 'unpricedCalls'> & { _id: string; cost: number; priced: number }

const fields = { task: 'taskId', user: 'userId', subject: 'subject', day: 'at', model: 'model' } as const

function keyOf(by: UsageKind): Document | string {
  if (by === 'subject') return { $ifNull: ['$subject', ''] }
  if (by === 'day') return { $dateToString: { date: '$at', format: '%Y-%m-%d' } }
  return `$${fields[by]}`
}

/** Returns sums of calls by a key, a page of keys at a time. */
export async function reportUsage({ database }: Session, filter: UsageFilter, request: UsageReportRequest) {
  const { by, pageSize, pageToken: token } = request
  const bound = { listing: 'usage', by, ...filter }
  const after = pageKey(bound, token, ['string'])?.[0]
  const pipeline = [
    { $match: { $and: [...usageConditions(filter), ...(after === undefined ? [] : [beyond(by, after)])] } },
    { $group: { _id: keyOf(by), ...groupSums } },
    { $sort: { _id: goesDown(by) ? -1 : 1 } },
    { $limit: pageSize + 1 },
  ]
  const sums = await database.run('usage', () =>
    database
      .collection<UsageDocument>(collections.usage)
      .aggregate<Sum>(pipeline, { hint: usageIndexFor(filter) })
      .toArray(),
  )
  return pageOf(sums, pageSize, {
    item: ({ _id, cost, priced, ...sum }) => ({
      key: _id,
      ...sum,
      ...(priced === 0 ? {} : { cost }),
      unpricedCalls: sum.calls - priced,
    }),
    token: ({ _id }) => pageToken(bound, [_id]),
  })
}

const groupSums = {
  calls: { $sum: 1 },
  inputTokens: { $sum: '$inputTokens' },
  outputTokens: { $sum: '$outputTokens' },
  cost: { $sum: '$cost' },
  estimatedCalls: { $sum: { $cond: ['$isEstimated', 1, 0] } },
  priced: { $sum: { $cond: [{ $isNumber: '$cost' }, 1, 0] } },
}

/** Returns at least one condition: that a call has a time. */
function usageConditions(filter: UsageFilter): Filter<UsageDocument>[] {
  const { taskId, treeOf, userId, subject, model, after, before } = filter
  const dateOf = (time: number | undefined) => (time === undefined ? undefined : new Date(time))
  const at = defined({ $type: 'date' as const, $gte: dateOf(after), $lt: dateOf(before) })
  const equal = Object.entries(defined({ taskId, path: treeOf, userId, subject, model }))
  return [{ at }, ...equal.map(([field, value]) => ({ [field]: { $eq: value } }))]
}

/** Returns the condition of what comes after a key that was shown. */
function beyond(by: UsageKind, key: string): Filter<UsageDocument> {
  return { [fields[by]]: { [goesDown(by) ? '$lt' : '$gt']: by === 'day' ? new Date(key) : key } }
}

/** The most telling field that has an index. */
function usageIndexFor({ taskId, treeOf, subject, userId }: UsageFilter): string {
  if (taskId !== undefined) return 'usage_task'
  if (treeOf !== undefined) return 'usage_path'
  if (subject !== undefined) return 'usage_subject'
  return userId === undefined ? 'usage_time' : 'usage_user'
}
