/**
 * One count of a parent's sub-tasks. Each sub-task that moved carries a flag, and knows what its parent counted of it. In one write,
 * guarded by the parent's aggregate version, the net changes go into the parent's summary together with the list of what was counted; then
 * the list is written into the sub-tasks. Whoever comes next first finishes that list: a crash between the two is found there, and no
 * move is counted twice or not at all.
 */
import type { ClientSession } from 'mongodb'
import { cancelError } from '../../task/decide.ts'
import { endedStatuses, hasEnded } from '../../task/status.ts'
import { liveOf, recount } from '../../task/subtasks.ts'
import { cancelledWaiting } from '../../task/transition.ts'
import { guardOf, type Move, pipelineOf } from './change.ts'
import { recordOf, type TaskDocument } from './documents.ts'
import { mergeUpdates } from './merge-updates.ts'
import { derived, firstPlace, literal, removed } from './pipeline.ts'
import type { Session } from './session.ts'

/** Sub-tasks per write: keeps the list in the parent small. */
const perFold = 200

/** What of a parent a count needs. */
export type Parent = Pick<TaskDocument, '_id' | 'status' | 'aggregate' | 'subTaskStatusSummary'>
type Child = Pick<TaskDocument, '_id' | 'status' | 'version' | 'counted'>
type Counted = NonNullable<NonNullable<TaskDocument['aggregate']>['batch']>

/** What became of a fold: all is counted, more may be left to count, there was nothing to count, or another process was faster. */
export type Folded = 'all' | 'more' | 'nothing' | 'refused'

/**
 * Live parents as this process last wrote them, with nothing left to finish; one that changed since refuses the next write. One that ended
 * is read anew each time: new sub-tasks of it are cancelled, unless it was retried meanwhile.
 */
export type KnownParents = Map<string, Parent>

/** Counts at most 200 sub-tasks of a parent. */
export async function fold(session: Session, parentId: string, known: KnownParents): Promise<Folded> {
  const remembered = known.get(parentId)
  const parent = remembered ?? (await readFinished(session, parentId))
  const children = await readFlagged(session, parentId)
  if (remembered !== undefined && children.length === 0) return 'nothing'
  known.delete(parentId)
  const strays = parent === null || hasEnded(parent.status) ? children.filter(isStray) : []
  if (strays.length > 0) return cancelStrays(session, parent, strays)
  const counts = children.map(countOf)
  // A parent that is gone counts nothing.
  const counted = parent === null ? null : await countIn(session, parent, children, counts)
  // What was remembered may be old without another process that counts: the next look at the parent tells.
  if (counted === 'refused') return remembered === undefined ? 'refused' : 'more'
  await finish(session, counts)
  if (counted !== null && !hasEnded(counted.status)) known.set(parentId, counted)
  return children.length === perFold ? 'more' : 'all'
}

/** The parent, after what was left of its last count has been finished. */
async function readFinished(session: Session, parentId: string): Promise<Parent | null> {
  const parent = await readParent(session, parentId)
  await finish(session, parent?.aggregate?.batch ?? [])
  return parent
}

function isStray({ counted, status }: Child): boolean {
  return counted === undefined && !hasEnded(status)
}

function countOf({ _id: id, version, status }: Child): Counted[number] {
  return { id, version, as: status }
}

function readParent({ database, tasks }: Session, parentId: string): Promise<Parent | null> {
  return database.run('read parent', () =>
    tasks.findOne({ _id: parentId }, { projection: { status: 1, aggregate: 1, subTaskStatusSummary: 1 } }),
  )
}

function readFlagged({ database, tasks }: Session, parentId: string): Promise<Child[]> {
  return database.run('read sub-tasks that moved', () =>
    tasks
      .find({ uncounted: true, parentTaskId: parentId })
      .hint('tasks_uncounted')
      .limit(perFold)
      .project<Child>({ status: 1, version: 1, counted: 1 })
      .toArray(),
  )
}

/**
 * Writes the net changes and the list of what is counted into the parent, also where nothing changes: another process may have counted one
 * of them differently a moment ago. Returns the parent as it is then, or undefined when it was no longer as it was read.
 */
async function countIn(
  { database, tasks }: Session,
  parent: Parent,
  children: readonly Child[],
  batch: Counted,
): Promise<Parent | 'refused'> {
  if (children.length === 0) return parent
  const changes = changesOf(children)
  const summary = recount(parent.subTaskStatusSummary, changes)
  const version = parent.aggregate?.version
  const next = (version ?? 0) + 1
  const isSeen = changes.length > 0
  const { matchedCount } = await database.run('count sub-tasks', () =>
    tasks.updateOne(
      { _id: parent._id, 'aggregate.version': version === undefined ? { $exists: false } : version },
      [
        {
          $set: {
            subTaskStatusSummary: literal(summary),
            liveSubTasks: liveOf(summary),
            aggregate: literal({ version: next, batch }),
            ...(isSeen ? { version: { $add: ['$version', 1] } } : {}),
          },
        },
        derived,
      ],
    ),
  )
  if (matchedCount === 0) return 'refused'
  return { ...parent, subTaskStatusSummary: summary, aggregate: { version: next } }
}

/** What the parent has not counted of its sub-tasks. */
function changesOf(children: readonly Child[]) {
  return children
    .filter(({ counted, status }) => counted?.as !== status)
    .map(({ counted, status }) => (counted === undefined ? { to: status } : { from: counted.as, to: status }))
}

/** Writes what was counted into the sub-tasks. One that moved meanwhile keeps its flag; a new one may be sent from now on. */
async function finish({ database, tasks }: Session, batch: Counted): Promise<void> {
  if (batch.length === 0) return
  const updates = batch.map(({ id, version, as }) => ({
    filter: { _id: id, 'counted.version': { $not: { $gte: version } } },
    update: [
      {
        $set: {
          counted: literal({ as, version }),
          uncounted: { $cond: [{ $eq: ['$version', version] }, removed, '$uncounted'] },
        },
      },
      firstPlace,
    ],
  }))
  const writes = mergeUpdates(updates).map(({ write }) => write)
  await database.run('finish a count', () => tasks.bulkWrite(writes, { ordered: false }))
}

/**
 * A sub-task that came to be while its parent ended does not run: nobody has seen it yet. The same commit asks whether the parent has still
 * ended: one that was retried meanwhile counts its new sub-tasks.
 */
async function cancelStrays(
  session: Session,
  parent: Parent | null,
  strays: readonly Child[],
): Promise<Folded> {
  const { database, tasks, keeps, events } = session
  const moves = await cancelsOf(session, strays)
  if (moves.length === 0) return 'more'
  const writes = moves.map(move => {
    const filter = { ...guardOf(session, move.transition), counted: { $exists: false } }
    return { updateOne: { filter, update: pipelineOf(session, move) } }
  })
  const areWritten = await database.transaction('cancel late sub-tasks', async transaction => {
    if (parent !== null && !(await holdEnded(session, parent, transaction))) return false
    await tasks.bulkWrite(writes, { session: transaction })
    return true
  })
  if (!areWritten) return 'refused'
  if (keeps.events) events.note(moves.map(({ transition }) => transition.taskId))
  return 'more'
}

/** Whether the parent has still ended; if so, nobody changes it before the commit. */
async function holdEnded({ tasks }: Session, { _id }: Parent, transaction: ClientSession): Promise<boolean> {
  const ended = { _id, status: { $in: [...endedStatuses] } }
  const held = { $inc: { 'aggregate.version': 1 } }
  const { matchedCount } = await tasks.updateOne(ended, held, { session: transaction })
  return matchedCount > 0
}

async function cancelsOf(session: Session, strays: readonly Child[]): Promise<Move[]> {
  const { database, tasks } = session
  const found = await database.run('read late sub-tasks', () =>
    tasks.find({ _id: { $in: strays.map(({ _id }) => _id) } }).toArray(),
  )
  return found.filter(isStray).map(document => ({
    transition: cancelledWaiting(recordOf(document), cancelError(), session.now()),
    name: session.nextName(),
    large: [],
  }))
}
