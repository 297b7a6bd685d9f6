import { randomUUID } from 'node:crypto'
import type { LogLine } from '../store.ts'
import { isDuplicateKey } from './duplicate-key.ts'
import type { IndexPlan } from './indexes.ts'
import type { Session } from './session.ts'

/** Log lines kept per task; the newest win. A few more stay while the oldest document holds one of them. */
const mostLines = 1_000

/** Lines per document; the largest document has then less than a megabyte. */
export const linesPerDocument = 100

/** Lines that were written together, as the collection `task_logs` keeps them. */
export interface LogDocument {
  /** Task and number of the first line: of two writers that give the same number one is refused. */
  _id: string
  taskId: string
  /** Numbers of the first and the last line. */
  first: number
  last: number
  lines: readonly (Omit<LogLine, 'at'> & { at: Date })[]
  /** Names the write, so that one that was sent twice recognises itself. */
  write: string
}

/** For the lines of one task, in order. */
export const logIndexes: readonly IndexPlan[] = [
  { collection: 'task_logs', name: 'logs_task', key: { taskId: 1, last: 1 } },
]

/** Adds lines, numbered without a gap, whoever else writes to the task. Lines of a task that is not there are dropped. */
export async function addLines(session: Session, taskId: string, lines: readonly LogLine[]): Promise<void> {
  let last = await lastNumber(session, taskId)
  if (last === undefined) return
  for (let start = 0; start < lines.length; start += linesPerDocument)
    last = await addTogether(session, taskId, lines.slice(start, start + linesPerDocument), last)
  if (last <= mostLines) return
  const oldest = last - mostLines
  await session.database.run('log', () =>
    logsOf(session).deleteMany({ taskId: { $eq: taskId }, last: { $lte: oldest } }),
  )
}

/** Returns the number of the last line. */
async function addTogether(
  session: Session,
  taskId: string,
  lines: readonly LogLine[],
  lastKnown: number,
): Promise<number> {
  const write = randomUUID()
  for (let before = lastKnown; ; before = (await lastNumber(session, taskId)) ?? before) {
    const first = before + 1
    const last = before + lines.length
    const document = {
      _id: `${taskId}/${first}`,
      taskId,
      first,
      last,
      lines: lines.map(({ at, ...line }) => ({ ...line, at: new Date(at) })),
      write,
    }
    if (await insertOnce(session, document)) return last
  }
}

/** Whether the lines were written, now or by an earlier send; not where others have taken their number. */
function insertOnce(session: Session, document: LogDocument): Promise<boolean> {
  const logs = logsOf(session)
  return session.database.run('log', async () => {
    try {
      await logs.insertOne(document)
      return true
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
      return (await logs.findOne({ _id: document._id }))?.write === document.write
    }
  })
}

/** 0 for a task without lines, undefined for one that is not there. */
async function lastNumber(session: Session, taskId: string): Promise<number | undefined> {
  const { database, tasks } = session
  const newest = await database.run('log', () =>
    logsOf(session)
      .find({ taskId: { $eq: taskId } }, { projection: { last: 1 } })
      .hint('logs_task')
      .sort({ last: -1 })
      .limit(1)
      .next(),
  )
  if (newest !== null) return newest.last
  const task = await database.run('log', () =>
    tasks.findOne({ _id: { $eq: taskId } }, { projection: { _id: 1 } }),
  )
  return task === null ? undefined : 0
}

/** The lines of a task after a number, at most `limit`. */
export async function readLog(
  session: Session,
  taskId: string,
  { after, limit }: { after: number; limit: number },
): Promise<(LogLine & { sequence: number })[]> {
  const documents = await session.database.run('logs', () =>
    logsOf(session)
      .find({ taskId: { $eq: taskId }, last: { $gt: after } })
      .hint('logs_task')
      .sort({ last: 1 })
      .limit(limit)
      .toArray(),
  )
  return documents
    .flatMap(({ first, lines }) =>
      lines.map(({ at, ...line }, index) => ({ ...line, at: at.getTime(), sequence: first + index })),
    )
    .filter(({ sequence }) => sequence > after)
    .slice(0, limit)
}

function logsOf({ database }: Session) {
  return database.collection<LogDocument>('task_logs')
}
