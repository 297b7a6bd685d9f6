/** The tasks of a database as rows that can be moved to another store. */
import type { Document, Filter } from 'mongodb'
import { unranked } from '../../task/fairness.ts'
import { hasEnded, type TaskStatus } from '../../task/status.ts'
import { liveOf, recount } from '../../task/subtasks.ts'
import { isCancelRequested, type TaskRecord } from '../../task/task.ts'
import { claiming } from '../../task/transition.ts'
import { priorities } from '../store.ts'
import { mostAttempts, type RowsTransfer, type TransferredTask } from '../transfer.ts'
import { type CheckpointDocument, checkpointName } from './attempts.ts'
import { type LargeText, type PastAttempt, queueOf, type TaskDocument, times } from './documents.ts'
import { collections } from './indexes.ts'
import { createNumbers } from './new-task.ts'
import { type LogDocument, linesOf, linesPerDocument } from './output.ts'
import { type LargeValue, largeValue, recordsOf, writePayloads } from './payloads.ts'
import { readFields, type Session } from './session.ts'

/** Tasks of a page. */
const pageTasks = 200

/** Reads and writes the tasks, each with all that belongs to it. */
export function tasksTransfer(session: Session): RowsTransfer<TransferredTask> {
  const numbers = createNumbers()
  return {
    async *read() {
      for await (const documents of pagesOfTasks(session)) yield await readTasks(session, documents)
    },
    write: tasks => writeTasks(session, tasks, numbers),
  }
}

/** Returns the pages of tasks in the order of `order` and id. */
async function* pagesOfTasks({ database, tasks }: Session): AsyncGenerator<TaskDocument[]> {
  for (let filter: Filter<TaskDocument> = {}; ; ) {
    const options = { limit: pageTasks, hint: 'tasks_newest', sort: { order: 1, _id: 1 } } as const
    const page = await database.run('read rows', () => tasks.find(filter, options).toArray())
    const last = page.at(-1)
    if (last === undefined) return
    yield page
    const { order, _id } = last
    filter = { order: { $gte: order }, $nor: [{ order, _id: { $lte: _id } }] }
  }
}

async function readTasks(session: Session, documents: readonly TaskDocument[]): Promise<TransferredTask[]> {
  const [records, logs, checkpoints, moved] = await Promise.all([
    recordsOf(session, documents),
    readBelonging<LogDocument>(session, collections.logs, documents),
    readBelonging<CheckpointDocument>(session, collections.checkpoints, documents),
    readUncounted(session, documents),
  ])
  return documents.map((document, index) => {
    const record = records[index] as TaskRecord
    const changes = moved.get(document._id)
    if (changes !== undefined) record.subTaskStatusSummary = recount(record.subTaskStatusSummary, changes)
    const values = (checkpoints.get(document._id) ?? []).map(({ key, value }) => [key, value] as const)
    return {
      record,
      rank: document.rank,
      attempts: (document.pastAttempts ?? []).map(({ startedAt, endedAt, ...attempt }) => ({
        ...attempt,
        startedAt: startedAt.getTime(),
        endedAt: endedAt.getTime(),
      })),
      checkpoints: new Map(values),
      logs: linesOf((logs.get(document._id) ?? []).sort((one, other) => one.first - other.first)),
    }
  })
}

/** Returns the documents of a collection that belong to the tasks, by task. */
async function readBelonging<D extends Document & { taskId: string }>(
  { database }: Session,
  collection: string,
  tasks: readonly TaskDocument[],
): Promise<ReadonlyMap<string, D[]>> {
  const filter = { taskId: { $in: tasks.map(({ _id }) => _id) } }
  const found = await database.run('read what belongs to tasks', () =>
    database.collection<Document>(collection).find<D>(filter).toArray(),
  )
  return grouped(found, ({ taskId }) => taskId)
}

type Change = { from?: TaskStatus; to: TaskStatus }

/** Returns what these parents have not counted yet. What an interrupted aggregation has in its list, the parent has counted. */
async function readUncounted(
  session: Session,
  parents: readonly TaskDocument[],
): Promise<ReadonlyMap<string, Change[]>> {
  const byId = new Map(parents.map(parent => [parent._id, parent]))
  const filter = { uncounted: true as const, parentTaskId: { $in: [...byId.keys()] } }
  const fields = ['parentTaskId', 'status', 'counted'] as const
  const children = await readFields(session, 'read sub-tasks that moved', filter, fields)
  const changes = children.map(({ _id, parentTaskId = '', status, counted }) => {
    const listed = byId.get(parentTaskId)?.aggregate?.batch?.find(({ id }) => id === _id)
    const from = listed?.as ?? counted?.as
    return { parentTaskId, change: from === undefined ? { to: status } : { from, to: status } }
  })
  const byParent = grouped(changes, ({ parentTaskId }) => parentTaskId)
  return new Map([...byParent].map(([id, of]) => [id, of.map(({ change }) => change)]))
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}

async function writeTasks(
  session: Session,
  tasks: readonly TransferredTask[],
  numbers: (time: number) => number,
): Promise<void> {
  if (tasks.length === 0) return
  const made = tasks.map(task => documentOf(session, task, numbers))
  await writePayloads(
    session,
    made.flatMap(({ large }) => large),
  )
  await replaceAll(
    session,
    collections.tasks,
    made.map(({ document }) => document),
  )
  await replaceAll(session, collections.checkpoints, tasks.flatMap(checkpointDocuments))
  await replaceAll(session, collections.logs, tasks.flatMap(logDocuments))
}

/** Writes documents in place of those with their ids. */
export async function replaceAll<D extends { _id: string }>(
  { database }: Session,
  collection: string,
  documents: readonly D[],
): Promise<void> {
  if (documents.length === 0) return
  const target = database.collection<Document & { _id: string }>(collection)
  await database.run('write rows', () =>
    target.bulkWrite(
      documents.map(document => ({
        replaceOne: { filter: { _id: { $eq: document._id } }, replacement: document, upsert: true },
      })),
      { ordered: false },
    ),
  )
}

function checkpointDocuments({ record, checkpoints }: TransferredTask): CheckpointDocument[] {
  const attempt = record.checkpointAttempt ?? record.attempt
  return [...checkpoints].map(([key, value]) => ({
    _id: checkpointName({ taskId: record.id, key }),
    taskId: record.id,
    key,
    attempt,
    value,
  }))
}

function logDocuments({ record, logs }: TransferredTask): LogDocument[] {
  const documents: LogDocument[] = []
  for (let start = 0; start < logs.length; start += linesPerDocument) {
    const lines = logs.slice(start, start + linesPerDocument)
    const first = lines[0]?.sequence ?? 0
    documents.push({
      _id: `${record.id}/${first}`,
      taskId: record.id,
      first,
      last: first + lines.length - 1,
      lines: lines.map(({ sequence: _, at, ...line }) => ({ ...line, at: new Date(at) })),
      write: '',
    })
  }
  return documents
}

function documentOf(
  session: Session,
  { record, rank, attempts }: TransferredTask,
  numbers: (time: number) => number,
): { document: TaskDocument; large: LargeValue[] } {
  const texts = (['parameters', 'progress', 'result'] as const).map(
    field => [field, record[field], largeValue(session, record.id, field, record[field])] as const,
  )
  const large = texts.flatMap(([, , value]) => value ?? [])
  const { id, tags, priority, parameters: _p, progress: _g, result: _r, ...rest } = record
  const document: TaskDocument = {
    ...withDates(rest),
    _id: id,
    parameters: '',
    priority: priorities.indexOf(priority),
    rank,
    order: numbers(record.createdAt),
    ...placeOf(record, rank, session.now()),
    ...familyOf(record),
  }
  for (const [field, text, value] of texts)
    if (text !== undefined) document[field] = value === undefined ? text : ''
  if (large.length > 0)
    document.large = Object.fromEntries(large.map(({ field, payload }) => [field, payload]))
  if (tags.length > 0) document.tags = tags
  if (attempts.length > 0) document.pastAttempts = attempts.slice(-mostAttempts).map(pastAttemptOf)
  return { document, large }
}

type Timed = (typeof times)[number] | 'createdAt' | 'updatedAt'
type Plain = Omit<TaskRecord, 'id' | 'tags' | 'priority' | LargeText>

const timed: ReadonlySet<string> = new Set<Timed>([...times, 'createdAt', 'updatedAt'])

/** A lease is void: its holder does not know this database. */
function withDates(record: Plain): Omit<Plain, Timed> & Pick<TaskDocument, Timed> {
  const fields = Object.entries(record).map(([field, value]) => {
    const isTime = timed.has(field) && typeof value === 'number'
    return [field, isTime ? new Date(field === 'leaseUntil' ? 0 : value) : value]
  })
  return Object.fromEntries(fields) as Omit<Plain, Timed> & Pick<TaskDocument, Timed>
}

/** In line, or waiting for its time. */
function placeOf(
  record: TaskRecord,
  rank: number,
  now: number,
): Pick<TaskDocument, 'ready' | 'wakeAt' | 'tellAt'> {
  if (!claiming.from.some(status => status === record.status)) return {}
  const wakeAt = record.nextAttemptTimestamp ?? 0
  if (wakeAt <= now && rank !== unranked) return { ready: queueOf(record.lane, record.crashCount > 0) }
  return { wakeAt: new Date(wakeAt), tellAt: new Date(wakeAt) }
}

/** The counts of a parent are exact, so each sub-task is counted as it is. */
function familyOf(record: TaskRecord): Pick<TaskDocument, 'liveSubTasks' | 'counted' | 'look'> {
  const { subTaskStatusSummary: summary, parentTaskId, status, version } = record
  const live = liveOf(summary)
  return {
    ...(summary === undefined ? {} : { liveSubTasks: live }),
    ...(parentTaskId === undefined ? {} : { counted: { as: status, version } }),
    ...(needsLook(record, live) ? { look: true as const } : {}),
  }
}

/** As every write of a task derives it; see `derived` in pipeline.ts. */
function needsLook(record: TaskRecord, live: number): boolean {
  const { status, phase, completedAt, leaseUntil } = record
  if (status === 'RUNNING' && phase === 'awaiting-subtasks' && live <= 0) return true
  if (isCancelRequested(record) && completedAt === undefined && leaseUntil === undefined) return true
  return hasEnded(status) && live > 0
}

function pastAttemptOf({ startedAt, endedAt, ...attempt }: TransferredTask['attempts'][number]): PastAttempt {
  return { ...attempt, startedAt: new Date(startedAt), endedAt: new Date(endedAt) }
}
