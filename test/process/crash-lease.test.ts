import { decode } from 'quillwork'
import { beforeAll, describe, expect, it } from 'vitest'
import { requireBuilt } from './crash/built.ts'
import { Runs } from './crash/runs.ts'

beforeAll(requireBuilt, 120_000)

const leaseMs = 500
const times = { lease: `${leaseMs}ms`, sweepInterval: '50ms' }

describe('an attempt whose process stands still for three leases', () => {
  it('because its handler holds the event loop, loses its task, and its late result is refused', {
    timeout: 60_000,
  }, async () => {
    await using runs = new Runs()
    const submit = [{ key: 'blocked', kind: 'block', ms: 3 * leaseMs, after: 2 * leaseMs }]
    const child = runs.start('run-tasks.mjs', { ...times, submit })
    await expectSecondAttemptStands(runs, child)
  })

  it('because the process was paused, loses its task, and its late result is refused', {
    timeout: 60_000,
  }, async () => {
    await using runs = new Runs()
    const submit = [{ key: 'paused', kind: 'pause', after: 2 * leaseMs }]
    const child = runs.start('run-tasks.mjs', { ...times, submit })
    await child.says('pausing')
    child.signal('SIGSTOP')
    await new Promise(resolve => setTimeout(resolve, 3 * leaseMs))
    child.signal('SIGCONT')
    await expectSecondAttemptStands(runs, child)
  })
})

async function expectSecondAttemptStands(runs: Runs, child: ReturnType<Runs['start']>): Promise<void> {
  expect(await child.says('returning')).toMatchObject({
    attempt: 1,
    aborted: true,
    checkpoint: 'ATTEMPT_STALE',
    subTask: 'PARENT_NOT_RUNNING',
  })
  await child.says('idle')
  child.signal('SIGTERM')
  expect((await child.ended).code).toBe(0)
  expect(await runs.brokenNow()).toEqual([])
  const { tasks, attempts } = await runs.read()
  expect(tasks).toHaveLength(1)
  for (const task of tasks) {
    expect(task).toMatchObject({ status: 'COMPLETED', attempt: 2, retryCount: 1 })
    expect(decode(task.result ?? '')).toMatchObject({ attempt: 2 })
    expect(attempts.get(task.id)).toEqual([1])
  }
}
