/** Which parents have sub-tasks to count: each is counted by one fold at a time in this process, and those of one moment by the same. */
import { fold, type KnownParents } from './fold.ts'
import type { Families } from './parts.ts'
import type { Session } from './session.ts'

/** Tasks whose parent is remembered, and parents; beyond it the oldest are forgotten, and asked for. */
const mostKnown = 50_000
/** Another process that counts the same parent at the same time wins at most this often in a row; then it counts for both. */
const mostRefusals = 20
/** Milliseconds of chance between two tries. */
const jitterMs = 20
/** Sub-tasks that a sweep finds at once. */
const perSweep = 1_000

interface Count {
  running: Promise<void>
  /** The one after it, for those that moved since it began. */
  next?: Promise<void>
}

/** @param getSession The session that it becomes a part of. */
export function createFamilies(getSession: () => Session): Families {
  const parents = new Map<string, string | null>()
  const known = new Set<string>()
  const counts = new Map<string, Count>()
  const lookups = new Set<Promise<void>>()
  const knownParents: KnownParents = new Map()

  function count(parentId: string): Promise<void> {
    const present = counts.get(parentId)
    if (present === undefined) return begin(parentId)
    present.next ??= present.running.catch(() => undefined).then(() => begin(parentId))
    return present.next
  }

  function begin(parentId: string): Promise<void> {
    const running = foldAll(getSession(), parentId, knownParents)
    const own: Count = { running }
    counts.set(parentId, own)
    const end = () => {
      if (counts.get(parentId) === own) counts.delete(parentId)
    }
    running.then(end, end)
    return running
  }

  /** A move is told; its count goes on by itself, and one that fails is left to the sweep. */
  function countSoon(parentId: string): void {
    count(parentId).catch(() => undefined)
  }

  async function lookUp(taskIds: readonly string[]): Promise<void> {
    const { database, tasks } = getSession()
    const found = await database.run('which have parents', () =>
      tasks
        .find({ _id: { $in: [...taskIds] }, uncounted: true })
        .project<{ _id: string; parentTaskId?: string }>({ parentTaskId: 1 })
        .toArray(),
    )
    for (const { _id, parentTaskId } of found) know(_id, parentTaskId)
    for (const parentId of new Set(found.map(({ parentTaskId }) => parentTaskId)))
      if (parentId !== undefined) countSoon(parentId)
  }

  function know(taskId: string, parentId: string | undefined): void {
    parents.set(taskId, parentId ?? null)
    if (parentId !== undefined) known.add(parentId)
    dropOldest(parents)
    dropOldest(known)
  }

  return {
    know,
    parentOf: taskId => parents.get(taskId),
    isParent: taskId => known.has(taskId),
    moved(taskIds) {
      const touched = new Set(taskIds.map(taskId => parents.get(taskId)))
      for (const parentId of touched) if (typeof parentId === 'string') countSoon(parentId)
      const unknown = touched.has(undefined) ? taskIds.filter(taskId => !parents.has(taskId)) : []
      if (unknown.length === 0) return
      const lookup = lookUp(unknown).catch(() => undefined)
      lookups.add(lookup)
      void lookup.finally(() => lookups.delete(lookup))
    },
    count,
    async idle() {
      // Of this moment only: where sub-tasks move all the time, another count is always on its way.
      await Promise.allSettled(lookups)
      await Promise.allSettled([...counts.values()].map(({ running, next }) => next ?? running))
    },
    async sweep() {
      const { database, tasks } = getSession()
      const found = await database.run('find sub-tasks that moved', () =>
        tasks
          .find({ uncounted: true })
          .hint('tasks_uncounted')
          .limit(perSweep)
          .project<{ parentTaskId: string }>({ _id: 0, parentTaskId: 1 })
          .toArray(),
      )
      await Promise.all([...new Set(found.map(({ parentTaskId }) => parentTaskId))].map(count))
    },
    async withUncounted(parentIds) {
      const { database, tasks } = getSession()
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
    },
  }
}

function dropOldest(known: Map<string, unknown> | Set<string>): void {
  if (known.size <= mostKnown) return
  for (const key of known.keys()) {
    if (known.size <= mostKnown / 2) return
    known.delete(key)
  }
}

/** Counts until nothing is left. Several processes may do so: one of them is refused, and starts over. */
async function foldAll(session: Session, parentId: string, parents: KnownParents): Promise<void> {
  for (let refusals = 0; refusals < mostRefusals; ) {
    const folded = await fold(session, parentId, parents)
    session.hints.look = true
    session.hints.noteReady()
    if (folded === 'all') break
    if (folded === 'refused') {
      refusals += 1
      await session.database.wait(Math.random() * jitterMs)
    }
  }
  dropOldest(parents)
  session.tell()
}
