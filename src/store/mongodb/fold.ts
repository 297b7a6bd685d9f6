/**
 * One count of a parent's sub-tasks. Each sub-task that moved carries a flag, and knows what its parent counted of it. In one write,
 * guarded by the parent's aggregate version, the net changes go into the parent's summary together with the list of what was counted; then
 * the list is written into the sub-tasks. Whoever comes next first finishes that list: a crash between the two is found there, and no
 * move is counted twice or not at all.
 */
import { cancelError } from '../../task/decide.ts'
import { hasEnded } from '../../task/status.ts'
import { liveOf, recount } from '../../task/subtasks.ts'
import type { TaskDocument } from './documents.ts'
import { mergeUpdates } from './merge-updates.ts'
import { derived, firstPlace, flagged, literal, removed, touched, unqueued } from './pipeline.ts'
import type { Session } from './session.ts'

/** Sub-tasks per write: keeps the list in the parent small. */
const perFold = 200

type Parent = Pick<TaskDocument, '_id' | 'status' | 'aggregate' | 'subTaskStatusSummary'>
type Child = Pick<TaskDocument, '_id' | 'status' | 'version' | 'counted'>
type Counted = NonNullable<NonNullable<TaskDocument['aggregate']>['batch']>

/** What became of a fold: all is counted, more may be left to count, or another process was faster. */
export type Folded = 'all' | 'more' | 'refused'

/**
 * Counts at most 200 sub-tasks of a parent.
 *
 * @param finished The list that this process finished last, by parent: it need not be written again.
 */
export async function fold(
  session: Session,
  parentId: string,
  finished: Map<string, string>,
): Promise<Folded> {
  const parent = await readParent(session, parentId)
  const batch = parent?.aggregate?.batch ?? []
  if (batch.length > 0 && finished.get(parentId) !== nameOf(batch)) await finish(session, batch)
  const children = await readFlagged(session, parentId)
  const strays = parent === null || hasEnded(parent.status) ? children.filter(isStray) : []
  if (strays.length > 0) {
    await cancelStrays(session, strays)
    return 'more'
  }
  const counts = children.map(countOf)
  if (children.length > 0) {
    // A parent that is gone counts nothing.
    if (parent !== null && !(await countIn(session, parent, children, counts))) return 'refused'
    await finish(session, counts)
    finished.set(parentId, nameOf(counts))
  }
  return children.length === perFold ? 'more' : 'all'
}

/** Versions only rise, so no two lists begin with the same one. */
function nameOf([first]: Counted): string {
  return `${first?.id}@${first?.version}`
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
      .find({ parentTaskId: parentId, uncounted: true })
      .limit(perFold)
      .project<Child>({ status: 1, version: 1, counted: 1 })
      .toArray(),
  )
}

/** Writes the net changes into the parent. Answers whether it was still as it was read. */
async function countIn(
  { database, tasks }: Session,
  parent: Parent,
  children: readonly Child[],
  batch: Counted,
): Promise<boolean> {
  const changes = children
    .filter(({ counted, status }) => counted?.as !== status)
    .map(({ counted, status }) => (counted === undefined ? { to: status } : { from: counted.as, to: status }))
  // Without a change there is nothing to write here: that each was counted as it is, is written into the sub-tasks.
  if (changes.length === 0) return true
  const summary = recount(parent.subTaskStatusSummary, changes)
  const version = parent.aggregate?.version
  const { matchedCount } = await database.run('count sub-tasks', () =>
    tasks.updateOne(
      { _id: parent._id, 'aggregate.version': version === undefined ? { $exists: false } : version },
      [
        {
          $set: {
            subTaskStatusSummary: literal(summary),
            liveSubTasks: liveOf(summary),
            aggregate: literal({ version: (version ?? 0) + 1, batch }),
            version: { $add: ['$version', 1] },
          },
        },
        derived,
      ],
    ),
  )
  return matchedCount === 1
}

/** Writes what was counted into the sub-tasks. One that moved meanwhile keeps its flag; a new one may be sent from now on. */
async function finish({ database, tasks }: Session, batch: Counted): Promise<void> {
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

/** A sub-task that came to be while its parent ended does not run: nobody has seen it yet. */
async function cancelStrays(session: Session, strays: readonly Child[]): Promise<void> {
  const { database, tasks } = session
  await database.run('cancel late sub-tasks', () =>
    tasks.bulkWrite(
      strays.map(({ _id, version }) => ({
        updateOne: {
          filter: { _id, version, counted: { $exists: false } },
          update: [
            {
              $set: {
                ...touched(session, session.nextName()),
                ...unqueued,
                ...flagged,
                status: literal('CANCELLED'),
                completedAt: session.serverNow(),
                errorInfo: literal(cancelError()),
                nextAttemptTimestamp: removed,
              },
            },
            derived,
          ],
        },
      })),
      { ordered: false },
    ),
  )
}
