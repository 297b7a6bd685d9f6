import type { ClientSession } from 'mongodb'
import { Failed } from '../../runtime/gather.ts'
import { unranked } from '../../task/fairness.ts'
import { hasEnded } from '../../task/status.ts'
import { isQuarantined, quarantinedFrom } from '../../task/task.ts'
import { type Applied, endsAttempt, type Transition, type TransitionName } from '../../task/transition.ts'
import { largeTexts, type TaskDocument } from './documents.ts'
import { storeError, writeErrorsOf } from './failures.ts'
import { mergeUpdates, type Statement, type TaskUpdate } from './merge-updates.ts'
import { dropPayloads, largeValue, writePayloads } from './payloads.ts'
import { guardOf, type Move, movesInParent, pipelineOf, tellAtFor } from './pipeline.ts'
import { isDueSoon, readFields, type Session } from './session.ts'

/** Writes transitions, each guarded by the statuses that it may leave and by its fence. */
export async function applyAll(
  session: Session,
  transitions: readonly Transition[],
): Promise<(Applied | Failed)[]> {
  const moves = await prepare(session, transitions)
  const answered = new Map<Move, Applied | Failed>()
  for (const round of roundsOf(moves)) await applyRound(session, round, answered)
  const answers = moves.map(move => answered.get(move) ?? 'missing')
  afterwards(session, moves, answers)
  return answers
}

/** Writes transitions in one commit; unless each of the first `required` is applied, none is. */
export async function applyTogether(session: Session, transitions: readonly Transition[], required: number) {
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
  const places = await placesOf(session, transitions.filter(isRevived))
  const moves = transitions.map((transition): Move => {
    const { taskId, set } = transition
    const place = isRevived(transition) ? places.get(taskId) : undefined
    return {
      transition,
      name: session.nextName(),
      large: largeTexts.flatMap(field => largeValue(session, taskId, field, set[field]) ?? []),
      rank: transition.leavesLine ? unranked : place && session.order.rankFor(place),
    }
  })
  const large = moves.flatMap(move => move.large)
  await writePayloads(session, large)
  return moves
}

/** A task that ended has lost its place in line. */
function isRevived({ set, wake }: Transition): boolean {
  return set.completedAt === null && wake !== 'never'
}

/** Returns where the tasks are to wait, by id. */
async function placesOf(session: Session, revived: readonly Transition[]) {
  if (revived.length === 0) return new Map<string, never>()
  const filter = { _id: { $in: revived.map(({ taskId }) => taskId) } }
  const found = await readFields(session, 'find places', filter, ['userId', 'lane', 'priority'])
  await session.order.refresh(found)
  return new Map(found.map(place => [place._id, place]))
}

/** Moves of the same task follow each other; a batch may be executed in any order. */
function roundsOf(moves: readonly Move[]): Move[][] {
  const rounds: Move[][] = []
  const seen = new Map<string, number>()
  for (const move of moves) {
    const { taskId } = move.transition
    const index = seen.get(taskId) ?? 0
    seen.set(taskId, index + 1)
    rounds[index] ??= []
    rounds[index]?.push(move)
  }
  return rounds
}

/** Writes moves of different tasks in one round trip. When the server cannot make one of those that share a statement, each goes alone. */
async function applyRound(
  session: Session,
  moves: readonly Move[],
  answered: Map<Move, Applied | Failed>,
): Promise<void> {
  const updates = moves.map(move => ({ move, ...updateOf(session, move) }))
  let { matched, failed } = await write(session, mergeUpdates(updates))
  if (failed.size > 0 && moves.length > 1) {
    const alone = updates.filter(({ move }) => failed.has(move))
    const again = await write(
      session,
      alone.map(update => ({ write: { updateOne: update }, updates: [update] })),
    )
    matched += again.matched
    failed = again.failed
  }
  for (const [move, error] of failed) answered.set(move, new Failed(storeError(error, 'apply')))
  const others = moves.filter(move => !failed.has(move))
  const find = matched === others.length ? undefined : await findEarlier(session, others)
  for (const move of others) answered.set(move, find?.(move) ?? 'applied')
}

/** Returns how many moves found their tasks, and which the server could not make. */
async function write(
  { database, tasks }: Session,
  statements: readonly Statement<TaskUpdate & { move: Move }>[],
): Promise<{ matched: number; failed: ReadonlyMap<Move, unknown> }> {
  const writes = statements.map(statement => statement.write)
  const { matched, failed } = await database.run('apply', async () => {
    try {
      const { matchedCount } = await tasks.bulkWrite(writes, { ordered: false })
      return { matched: matchedCount, failed: [] }
    } catch (error) {
      return writeErrorsOf(error)
    }
  })
  const ofMoves = failed.flatMap(each =>
    (statements[each.index]?.updates ?? []).map(({ move }) => [move, each] as const),
  )
  return { matched, failed: new Map(ofMoves) }
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
  if (!('attempt' in fence) || fence.leaseUntil !== undefined || task.attempt !== fence.attempt) return false
  if (set.status !== undefined) return task.status === set.status
  if (set.phase !== undefined) return task.phase === set.phase
  return task.cancelRequestedAt !== undefined && from.some(status => status === task.status)
}

/** Updates what this process knows. */
function afterwards(session: Session, moves: readonly Move[], answers: readonly (Applied | Failed)[]): void {
  const { parents, inFlight, writtenEvents, features } = session
  const applied = moves.filter((_, index) => answers[index] === 'applied')
  const refused = moves.filter((_, index) => answers[index] !== 'applied')
  const unnamed = refused.flatMap(({ large }) => large.map(({ payload }) => payload))
  dropPayloads(session, unnamed)
  if (applied.length === 0) return
  for (const { transition } of applied) {
    if (endsAttempt(transition)) inFlight.settled(transition.taskId)
    noteWaiting(session, transition)
  }
  const moved = applied.filter(({ transition }) => movesInParent(transition.set))
  const movedOf = (those: readonly Move[]) =>
    those.map(({ transition: { taskId, userId } }) => ({ taskId, partition: session.partitions.of(userId) }))
  parents.moved(movedOf(moved.filter(isLive)), { isLive: true })
  parents.moved(movedOf(moved.filter(move => !isLive(move))))
  if (features.events) writtenEvents.note(applied.map(({ transition }) => transition.taskId))
  session.notifyDue()
}

/** The attempt is over, and the task will have another one. */
function isLive({ transition: { fence, set } }: Move): boolean {
  return 'attempt' in fence && set.status !== undefined && !hasEnded(set.status)
}

/** Moves of waiting tasks that may have no place in line yet. */
const joinAnew = ['due-early', 'unblocked', 'signalled', 'moved'] satisfies readonly TransitionName[]

/** Flags what may be due because of it. */
function noteWaiting(session: Session, { taskId, userId, name, wake, set }: Transition): void {
  const { flags, parents, features, partitions, now } = session
  const at = wake === 'now' ? now() : typeof wake === 'object' ? wake.at : undefined
  // Only the result of a task without sub-tasks is known to leave nothing to reconcile.
  const mayBePending = name !== 'completed' || parents.isParent(taskId)
  const partition = partitions.of(userId)
  if (!partitions.holds(partition)) {
    const isSoon = at !== undefined && isDueSoon(now(), tellAtFor(features, at, now()))
    if (isSoon || (at === undefined && mayBePending)) partitions.becameDueIn(partition)
    return
  }
  if (at !== undefined) {
    // A transition does not name its lane.
    flags.setReady()
    // It may have no place in line yet, and get one when it is read as due.
    if (at > now() || joinAnew.some(each => each === name)) flags.setNextAt(tellAtFor(features, at, now()))
    flags.quarantined ||= isQuarantined(set.crashCount ?? quarantinedFrom)
  }
  if (mayBePending) flags.pendingParents = true
}
