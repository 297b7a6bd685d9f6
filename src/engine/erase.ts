import { decode } from '../task/codec.ts'
import type { Erasure } from '../task/erasure.ts'
import { everyItem } from '../task/page.ts'
import type { Attempt } from './attempt.ts'
import { cancelTree } from './cancel.ts'
import type { Core } from './core.ts'

/** Root tasks read per page. */
const perPage = 200
/** Records deleted per write: a short one. */
const perWrite = 500
/** Milliseconds between two tries to delete a tree whose attempts have yet to react to their signals. */
const againAfterMs = 250

/** Returns what deletes trees of tasks, on behalf of an attempt. */
export function erasureOf(core: Core, { record, signal }: Pick<Attempt, 'record' | 'signal'>): Erasure {
  const { queries, tasks } = core.store
  return {
    async find(userId, isOne, limit = Number.POSITIVE_INFINITY) {
      const filter = { userId, rootsOnly: true }
      const roots = everyItem(perPage, page => queries.list(filter, { ...page, order: 'oldest' }))
      const found: string[] = []
      for await (const { id, taskType, tags, parameters } of roots) {
        if (found.length >= limit) break
        const root = { id, taskType, tags, parameters: readable(parameters) }
        if (id !== record.rootTaskId && isOne(root)) found.push(id)
      }
      return found
    },
    cancel: rootTaskId => cancelTree(core, rootTaskId),
    async erase(rootTaskId) {
      let gone = 0
      for (;;) {
        signal.throwIfAborted()
        await cancelTree(core, rootTaskId)
        for (let deleted = perWrite; deleted > 0; gone += deleted)
          deleted = await tasks.erase(rootTaskId, perWrite)
        const [left] = await queries.get([rootTaskId])
        if (left === undefined) return gone
        await new Promise<void>(resolve => core.clock.after(againAfterMs, resolve))
      }
    },
    scrub: async () => core.store.scrub?.(),
  }
}

function readable(parameters: string): unknown {
  try {
    return decode(parameters)
  } catch {
    return undefined
  }
}
