import type { Filter } from 'mongodb'
import { endedStatuses, liveStatuses, type TaskStatus } from '../../task/status.ts'
import { states } from '../cold-records.ts'
import { createWalk } from '../pages.ts'
import { budgetKey, type Retention, type TaskStore } from '../store.ts'
import type { TaskDocument } from './documents.ts'
import { collections } from './indexes.ts'
import { readFields, type Session, updateEach, updateInParts, updateTasks } from './session.ts'

/** What belongs to a task and goes with it, by `taskId`. What its model calls used is kept: it is the history of cost. */
const belongings = [collections.payloads, collections.checkpoints, collections.logs, collections.output]

const treesPerRead = 100

/**
 * Deletes ended trees whose root ended longer ago than its status is kept: leaves first, the root last, at most `limit` records per
 * call, so that a tree goes step by step and never while a part of it is live. Every record of a tree is marked before the first one goes: a
 * marked record cannot be moved any more. Where a task below is live all the same, the marks are removed. A process that dies in between
 * leaves marks, and the next call goes on. Several processes may prune at once: each record is deleted, and counted, by one of them.
 */
export async function prune(session: Session, retention: Retention, limit: number): Promise<number> {
  let gone = 0
  for (const [status, age] of Object.entries(retention) as [TaskStatus, number][]) {
    const expired = { status: { $eq: status }, completedAt: { $lt: new Date(session.now() - age) } }
    let after: Root | undefined
    for (let more = true; more && gone < limit; ) {
      const roots = await findRoots(session, expired, after)
      gone += await pruneTrees(session, expired, roots, limit - gone)
      after = roots.at(-1)
      more = roots.length === treesPerRead
    }
  }
  return gone
}

/** Which roots have ended long enough ago; repeated by the write that marks one. */
interface Expired {
  status: { $eq: TaskStatus }
  completedAt: { $lt: Date }
}

const isLive = { status: { $in: [...liveStatuses] } }

/** Roots that ended, whenever that was. */
const ended = { status: { $in: [...endedStatuses] }, depth: 0 }

/** Returns `TaskStore.erase`: deletes a tree as `prune` does, whenever it ended. */
export function erase(session: Session, rootTaskId: string, limit: number): Promise<number> {
  session.requireOpen()
  return pruneTree(session, ended, rootTaskId, limit)
}

type Root = Pick<TaskDocument, '_id' | 'completedAt' | 'subTaskStatusSummary'>

/** Returns expired roots, the oldest first, from where the last read ended: trees that cannot go yet hold up no others. */
function findRoots(session: Session, expired: Expired, after: Root | undefined): Promise<Root[]> {
  const { _id: id = '', completedAt = new Date(0) } = after ?? {}
  const beyond = {
    completedAt: { ...expired.completedAt, $gte: completedAt },
    $nor: [{ completedAt: { $eq: completedAt }, _id: { $lte: id } }],
  }
  const options = { hint: 'tasks_expiry', sort: { completedAt: 1, _id: 1 }, limit: treesPerRead } as const
  const fields = ['completedAt', 'subTaskStatusSummary'] as const
  return readFields(session, 'prune', { ...expired, depth: 0, ...beyond }, fields, options)
}

/** Deletes up to `limit` records of these trees. Most trees are a root alone: those go together. */
async function pruneTrees(session: Session, expired: Expired, roots: readonly Root[], limit: number) {
  const parents = await rootsOfMany(session, roots)
  const ids = roots.map(({ _id }) => _id)
  const alone = ids.filter(id => !parents.has(id)).slice(0, limit)
  let gone = await remove(session, await markRoots(session, expired, alone))
  for (const root of parents) {
    if (gone >= limit) return gone
    const [live] = await findBelow(session, root, isLive, 1)
    if (live !== undefined) await unmark(session, root)
    else gone += await pruneTree(session, expired, root, limit - gone)
  }
  return gone
}

/**
 * Returns which of the roots have records below them. A parent has counts of its sub-tasks; one that never counted them, because its process
 * died, is found by one read for all, as most often there is none.
 */
async function rootsOfMany(session: Session, roots: readonly Root[]): Promise<ReadonlySet<string>> {
  const parents = new Set<string>()
  const uncounted: string[] = []
  for (const { _id, subTaskStatusSummary: summary } of roots)
    if (summary === undefined) uncounted.push(_id)
    else parents.add(_id)
  for (let left = uncounted; left.length > 0; ) {
    const below = { rootTaskId: { $in: left }, parentTaskId: { $exists: true } }
    const options = { hint: 'tasks_below', limit: 1 }
    const [found] = await readFields(session, 'prune', below, ['rootTaskId'], options)
    if (found === undefined) break
    parents.add(found.rootTaskId)
    left = left.filter(id => id !== found.rootTaskId)
  }
  return parents
}

/** Deletes up to `limit` records of a tree, deepest first; marks all of them before. */
async function pruneTree(
  session: Session,
  expired: Expired | typeof ended,
  root: string,
  limit: number,
): Promise<number> {
  const [marked] = await markRoots(session, expired, [root])
  if (marked === undefined) return 0
  await markBelow(session, root)
  // One was revived before its mark came: the tree waits until that one has ended.
  if ((await findBelow(session, root, isLive, 1)).length > 0) {
    await unmark(session, root)
    return 0
  }
  return (await begin(session, root)) ? removeTree(session, root, limit) : 0
}

/** Deletes up to `limit` records of a tree whose deletion has begun. */
async function removeTree(session: Session, root: string, limit: number): Promise<number> {
  let gone = 0
  while (gone < limit) {
    const below = await findBelow(session, root, { pruning: true }, limit - gone)
    const [deepest] = below
    if (deepest === undefined) {
      // What is left was unmarked by another process; the next call marks it again.
      const isAlone = (await findBelow(session, root, {}, 1)).length === 0
      return isAlone ? gone + (await remove(session, [root])) : gone
    }
    const leaves = below.filter(({ depth }) => depth === deepest.depth)
    const ids = leaves.map(({ _id }) => _id)
    gone += await remove(session, ids)
  }
  return gone
}

/** Marks those of the roots that are still expired. Returns which are marked, now or earlier. */
async function markRoots(
  session: Session,
  expired: Expired | typeof ended,
  roots: readonly string[],
): Promise<string[]> {
  if (roots.length === 0) return []
  const _id = { $in: [...roots] }
  const unmarked = { _id, ...expired, pruning: { $exists: false } }
  await updateTasks(session, 'prune', unmarked, { $set: { pruning: true } })
  const marked = await readFields(session, 'prune', { _id, pruning: { $exists: true } }, [], { hint: '_id_' })
  return marked.map(document => document._id)
}

function markBelow(session: Session, root: string): Promise<number> {
  const unmarked = { status: { $in: [...endedStatuses] }, pruning: { $exists: false } }
  const update = { $set: { pruning: true } } as const
  return updateInParts(session, 'prune', { ...belowOf(root), ...unmarked }, update, 'tasks_below')
}

/** From here on the marks stay. Returns whether the root is still marked. */
async function begin(session: Session, root: string): Promise<boolean> {
  const filter = { _id: root, pruning: { $exists: true } }
  return (await updateEach(session, 'prune', [{ filter, update: { $set: { pruning: 'begun' } } }])) > 0
}

/** Removes the marks of a tree, unless another process has begun to delete it. */
async function unmark(session: Session, root: string): Promise<void> {
  const unset = { $unset: { pruning: '' } } as const
  await updateTasks(session, 'prune', { _id: root, pruning: true }, unset)
  const unmarked = await readFields(session, 'prune', { _id: root, pruning: { $exists: false } }, [])
  if (unmarked.length === 0) return
  await updateInParts(session, 'prune', { ...belowOf(root), pruning: true }, unset, 'tasks_below')
}

function belowOf(root: string) {
  return { rootTaskId: { $eq: root }, parentTaskId: { $exists: true } }
}

/** Returns records below a root, the deepest first. */
function findBelow(session: Session, root: string, filter: Filter<TaskDocument>, limit: number) {
  const below = { ...belowOf(root), ...filter }
  return readFields(session, 'prune', below, ['depth'], { hint: 'tasks_below', sort: { depth: -1 }, limit })
}

/** Deletes marked records, after what belongs to them: no record that leads to it goes before it. */
async function remove(session: Session, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0
  const { database, tasks } = session
  for (const name of belongings)
    await database.run('prune', () => database.collection(name).deleteMany({ taskId: { $in: [...ids] } }))
  const accounts = database.collection<{ _id: string }>(states.name)
  const budgets = { _id: { $in: ids.map(budgetKey) } }
  // Few trees have a budget, and a read costs less than a write.
  if ((await database.run('prune', () => accounts.findOne(budgets))) !== null)
    await database.run('prune', () => accounts.deleteMany(budgets))
  const { deletedCount } = await database.run('prune', () =>
    tasks.deleteMany({ _id: { $in: [...ids] }, pruning: { $exists: true } }),
  )
  return deletedCount
}

/** Milliseconds after which a large text is deleted whose task is not there: a submission that fails leaves it, and none takes that long. */
const orphanedMs = 3_600_000

/**
 * Returns `TaskStore.trim`. It walks over the tasks that have documents in a collection, so that no other task pays for it, and what came late
 * is found too: of an attempt that had lost its task, or of a task that is gone. Large texts and log lines of tasks stay as long as these: their
 * walks, a step of each per call, find what belongs to no task.
 */
export function createTrim(session: Session): TaskStore['trim'] {
  const { database } = session

  /** `place`: the task that was looked at last. */
  async function step(work: Work, place: string | undefined, outputMs: number, limit: number) {
    const collection = database.collection<{ taskId: string; at?: Date }>(collections[work])
    const after = { taskId: { $gt: place ?? '' } }
    // Read from the index alone.
    const projection = { _id: 0, taskId: 1 }
    const options = { hint: `${work}_task`, projection, sort: { taskId: 1 }, limit } as const
    const found = await database.run('trim', () => collection.find(after, options).toArray())
    const ids = [...new Set(found.map(({ taskId }) => taskId))]
    const done = await findDone(session, ids, untilOf(work, outputMs))
    // A reader is told that there is no output before a piece of it is missing.
    const written = { _id: { $in: done }, output: { $exists: true } }
    if (work === 'output' && done.length > 0)
      await updateTasks(session, 'trim', written, { $unset: { output: '' } })
    const old = work === 'payloads' ? { at: { $lt: new Date(session.now() - orphanedMs) } } : {}
    if (done.length > 0)
      await database.run('trim', () => collection.deleteMany({ taskId: { $in: done }, ...old }))
    return found.length < limit ? undefined : ids.at(-1)
  }

  /** Returns until when a task must have been COMPLETED. */
  function untilOf(work: Work, outputMs: number): number {
    if (work === 'payloads' || work === 'logs') return Number.NEGATIVE_INFINITY
    return session.now() - (work === 'output' ? outputMs : 0)
  }

  const trimWorks = createWalk<Work, string, [number, number]>(['checkpoints', 'output'], step)
  const trimPayloads = createWalk<Work, string, [number, number]>(['payloads'], step)
  const trimLogs = createWalk<Work, string, [number, number]>(['logs'], step)
  return async (...args) => {
    const [isMore] = await Promise.all([trimWorks(...args), trimPayloads(...args), trimLogs(...args)])
    return isMore
  }
}

/** What belongs to tasks, and may outlast its use. */
type Work = 'checkpoints' | 'output' | 'payloads' | 'logs'

/** Returns those tasks that are gone, or were COMPLETED at this time. */
async function findDone(session: Session, ids: readonly string[], until: number): Promise<string[]> {
  if (ids.length === 0) return []
  const found = await readFields(session, 'trim', { _id: { $in: [...ids] } }, ['status', 'completedAt'])
  const byId = new Map(found.map(task => [task._id, task]))
  return ids.filter(id => {
    const task = byId.get(id)
    const completedAt = task?.status === 'COMPLETED' ? task.completedAt?.getTime() : undefined
    return task === undefined || (completedAt !== undefined && completedAt <= until)
  })
}
