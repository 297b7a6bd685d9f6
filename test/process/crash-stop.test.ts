import { beforeAll, describe, expect, it } from 'vitest'
import { requireBuilt } from './crash/built.ts'
import { Runs } from './crash/runs.ts'
import { printedChance } from './crash/seed.ts'

beforeAll(requireBuilt, 120_000)

/** Processes that are asked to stop, one after the other. */
const restarts = 10

describe('SIGTERM', () => {
  it('restarts under load spend no retry and hand back at once what is not finished', {
    timeout: 120_000,
  }, async () => {
    const { between } = printedChance('rolling restarts')
    await using runs = new Runs()
    const submit = Array.from({ length: 200 }, (_, n) => ({
      key: `t${n}`,
      kind: 'work',
      ms: 40 + (n % 7) * 40,
    }))
    let handedBack = 0
    for (let restart = 0; restart < restarts; restart++) {
      const child = runs.start('run-tasks.mjs', { submit, grace: '30ms' })
      await child.says('started')
      await new Promise(resolve => setTimeout(resolve, between(50, 250)))
      child.signal('SIGTERM')
      expect(await child.ended).toEqual({ code: 0, signal: null })
      const { tasks } = await runs.read()
      expect(tasks.filter(({ status }) => status !== 'COMPLETED' && status !== 'QUEUED')).toEqual([])
      expect(tasks.filter(({ leaseUntil }) => leaseUntil !== undefined)).toEqual([])
      handedBack += tasks.filter(({ status, attempt }) => status === 'QUEUED' && attempt > 0).length
      expect(await runs.brokenNow()).toEqual([])
    }
    const last = runs.start('run-tasks.mjs', { submit })
    await last.says('idle')
    last.signal('SIGTERM')
    expect((await last.ended).code).toBe(0)
    expect(handedBack).toBeGreaterThan(restarts)
    expect(await runs.brokenAtRest()).toEqual([])
    const { tasks, crashes } = await runs.read()
    for (const task of tasks) expect(task).toMatchObject({ status: 'COMPLETED', retryCount: 0 })
    expect(crashes).toBe(0)
  })

  it('lets a running attempt finish within the grace time', async () => {
    await using runs = new Runs()
    const child = runs.start('run-tasks.mjs', {
      submit: [{ key: 'slow', kind: 'work', ms: 500, tells: true }],
      grace: '30s',
    })
    await child.says('started')
    child.signal('SIGTERM')
    expect(await child.ended).toEqual({ code: 0, signal: null })
    expect((await runs.read()).tasks).toMatchObject([{ status: 'COMPLETED', attempt: 1, retryCount: 0 }])
  })

  it('a second one stops now, and hands back even what does not listen', async () => {
    await using runs = new Runs()
    const submit = [
      { key: 'deaf', kind: 'deaf', ms: 600_000 },
      { key: 'long', kind: 'work', ms: 600_000, tells: true },
    ]
    const child = runs.start('run-tasks.mjs', { submit, grace: '10m' })
    await child.says('working')
    child.signal('SIGTERM')
    await child.says('stopping')
    child.signal('SIGTERM')
    expect(await child.ended).toEqual({ code: 0, signal: null })
    expect((await runs.read()).tasks).toMatchObject([
      { status: 'QUEUED', attempt: 1, retryCount: 0, crashCount: 0 },
      { status: 'QUEUED', attempt: 1, retryCount: 0, crashCount: 0 },
    ])
  })

  it('reaches a task whose claim was still on its way, also when it is the second one', async () => {
    for (const [grace, signals] of [['10ms', 1] as const, ['10m', 2] as const]) {
      await using runs = new Runs()
      const submit = [{ key: 'claimed', kind: 'work', ms: 600_000 }]
      const child = runs.start('run-tasks.mjs', { submit, faults: { syncDelayMs: 300 }, grace })
      await child.says('started')
      child.signal('SIGTERM')
      await child.says('stopping')
      if (signals === 2) child.signal('SIGTERM')
      expect(await child.ended).toEqual({ code: 0, signal: null })
      const { tasks } = await runs.read()
      expect(tasks).toMatchObject([{ status: 'QUEUED', retryCount: 0, crashCount: 0 }])
    }
  })
})
