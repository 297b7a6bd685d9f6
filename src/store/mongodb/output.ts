import { randomUUID } from 'node:crypto'
import { Failed, gather } from '../../runtime/gather.ts'
import type { Applied } from '../../task/transition.ts'
import {
  type Fenced,
  gapError,
  type LogLine,
  type Output,
  type OutputPiece,
  type OutputPlace,
  type OutputStore,
  type OutputWrite,
} from '../store.ts'
import { answerFor, attemptName, findHolders, heldBy } from './claim.ts'
import { ignoreDuplicates } from './failures.ts'
import { collections, isDuplicateKey } from './indexes.ts'
import { readFields, type Session } from './session.ts'

/** A piece of the output of an attempt, as the collection `task_output` keeps it. */
export interface OutputDocument extends OutputWrite {
  /** Task, attempt and sequence, so that a piece that is sent twice meets itself. */
  _id: string
}

/** Pieces of one round trip at most: each has some kilobytes. */
const mostTogether = 100

/** What attempts write for others to follow. `idle` resolves when no piece is waiting or on its way. */
export function createOutput(session: Session): OutputStore & { idle(): Promise<void> } {
  const pieces = gather<OutputWrite, Applied>(writes => append(session, writes), { largest: mostTogether })
  return {
    append: writes => pieces.send(writes),
    read: (taskId, from, limit) => readPieces(session, taskId, from, limit),
    idle: () => pieces.idle(),
  }
}

/** Pieces of one attempt that follow each other. */
interface Run extends Fenced {
  first: number
  last: number
  pieces: readonly OutputPiece[]
}

/**
 * The task is written first, guarded by the attempt and by the piece before: it says how far its attempt may write, and only what it says is
 * read. The pieces are written after it. So an attempt that lost its task adds nothing that a reader sees, even if its pieces come late;
 * and a piece that is missing, because its process died between the two writes, was never acknowledged.
 */
async function append(session: Session, writes: readonly OutputWrite[]): Promise<(Applied | Failed)[]> {
  const runs = runsOf(writes)
  const answers = await allow(session, [...runs.values()])
  const allowed = [...runs.values()].filter(run => answers.get(run) === 'applied')
  await insertPieces(session, allowed)
  await dropEarlier(session, allowed)
  return writes.map(write => {
    const run = runs.get(attemptName(write))
    const answer = run === undefined ? undefined : answers.get(run)
    return answer ?? new Failed(gapError(write))
  })
}

/** The pieces of each attempt. Those that leave a gap among themselves make no run. */
function runsOf(writes: readonly OutputWrite[]): ReadonlyMap<string, Run> {
  const pieces = new Map<string, Map<number, OutputWrite>>()
  for (const write of writes) {
    const own = pieces.get(attemptName(write)) ?? new Map<number, OutputWrite>()
    pieces.set(attemptName(write), own)
    if (!own.has(write.sequence)) own.set(write.sequence, write)
  }
  const runs = new Map<string, Run>()
  for (const [name, own] of pieces) {
    const sorted = [...own.values()].sort((one, other) => one.sequence - other.sequence)
    const [first, last] = [sorted[0], sorted.at(-1)]
    if (first === undefined || last === undefined) continue
    if (last.sequence - first.sequence + 1 !== sorted.length) continue
    const { taskId, attempt } = first
    runs.set(name, { taskId, attempt, first: first.sequence, last: last.sequence, pieces: sorted })
  }
  return runs
}

/** Writes into each task how far its attempt may write. No answer for a run that would leave a gap. */
async function allow(session: Session, runs: readonly Run[]): Promise<ReadonlyMap<Run, Applied>> {
  if (runs.length === 0) return new Map()
  const { matchedCount } = await session.database.run('output', () =>
    session.tasks.bulkWrite(
      runs.map(run => ({
        updateOne: {
          filter: { ...heldBy(run), $or: placesBefore(run) },
          update: { $set: { output: { attempt: run.attempt, sequence: run.last } } },
        },
      })),
      { ordered: false },
    ),
  )
  if (matchedCount === runs.length) return new Map(runs.map(run => [run, 'applied']))
  const holders = await findHolders(session, 'output', runs)
  const answers = new Map<Run, Applied>()
  for (const run of runs) {
    const holder = holders.get(run.taskId)
    const answer = answerFor(run, holder)
    if (answer !== 'applied' || isWritten(run, holder?.output)) answers.set(run, answer)
  }
  return answers
}

/** Returns what the task may say before the run: a piece that leaves no gap; at the start also what an earlier attempt wrote, or nothing. */
function placesBefore({ attempt, first, last }: Run) {
  const own = { 'output.attempt': { $eq: attempt }, 'output.sequence': { $gte: first - 1, $lt: last } }
  return first === 1 ? [{ 'output.attempt': { $ne: attempt } }, own] : [own]
}

/** Whether the task says that the attempt may write so far: now, or since an earlier send. */
function isWritten({ attempt, last }: Run, place: OutputPlace | undefined): boolean {
  return place?.attempt === attempt && place.sequence >= last
}

async function insertPieces({ database }: Session, runs: readonly Run[]): Promise<void> {
  const documents = runs.flatMap(({ taskId, attempt, pieces }) =>
    pieces.map(({ sequence, text }) => outputDocument({ taskId, attempt, sequence, text })),
  )
  if (documents.length === 0) return
  const output = database.collection<OutputDocument>(collections.output)
  await database.run('output pieces', () =>
    ignoreDuplicates(output.insertMany(documents, { ordered: false })),
  )
}

/** Returns the document of a piece. */
export function outputDocument(piece: Omit<OutputDocument, '_id'>): OutputDocument {
  return { _id: `${piece.taskId}/${piece.attempt}/${piece.sequence}`, ...piece }
}

/** What an earlier attempt wrote goes when a later one begins to write. What it may still send after that is not read, and goes with the task. */
async function dropEarlier({ database }: Session, runs: readonly Run[]): Promise<void> {
  const begun = runs.filter(({ first, attempt }) => first === 1 && attempt > 1)
  if (begun.length === 0) return
  const output = database.collection<OutputDocument>(collections.output)
  const deletes = begun.map(({ taskId, attempt }) => ({
    deleteMany: { filter: { taskId: { $eq: taskId }, attempt: { $lt: attempt } } },
  }))
  await database.run('earlier output', () => output.bulkWrite(deletes, { ordered: false }))
}

async function readPieces(
  session: Session,
  taskId: string,
  from: OutputPlace,
  limit: number,
): Promise<Output> {
  const [task] = await readFields(session, 'read output', { _id: { $eq: taskId } }, ['output'])
  if (task?.output === undefined) return { attempt: 0, pieces: [] }
  const { attempt, sequence: last } = task.output
  const after = from.attempt === attempt ? from.sequence : 0
  // Followers ask often, and mostly nothing is new.
  if (after >= last) return { attempt, pieces: [] }
  const output = session.database.collection<OutputDocument>(collections.output)
  const projection = { _id: 0, sequence: 1, text: 1 }
  const range = { $gt: after, $lte: last }
  const following = { taskId: { $eq: taskId }, attempt: { $eq: attempt }, sequence: range }
  const options = { projection, hint: 'output_task', sort: { sequence: 1 }, limit } as const
  const found = await session.database.run('read output', () =>
    output.find<OutputPiece>(following, options).toArray(),
  )
  // What comes after a piece that is still on its way is returned when that one is there.
  const gap = found.findIndex(({ sequence }, index) => sequence !== after + index + 1)
  return { attempt, pieces: gap < 0 ? found : found.slice(0, gap) }
}

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

/** Adds lines, numbered without a gap although other processes write to the task. Lines of a task that is not there are dropped. */
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
async function addTogether(session: Session, taskId: string, lines: readonly LogLine[], lastKnown: number) {
  const write = randomUUID()
  for (let before = lastKnown; ; before = (await lastNumber(session, taskId)) ?? before) {
    const document = logDocument(taskId, before + 1, lines, write)
    if (await insertOnce(session, document)) return document.last
  }
}

/** Returns the document of lines that are written together. */
export function logDocument(taskId: string, first: number, lines: readonly LogLine[], write: string) {
  const dated = lines.map(({ at, ...line }) => ({ ...line, at: new Date(at) }))
  return { _id: `${taskId}/${first}`, taskId, first, last: first + lines.length - 1, lines: dated, write }
}

/** Returns whether the lines were written, now or by an earlier send; not where other lines have taken their number. */
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

/** Returns 0 for a task without lines, undefined for one that is not there. */
async function lastNumber(session: Session, taskId: string): Promise<number | undefined> {
  const newest = await session.database.run('log', () =>
    logsOf(session).findOne(
      { taskId: { $eq: taskId } },
      { projection: { last: 1 }, hint: 'logs_task', sort: { last: -1 } },
    ),
  )
  if (newest !== null) return newest.last
  const found = await readFields(session, 'log', { _id: { $eq: taskId } }, [])
  return found.length === 0 ? undefined : 0
}

/** Returns the lines of a task after a number, at most `limit`. */
export async function readLog(session: Session, taskId: string, after: number, limit: number) {
  const later = { taskId: { $eq: taskId }, last: { $gt: after } }
  const documents = await session.database.run('logs', () =>
    logsOf(session)
      .find(later, { hint: 'logs_task', sort: { last: 1 }, limit })
      .toArray(),
  )
  return linesOf(documents)
    .filter(({ sequence }) => sequence > after)
    .slice(0, limit)
}

/** Returns the lines of documents, numbered. */
export function linesOf(documents: readonly LogDocument[]): (LogLine & { sequence: number })[] {
  return documents.flatMap(({ first, lines }) =>
    lines.map(({ at, ...line }, index) => ({ ...line, at: at.getTime(), sequence: first + index })),
  )
}

function logsOf({ database }: Session) {
  return database.collection<LogDocument>(collections.logs)
}
