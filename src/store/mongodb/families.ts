/** Who is whose sub-task, as far as this process knows, and which parents have sub-tasks to count. */
import { createCounts } from './counts.ts'
import { dropOldest } from './known.ts'
import type { Families } from './parts.ts'
import type { Session } from './session.ts'

/** Sub-tasks that a sweep finds at once. */
const perSweep = 1_000

/**
 * @param getSession The session that it becomes a part of.
 * @param countAfterMs Milliseconds until a parent counts a sub-task that moves again.
 */
export function createFamilies(getSession: () => Session, countAfterMs = 1_000): Families {
  const parents = new Map<string, string | null>()
  const known = new Set<string>()
  const lookups = new Set<Promise<void>>()
  const { count, countLater, idle, flush } = createCounts(getSession, countAfterMs)

  function know(taskId: string, parentId: string | undefined): void {
    parents.set(taskId, parentId ?? null)
    if (parentId !== undefined) known.add(parentId)
    dropOldest(parents)
    dropOldest(known)
  }

  /** A move is told; its count goes on by itself, and one that fails is left to the sweep. */
  function countSoon(parentId: string): void {
    count(parentId).catch(() => undefined)
  }

  async function lookUp(taskIds: readonly string[], countIn: (parentId: string) => void): Promise<void> {
    const found = await findMoved(getSession(), taskIds)
    for (const { _id, parentTaskId } of found) know(_id, parentTaskId)
    for (const parentId of new Set(found.map(({ parentTaskId }) => parentTaskId))) countIn(parentId)
  }

  return {
    know,
    parentOf: taskId => parents.get(taskId),
    isParent: taskId => known.has(taskId),
    moved(taskIds, { isLive } = { isLive: false }) {
      const countIn = isLive ? countLater : countSoon
      const touched = new Set(taskIds.map(taskId => parents.get(taskId)))
      for (const parentId of touched) if (typeof parentId === 'string') countIn(parentId)
      const unknown = touched.has(undefined) ? taskIds.filter(taskId => !parents.has(taskId)) : []
      if (unknown.length === 0) return
      const lookup = lookUp(unknown, countIn).catch(() => undefined)
      lookups.add(lookup)
      void lookup.finally(() => lookups.delete(lookup))
    },
    count,
    async idle() {
      await Promise.allSettled(lookups)
      await idle()
    },
    async flush() {
      await Promise.allSettled(lookups)
      await flush()
    },
    async sweep() {
      // One that cannot be counted holds up no other, and nothing else that is due; the next sweep finds it again.
      await Promise.allSettled((await parentsOfMoved(getSession())).map(count))
    },
    withUncounted: parentIds => withUncounted(getSession(), parentIds),
  }
}

type Child = { _id: string; parentTaskId: string }

/** Those of the tasks that are sub-tasks and moved. */
function findMoved({ database, tasks }: Session, taskIds: readonly string[]): Promise<Child[]> {
  return database.run('which have parents', () =>
    tasks
      .find({ _id: { $in: [...taskIds] }, uncounted: true })
      .project<Child>({ parentTaskId: 1 })
      .toArray(),
  )
}

/** Parents of sub-tasks that anybody moved, and nobody counted. */
async function parentsOfMoved({ database, tasks }: Session): Promise<string[]> {
  const found = await database.run('find sub-tasks that moved', () =>
    tasks
      .find({ uncounted: true })
      .hint('tasks_uncounted')
      .limit(perSweep)
      .project<Pick<Child, 'parentTaskId'>>({ _id: 0, parentTaskId: 1 })
      .toArray(),
  )
  return [...new Set(found.map(({ parentTaskId }) => parentTaskId))]
}

/** By parent: many sub-tasks of one must not hide those of another. */
async function withUncounted(
  { database, tasks }: Session,
  parentIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = await database.run('which have sub-tasks that moved', () =>
    tasks
      .aggregate<{ _id: string }>(
        [
          { $match: { uncounted: true, parentTaskId: { $in: [...parentIds] } } },
          { $group: { _id: '$parentTaskId' } },
        ],
        { hint: 'tasks_uncounted' },
      )
      .toArray(),
  )
  return new Set(found.map(({ _id }) => _id))
}
