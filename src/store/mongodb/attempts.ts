import { createHash } from 'node:crypto'
import type { UpdateFilter } from 'mongodb'
import { gather } from '../../runtime/gather.ts'
import type { Applied } from '../../task/transition.ts'
import type { AttemptStore, CheckpointWrite, Fenced } from '../store.ts'
import { answerFor, attemptName, findHolders, heldBy } from './claim.ts'
import type { TaskDocument } from './documents.ts'
import { ignoreDuplicates } from './failures.ts'
import { collections } from './indexes.ts'
import { addLines } from './output.ts'
import { dropPayloads, type LargeValue, largeValue, writePayloads } from './payloads.ts'
import { type Session, updateEach } from './session.ts'
import { addUsage } from './usage.ts'

type ProgressWrite = Fenced & { progress: string }

const mostTogether = 200

/** What attempts leave behind. `idle` resolves when no write is waiting or on its way. */
export function createAttempts(session: Session): AttemptStore & { idle(): Promise<unknown> } {
  const together = { largest: mostTogether }
  const progress = gather((writes: ProgressWrite[]) => writeProgress(session, writes), together)
  const checkpoints = gather((writes: CheckpointWrite[]) => writeCheckpoints(session, writes), together)
  return {
    progress: writes => progress.send(writes),
    checkpoint: writes => checkpoints.send(writes),
    checkpoints: taskId => readCheckpoints(session, taskId),
    forget: writes => forget(session, writes),
    log: (taskId, lines) => addLines(session, taskId, lines),
    usage: (taskId, rows) => addUsage(session, taskId, rows),
    idle: () => Promise.all([progress.idle(), checkpoints.idle()]),
  }
}

/**
 * The task is written first, guarded by the attempt, and the value after it: a lost attempt is refused before it leaves a value, and
 * nothing is acknowledged before both are durable. An attempt that is lost between the two writes may leave its value behind; see
 * `keepCheckpoints` for why that harms no later one.
 */
async function writeCheckpoints(session: Session, writes: readonly CheckpointWrite[]): Promise<Applied[]> {
  const updates = writes.map(write => ({
    filter: heldBy(write),
    // A mark changes nothing that anybody reads, but must meet the attempt too.
    update: write.isMark === true ? { $max: { attempt: 0 } } : { $set: { checkpointAttempt: write.attempt } },
  }))
  const areAllHeld = (await updateEach(session, 'checkpoint', updates)) === writes.length
  // An attempt that holds its task now has held it all the time: its write was among those that matched.
  const holders = areAllHeld ? undefined : await findHolders(session, 'checkpoint', writes)
  const answers = writes.map(write => (holders ? answerFor(write, holders.get(write.taskId)) : 'applied'))
  const held = writes.filter((_, index) => answers[index] === 'applied')
  await keepCheckpoints(session, held)
  return answers
}

/** Short texts that replace short ones, the usual case, go together; the others one by one. */
async function writeProgress(session: Session, writes: readonly ProgressWrite[]): Promise<Applied[]> {
  // Of several by one attempt the last is what remains.
  const last = new Map(writes.map(write => [attemptName(write), write]))
  const values = [...last.values()].map(write => ({
    write,
    value: largeValue(session, write.taskId, 'progress', write.progress),
  }))
  const short = values.filter(({ value }) => value === undefined)
  const updates = short.map(({ write }) => ({
    filter: { ...heldBy(write), 'large.progress': { $exists: false } },
    update: progressUpdate(session, write, undefined),
  }))
  if ((await updateEach(session, 'progress', updates)) === last.size) return writes.map(() => 'applied')
  const holders = await findHolders(session, 'progress', writes)
  const answers = new Map<string, Applied>()
  for (const { write, value } of values) {
    const holder = holders.get(write.taskId)
    const replaces = value !== undefined || holder?.large?.progress !== undefined
    const answer = answerFor(write, holder)
    const isRefused = answer !== 'applied' || !replaces
    answers.set(attemptName(write), isRefused ? answer : await replace(session, write, value))
  }
  return writes.map(write => answers.get(attemptName(write)) ?? 'missing')
}

function progressUpdate(
  session: Session,
  { progress }: ProgressWrite,
  value: LargeValue | undefined,
): UpdateFilter<TaskDocument> {
  const updatedAt = new Date(session.now())
  return value === undefined
    ? { $set: { progress, updatedAt }, $unset: { 'large.progress': '' }, $inc: { version: 1 } }
    : { $set: { progress: '', 'large.progress': value.payload, updatedAt }, $inc: { version: 1 } }
}

/** Writes progress where the new text or the old one is large, and drops the text that no task names any more. */
async function replace(session: Session, write: ProgressWrite, value: LargeValue | undefined) {
  if (value !== undefined) await writePayloads(session, [value])
  const before = await session.database.run('progress', () =>
    session.tasks.findOneAndUpdate(heldBy(write), progressUpdate(session, write, value), {
      projection: { large: 1 },
      returnDocument: 'before',
    }),
  )
  const unnamed = before === null ? value?.payload : before.large?.progress
  // A write that was sent twice finds its own text.
  if (unnamed !== undefined && (before === null || unnamed !== value?.payload))
    dropPayloads(session, [unnamed])
  return before === null ? 'stale' : 'applied'
}

/** The value of a finished step, as the collection `task_checkpoints` keeps it, with the attempt whose value it is. */
export interface CheckpointDocument extends Omit<CheckpointWrite, 'isMark'> {
  /** Task and key, so that a key has one value. */
  _id: string
}

/**
 * Keeps values of attempts that held their tasks a moment ago. Within an attempt the first value of a key stays. A later attempt
 * replaces what an earlier one left: it asks for a key only when its value was not there as it began, so the value came late, of an
 * attempt that was lost, and what the later one computed is what it goes on with.
 */
async function keepCheckpoints({ database }: Session, writes: readonly CheckpointWrite[]): Promise<void> {
  if (writes.length === 0) return
  const checkpoints = database.collection<CheckpointDocument>(collections.checkpoints)
  // Of several with one key the first, which stands last here.
  const first = new Map(writes.toReversed().map(write => [checkpointName(write), write]))
  const operations = [...first].map(([_id, { taskId, key, attempt, value }]) => ({
    updateOne: {
      filter: { _id: { $eq: _id }, attempt: { $lt: attempt } },
      update: { $set: { taskId, key, attempt, value } },
      upsert: true,
    },
  }))
  // The upsert of a key that this attempt or a later one has written meets its id.
  await database.run('checkpoint', () =>
    ignoreDuplicates(checkpoints.bulkWrite(operations, { ordered: false })),
  )
}

/**
 * Deletes values, after what shows that the attempt holds its task. One that loses it between the two deletes what a later attempt does not ask for
 * either: its task said so in a step before.
 */
async function forget(
  session: Session,
  writes: readonly (Fenced & { keys: readonly string[] })[],
): Promise<Applied[]> {
  const holders = await findHolders(session, 'forget steps', writes)
  const answers = writes.map(write => answerFor(write, holders.get(write.taskId)))
  const held = writes.filter((_, index) => answers[index] === 'applied')
  const names = held.flatMap(({ taskId, keys }) => keys.map(key => checkpointName({ taskId, key })))
  if (names.length === 0) return answers
  const checkpoints = session.database.collection<CheckpointDocument>(collections.checkpoints)
  await session.database.run('forget steps', () => checkpoints.deleteMany({ _id: { $in: names } }))
  return answers
}

/** Returns the id of a value. */
export function checkpointName({ taskId, key }: { taskId: string; key: string }): string {
  return `${taskId}/${createHash('sha256').update(key).digest('base64url')}`
}

async function readCheckpoints({ database }: Session, taskId: string): Promise<Map<string, string>> {
  const checkpoints = database.collection<CheckpointDocument>(collections.checkpoints)
  const filter = { taskId: { $eq: taskId } }
  const found = await database.run('checkpoints', () =>
    checkpoints.find(filter, { hint: 'checkpoints_task' }).toArray(),
  )
  return new Map(found.map(({ key, value }) => [key, value]))
}

/** Reads the stored keys of finished steps. */
export async function readSteps({ database }: Session, taskId: string, limit: number): Promise<string[]> {
  const checkpoints = database.collection<CheckpointDocument>(collections.checkpoints)
  const options = { hint: 'checkpoints_task', projection: { key: 1 }, limit } as const
  const found = await database.run('steps', () =>
    checkpoints.find({ taskId: { $eq: taskId } }, options).toArray(),
  )
  return found.map(({ key }) => key)
}
