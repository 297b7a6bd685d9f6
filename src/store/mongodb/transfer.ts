/** A whole database as rows that can be moved to another store. */
import { randomUUID } from 'node:crypto'
import type { Document } from 'mongodb'
import type { ScheduleState, UnparsableMessage } from '../store.ts'
import type {
  PausedLane,
  RowsTransfer,
  StoreTransfer,
  TransferredPiece,
  TransferredUsage,
} from '../transfer.ts'
import type { TaskDocument } from './documents.ts'
import { beginFilling, endFilling } from './filling.ts'
import { type OutputDocument, outputDocument } from './output.ts'
import type { ScheduleDocument } from './schedules.ts'
import { collections } from './schema.ts'
import type { Session } from './session.ts'
import { budgetsTransfer } from './states.ts'
import { beginningOf, type StrayDocument } from './strays.ts'
import { beyond, replaceAll, tasksTransfer } from './transfer-tasks.ts'
import type { UsageDocument } from './usage.ts'

/** Rows of a page. */
const pageRows = 500
/** Pieces of output of a page: each may have some kilobytes. */
const pagePieces = 100
/** Strays of a page: each may have some megabytes. */
const pageStrays = 20

/** Reads and writes the rows of a database. */
export function createTransfer(session: Session): StoreTransfer {
  return {
    tasks: tasksTransfer(session),
    output: outputTransfer(session),
    usage: usageTransfer(session),
    strays: straysTransfer(session),
    schedules: schedulesTransfer(session),
    pausedLanes: pausedLanesTransfer(session),
    budgets: budgetsTransfer(session),
    begin: from => beginFilling(session.database, from),
    // Nothing is derived that the rows do not hold.
    finish: () => endFilling(session.database),
  }
}

/** Pages of a collection by its ids. */
async function* pagesById<D extends Document & { _id: string }>(
  { database }: Session,
  collection: string,
  limit = pageRows,
): AsyncGenerator<D[]> {
  let after: string | undefined
  for (;;) {
    const filter: Document = after === undefined ? {} : { _id: { $gt: after } }
    const rows = await database.run('read rows', () =>
      database.collection(collection).find<D>(filter).sort({ _id: 1 }).limit(limit).toArray(),
    )
    after = rows.at(-1)?._id
    if (after === undefined) return
    yield rows
  }
}

function outputTransfer(session: Session): RowsTransfer<TransferredPiece> {
  return {
    async *read() {
      for await (const rows of pagesById<OutputDocument>(session, 'task_output', pagePieces))
        yield rows.map(({ _id, ...piece }) => piece)
    },
    async write(rows) {
      await replaceAll(session, 'task_output', rows.map(outputDocument))
      await allowUpTo(session, rows)
    },
  }
}

/** The tasks say how far they were written: as far as the last piece of the last attempt. */
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
    async *read() {
      for await (const rows of pagesById<UsageDocument>(session, 'task_usage'))
        yield rows.map(({ _id, path, at, ...row }) => ({
          ...row,
          at: at.getTime(),
          rootTaskId: path.at(-1) ?? row.taskId,
        }))
    },
    async write(rows) {
      const pathOf = await pathsOf(session, rows)
      const documents = rows.map(({ rootTaskId, at, ...row }): UsageDocument => {
        const path = pathOf({ taskId: row.taskId, rootTaskId })
        return { ...row, _id: randomUUID(), at: new Date(at), path }
      })
      await replaceAll(session, 'task_usage', documents)
    },
  }
}

type Link = Pick<TaskDocument, '_id' | 'parentTaskId'>

/** Returns the way from a task up to its root, as far as its tasks are there. */
async function pathsOf({ database, tasks }: Session, rows: readonly TransferredUsage[]) {
  const parents = new Map<string, string | undefined>()
  let asked = [...new Set(rows.map(({ taskId }) => taskId))]
  while (asked.length > 0) {
    const ids = asked
    const found = await database.run('read parents', () =>
      tasks
        .find({ _id: { $in: ids } })
        .project<Link>({ parentTaskId: 1 })
        .toArray(),
    )
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

function straysTransfer(session: Session): RowsTransfer<UnparsableMessage> {
  const orders = { last: 0 }
  return {
    async *read() {
      let after: StrayDocument | undefined
      for (;;) {
        const rows = await readStrays(session, after)
        after = rows.at(-1)
        if (after === undefined) return
        yield rows.map(({ _id, at, reason, content }) => ({ id: _id, at: at.getTime(), reason, content }))
      }
    },
    async write(rows) {
      const documents = rows.map(({ id, at, reason, content }): StrayDocument => {
        orders.last = Math.max(orders.last + 1, at * 4_096)
        return { _id: id, order: orders.last, at: new Date(at), reason, content: beginningOf(content) }
      })
      await replaceAll(session, 'strays', documents)
    },
  }
}

function readStrays({ database }: Session, after: StrayDocument | undefined): Promise<StrayDocument[]> {
  return database.run('read strays', () =>
    database
      .collection<StrayDocument>('strays')
      .find(beyond(after))
      .sort({ order: 1, _id: 1 })
      .limit(pageStrays)
      .toArray(),
  )
}

function schedulesTransfer(session: Session): RowsTransfer<ScheduleState> {
  return {
    async *read() {
      for await (const rows of pagesById<ScheduleDocument>(session, 'schedules')) yield rows.map(scheduleOf)
    },
    write: rows => replaceAll(session, 'schedules', rows.map(scheduleDocument)),
  }
}

function scheduleOf({ _id, definition, lastTick, lastTaskId }: ScheduleDocument): ScheduleState {
  return {
    id: _id,
    definition,
    ...(lastTick === undefined ? {} : { lastTick: lastTick.getTime() }),
    ...(lastTaskId === undefined ? {} : { lastTaskId }),
  }
}

function scheduleDocument({ id, definition, lastTick, lastTaskId }: ScheduleState): ScheduleDocument {
  return {
    _id: id,
    definition,
    write: randomUUID(),
    ...(lastTick === undefined ? {} : { lastTick: new Date(lastTick) }),
    ...(lastTaskId === undefined ? {} : { lastTaskId }),
  }
}

function pausedLanesTransfer(session: Session): RowsTransfer<PausedLane> {
  const { database, lanes } = session
  return {
    async *read() {
      const paused = await database.run('read lanes', () =>
        lanes.find({ paused: true }).sort({ _id: 1 }).toArray(),
      )
      yield paused.map(({ _id }) => ({ lane: _id }))
    },
    write: rows =>
      replaceAll(
        session,
        collections.lanes,
        rows.map(({ lane }) => ({ _id: lane, paused: true })),
      ),
  }
}
