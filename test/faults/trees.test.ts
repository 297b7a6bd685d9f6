import type { TaskRecord } from 'quillwork'
import { expect } from 'vitest'
import { until } from '../servers/until.ts'
import { pause, running, startAll } from './acts.ts'
import { linesOf } from './ledger.ts'
import { row, slowRow } from './row.ts'
import { describeRows, onServers } from './setup.ts'
import type { System } from './system.ts'

describeRows('trees, cancels and sweeps', () => {
  row(24, 'the sub-tasks of one parent end all at once', async ({ seed, size, finish }) =>
    onServers(async system => {
      await startAll(system, 2, { slots: 16 })
      await system.submit({ name: 'parents', children: size.of(100, 2_000, 300), ms: 0 }, 1, seed)
      system.fault('storm')
      const report = await finish(system, { limit: size.of(60_000, 300_000) })
      expect(report.completed).toBe(size.of(101, 2_001, 301))
      const { tasks } = await system.held()
      const ends = tasks.map(({ completedAt }) => completedAt ?? 0).sort((a, b) => a - b)
      expect((ends.at(-1) ?? 0) - (ends.at(-2) ?? 0), 'from the last child to the parent').toBeLessThan(
        size.of(30_000, 5_000),
      )
    }),
  )

  row(
    [25, 29],
    'trees are cancelled at any moment, also while workers die',
    async ({ seed, chance, size, finish }) =>
      onServers(async system => {
        const workers = await startAll(system, 2)
        const trees = size.of(10, 300, 16)
        const plan = { name: 'parents', children: 6, ms: 100 }
        const submitted = system.submit(plan, trees, seed)
        const canceller = await system.start({ start: false })
        const cancelled = new Set<string>()
        for (let index = 0; index < trees; index += 2) {
          const taskId = await until(() => accepted(system, `${index}`), 'submitted tree')
          await pause(chance.between(0, 150))
          await canceller.order('cancel', { taskId })
          cancelled.add(taskId)
          if (index === 8) {
            system.fault('kill -9', workers[0]?.boot)
            workers[0]?.signal('SIGKILL')
            workers[0] = await system.start()
          }
        }
        await submitted
        await finish(system, { cancels: true })
        const { tasks } = await system.held()
        const statuses = tasks.filter(({ id }) => cancelled.has(id)).map(({ status }) => status)
        expect(statuses.filter(status => status !== 'CANCELLED' && status !== 'COMPLETED')).toEqual([])
        expect(statuses).toContain('CANCELLED')
        const effectsLater = tasks.filter(
          ({ id, parentTaskId, status }) =>
            parentTaskId !== undefined && status === 'CANCELLED' && endedWithResult(system, id),
        )
        expect(effectsLater).toEqual([])
      }),
  )

  row(
    26,
    'the process that ends the last sub-task dies before it tells the parent',
    async ({ seed, size, finish }) =>
      onServers(async system => {
        const deaths = size.of(2, 30, 3)
        for (let death = 0; death < deaths; death++) {
          const doomed = await system.start({ slots: 4, kill: { at: 'after-apply', nth: 2 + (death % 4) } })
          await system.submit({ name: 'parents', children: 3, ms: 1 }, 2, seed, death * 100)
          await doomed.ended
        }
        await system.start({ slots: 4 })
        const report = await finish(system)
        expect(report.completed).toBe(deaths * 2 * 4)
      }),
  )

  slowRow(26, 'processes die while sub-tasks start one after the other', async ({ seed, size, finish }) =>
    onServers(async system => {
      const deaths = size.of(2, 60, 6)
      const plan = { name: 'parents', children: 4, ms: 1, inChain: true }
      for (let death = 0; death < deaths; death++) {
        const doomed = await system.start({ slots: 4, kill: { at: 'after-apply', nth: 2 + (death % 7) } })
        await system.submit(plan, 2, seed, death * 100)
        await doomed.ended
      }
      await system.start({ slots: 4 })
      const report = await finish(system)
      expect(report.completed).toBe(deaths * 2 * 5)
      const { tasks } = await system.held()
      const ends = new Map(tasks.map(task => [`${task.parentTaskId} ${task.subTaskKey}`, task.completedAt]))
      for (const { parentTaskId, startedAt = 0, after } of tasks)
        for (const key of after?.keys ?? [])
          expect(startedAt).toBeGreaterThanOrEqual(ends.get(`${parentTaskId} ${key}`) ?? Infinity)
    }),
  )

  slowRow(26, 'no process that moves a sub-task tells its parent', async ({ seed, size, finish }) =>
    onServers(async system => {
      // All that they would tell is lost; another process finds it.
      await startAll(system, 2, { roles: ['worker'], refuse: ['read sub-tasks that moved'] })
      await system.start({ roles: ['maintenance'] })
      const count = size.of(5, 200)
      await system.submit({ name: 'parents', children: 3, ms: 1 }, count, seed)
      const report = await finish(system)
      expect(report.completed).toBe(count * 4)
      const { tasks } = await system.held()
      // Two sweeps and two seconds, where nothing else keeps the machine busy.
      expect(Math.max(...closingTimes(tasks))).toBeLessThan(size.of(20_000, 4_000))
    }),
  )

  slowRow(27, 'a sweeper is stopped between its look and its write', async ({ seed, size, finish }) =>
    onServers(async system => {
      const times = { lease: '2s', sweepInterval: '500ms', grace: '5s' }
      for (let round = 0; round < size.of(1, 10); round++) {
        const victim = await system.start({ times, roles: ['worker'] })
        await system.submit({ name: 'leaves', ms: 1_500 }, 8, seed, round * 100)
        await until(() => running(system.lines(), victim.boot) > 4, 'tasks that run')
        system.fault('kill -9', victim.boot)
        victim.signal('SIGKILL')
        await victim.ended
        // It has read which leases are over, and stands before its write.
        const slow = await system.start({ times, roles: ['maintenance'], stop: 'before-apply' })
        await until(() => stops(system, slow.boot) === 1, 'stop of the sweeper')
        const others = await startAll(system, 1, { times })
        await system.untilIdle()
        slow.signal('SIGCONT')
        for (const process of [slow, ...others]) {
          process.signal('SIGTERM')
          await process.ended
        }
        expect(await system.changedEnds()).toEqual([])
      }
      const report = await finish(system)
      expect(report.sometimes['rescued']).toBeGreaterThan(0)
    }),
  )

  slowRow(
    27,
    'a sweeper is stopped after its look at leases that are extended before its write',
    async ({ seed, finish }) =>
      onServers(async system => {
        const times = { lease: '5s', sweepInterval: '500ms', grace: '5s' }
        await system.start({ times, roles: ['worker'] })
        await system.submit({ name: 'leaves', ms: 15_000 }, 4, seed)
        await until(() => running(system.lines()) === 4, 'tasks that run')
        // By its clock every lease is over. It looks once.
        const slow = await system.start({
          times: { ...times, sweepInterval: '10m' },
          roles: ['maintenance'],
          aheadMs: 60_000,
          stop: 'before-apply',
        })
        await until(() => stops(system, slow.boot) === 1, 'stop of the sweeper')
        system.fault('SIGSTOP of a sweeper that has looked', slow.boot)
        const seen = await earliestLeaseEnd(system)
        await until(async () => (await earliestLeaseEnd(system)) > seen, 'leases that were extended')
        slow.signal('SIGCONT')
        slow.signal('SIGTERM')
        expect(await slow.ended).toEqual({ code: 0, signal: null })
        const report = await finish(system)
        expect(report.sometimes['rescued']).toBe(0)
        const { tasks } = await system.held()
        expect(tasks.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1])
      }),
  )

  slowRow(28, 'many tasks fail at once and are retried with jitter', async ({ seed, size, finish }) =>
    onServers(async system => {
      const count = size.of(100, 2_000)
      await startAll(system, 2, { slots: 16, retry: { maxAttempts: 5, backoff: [4_000], jitter: 0.5 } })
      await system.submit({ name: 'leaves', kind: 'flaky', ms: 1 }, count, seed)
      system.fault('all fail')
      const report = await finish(system)
      expect(report.completed).toBe(count)
      const due = linesOf(system.lines(), 'attempt-over').flatMap(({ attempt, notBefore }) =>
        attempt === 1 && notBefore !== undefined ? [notBefore] : [],
      )
      expect(mostWithin(100, due) / count, 'share of the retries in any 100 ms').toBeLessThan(
        size.of(0.15, 0.05),
      )
    }),
  )
})

function accepted(system: System, key: string): string | undefined {
  return linesOf(system.lines(), 'accepted').find(line => line.key === key)?.taskId
}

/** Whether a process said that the task completed. */
function endedWithResult(system: System, id: string): boolean {
  return linesOf(system.lines(), 'ended').some(({ taskId, name }) => taskId === id && name === 'completed')
}

function stops(system: System, boot: number): number {
  return linesOf(system.lines(), 'stopped').filter(line => line.boot === boot).length
}

/** When the first lease of a running task is over, in epoch milliseconds. */
async function earliestLeaseEnd(system: System): Promise<number> {
  const { tasks } = await system.held()
  return Math.min(...tasks.map(({ leaseUntil = 0 }) => leaseUntil))
}

/** Milliseconds from the end of each parent's last sub-task until its own. */
function closingTimes(tasks: readonly TaskRecord[]): number[] {
  const lastEnd = new Map<string, number>()
  for (const { parentTaskId, completedAt = 0 } of tasks)
    if (parentTaskId !== undefined)
      lastEnd.set(parentTaskId, Math.max(lastEnd.get(parentTaskId) ?? 0, completedAt))
  return tasks.flatMap(({ id, completedAt = 0 }) => {
    const last = lastEnd.get(id)
    return last === undefined ? [] : [completedAt - last]
  })
}

/** The most of the times that lie within so many milliseconds. */
function mostWithin(ms: number, times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b)
  return Math.max(0, ...sorted.map((time, at) => sorted.slice(at).filter(later => later < time + ms).length))
}
