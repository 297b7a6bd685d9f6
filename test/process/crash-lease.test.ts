import { beforeAll, describe, expect, it } from 'vitest'
import { requireBuilt } from './crash/built.ts'
import { Runs } from './crash/runs.ts'

beforeAll(requireBuilt, 120_000)

const leaseMs = 500
const times = { lease: `${leaseMs}ms`, sweepInterval: '50ms' }

describe('an attempt whose process stands still for three leases', () => {
  it('because its handler holds the event loop, keeps its task, for nobody else can own the file', async () => {
    await using runs = new Runs()
    const submit = [{ key: 'blocked', kind: 'block', ms: 3 * leaseMs, after: 2 * leaseMs }]
    const child = runs.start('run-tasks.mjs', { ...times, submit })
    await expectItGoesOn(runs, child)
  })

  it('because the process was paused, keeps its task, for nobody else can own the file', async () => {
    await using runs = new Runs()
    const submit = [{ key: 'paused', kind: 'pause', after: 2 * leaseMs }]
    const child = runs.start('run-tasks.mjs', { ...times, submit })
    await child.says('pausing')
    child.signal('SIGSTOP')
    await new Promise(resolve => setTimeout(resolve, 3 * leaseMs))
    child.signal('SIGCONT')
    await expectItGoesOn(runs, child)
  })
})

async function expectItGoesOn(runs: Runs, child: ReturnType<Runs['start']>): Promise<void> {
  expect(await child.says('returning')).toMatchObject({
    attempt: 1,
    aborted: false,
    checkpoint: 'applied',
    subTask: 'applied',
  })
  await child.says('idle')
  child.signal('SIGTERM')
  expect((await child.ended).code).toBe(0)
  expect(await runs.brokenNow()).toEqual([])
  const { tasks } = await runs.read()
  // The task, and the sub-task that it submitted late.
  expect(tasks).toHaveLength(2)
  for (const task of tasks) expect(task).toMatchObject({ status: 'COMPLETED', attempt: 1, retryCount: 0 })
}
