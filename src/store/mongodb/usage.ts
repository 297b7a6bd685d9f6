import { randomUUID } from 'node:crypto'
import type { ClientSession, Document } from 'mongodb'
import { nextRevision } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { liveStatuses, retryableStatuses } from '../../task/status.ts'
import { pageKey, pageOf, pageToken } from '../pages.ts'
import {
  type CallRow,
  goesDown,
  type RollUp,
  shownCall,
  type UsageFilter,
  type UsageKind,
  type UsagePlace,
  type UsageReportRequest,
  type UsageRow,
  type UsageSum,
} from '../store.ts'
import {
  addSum,
  coversDays,
  keepFirst,
  placeAfter,
  shownSum,
  sumByDay,
  type UsageDay,
  type UsageSums,
  usageDays,
} from '../usage-days.ts'
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

type Sum = Omit<UsageSum, 'key' | 'unpricedCalls'> & { _id: string | number; cost: number; priced: number }

const fields = { task: 'taskId', user: 'userId', subject: 'subject', day: 'at', model: 'model' } as const

/** A collection with sums, or with calls, which are sums of one. */
interface Source {
  collection: string
  keyOf(by: UsageKind): Document | string
  sums: Document
  /** As the collection keeps a time. */
  timeOf(time: number): Date | number
  isTime: Document
  indexFor(filter: UsageFilter): string
}

const keyOf = (by: UsageKind) => (by === 'subject' ? { $ifNull: ['$subject', ''] } : `$${fields[by]}`)

const calls: Source = {
  collection: collections.usage,
  keyOf: by => (by === 'day' ? { $dateToString: { date: '$at', format: '%Y-%m-%d' } } : keyOf(by)),
  sums: {
    calls: { $sum: 1 },
    inputTokens: { $sum: '$inputTokens' },
    cachedInputTokens: { $sum: '$cachedInputTokens' },
    outputTokens: { $sum: '$outputTokens' },
    cost: { $sum: '$cost' },
    estimatedCalls: { $sum: { $cond: ['$isEstimated', 1, 0] } },
    priced: { $sum: { $cond: [{ $isNumber: '$cost' }, 1, 0] } },
  },
  timeOf: time => new Date(time),
  isTime: { $type: 'date' },
  /** The most telling field that has an index. */
  indexFor({ taskId, treeOf, subject, userId }) {
    if (taskId !== undefined) return 'usage_task'
    if (treeOf !== undefined) return 'usage_path'
    if (subject !== undefined) return 'usage_subject'
    return userId === undefined ? 'usage_time' : 'usage_user'
  },
}

const days: Source = {
  collection: usageDays.name,
  keyOf,
  sums: {
    ...Object.fromEntries(
      ['calls', 'inputTokens', 'cachedInputTokens', 'outputTokens', 'cost', 'estimatedCalls'].map(field => [
        field,
        { $sum: `$${field}` },
      ]),
    ),
    priced: { $sum: { $subtract: ['$calls', '$unpricedCalls'] } },
  },
  timeOf: time => time,
  isTime: { $type: 'number' },
  indexFor({ subject, userId }) {
    if (subject !== undefined) return 'subject'
    return userId === undefined ? 'time' : 'user'
  },
}

/** Returns sums of calls by a key, a page of keys at a time. Those by call and those by day are of one moment: what moves between them counts once. */
export async function reportUsage({ database }: Session, filter: UsageFilter, request: UsageReportRequest) {
  const { by, pageSize } = request
  const bound = { listing: 'usage', by, ...filter }
  const shown = pageKey(bound, request.pageToken, ['string'])?.[0]
  const read = (source: Source, session?: ClientSession) =>
    database
      .collection(source.collection)
      .aggregate<Sum>(pipelineOf(source, filter, request, shown), {
        hint: source.indexFor(filter),
        ...defined({ session }),
      })
      .toArray()
  const found = coversDays(filter, by)
    ? await database.transaction('usage', async session => [
        ...(await read(calls, session)),
        ...(await read(days, session)),
      ])
    : await database.run('usage', () => read(calls))
  const sums: UsageSums = new Map()
  for (const sum of found) addSum(sums, sumOf(sum))
  keepFirst(sums, by, pageSize + 1)
  return pageOf([...sums.values()], pageSize, {
    item: shownSum,
    token: ({ key }) => pageToken(bound, [key]),
  })
}

function sumOf({ _id, cost, priced, ...sum }: Sum): UsageSum {
  const key = typeof _id === 'number' ? new Date(_id).toISOString().slice(0, 10) : _id
  return { key, ...sum, ...(priced === 0 ? {} : { cost }), unpricedCalls: sum.calls - priced }
}

/** @param shown The last key of the page before. */
function pipelineOf(
  source: Source,
  filter: UsageFilter,
  { by, pageSize }: UsageReportRequest,
  shown: string | undefined,
): Document[] {
  const conditions = conditionsOf(source, filter)
  if (shown !== undefined) {
    const key = by === 'day' ? source.timeOf(Date.parse(shown)) : shown
    conditions.push({ [fields[by]]: { [goesDown(by) ? '$lt' : '$gt']: key } })
  }
  return [
    { $match: { $and: conditions } },
    { $group: { _id: source.keyOf(by), ...source.sums } },
    { $sort: { _id: goesDown(by) ? -1 : 1 } },
    { $limit: pageSize + 1 },
  ]
}

/** Returns at least one condition: that a call has a time. */
function conditionsOf({ isTime, timeOf }: Source, filter: UsageFilter): Document[] {
  const { taskId, treeOf, userId, subject, model, after, before } = filter
  const bound = (time: number | undefined) => (time === undefined ? undefined : timeOf(time))
  const at = { ...isTime, ...defined({ $gte: bound(after), $lt: bound(before) }) }
  const equal = Object.entries(defined({ taskId, path: treeOf, userId, subject, model }))
  return [{ at }, ...equal.map(([field, value]) => ({ [field]: { $eq: value } }))]
}

/**
 * Adds old calls to the sums of their days, see `UsageStore`. The transaction sums the calls that it deletes: those that another process, or an
 * earlier send of it, has taken are not there any more.
 */
export async function rollUpUsage(session: Session, request: RollUp): Promise<UsagePlace | undefined> {
  const { database } = session
  const { before, from, limit } = request
  const usage = database.collection<UsageDocument>(collections.usage)
  const at = defined({
    $type: 'date' as const,
    $lt: new Date(before),
    $gte: from === undefined ? undefined : new Date(from.at),
  })
  const found = await database.run('roll up usage', () =>
    usage
      .find({ at }, { hint: 'usage_time', sort: { at: 1 }, limit, skip: from?.skip ?? 0 })
      .project<Pick<UsageDocument, '_id' | 'at' | 'path'>>({ at: 1, path: 1 })
      .toArray(),
  )
  const rootOf = ({ path }: Pick<UsageDocument, 'path'>) => path.at(-1) ?? ''
  const mayRun = { $in: [...liveStatuses, ...retryableStatuses] }
  const roots = { _id: { $in: [...new Set(found.map(rootOf))] }, status: mayRun }
  const left = new Set((await readFields(session, 'roll up usage', roots, [])).map(({ _id }) => _id))
  const old = found.map(call => ({ id: call._id, at: call.at.getTime(), isLeft: left.has(rootOf(call)) }))
  await moveToDays(
    session,
    old.filter(({ isLeft }) => !isLeft).map(({ id }) => id),
  )
  return placeAfter(request, old)
}

async function moveToDays({ database }: Session, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const usage = database.collection<UsageDocument>(collections.usage)
  const byDay = database.collection<{ _id: string }>(usageDays.name)
  const move = async (session: ClientSession) => {
    const old = await usage.find({ _id: { $in: [...ids] } }, { session }).toArray()
    if (old.length === 0) return
    const sums = sumByDay(old.map(({ at, ...call }) => ({ ...call, at: at.getTime() })))
    await byDay.bulkWrite(sums.map(addingOf), { session })
    await usage.deleteMany({ _id: { $in: old.map(({ _id }) => _id) } }, { session })
  }
  await database.transaction('sum usage by day', move)
}

function addingOf({ id, at, userId, subject, model, ...sums }: UsageDay) {
  const named = defined({ at, userId, subject, model })
  const update = { $set: { revision: nextRevision() }, $setOnInsert: named, $inc: sums }
  return { updateOne: { filter: { _id: id }, update, upsert: true } }
}

/** Reads the last calls of a task, the oldest of them first. */
export async function readCalls({ database }: Session, taskId: string, limit: number): Promise<CallRow[]> {
  const usage = database.collection<UsageDocument>(collections.usage)
  const options = { hint: 'usage_task', sort: { at: -1 }, limit } as const
  const found = await database.run('calls', () => usage.find({ taskId: { $eq: taskId } }, options).toArray())
  return found.map(({ at, ...row }) => shownCall({ ...row, at: at.getTime() })).reverse()
}
