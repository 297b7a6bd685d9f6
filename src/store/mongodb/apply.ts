import { type ClientSession, MongoBulkWriteError } from 'mongodb'
import { Failed } from '../../runtime/gather.ts'
import { hasEnded } from '../../task/status.ts'
import { type Applied, endsAttempt, type Transition } from '../../task/transition.ts'
import type { TaskDocument } from './documents.ts'
import { storeError } from './failures.ts'
import { mergeUpdates, type Statement, type TaskUpdate } from './merge-updates.ts'
import { dropPayloads, largeValue, writePayloads } from './payloads.ts'
import { guardOf, type Move, pipelineOf, tellAtFor } from './pipeline.ts'
import { readFields, type Session } from './session.ts'

/** Writes transitions, each guarded by the statuses that it may leave and by its fence. */
export async function applyAll(
  session: Session,
  transitions: readonly Transition[],
): Promise<(Applied | Failed)[]> {
  const moves = await prepare(session, transitions)
  const answered = new Map<Move, Applied | Failed>()
  for (const round of roundsOf(moves))
    for (const [move, answer] of await applyRound(session, round)) answered.set(move, answer)
  const answers = moves.map(move => answered.get(move) ?? 'missing')
  afterwards(session, moves, answers)
  return answers
}

/** Writes transitions in one commit; unless each of the first `required` is applied, none is. */
export async function applyTogether(
  session: Session,
  transitions: readonly Transition[],
  required: number,
): Promise<Applied[]> {
  const moves = await prepare(session, transitions)
  const areWritten = await session.database.transaction('apply together', transaction =>
    writeTogether(session, moves, { required, transaction }),
  )
  const find = areWritten ? undefined : await findEarlier(session, moves)
  const found = moves.map(move => find?.(move) ?? 'applied')
  const areApplied = found.slice(0, required).every(answer => answer === 'applied')
  const answers = areApplied ? found : found.map(each => (each === 'missing' ? each : 'stale'))
  afterwards(session, moves, answers)
  return answers
}

/** Returns whether all were written; none is when one of the first `required` is refused. */
async function writeTogether(
  session: Session,
  moves: readonly Move[],
  { required, transaction }: { required: number; transaction: ClientSession },
): Promise<boolean> {
  const writes = moves.map(move => ({ updateOne: updateOf(session, move) }))
  const writeMoves = async (part: typeof writes) => {
    if (part.length === 0) return true
    const { matchedCount } = await session.tasks.bulkWrite(part, { session: transaction })
    return matchedCount === part.length
  }
  if (await writeMoves(writes.slice(0, required))) return writeMoves(writes.slice(required))
  await transaction.abortTransaction()
  return false
}

/** Names each write, puts large texts apart, and finds a place in line for ended tasks that wait again. */
async function prepare(session: Session, transitions: readonly Transition[]): Promise<Move[]> {
  const ranks = await ranksFor(session, transitions)
  const moves = transitions.map((transition): Move => {
    const { taskId, set } = transition
    const large = (['parameters', 'progress', 'result'] as const)
      .map(field => largeValue(session, taskId, field, set[field]))
      .filter(value => value !== undefined)
    const rank = ranks.get(transition)
    const name = session.nextName()
    return rank === undefined ? { transition, name, large } : { transition, name, large, rank }
  })
  await writePayloads(
    session,
    moves.flatMap(({ large }) => large),
  )
  return moves
}

/** A task that ended has lost its place in line. */
async function ranksFor(
  session: Session,
  transitions: readonly Transition[],
): Promise<ReadonlyMap<Transition, number>> {
  const { order } = session
  const revived = transitions.filter(({ set, wake }) => set.completedAt === null && wake !== 'never')
  if (revived.length === 0) return new Map()
  const filter = { _id: { $in: revived.map(({ taskId }) => taskId) } }
  const found = await readFields(session, 'find places', filter, ['userId', 'lane', 'priority'])
  await order.refresh(found)
  const places = new Map(found.map(place => [place._id, place]))
  return new Map(
    revived.flatMap(transition => {
      const place = places.get(transition.taskId)
      return place === undefined ? [] : [[transition, order.rankFor(place)] as const]
    }),
  )
}

/** Moves of the same task follow each other; a batch may be executed in any order. */
function roundsOf(moves: readonly Move[]): Move[][] {
  const rounds: Move[][] = []
  const seen = new Map<string, number>()
  for (const move of moves) {
    const { taskId } = move.transition
    const index = seen.get(taskId) ?? 0
    seen.set(taskId, index + 1)
    const round = rounds[index]
    if (round === undefined) rounds.push([move])
    else round.push(move)
  }
  return rounds
}

async function applyRound(session: Session, moves: readonly Move[]): Promise<Map<Move, Applied | Failed>> {
  const { matched, failed } = await write(session, moves)
  const answers = new Map<Move, Applied | Failed>()
  for (const [move, error] of failed) answers.set(move, new Failed(storeError(error, 'apply')))
  const others = moves.filter(move => !failed.has(move))
  const find = matched === others.length ? undefined : await findEarlier(session, others)
  for (const move of others) answers.set(move, find?.(move) ?? 'applied')
  return answers
}

/** How many writes found their tasks, and which the server could not make. */
interface Written {
  matched: number
  failed: ReadonlyMap<Move, unknown>
}

/** Writes moves of different tasks in one round trip. When the server cannot make one of those that share a statement, each goes alone. */
async function write(session: Session, moves: readonly Move[]): Promise<Written> {
  const updates = moves.map(move => ({ move, ...updateOf(session, move) }))
  const written = await writeStatements(session, mergeUpdates(updates))
  if (written.failed.size === 0 || moves.length === 1) return written
  const alone = updates.filter(({ move }) => written.failed.has(move))
  const again = await writeStatements(
    session,
    alone.map(update => ({ write: { updateOne: update }, updates: [update] })),
  )
  return { matched: written.matched + again.matched, failed: again.failed }
}

async function writeStatements(
  { database, tasks }: Session,
  statements: readonly Statement<TaskUpdate & { move: Move }>[],
): Promise<Written> {
  const writes = statements.map(statement => statement.write)
  const { matched, failed } = await database.run('apply', async () => {
    try {
      const { matchedCount } = await tasks.bulkWrite(writes, { ordered: false })
      return { matched: matchedCount, failed: [] }
    } catch (error) {
      if (!(error instanceof MongoBulkWriteError) || !Array.isArray(error.writeErrors)) throw error
      if (error.writeErrors.length === 0) throw error
      return { matched: error.result.matchedCount, failed: error.writeErrors }
    }
  })
  const ofMoves = failed.flatMap(each =>
    (statements[each.index]?.updates ?? []).map(({ move }) => [move, each] as const),
  )
  return { matched, failed: new Map<Move, unknown>(ofMoves) }
}

function updateOf(session: Session, move: Move): TaskUpdate {
  return { filter: guardOf(session, move.transition), update: pipelineOf(session, move) }
}

const earlierFields = ['status', 'attempt', 'phase', 'cancelRequestedAt', 'lastWrites'] as const
type Earlier = Pick<TaskDocument, (typeof earlierFields)[number]>

/**
 * Returns what became of each of these writes, of which some were refused. A write that finds its name was made before, perhaps by an
 * earlier send. One of an attempt may also repeat one that was applied: no other process writes for that attempt. A write by version
 * comes from people or the aggregator, one by lease from a rescuer. They may want the same thing at the same moment: one of them did it,
 * the others did not.
 */
async function findEarlier(session: Session, moves: readonly Move[]): Promise<(move: Move) => Applied> {
  const filter = { _id: { $in: moves.map(({ transition }) => transition.taskId) } }
  const found = await readFields(session, 'read refused', filter, earlierFields)
  const byId = new Map(found.map(task => [task._id, task]))
  return ({ transition, name }) => {
    const task = byId.get(transition.taskId)
    if (task === undefined) return 'missing'
    return task.lastWrites?.includes(name) || isRepeated(task, transition) ? 'applied' : 'stale'
  }
}

function isRepeated(task: Earlier, { fence, set, from }: Transition): boolean {
  if ('version' in fence || fence.leaseUntil !== undefined || task.attempt !== fence.attempt) return false
  if (set.status !== undefined) return task.status === set.status
  if (set.phase !== undefined) return task.phase === set.phase
  return task.cancelRequestedAt !== undefined && from.some(status => status === task.status)
}

/** Updates what this process knows. */
function afterwards(session: Session, moves: readonly Move[], answers: readonly (Applied | Failed)[]): void {
  const { parents, inFlight, writtenEvents, features } = session
  const applied = moves.filter((_, index) => answers[index] === 'applied')
  const refused = moves.filter((_, index) => answers[index] !== 'applied')
  dropPayloads(
    session,
    refused.flatMap(({ large }) => large.map(({ payload }) => payload)),
  )
  if (applied.length === 0) return
  for (const { transition } of applied) {
    if (endsAttempt(transition)) inFlight.settled(transition.taskId)
    noteWaiting(session, transition)
  }
  const idsOf = (those: readonly Move[]) => those.map(({ transition }) => transition.taskId)
  const moved = applied.filter(({ transition }) => transition.set.status !== undefined)
  parents.moved(idsOf(moved.filter(isLive)), { isLive: true })
  parents.moved(idsOf(moved.filter(move => !isLive(move))))
  if (features.events) writtenEvents.note(idsOf(applied))
  session.notifyDue()
}

/** The attempt is over, and the task will have another one. */
function isLive({ transition: { fence, set } }: Move): boolean {
  return 'attempt' in fence && set.status !== undefined && !hasEnded(set.status)
}

/** Flags what may be due because of it. */
function noteWaiting(session: Session, { taskId, name, wake, set }: Transition): void {
  const { flags, parents, features, now } = session
  const at = wake === 'now' ? now() : typeof wake === 'object' ? wake.at : undefined
  if (at !== undefined) {
    // A transition does not name its lane.
    flags.setReady()
    if (at > now()) flags.setNextAt(tellAtFor(features, at, now()))
    flags.quarantined ||= (set.crashCount ?? 1) > 0
  }
  // Only the result of a task without sub-tasks is known to leave nothing to reconcile.
  if (name !== 'completed' || parents.isParent(taskId)) flags.pendingParents = true
}
