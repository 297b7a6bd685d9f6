/** The counts of this process: each parent is counted by one at a time, and what moves meanwhile is counted by the one after it. */
import { fold, type KnownParents } from './fold.ts'
import { dropOldest } from './known.ts'
import type { Session } from './session.ts'

/** Another process that counts the same parent at the same time wins at most this often in a row; then it counts for both. */
const mostRefusals = 20
/** Milliseconds of chance between two tries. */
const jitterMs = 20

/** Counts of sub-tasks, by parent. */
export interface Counts {
  /** Counts what moved before this call. Rejects when the database fails. */
  count(parentId: string): Promise<void>
  /** Counts what moved before this call at the next `count`, or when a moment is over. */
  countLater(parentId: string): void
  /** Resolves when the counts that have begun, or are next, have ended. */
  idle(): Promise<void>
  /** Resolves when what moved before this call is counted, or could not be. */
  flush(): Promise<void>
}

interface Count {
  running: Promise<void>
  /** The one after it, for those that moved since it began. */
  next?: Promise<void>
}

/**
 * @param getSession The session that they work for.
 * @param laterMs Milliseconds until `countLater` counts.
 */
export function createCounts(getSession: () => Session, laterMs: number): Counts {
  const counts = new Map<string, Count>()
  const later = new Map<string, NodeJS.Timeout>()
  const parents: KnownParents = new Map()

  function begin(parentId: string): Promise<void> {
    clearTimeout(later.get(parentId))
    later.delete(parentId)
    const running = foldAll(getSession(), parentId, parents)
    const own: Count = { running }
    counts.set(parentId, own)
    const end = () => {
      if (counts.get(parentId) === own) counts.delete(parentId)
    }
    running.then(end, end)
    return running
  }

  function count(parentId: string): Promise<void> {
    const present = counts.get(parentId)
    if (present === undefined) return begin(parentId)
    present.next ??= present.running.catch(() => undefined).then(() => begin(parentId))
    return present.next
  }

  /** Of this moment only: where sub-tasks move all the time, another count is always on its way. */
  async function idle(): Promise<void> {
    await Promise.allSettled([...counts.values()].map(({ running, next }) => next ?? running))
  }

  return {
    count,
    countLater(parentId) {
      if (later.has(parentId) || counts.get(parentId)?.next !== undefined) return
      // One that fails is left to the sweep.
      const go = () => void count(parentId).catch(() => undefined)
      if (laterMs === 0) go()
      else later.set(parentId, setTimeout(go, laterMs).unref())
    },
    idle,
    async flush() {
      for (const parentId of later.keys()) count(parentId).catch(() => undefined)
      await idle()
    },
  }
}

/** Counts until nothing is left. Several processes may do so: one of them is refused, and starts over. */
async function foldAll(session: Session, parentId: string, parents: KnownParents): Promise<void> {
  let isCounted = false
  for (let refusals = 0; refusals < mostRefusals; ) {
    const folded = await fold(session, parentId, parents)
    // Whoever counted before tells of it.
    if (folded === 'nothing') break
    isCounted = true
    session.hints.look = true
    session.hints.noteReady()
    if (folded === 'all') break
    if (folded === 'refused') {
      refusals += 1
      await session.database.wait(Math.random() * jitterMs)
    }
  }
  if (!isCounted) return
  dropOldest(parents)
  session.tell()
}
