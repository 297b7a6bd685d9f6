/**
 * One aggregation of a parent's sub-tasks. Each sub-task that moved carries a flag, and knows as what its parent counts it. In one write,
 * guarded by the parent's aggregate version, the net changes go into the parent's summary together with the list of what was counted; then
 * the list is written into the sub-tasks. Every aggregation first finishes the list that it finds: a crash between the two writes is
 * repaired there, and no move is counted twice or not at all.
 *
 * | a sub-task that                              | `uncounted` (the flag) | `version`                     | `counted`                  |
 * | -------------------------------------------- | ---------------------- | ----------------------------- | -------------------------- |
 * | is new                                       | set                    | 1                             | absent                     |
 * | moved                                        | set                    | one more                      | as before                  |
 * | is counted, and moved since it was read      | stays                  | above that of the list        | as the list says           |
 * | is counted, and did not move                 | removed                | that of the list              | as the list says           |
 * | is counted by a list that is finished again  | as in the two above    | as it is                      | the same                   |
 * | was counted by a newer list                  | as it is               | as it is                      | as it is: not written      |
 */
import type { ClientSession } from 'mongodb'
import { cancelError } from '../../task/decide.ts'
import { subTaskId } from '../../task/id.ts'
import { endedStatuses, hasEnded } from '../../task/status.ts'
import { liveOf, recount } from '../../task/subtasks.ts'
import { cancelledWaiting } from '../../task/transition.ts'
import { recordOf, type TaskDocument } from './documents.ts'
import { literal, updateMerged } from './merge-updates.ts'
import { derived, firstPlace, guardOf, type Move, pipelineOf, removed } from './pipeline.ts'
import { type Context, findTasks, readFields, updateTasks } from './session.ts'

/** Sub-tasks per write: keeps the list in the parent small. */
const perBatch = 200

const parentFields = ['status', 'partition', 'aggregate', 'subTaskStatusSummary', 'hasSuccessors'] as const
type Parent = Pick<TaskDocument, '_id' | (typeof parentFields)[number]>
const childFields = ['status', 'version', 'counted', 'predecessor'] as const
type Child = Pick<TaskDocument, '_id' | (typeof childFields)[number] | 'subTaskKey'>
type Batch = NonNullable<NonNullable<TaskDocument['aggregate']>['batch']>

/** All is counted, more may be left, there was nothing to count, or another process was faster. */
export type Aggregated = 'all' | 'more' | 'nothing' | 'refused'

/**
 * Live parents as this process last wrote them, with nothing left to finish; one that changed since refuses the next write. One that ended
 * is read again each time: new sub-tasks of it are cancelled, unless it was retried meanwhile.
 */
export type KnownParents = Map<string, Parent>

/** Counts at most 200 sub-tasks of a parent. */
export async function aggregate(
  context: Context,
  parentId: string,
  known: KnownParents,
): Promise<Aggregated> {
  const remembered = known.get(parentId)
  const parent = remembered ?? (await readFinished(context, parentId))
  const flags = context.partitions.flagsOf(parent?.partition)
  const moved = { uncounted: { $in: flags }, parentTaskId: parentId }
  const options = { hint: 'tasks_uncounted', limit: perBatch }
  const fields = parent?.hasSuccessors ? ([...childFields, 'subTaskKey'] as const) : childFields
  const children: Child[] = await readFields(context, 'read sub-tasks that moved', moved, fields, options)
  if (remembered !== undefined && children.length === 0) return 'nothing'
  known.delete(parentId)
  const late = parent === undefined || hasEnded(parent.status) ? children.filter(isLate) : []
  if (late.length > 0) return cancelLate(context, parent, late)
  const batch = children.map(({ _id: id, version, status }) => ({ id, version, as: status }))
  // Before it is counted: a crash in between has it looked at again.
  if (parent !== undefined) await markSuccessors(context, parent, children)
  // A parent that is gone counts nothing.
  const written = parent && (await writeAggregate(context, parent, children, batch))
  // What was remembered may be old without another process that aggregates: the next read of the parent shows it.
  if (written === 'refused') return remembered === undefined ? 'refused' : 'more'
  await finish(context, batch)
  if (written !== undefined && !hasEnded(written.status)) known.set(parentId, written)
  return children.length === perBatch ? 'more' : 'all'
}

/** Returns the parent, after what was left of its last aggregation has been finished. */
async function readFinished(context: Context, parentId: string): Promise<Parent | undefined> {
  const [parent] = await readFields(context, 'read parent', { _id: parentId }, parentFields)
  await finish(context, parent?.aggregate?.batch ?? [])
  return parent
}

/**
 * Writes the net changes and the list of what is counted into the parent, also where nothing changes: another process may have counted one
 * of them differently a moment ago. Returns the parent as it is then, or `refused` when it was no longer as it was read.
 */
async function writeAggregate(
  { database, tasks }: Context,
  parent: Parent,
  children: readonly Child[],
  batch: Batch,
): Promise<Parent | 'refused'> {
  if (children.length === 0) return parent
  const changes = changesOf(children)
  const summary = recount(parent.subTaskStatusSummary, changes)
  const version = parent.aggregate?.version
  const next = (version ?? 0) + 1
  const hasSuccessors = parent.hasSuccessors ?? children.some(({ predecessor }) => predecessor !== undefined)
  const set = {
    subTaskStatusSummary: literal(summary),
    liveSubTasks: liveOf(summary),
    aggregate: literal({ version: next, batch }),
    ...(changes.length === 0 ? {} : { version: { $add: ['$version', 1] } }),
    ...(hasSuccessors ? { hasSuccessors } : {}),
  }
  const { matchedCount } = await database.run('aggregate sub-tasks', () =>
    tasks.updateOne(
      { _id: parent._id, 'aggregate.version': version === undefined ? { $exists: false } : version },
      [{ $set: set }, derived],
    ),
  )
  if (matchedCount === 0) return 'refused'
  const written = { ...parent, subTaskStatusSummary: summary, aggregate: { version: next } }
  return hasSuccessors ? { ...written, hasSuccessors } : written
}

/**
 * Marks the sub-tasks that wait for one of these which has ended, and those of these that wait for one which has: the aggregator is to reconcile
 * them. Costs nothing where no sub-task waits for another one.
 */
async function markSuccessors(
  context: Context,
  { _id: parentTaskId, hasSuccessors }: Parent,
  children: readonly Child[],
): Promise<void> {
  const waitedFor = children.flatMap(({ status, predecessor }) =>
    hasEnded(status) ? [] : (predecessor ?? []),
  )
  if (waitedFor.length === 0 && hasSuccessors !== true) return
  const keys = new Set(
    children.flatMap(({ status, subTaskKey }) => (hasEnded(status) ? (subTaskKey ?? []) : [])),
  )
  if (waitedFor.length > 0) {
    const ids = [...new Set(waitedFor)].map(key => subTaskId(parentTaskId, key))
    const ended = { _id: { $in: ids }, status: { $in: [...endedStatuses] } }
    for (const { subTaskKey } of await readFields(context, 'which have ended', ended, ['subTaskKey']))
      if (subTaskKey !== undefined) keys.add(subTaskKey)
  }
  if (keys.size === 0) return
  const isAbsent = { $exists: false }
  const waiting = {
    parentTaskId,
    predecessor: { $in: [...keys] },
    completedAt: isAbsent,
    predecessorEnded: isAbsent,
  }
  const update = [{ $set: { predecessorEnded: true } }, derived]
  await updateTasks(context, 'mark what waited for a sibling', waiting, update, 'tasks_predecessor')
}

/** What the parent has not counted of its sub-tasks. */
function changesOf(children: readonly Child[]) {
  return children
    .filter(({ counted, status }) => counted?.as !== status)
    .map(({ counted, status }) => (counted === undefined ? { to: status } : { from: counted.as, to: status }))
}

/**
 * Writes what was counted into the sub-tasks. One that moved meanwhile keeps its flag; a new one may be sent from now on. One that was counted at
 * this version before is written again: its flag may have been left.
 */
function finish(context: Context, batch: Batch): Promise<void> {
  const updates = batch.map(({ id, version, as }) => {
    const uncounted = { $cond: [{ $eq: ['$version', version] }, removed, '$uncounted'] }
    return {
      filter: { _id: id, 'counted.version': { $not: { $gt: version } } },
      update: [{ $set: { counted: literal({ as, version }), uncounted } }, firstPlace],
    }
  })
  return updateMerged(context, 'finish an aggregation', updates)
}

/** A sub-task that was created while its parent ended. */
function isLate({ counted, status }: Child): boolean {
  return counted === undefined && !hasEnded(status)
}

/**
 * A late sub-task does not run: no process has seen it yet. The same commit asks whether the parent has still ended: one that was retried
 * meanwhile counts its new sub-tasks.
 */
async function cancelLate(
  context: Context,
  parent: Parent | undefined,
  late: readonly Child[],
): Promise<Aggregated> {
  const { database, tasks, features, writtenEvents } = context
  const moves = await cancelsOf(context, late)
  if (moves.length === 0) return 'more'
  const writes = moves.map(move => {
    const filter = { ...guardOf(context, move.transition), counted: { $exists: false } }
    return { updateOne: { filter, update: pipelineOf(context, move) } }
  })
  const areWritten = await database.transaction('cancel late sub-tasks', async transaction => {
    if (parent !== undefined && !(await holdEnded(context, parent, transaction))) return false
    await tasks.bulkWrite(writes, { session: transaction })
    return true
  })
  if (!areWritten) return 'refused'
  if (features.events) writtenEvents.note(moves.map(({ transition }) => transition.taskId))
  return 'more'
}

/** Returns whether the parent has still ended; if so, no process changes it before the commit. */
async function holdEnded({ tasks }: Context, { _id }: Parent, transaction: ClientSession): Promise<boolean> {
  const ended = { _id, status: { $in: [...endedStatuses] } }
  const held = { $inc: { 'aggregate.version': 1 } }
  const { matchedCount } = await tasks.updateOne(ended, held, { session: transaction })
  return matchedCount > 0
}

async function cancelsOf(context: Context, late: readonly Child[]): Promise<Move[]> {
  const ids = late.map(({ _id }) => _id)
  const found = await findTasks(context, 'read late sub-tasks', { _id: { $in: ids } })
  return found.filter(isLate).map(document => ({
    transition: cancelledWaiting(recordOf(document), cancelError(), context.now()),
    name: context.nextName(),
    large: [],
    rank: undefined,
  }))
}
