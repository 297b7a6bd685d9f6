/** The tasks of a database as rows that can be moved to another store. */
import type { Document } from 'mongodb'
import { unranked } from '../../task/fairness.ts'
import { hasEnded } from '../../task/status.ts'
import { liveOf, recount } from '../../task/subtasks.ts'
import { isCancelRequested, isQuarantined, type TaskRecord } from '../../task/task.ts'
import { claiming } from '../../task/transition.ts'
import { queueOf } from '../store.ts'
import { mostAttempts, type RowsTransfer, readPages, type TransferredTask } from '../transfer.ts'
import { type CheckpointDocument, checkpointName } from './attempts.ts'
import { fieldsOfRecord, largeTexts, type PastAttempt, type TaskDocument } from './documents.ts'
import { collections } from './indexes.ts'
import { createNumbers } from './new-task.ts'
import { type LogDocument, linesOf, linesPerDocument, logDocument } from './output.ts'
import { readyName } from './partitions.ts'
import { largeValue, recordsOf, writePayloads } from './payloads.ts'
import { attemptOf, everyTask, type Place, readBeyond } from './queries.ts'
import { readFields, replaceAll, type Session } from './session.ts'

const pageTasks = 200
const allTasks = { operation: 'read rows', ...everyTask, newestFirst: false }

/** Reads and writes the tasks, each with all that belongs to it. */
export function tasksTransfer(session: Session): RowsTransfer<TransferredTask> {
  const numbers = createNumbers()
  return {
    read: () =>
      readPages({
        start: undefined as Place | undefined,
        read: after => readBeyond(session, allTasks, after, pageTasks),
        placeOf: ({ order, _id }): Place => [order, _id],
        make: documents => readTasks(session, documents),
      }),
    write: tasks => writeTasks(session, tasks, numbers),
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
      attempts: (document.pastAttempts ?? []).map(attemptOf),
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
  return grouped(found.map(document => [document.taskId, document] as const))
}

/** Returns what these parents have not counted yet. What an interrupted aggregation has in its list, the parent has counted. */
async function readUncounted(session: Session, parents: readonly TaskDocument[]) {
  const byId = new Map(parents.map(parent => [parent._id, parent]))
  const filter = { uncounted: { $exists: true }, parentTaskId: { $in: [...byId.keys()] } }
  const fields = ['parentTaskId', 'status', 'counted'] as const
  const options = { hint: 'tasks_uncounted' }
  const children = await readFields(session, 'read sub-tasks that moved', filter, fields, options)
  const changes = children.map(({ _id, parentTaskId = '', status, counted }) => {
    const listed = byId.get(parentTaskId)?.aggregate?.batch?.find(({ id }) => id === _id)
    const from = listed?.as ?? counted?.as
    return [parentTaskId, from === undefined ? { to: status } : { from, to: status }] as const
  })
  return grouped(changes)
}

function grouped<T>(entries: readonly (readonly [key: string, value: T])[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const [key, value] of entries) {
    const group = groups.get(key) ?? []
    groups.set(key, group)
    group.push(value)
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
  const large = made.flatMap(each => each.large)
  const documents = made.map(({ document }) => document)
  await writePayloads(session, large)
  await replaceAll(session, 'write rows', collections.tasks, documents)
  await replaceAll(session, 'write rows', collections.checkpoints, tasks.flatMap(checkpointDocuments))
  await replaceAll(session, 'write rows', collections.logs, tasks.flatMap(logDocuments))
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
    const lines = logs.slice(start, start + linesPerDocument).map(({ sequence: _, ...line }) => line)
    documents.push(logDocument(record.id, logs[start]?.sequence ?? 0, lines, ''))
  }
  return documents
}

function documentOf(session: Session, task: TransferredTask, numbers: (time: number) => number) {
  const { record, rank, attempts } = task
  const large = largeTexts.flatMap(field => largeValue(session, record.id, field, record[field]) ?? [])
  const partition = session.partitions.of(record.userId)
  const document: TaskDocument = {
    ...fieldsOfRecord(record, large),
    partition,
    rank,
    order: numbers(record.createdAt),
    ...placeOf(task, partition, session.now()),
    ...familyOf(record, partition),
  }
  // A lease is void: its holder does not know this database.
  if (record.leaseUntil !== undefined) document.leaseUntil = new Date(0)
  if (attempts.length > 0) document.pastAttempts = attempts.slice(-mostAttempts).map(pastAttemptOf)
  return { document, large }
}

/** In line, or waiting for its time. */
function placeOf({ record, rank }: TransferredTask, partition: string, now: number): Partial<TaskDocument> {
  if (!claiming.from.some(status => status === record.status)) return {}
  const wakeAt = record.nextAttemptTimestamp ?? 0
  if (wakeAt <= now && rank !== unranked)
    return { ready: readyName(queueOf(record.lane, isQuarantined(record.crashCount)), partition) }
  return { wakeAt: new Date(wakeAt), tellAt: new Date(wakeAt) }
}

/** The counts of a parent are exact, so each sub-task is counted as it is. */
function familyOf(
  record: TaskRecord,
  partition: string,
): Pick<TaskDocument, 'liveSubTasks' | 'counted' | 'look'> {
  const { subTaskStatusSummary: summary, parentTaskId, status, version } = record
  const live = liveOf(summary)
  return {
    ...(summary === undefined ? {} : { liveSubTasks: live }),
    ...(parentTaskId === undefined ? {} : { counted: { as: status, version } }),
    ...(needsLook(record, live) ? { look: partition } : {}),
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
