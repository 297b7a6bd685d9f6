import { readable } from '../task/codec.ts'
import type { Erasure, RootTask } from '../task/erasure.ts'
import type { TaskRecord } from '../task/task.ts'
import type { Attempt } from './attempt.ts'
import { cancelTree } from './cancel.ts'
import type { Core } from './core.ts'

/** Records deleted per write: a short one. */
const perWrite = 500
/** Milliseconds between two tries to delete a tree whose attempts have yet to react to their signals. */
const againAfterMs = 250

/** Returns what deletes trees of tasks, on behalf of an attempt. */
export function erasureOf(core: Core, { record, signal }: Pick<Attempt, 'record' | 'signal'>): Erasure {
  const { queries, tasks } = core.store
  return {
    submittedAt: record.createdAt,
    async roots(filter, page) {
      const asked = { ...filter, rootsOnly: true }
      const { items, ...next } = await queries.list(asked, { ...page, order: 'oldest' })
      return { items: items.filter(({ id }) => id !== record.rootTaskId).map(rootOf), ...next }
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

function rootOf({ id, taskType, tags, createdAt, parameters }: TaskRecord): RootTask {
  return { id, taskType, tags, createdAt, parameters: readable(parameters) }
}
