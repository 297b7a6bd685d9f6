import { createEngine, defineTask } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { Store, TaskStore } from '../../src/store/store.ts'
import { createManualClock } from '../../src/testing/manual-clock.ts'
import { claimOf, createOne, read } from '../../src/testing/store-case.ts'

it('a rescuer that saw an expired lease does not take a task whose holder came back meanwhile', async () => {
  const clock = createManualClock()
  const real = sqlite({ file: ':memory:', now: clock.now })
  const runs: number[] = []
  const write = defineTask({
    type: 'Write',
    parameters: z.unknown(),
    result: z.unknown(),
    execute: ({ attempt }) => {
      runs.push(attempt)
      return 'rescued'
    },
  })
  // Another process holds the task. Its heartbeat comes late: after the sweep has looked, before it writes.
  const record = await createOne(real)
  const claim = claimOf(record, { leaseMs: 1_000 })
  await real.tasks.claim([claim])
  let extensions = 0
  let alive = true
  const tasks: TaskStore = {
    ...real.tasks,
    async overdue(limit) {
      const found = await real.tasks.overdue(limit)
      if (found.length > 0 && alive) {
        const [answer] = await real.tasks.extend([{ taskId: record.id, token: claim.token }], 1_000)
        if (answer?.held === true) extensions += 1
      }
      return found
    },
  }
  const store: Store = { ...real, tasks }
  const engine = await createEngine({ tasks: [write], store, clock, times: { sweepInterval: '5s' } })
  await engine.start()
  await clock.advance('21s')
  expect(extensions).toBeGreaterThan(2)
  expect(await read(real, record.id)).toMatchObject({
    status: 'RUNNING',
    attempt: 1,
    claimToken: claim.token,
  })
  expect(runs).toEqual([])
  alive = false
  await clock.advance('10s')
  expect(runs).toEqual([2])
  expect((await read(real, record.id)).status).toBe('COMPLETED')
  const stopping = engine.stop({ grace: 0 })
  await clock.advance('1s')
  await stopping
})
