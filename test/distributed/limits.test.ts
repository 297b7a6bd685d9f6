import { scriptedTasks } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineTask, systemClock } from '../../src/index.ts'
import { createSharedLimiter } from '../../src/rate-limit/shared.ts'
import { mongodb } from '../../src/store/mongodb/index.ts'
import { until } from '../servers/until.ts'
import { describeDistributed, installation } from './installation.ts'

describeDistributed('limits over several processes', () => {
  it('E2, E10: two processes share a limit on calls at the same time, and waits spend no retry', async () => {
    await using home = installation()
    let busy = 0
    let most = 0
    const task = defineTask({
      type: 'Call',
      parameters: z.number(),
      result: z.number(),
      async execute(ctx) {
        const permit = await ctx.acquire('model')
        busy += 1
        most = Math.max(most, busy)
        await new Promise(resolve => setTimeout(resolve, 40))
        busy -= 1
        permit.commit()
        return ctx.parameters
      },
    })
    const states = mongodb({ url: home.databaseUrl })
    await states.open?.()
    const start = () =>
      home.engine({
        tasks: [task],
        limits: createSharedLimiter({
          limits: { model: { concurrency: 3 } },
          states: states.states as NonNullable<typeof states.states>,
          clock: systemClock,
        }),
      })
    const first = await start()
    await start()
    const handles = await first.submitMany(
      task,
      Array.from({ length: 24 }, (_, index) => ({ parameters: index })),
    )
    await Promise.all(handles.map(handle => handle.result({ timeout: '18s' })))
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(3)
    for (const { taskId } of handles) expect((await first.tasks.get(taskId)).retryCount).toBe(0)
    await states.tasks.close()
  })

  it('E4: a 429 seen by one process parks the key for the other', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const one = await home.engine({ tasks: [scripted], limits: { model: { requestsPerMinute: 100 } } })
    const other = await home.engine({
      tasks: [scripted],
      limits: { model: { requestsPerMinute: 100 } },
      roles: [],
    })
    const acquire = { do: 'acquire', limit: 'model' } as const
    const tooMany = { do: 'tooMany', retryAfterMs: 30_000 } as const
    // Not at once: the other process has just begun, and may not listen yet.
    await one.submit(scripted, { orders: [acquire, tooMany] }, { delay: '1s' })
    const parked = () => other.limiter.describe().find(use => use.key === 'model')?.parkedUntil
    await until(() => parked() !== undefined, 'parked key in the other process')
    expect(parked() ?? 0).toBeGreaterThan(Date.now() + 20_000)
  })
})
