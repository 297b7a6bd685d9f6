/** Who may wait: sub-tasks of running parents only, and others within the limits. */
import { type AdmissionLimits, refusalOf } from '../../task/admission.ts'
import type { ErrorCode } from '../../task/errors.ts'
import type { NewTask } from '../../task/task.ts'
import type { TaskDocument } from './documents.ts'
import { waiting } from './queue.ts'
import type { Session } from './session.ts'

/** One task to create. */
export interface Wish {
  task: NewTask
  limits: AdmissionLimits
}

/** Why a task is refused; undefined = admitted. */
export type Refusal =
  | Extract<ErrorCode, 'USER_QUEUE_FULL' | 'LANE_QUEUE_FULL' | 'PARENT_NOT_RUNNING'>
  | undefined

/** Asks what has to be known of parents and of those who wait, once for all, and answers one for one. */
export async function admit(session: Session, wishes: readonly Wish[]): Promise<Refusal[]> {
  const [running, waits] = await Promise.all([runningParents(session, wishes), countWaiting(session, wishes)])
  return wishes.map(({ task, limits }) => {
    if (task.parent !== undefined)
      return running.has(attemptKey(task.parent.taskId, task.parent.attempt))
        ? undefined
        : 'PARENT_NOT_RUNNING'
    const refusal = refusalOf(
      { user: waits.users.get(task.userId) ?? 0, lane: waits.lanes.get(task.lane) ?? 0 },
      limits,
    )
    // Those of one call count as well.
    if (refusal === undefined)
      for (const [counts, key] of waits.of(task)) counts.set(key, (counts.get(key) ?? 0) + 1)
    return refusal
  })
}

function attemptKey(taskId: string, attempt: number): string {
  return `${attempt}\n${taskId}`
}

/** The attempts of parents that may add sub-tasks: they hold their task, and nobody asked them to stop. */
async function runningParents(
  { database, tasks }: Session,
  wishes: readonly Wish[],
): Promise<ReadonlySet<string>> {
  const parents = [...new Set(wishes.map(({ task }) => task.parent?.taskId))].filter(id => id !== undefined)
  if (parents.length === 0) return new Set()
  const found = await database.run('do parents run', () =>
    tasks
      .find({
        _id: { $in: parents },
        leaseUntil: { $exists: true },
        cancelRequestedAt: { $exists: false },
        pruning: { $exists: false },
      })
      .project<Pick<TaskDocument, '_id' | 'attempt'>>({ attempt: 1 })
      .toArray(),
  )
  return new Set(found.map(({ _id, attempt }) => attemptKey(_id, attempt)))
}

interface Waits {
  users: Map<string, number>
  lanes: Map<string, number>
  of(task: NewTask): readonly (readonly [Map<string, number>, string])[]
}

/** Tasks without a parent that wait, of the users and in the lanes that have a limit; counted no further than the limit. */
async function countWaiting(session: Session, wishes: readonly Wish[]): Promise<Waits> {
  const roots = wishes.filter(({ task }) => task.parent === undefined)
  const [users, lanes] = await Promise.all([
    countBy(session, 'userId', highestBy('userId', roots, 'waitingPerUser')),
    countBy(session, 'lane', highestBy('lane', roots, 'waitingPerLane')),
  ])
  return {
    users,
    lanes,
    of: ({ userId, lane }) => [
      [users, userId],
      [lanes, lane],
    ],
  }
}

/** The highest limit that was given for each user, or each lane. */
function highestBy(
  field: 'userId' | 'lane',
  wishes: readonly Wish[],
  limit: keyof AdmissionLimits,
): ReadonlyMap<string, number> {
  const highest = new Map<string, number>()
  for (const { task, limits } of wishes) {
    const most = limits[limit]
    if (most !== undefined) highest.set(task[field], Math.max(most, highest.get(task[field]) ?? 0))
  }
  return highest
}

async function countBy(
  { database, tasks }: Session,
  field: 'userId' | 'lane',
  highest: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const counts = [...highest].map(async ([key, most]) => {
    const filter = { [field]: key, depth: 0, ...waiting }
    const found = await database.run('count who waits', () =>
      tasks.countDocuments(filter, { limit: Math.max(1, most) }),
    )
    return [key, found] as const
  })
  return new Map(await Promise.all(counts))
}
