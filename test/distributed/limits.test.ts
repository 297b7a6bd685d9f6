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
    await Promise.all(handles.map(handle => handle.result({ timeout: '60s' })))
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

  it('a limit that is set in one process lets what waits in another go on, and comes back as configured', async () => {
    await using home = installation()
    const states = mongodb({ url: home.databaseUrl })
    await states.open?.()
    const { scripted } = scriptedTasks()
    const limits = () =>
      createSharedLimiter({
        limits: { model: { requestsPerMinute: 1 } },
        states: states.states,
        clock: systemClock,
      })
    const client = await home.engine({ tasks: [scripted], start: false, limits: limits() })
    const worker = await home.engine({ tasks: [scripted], limits: limits() })
    const orders = [{ do: 'acquire', limit: 'model' }, { do: 'succeed' }] as const
    const handles = await client.submitMany(
      scripted,
      Array.from({ length: 6 }, () => ({ parameters: { orders } })),
    )
    const waiting = async () => (await client.limits.list())[0]?.waiting
    await until(async () => (await waiting()) === 5, 'five that wait for a minute and more')
    await client.limits.set('model', { requestsPerMinute: 60 })
    await Promise.all(handles.map(handle => handle.result({ timeout: '18s' })))
    const limit = () => worker.limiter.describe('model')[0]?.limit
    expect(limit()).toEqual({ requestsPerMinute: 60 })
    await client.limits.set('model', null)
    await until(() => limit()?.requestsPerMinute === 1, 'the limit of the configuration')
    await states.tasks.close()
  })
})
