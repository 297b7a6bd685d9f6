import { type ClientSession, MongoBulkWriteError } from 'mongodb'
import { hasEnded } from '../../task/status.ts'
import { type Applied, endsAttempt, type Transition } from '../../task/transition.ts'
import { guardOf, type Move, pipelineOf } from './change.ts'
import type { Told } from './coalesce.ts'
import type { TaskDocument } from './documents.ts'
import { storeError } from './failures.ts'
import { mergeUpdates, type Statement, type TaskUpdate } from './merge-updates.ts'
import { dropPayloads, largeValue, writePayloads } from './payloads.ts'
import type { Session } from './session.ts'
import { tellTime } from './wake.ts'

/** Writes transitions, each guarded by the statuses it may leave and by its fence. */
export async function applyAll(
  session: Session,
  transitions: readonly Transition[],
): Promise<Told<Applied>[]> {
  const moves = await prepare(session, transitions)
  const told = new Map<Move, Told<Applied>>()
  for (const round of roundsOf(moves))
    for (const [move, answer] of await applyRound(session, round)) told.set(move, answer)
  const answers = moves.map(move => told.get(move) ?? { answer: 'missing' as const })
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
  afterwards(
    session,
    moves,
    answers.map(answer => ({ answer })),
  )
  return answers
}

/** Whether all were written; nothing is when one of the first `required` is refused. */
async function writeTogether(
  session: Session,
  moves: readonly Move[],
  { required, transaction }: { required: number; transaction: ClientSession },
): Promise<boolean> {
  const writes = moves.map(move => ({ updateOne: updateOf(session, move) }))
  const write = async (part: typeof writes) => {
    if (part.length === 0) return true
    const { matchedCount } = await session.tasks.bulkWrite(part, { session: transaction })
    return matchedCount === part.length
  }
  if (await write(writes.slice(0, required))) return write(writes.slice(required))
  await transaction.abortTransaction()
  return false
}

/** Names each write, puts large texts apart, and finds a place in line for ended tasks that are to wait anew. */
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
  { database, tasks, order }: Session,
  transitions: readonly Transition[],
): Promise<ReadonlyMap<Transition, number>> {
  const revived = transitions.filter(({ set, wake }) => set.completedAt === null && wake !== 'never')
  if (revived.length === 0) return new Map()
  const found = await database.run('find places', () =>
    tasks
      .find({ _id: { $in: revived.map(({ taskId }) => taskId) } })
      .project<Pick<TaskDocument, '_id' | 'userId' | 'lane' | 'priority'>>({
        userId: 1,
        lane: 1,
        priority: 1,
      })
      .toArray(),
  )
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

async function applyRound(session: Session, moves: readonly Move[]): Promise<Map<Move, Told<Applied>>> {
  const { matched, failed } = await write(session, moves)
  const told = new Map<Move, Told<Applied>>()
  for (const [move, error] of failed) told.set(move, { error: storeError(error, 'apply') })
  const others = moves.filter(move => !failed.has(move))
  const find = matched === others.length ? undefined : await findEarlier(session, others)
  for (const move of others) told.set(move, { answer: find?.(move) ?? 'applied' })
  return told
}

/** What became of writes: how many found their tasks, and which the server could not make. */
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

type Earlier = Pick<TaskDocument, '_id' | 'status' | 'attempt' | 'phase' | 'cancelRequestedAt' | 'lastWrites'>

/**
 * Tells writes apart of which some were refused. A write that finds its name was made before, perhaps in an earlier sending. One of an
 * attempt may also be the second telling of one that was applied: nobody else writes for that attempt. Behind a version stand people
 * and the aggregator, behind a lease whoever rescues, who may want the same thing at the same moment: one of them did it, the others did
 * not.
 */
async function findEarlier(
  { database, tasks }: Session,
  moves: readonly Move[],
): Promise<(move: Move) => Applied> {
  const found = await database.run('tell apart', () =>
    tasks
      .find({ _id: { $in: moves.map(({ transition }) => transition.taskId) } })
      .project<Earlier>({ status: 1, attempt: 1, phase: 1, cancelRequestedAt: 1, lastWrites: 1 })
      .toArray(),
  )
  const byId = new Map(found.map(task => [task._id, task]))
  return ({ transition, name }) => {
    const task = byId.get(transition.taskId)
    if (task === undefined) return 'missing'
    return task.lastWrites?.includes(name) || isToldAgain(task, transition) ? 'applied' : 'stale'
  }
}

function isToldAgain(task: Earlier, { fence, set, from }: Transition): boolean {
  if ('version' in fence || fence.leaseUntil !== undefined || task.attempt !== fence.attempt) return false
  if (set.status !== undefined) return task.status === set.status
  if (set.phase !== undefined) return task.phase === set.phase
  return task.cancelRequestedAt !== undefined && from.some(status => status === task.status)
}

/** What this process knows from now on. */
function afterwards(session: Session, moves: readonly Move[], told: readonly Told<Applied>[]): void {
  const { families, hands, events, keeps } = session
  const applied = moves.filter((_, index) => isApplied(told[index]))
  const refused = moves.filter((_, index) => !isApplied(told[index]))
  dropPayloads(
    session,
    refused.flatMap(({ large }) => large.map(({ payload }) => payload)),
  )
  if (applied.length === 0) return
  for (const { transition } of applied) {
    if (endsAttempt(transition)) hands.settled(transition.taskId)
    noteWaiting(session, transition)
  }
  const idsOf = (those: readonly Move[]) => those.map(({ transition }) => transition.taskId)
  const moved = applied.filter(({ transition }) => transition.set.status !== undefined)
  families.moved(idsOf(moved.filter(isLive)), { isLive: true })
  families.moved(idsOf(moved.filter(move => !isLive(move))))
  if (keeps.events) events.note(idsOf(applied))
  session.tell()
}

/** The attempt is over, and the task will have another one. */
function isLive({ transition: { fence, set } }: Move): boolean {
  return 'attempt' in fence && set.status !== undefined && !hasEnded(set.status)
}

function isApplied(told: Told<Applied> | undefined): boolean {
  return told !== undefined && 'answer' in told && told.answer === 'applied'
}

/** What may be due because of it. */
function noteWaiting(session: Session, { taskId, name, wake, set }: Transition): void {
  const { hints, families, keeps, now } = session
  const at = wake === 'now' ? now() : typeof wake === 'object' ? wake.at : undefined
  if (at !== undefined) {
    // The lane is not named here.
    hints.noteReady()
    if (at > now()) hints.noteTell(tellTime(keeps, at, now()))
    hints.quarantined ||= (set.crashCount ?? 1) > 0
  }
  // Only the result of a task without sub-tasks is known to leave nothing to look at.
  if (name !== 'completed' || families.isParent(taskId)) hints.look = true
}
