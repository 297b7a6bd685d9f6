import type { UpdateFilter } from 'mongodb'
import type { Applied } from '../../task/transition.ts'
import type { AttemptStore, Fenced } from '../store.ts'
import { keepCheckpoints, readCheckpoints } from './checkpoints.ts'
import { coalesce } from './coalesce.ts'
import type { TaskDocument } from './documents.ts'
import { answerFor, findHolders, heldBy } from './holders.ts'
import { addLines } from './logs.ts'
import { dropPayloads, type LargeValue, largeValue, writePayloads } from './payloads.ts'
import type { Session } from './session.ts'
import { addUsage } from './usage.ts'

type ProgressWrite = Fenced & { progress: string }
type CheckpointWrite = Fenced & { key: string; value: string }

/** Writes that go together at most. */
const mostTogether = 200

/**
 * What attempts leave behind. Writes that arrive together, or while others are on their way, go together. `idle` resolves when none is
 * waiting or on its way.
 */
export function createAttempts(session: Session): AttemptStore & { idle(): Promise<void> } {
  const progress = coalesce(answered(writeProgress, session), mostTogether)
  const checkpoints = coalesce(answered(writeCheckpoints, session), mostTogether)
  return {
    progress: writes => progress.send(writes),
    checkpoint: writes => checkpoints.send(writes),
    checkpoints: taskId => readCheckpoints(session, taskId),
    log: (taskId, lines) => addLines(session, taskId, lines),
    usage: (taskId, rows) => addUsage(session, taskId, rows),
    async idle() {
      await Promise.all([progress.idle(), checkpoints.idle()])
    },
  }
}

function answered<W>(
  write: (session: Session, writes: readonly W[]) => Promise<Applied[]>,
  session: Session,
): (writes: readonly W[]) => Promise<{ answer: Applied }[]> {
  return async writes => (await write(session, writes)).map(answer => ({ answer }))
}

/**
 * The task is written first, guarded by the attempt, and the value after it: a lost attempt is refused before it leaves a value, and
 * nothing is acknowledged before both are durable. An attempt that is lost between the two writes may leave its value behind; see
 * `keepCheckpoints` for why that harms no later one.
 */
async function writeCheckpoints(session: Session, writes: readonly CheckpointWrite[]): Promise<Applied[]> {
  const { matchedCount } = await session.database.run('checkpoint', () =>
    session.tasks.bulkWrite(
      writes.map(write => ({
        updateOne: { filter: heldBy(write), update: { $set: { checkpointAttempt: write.attempt } } },
      })),
      { ordered: false },
    ),
  )
  // An attempt that holds its task now has held it all the time: its write was among those that matched.
  const holders =
    matchedCount === writes.length ? undefined : await findHolders(session, 'checkpoint', writes)
  const answers = writes.map(write =>
    holders === undefined ? 'applied' : answerFor(write, holders.get(write.taskId)),
  )
  await keepCheckpoints(
    session,
    writes.filter((_, index) => answers[index] === 'applied'),
  )
  return answers
}

/** Short texts that replace short ones, the usual case, go together; the others one by one. */
async function writeProgress(session: Session, writes: readonly ProgressWrite[]): Promise<Applied[]> {
  // Of several by one attempt the last is what remains.
  const last = new Map(writes.map(write => [nameOf(write), write]))
  const large = new Map([...last].map(([name, write]) => [name, largeProgress(session, write)]))
  const short = [...last].flatMap(([name, write]) => (large.get(name) === undefined ? [write] : []))
  if ((await writeShort(session, short)) === last.size) return writes.map(() => 'applied')
  const holders = await findHolders(session, 'progress', writes)
  const answers = new Map<string, Applied>()
  for (const [name, write] of last) {
    const holder = holders.get(write.taskId)
    const answer = answerFor(write, holder)
    const value = large.get(name)
    const replaces = value !== undefined || holder?.large?.progress !== undefined
    answers.set(name, answer === 'applied' && replaces ? await replace(session, write, value) : answer)
  }
  return writes.map(write => answers.get(nameOf(write)) ?? 'missing')
}

function nameOf({ taskId, attempt }: Fenced): string {
  return `${taskId}/${attempt}`
}

function largeProgress(session: Session, { taskId, progress }: ProgressWrite): LargeValue | undefined {
  return largeValue(session, taskId, 'progress', progress)
}

/** Returns how many were written. One that would replace a large text is not. */
async function writeShort(session: Session, writes: readonly ProgressWrite[]): Promise<number> {
  if (writes.length === 0) return 0
  const { matchedCount } = await session.database.run('progress', () =>
    session.tasks.bulkWrite(
      writes.map(write => ({
        updateOne: {
          filter: { ...heldBy(write), 'large.progress': { $exists: false } },
          update: progressUpdate(session, write, undefined),
        },
      })),
      { ordered: false },
    ),
  )
  return matchedCount
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

/** Writes progress where the new text or the old one is large, and drops the text that nothing names any more. */
async function replace(
  session: Session,
  write: ProgressWrite,
  value: LargeValue | undefined,
): Promise<Applied> {
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
