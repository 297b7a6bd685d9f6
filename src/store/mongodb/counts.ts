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
  /** Resolves when what moved before this call is counted, or could not be. */
  idle(): Promise<void>
}

interface Count {
  running: Promise<void>
  /** The one after it, for those that moved since it began. */
  next?: Promise<void>
}

/** @param getSession The session that they work for. */
export function createCounts(getSession: () => Session): Counts {
  const counts = new Map<string, Count>()
  const parents: KnownParents = new Map()

  function begin(parentId: string): Promise<void> {
    const running = foldAll(getSession(), parentId, parents)
    const own: Count = { running }
    counts.set(parentId, own)
    const end = () => {
      if (counts.get(parentId) === own) counts.delete(parentId)
    }
    running.then(end, end)
    return running
  }

  return {
    count(parentId) {
      const present = counts.get(parentId)
      if (present === undefined) return begin(parentId)
      present.next ??= present.running.catch(() => undefined).then(() => begin(parentId))
      return present.next
    },
    async idle() {
      // Of this moment only: where sub-tasks move all the time, another count is always on its way.
      await Promise.allSettled([...counts.values()].map(({ running, next }) => next ?? running))
    },
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
