/** A whole database as rows that can be moved to another store. One that is being filled is marked, so that no engine works on a part of it. */

import { randomUUID } from 'node:crypto'
import type { Collection, Document } from 'mongodb'
import { QuillworkError } from '../../task/errors.ts'
import { unranked } from '../../task/fairness.ts'
import { hasEnded } from '../../task/status.ts'
import { liveOf, recount } from '../../task/subtasks.ts'
import { isCancelRequested, isQuarantined, type TaskRecord, waitsUntil } from '../../task/task.ts'
import { claiming } from '../../task/transition.ts'
import { nodes, states } from '../cold-records.ts'
import { mostStacks, queueOf } from '../store.ts'
import {
  mostAttempts,
  type RowsTransfer,
  readPages,
  type StoreTransfer,
  type TransferredPiece,
  type TransferredTask,
  type TransferredUsage,
} from '../transfer.ts'
import { type CheckpointDocument, checkpointName } from './attempts.ts'
import type { OpenableDatabase } from './database.ts'
import { fieldsOfRecord, largeTexts, type PastAttempt, type TaskDocument } from './documents.ts'
import { collections } from './indexes.ts'
import { createNumbers } from './new-task.ts'
import {
  type LogDocument,
  linesOf,
  linesPerDocument,
  logDocument,
  type OutputDocument,
  outputDocument,
} from './output.ts'
import { readyName } from './partitions.ts'
import { largeValue, recordsOf, writePayloads } from './payloads.ts'
import { attemptsOf, everyTask, type Place, readBeyond } from './queries.ts'
import { readFields, replaceAll, type Session } from './session.ts'
import { nameOf, type UsageDocument } from './usage.ts'

const pageTasks = 200
const pageRows = 500
/** Pieces of output of a page: each may have some kilobytes. */
const pagePieces = 100

/** Reads and writes the rows of a database. */
export function createTransfer(session: Session): StoreTransfer {
  return {
    tasks: tasksTransfer(session),
    output: outputTransfer(session),
    usage: usageTransfer(session),
    begin: from => beginFilling(session.database, from),
    // Nothing is derived that the rows do not hold; engines may open the database.
    async finish() {
      await session.database.run('unmark', () => marksOf(session.database).deleteOne({ _id: 'filling' }))
    },
  }
}

const allTasks = { operation: 'read rows', ...everyTask, newestFirst: false }

/** Reads and writes the tasks, each with all that belongs to it. */
function tasksTransfer(session: Session): RowsTransfer<TransferredTask> {
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
      attempts: attemptsOf(document),
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
  const stacks = attempts.flatMap(({ attempt, stack }) => (stack === undefined ? [] : [{ attempt, stack }]))
  if (stacks.length > 0) document.attemptStacks = stacks.slice(-mostStacks)
  return { document, large }
}

/** In line, or waiting for its time. */
function placeOf({ record, rank }: TransferredTask, partition: string, now: number): Partial<TaskDocument> {
  if (!claiming.from.some(status => status === record.status)) return {}
  const wakeAt = waitsUntil(record) ?? 0
  if (wakeAt <= now && rank !== unranked)
    return { ready: readyName(queueOf(record.lane, isQuarantined(record.crashCount)), partition) }
  return { wakeAt: new Date(wakeAt), tellAt: new Date(wakeAt) }
}

/** The counts of a parent are exact, so each sub-task is counted as it is. */
function familyOf(
  record: TaskRecord,
  partition: string,
): Pick<TaskDocument, 'liveSubTasks' | 'counted' | 'uncounted' | 'look'> {
  const { subTaskStatusSummary: summary, parentTaskId, status, version } = record
  const live = liveOf(summary)
  return {
    ...(summary === undefined ? {} : { liveSubTasks: live }),
    ...(parentTaskId === undefined ? {} : { counted: { as: status, version } }),
    // The aggregator looks at the sibling that it waits for. One that ended waits no more.
    ...(record.predecessor === undefined || hasEnded(status) ? {} : { uncounted: partition }),
    ...(needsLook(record, live) ? { look: partition } : {}),
  }
}

/**
 * As every write of a task derives it; see `derived` in pipeline.ts. Not that a sibling has ended which it waits for: the aggregator finds that out, for
 * `familyOf` leaves such a sub-task uncounted.
 */
function needsLook(record: TaskRecord, live: number): boolean {
  const { status, phase, completedAt, leaseUntil } = record
  if (status === 'RUNNING' && phase === 'awaiting-subtasks' && live <= 0) return true
  if (isCancelRequested(record) && completedAt === undefined && leaseUntil === undefined) return true
  return hasEnded(status) && live > 0
}

function pastAttemptOf({
  startedAt,
  endedAt,
  stack: _,
  ...attempt
}: TransferredTask['attempts'][number]): PastAttempt {
  return { ...attempt, startedAt: new Date(startedAt), endedAt: new Date(endedAt) }
}

/** Reads a collection by its ids. */
function readById<D extends Document & { _id: string }, Row>(
  { database }: Session,
  name: string,
  { limit, rowOf }: { limit: number; rowOf(document: D): Row },
): AsyncGenerator<readonly Row[]> {
  const collection = database.collection<Document>(name)
  return readPages({
    start: undefined as string | undefined,
    read(after) {
      const filter: Document = after === undefined ? {} : { _id: { $gt: after } }
      const options = { sort: { _id: 1 }, limit } as const
      return database.run('read rows', () => collection.find<D>(filter, options).toArray())
    },
    placeOf: ({ _id }) => _id,
    make: documents => documents.map(rowOf),
  })
}

function outputTransfer(session: Session): RowsTransfer<TransferredPiece> {
  return {
    read: () =>
      readById(session, collections.output, {
        limit: pagePieces,
        rowOf: ({ _id, ...piece }: OutputDocument) => piece,
      }),
    async write(rows) {
      await replaceAll(session, 'write rows', collections.output, rows.map(outputDocument))
      await allowUpTo(session, rows)
    },
  }
}

/** Writes into the tasks how far their output goes: to the last piece of the last attempt. */
async function allowUpTo({ database, tasks }: Session, pieces: readonly TransferredPiece[]): Promise<void> {
  if (pieces.length === 0) return
  const writes = pieces.map(({ taskId, attempt, sequence }) => ({
    updateOne: {
      filter: {
        _id: { $eq: taskId },
        $or: [
          { output: { $exists: false } },
          { 'output.attempt': { $lt: attempt } },
          { 'output.attempt': { $eq: attempt }, 'output.sequence': { $lt: sequence } },
        ],
      },
      update: { $set: { output: { attempt, sequence } } },
    },
  }))
  await database.run('write rows', () => tasks.bulkWrite(writes))
}

function usageTransfer(session: Session): RowsTransfer<TransferredUsage> {
  return {
    read: () =>
      readById(session, collections.usage, {
        limit: pageRows,
        rowOf: ({ _id, path, at, ...row }: UsageDocument) => ({
          ...row,
          at: at.getTime(),
          rootTaskId: path.at(-1) ?? row.taskId,
        }),
      }),
    async write(rows) {
      const pathOf = await readPaths(session, rows)
      const documents = rows.map(({ rootTaskId, at, ...row }): UsageDocument => {
        const path = pathOf({ taskId: row.taskId, rootTaskId })
        const _id = row.call === undefined ? randomUUID() : nameOf(row.taskId, row.call)
        return { ...row, _id, at: new Date(at), path }
      })
      await replaceAll(session, 'write rows', collections.usage, documents)
    },
  }
}

/** Returns the way from a task up to its root, as far as its tasks are there. */
async function readPaths(session: Session, rows: readonly TransferredUsage[]) {
  const parents = new Map<string, string | undefined>()
  let asked = [...new Set(rows.map(({ taskId }) => taskId))]
  while (asked.length > 0) {
    const ids = asked
    const found = await readFields(session, 'read parents', { _id: { $in: ids } }, ['parentTaskId'])
    for (const { _id, parentTaskId } of found) parents.set(_id, parentTaskId)
    asked = [...new Set(found.flatMap(({ parentTaskId }) => parentTaskId ?? []))].filter(
      id => !parents.has(id),
    )
  }
  return ({ taskId, rootTaskId }: { taskId: string; rootTaskId: string }) => {
    const path = [taskId]
    for (let id = parents.get(taskId); id !== undefined; id = parents.get(id)) path.push(id)
    return path.at(-1) === rootTaskId ? path : [...path, rootTaskId]
  }
}

/** Says that the database is being filled. */
interface Mark {
  _id: 'filling'
  /** Where the rows come from, for people. */
  from: string
  startedAt: Date
  /** The ids of the sessions of the process that fills it; a mark of an earlier version has none. */
  sessions?: readonly string[]
}

const markName = 'transfers'
/** What processes say of themselves need not be kept. */
const passing = new Set([markName, nodes.name, states.name])

/**
 * Marks the database as one that is being filled. What an earlier transfer left is deleted, and its transactions are ended: one that was killed
 * leaves what it was writing locked for a minute. Throws STORE_NOT_EMPTY when a collection that no transfer made has a document.
 */
async function beginFilling(database: OpenableDatabase, from: string): Promise<void> {
  const names = await database.run('list collections', () =>
    database.db.listCollections({}, { nameOnly: true }).toArray(),
  )
  const own = names.map(({ name }) => name).filter(name => !name.startsWith('system.'))
  const earlier = await readMark(database)
  await database.endTransactions(earlier?.sessions ?? [])
  for (const name of own.filter(each => !passing.has(each))) {
    if (earlier !== null) await empty(database, name)
    else if ((await database.run('read', () => database.collection(name).findOne({}))) !== null)
      throw new QuillworkError(
        'STORE_NOT_EMPTY',
        `The collection ${name} of the database has documents; name another database.`,
      )
  }
  const mark: Mark = { _id: 'filling', from, startedAt: new Date(), sessions: database.sessions }
  await database.run('mark', () => marksOf(database).replaceOne({ _id: 'filling' }, mark, { upsert: true }))
}

/** Documents that are deleted at a time: all of a large collection would take longer than an operation may. */
const perDelete = 1_000

async function empty(database: OpenableDatabase, name: string): Promise<void> {
  const collection = database.collection(name)
  for (;;) {
    const found = await database.run('read', () =>
      collection.find({}, { projection: { _id: 1 }, limit: perDelete }).toArray(),
    )
    if (found.length === 0) return
    await database.run('empty', () => collection.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } }))
  }
}

/** Throws TRANSFER_INCOMPLETE for a database that holds a part of what it should. */
export async function requireWhole(database: OpenableDatabase): Promise<void> {
  const mark = await readMark(database)
  if (mark === null) return
  throw new QuillworkError(
    'TRANSFER_INCOMPLETE',
    `The database is being filled from ${mark.from} since ${mark.startedAt.toISOString()}, or that was cut off. Let it end, or run it again.`,
  )
}

function readMark(database: OpenableDatabase): Promise<Mark | null> {
  return database.run('look for a mark', () => marksOf(database).findOne({ _id: 'filling' }))
}

function marksOf(database: OpenableDatabase): Collection<Mark> {
  return database.collection<Mark>(markName)
}
