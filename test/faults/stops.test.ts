import { expect } from 'vitest'
import { until } from '../servers/until.ts'
import { pause, running, startAll, startApi, submitOver } from './acts.ts'
import { type Line, linesOf } from './ledger.ts'
import { startProxy } from './proxy.ts'
import { logged } from './report.ts'
import { row, slowRow } from './row.ts'
import { describeRows, onServers } from './setup.ts'
import type { Running, System } from './system.ts'

describeRows('processes that are told to stop', () => {
  row(34, 'all workers are restarted one by one under load', async ({ seed, size, finish }) =>
    onServers(async system => {
      // What one worker gives back fits into the slots that the others have to spare.
      const options = { times: { lease: '3s', sweepInterval: '500ms', grace: '300ms' }, slots: 16 }
      const workers = await startAll(system, size.of(2, 4), options)
      for (let restart = 0; restart < size.of(3, 30, 4); restart++) {
        const count = size.of(12, 40)
        const submitted = system.submit({ name: 'leaves', ms: 800 }, count, seed, restart * 100)
        // The one that has been there longest, of those that run some: how tasks spread is up to the broker.
        const leaving = await until(
          () => workers.find(({ boot }) => running(system.lines(), boot) > 2),
          'tasks that run',
        )
        system.fault('SIGTERM', leaving.boot)
        leaving.signal('SIGTERM')
        expect(await leaving.ended).toEqual({ code: 0, signal: null })
        workers.splice(workers.indexOf(leaving), 1)
        workers.push(await system.start(options))
        await submitted
      }
      const report = await finish(system)
      expect(report.sometimes['givenBack']).toBeGreaterThan(0)
      const { tasks } = await system.held()
      expect(tasks.filter(({ retryCount }) => retryCount > 0)).toEqual([])
      expect(Math.max(...waitsAfterGivingBack(system.lines()))).toBeLessThan(size.of(10_000, 2_000))
      expect(logged(system.lines(), 'task rescued'), 'leases that had to run out').toBe(0)
    }),
  )

  slowRow(
    34,
    'a worker is told twice to stop, and one while it looks for its broker',
    async ({ seed, finish }) =>
      onServers(async (system, { rabbitUrl }) => {
        await using proxy = await startProxy(rabbitUrl)
        const times = { lease: '60s', sweepInterval: '500ms' }
        const patient = await system.start({ times: { ...times, grace: '50s' }, slots: 4 })
        await system.submit({ name: 'leaves', kind: 'oversleep' }, 4, seed)
        await until(() => running(system.lines(), patient.boot) === 4, 'tasks that run')
        system.fault('SIGTERM', patient.boot)
        patient.signal('SIGTERM')
        await patient.says('stopping')
        await pause(500)
        expect(running(system.lines(), patient.boot), 'tasks that it lets go on').toBe(4)
        expect(await stopTime(system, patient)).toBeLessThan(10_000)
        const cut = { rabbitUrl: proxy.through(rabbitUrl), times: { ...times, grace: '300ms' }, slots: 4 }
        const lonely = await system.start(cut)
        await until(
          () => running(system.lines(), lonely.boot) === 0 && endedBy(system, lonely.boot) === 4,
          'their ends',
        )
        await system.submit({ name: 'leaves', kind: 'oversleep' }, 4, seed, 100)
        await until(() => running(system.lines(), lonely.boot) === 4, 'tasks that run')
        proxy.refuse(true)
        proxy.reset()
        await until(() => !isConnected(system, lonely.boot), 'notice of the lost connection')
        expect(await stopTime(system, lonely)).toBeLessThan(10_000)
        await system.start({ times })
        const report = await finish(system)
        expect(report.sometimes['givenBack']).toBe(8)
        expect(logged(system.lines(), 'task rescued'), 'leases that had to run out').toBe(0)
        const { tasks } = await system.held()
        expect(tasks.map(({ attempt, retryCount }) => [attempt, retryCount])).toEqual(tasks.map(() => [2, 0]))
        expect(report.completed).toBe(8)
      }),
  )

  slowRow(
    34,
    'the processes of the API are restarted one by one while clients submit',
    async ({ size, finish }) =>
      onServers(async system => {
        await system.start()
        const apis = await Promise.all([startApi(system), startApi(system)])
        let over = false
        const clients = Array.from({ length: 4 }, async (_, client) => {
          for (let turn = 0; !over; turn++) await submitAnywhere(system, apis, `${client}/${turn}`)
        })
        for (let restart = 0; restart < size.of(2, 20); restart++) {
          const leaving = apis[restart % 2]
          await pause(300)
          system.fault('SIGTERM', leaving?.boot)
          leaving?.signal('SIGTERM')
          expect(await leaving?.ended).toEqual({ code: 0, signal: null })
          apis[restart % 2] = await startApi(system)
        }
        over = true
        await Promise.all(clients)
        const report = await finish(system)
        expect(report.acknowledged).toBe(report.attempted)
        expect(report.completed).toBe(report.attempted)
      }),
  )
})

/** Submits a leaf to one API or the other, until one accepts it. A process that is about to end may refuse a connection, and nothing else. */
async function submitAnywhere(system: System, apis: readonly { url: string }[], key: string): Promise<void> {
  for (let turn = 0; ; turn++) {
    const url = apis[turn % apis.length]?.url ?? ''
    try {
      const { status } = await submitOver(system, url, key)
      expect(status).toBe(202)
      return
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      system.note({ is: 'unheard', key, code: 'no answer' })
      await pause(50)
    }
  }
}

/** Tells a process to stop; it has to end in order. Answers how long that took, in milliseconds. */
async function stopTime(system: System, leaving: Running): Promise<number> {
  system.fault('SIGTERM', leaving.boot)
  const since = performance.now()
  leaving.signal('SIGTERM')
  expect(await leaving.ended).toEqual({ code: 0, signal: null })
  return performance.now() - since
}

function endedBy(system: System, boot: number): number {
  return linesOf(system.lines(), 'ended').filter(line => line.boot === boot).length
}

function isConnected(system: System, boot: number): boolean {
  return linesOf(system.lines(), 'broker').findLast(line => line.boot === boot)?.connected === true
}

/** Milliseconds from the moment that a task was given back until it began again. */
function waitsAfterGivingBack(lines: readonly Line[]): number[] {
  return lines.flatMap((line, at) => {
    if (line.is !== 'attempt-over' || line.name !== 'givenBack') return []
    const again = linesOf(lines.slice(at), 'started').find(({ taskId }) => taskId === line.taskId)
    return again === undefined ? [] : [again.ms - line.ms]
  })
}
