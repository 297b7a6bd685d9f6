import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { createEngine, defineTask } from '../dist/index.js'
import { createMetrics } from '../dist/observe/metrics.js'
import { sqlite } from '../dist/store/sqlite/index.js'
import { payload, WIDTH } from './load.mjs'

/** Schema of the payload that every system gets. */
const parameters = z.object({
  index: z.number(),
  novelId: z.string(),
  sceneId: z.string(),
  style: z.string(),
  text: z.string(),
})

/** How many tasks go into one call when many are submitted. */
const CHUNK = 10_000

/** The task that does nothing, or waits for `waitMs` as one that calls a model does. `onStart(index)` is called in its handler. */
export function noopTask(onStart, waitMs = 0) {
  return defineTask({
    type: 'Noop',
    parameters,
    result: z.object({ index: z.number() }),
    execute: ctx => {
      onStart(ctx.parameters.index)
      const result = { index: ctx.parameters.index }
      return waitMs === 0 ? result : sleep(waitMs, result)
    },
  })
}

/** An engine as a user would make it: the SQLite file with its defaults, one lane with as many slots as the others get, metrics on. */
export async function openEngine({ file, tasks, faults, limits = {} }) {
  const store = sqlite({ file, ...(faults ? { faults } : {}) })
  const engine = await createEngine({ tasks, store, lanes: { default: { slots: WIDTH } }, limits })
  createMetrics({ engine })
  return engine
}

/** `count` items in chunks of 10,000: what one call takes. */
export function* chunks(count, item) {
  for (let from = 0; from < count; from += CHUNK) {
    yield Array.from({ length: Math.min(CHUNK, count - from) }, (_, i) => item(from + i))
  }
}

/** A parent that submits its children in chunks of the same size as independent tasks. */
export function familyTask(noop) {
  return defineTask({
    type: 'Family',
    parameters: z.object({ children: z.number() }),
    result: z.object({}),
    execute: async ctx => {
      const item = index => ({ key: String(index), parameters: payload(index) })
      for (const items of chunks(ctx.parameters.children, item)) {
        const { refused } = await ctx.submitSubTasks(noop, items)
        if (refused.length > 0) throw new Error(`${refused.length} children were refused`)
      }
    },
    onSubTasksSettled: () => ({}),
  })
}
