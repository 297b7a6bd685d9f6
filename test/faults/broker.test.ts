import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type PrivateRabbit, privateRabbit } from '../servers/private-rabbit.ts'
import { rabbitUrl } from '../servers/rabbit.ts'
import { until } from '../servers/until.ts'
import { pause, running, startAll } from './acts.ts'
import { type Line, linesOf } from './ledger.ts'
import { startProxy } from './proxy.ts'
import { row, slowRow } from './row.ts'
import { describeRows, onServers } from './setup.ts'

describeRows('a broker that is away', () => {
  describe('a node of its own', () => {
    let node: PrivateRabbit

    beforeAll(async () => {
      node = await privateRabbit()
    }, 120_000)

    afterAll(() => node.stop())

    slowRow(8, 'the broker is restarted in order under load', async ({ seed, size, finish }) =>
      onServers(
        async system => {
          await startAll(system, size.of(1, 4))
          for (let restart = 0; restart < size.of(1, 3); restart++) {
            const submitted = system.submit({ most: 6 }, size.of(50, 300), seed, restart * 2_000)
            await until(() => running(system.lines()) > 2, 'tasks that run')
            system.fault('broker stopped')
            await node.restart()
            system.faultOver('broker started')
            await submitted
            // What came before has begun without the broker.
            await system.submit({ name: 'leaves' }, 5, seed, 50_000 + restart * 10)
            await untilRunsAgain(system.lines.bind(system))
          }
          const report = await finish(system)
          expect(report.recoveredUnknown, 'submissions that were refused').toBe(0)
          expect(report.sometimes['reconnects']).toBeGreaterThan(0)
          expect(startAfterFault(system.lines())).toBeLessThan(10_000)
        },
        { rabbitUrl: node.url },
      ),
    )

    row(9, 'the broker is killed and started again', async ({ seed, size, finish }) =>
      onServers(
        async system => {
          await startAll(system, size.of(1, 4))
          await system.submit({ name: 'leaves' }, 5, seed, 100_000)
          await node.sync()
          for (let kill = 0; kill < size.of(1, 3); kill++) {
            const submitted = system.submit({ most: 6 }, size.of(50, 300), seed, kill * 2_000)
            await until(() => running(system.lines()) > 2, 'tasks that run')
            system.fault('broker killed')
            await node.kill()
            await node.start()
            system.faultOver('broker started')
            await submitted
            await system.submit({ name: 'leaves' }, 5, seed, 50_000 + kill * 10)
          }
          const report = await finish(system)
          expect(report.recoveredUnknown, 'submissions that were refused').toBe(0)
          expect(report.sometimes['reconnects']).toBeGreaterThan(0)
          expect(startAfterFault(system.lines())).toBeLessThan(30_000)
        },
        { rabbitUrl: node.url },
      ),
    )

    slowRow(9, 'the broker is killed and stays away: work goes on', async ({ seed, size, finish }) =>
      onServers(
        async system => {
          await startAll(system, size.of(2, 4), { slots: 4 })
          const count = size.of(400, 1_600)
          const submitted = system.submit({ name: 'leaves', ms: 50 }, count, seed)
          await until(() => ended(system.lines()) >= count / 4, 'tasks that end', 300_000)
          system.fault('broker killed')
          await node.kill()
          await submitted
          await system.untilIdle()
          const [before, after] = paces(system.lines())
          expect(after, 'tasks a second without the broker').toBeGreaterThan(before / 2)
          expect(longestGap(system.lines()), 'milliseconds in which none began').toBeLessThan(2_000)
          await node.start()
          system.faultOver('broker started')
          await system.submit({ most: 6 }, size.of(50, 300), seed, 10_000)
          const report = await finish(system)
          expect(report.recoveredUnknown, 'submissions that were refused').toBe(0)
        },
        { rabbitUrl: node.url },
      ),
    )
  })

  slowRow(12, 'the connection to the broker swallows everything', async ({ seed, size, finish }) => {
    await using proxy = await startProxy(rabbitUrl())
    const heartbeatS = size.of(2, 5)
    await onServers(async system => {
      const options = { rabbitUrl: proxy.through(rabbitUrl()), brokerOptions: { heartbeatS } }
      await startAll(system, size.of(1, 4), options)
      const client = await system.start({ ...options, start: false })
      const submitted = client.order('submit', {
        plan: { most: 6 },
        from: 0,
        count: size.of(60, 900),
        seed,
      })
      await until(() => running(system.lines()) > 2, 'tasks that run')
      system.fault('black hole')
      proxy.set({ kind: 'black-hole' })
      const noticed = await until(
        () => linesOf(system.lines(), 'broker').find(({ connected }) => !connected),
        'notice of the lost connection',
      )
      expect(noticed.ms - lastFault(system.lines())).toBeLessThan(heartbeatS * 3_000 + 1_500)
      if (size.full) await pause(15_000)
      proxy.set({ kind: 'pass' })
      system.faultOver('bytes pass')
      await submitted
      const report = await finish(system)
      expect(proxy.faults()).toBeGreaterThan(0)
      expect(report.recoveredUnknown, 'submissions that were refused').toBe(0)
      expect(report.sometimes['reconnects']).toBeGreaterThan(0)
    })
  })

  slowRow(
    13,
    'connections to the broker are reset, half-closed and cut within a frame',
    async ({ seed, chance, size, finish }) => {
      await using proxy = await startProxy(rabbitUrl())
      await onServers(async system => {
        const worker = await system.start({ rabbitUrl: proxy.through(rabbitUrl()) })
        for (let turn = 0; turn < size.of(9, 200); turn++) {
          await system.submit({ name: 'leaves', ms: 20 }, 10, seed, turn * 100)
          await until(() => proxy.connections() > 1, 'connections')
          const before = proxy.faults()
          system.fault('connection broken')
          if (turn % 3 === 0) proxy.reset()
          else if (turn % 3 === 1) proxy.halfClose(chance.between(0, 1) === 0 ? 'up' : 'down')
          else proxy.cutAfter(chance.between(1, 200), chance.between(0, 1) === 0 ? 'up' : 'down')
          await until(() => proxy.faults() > before, 'broken connection')
          proxy.cutAfter(undefined, 'up')
          proxy.cutAfter(undefined, 'down')
          await until(
            () => isConnected(system.lines(), worker.boot),
            'connection that was made again',
            15_000,
          )
        }
        const report = await finish(system)
        expect(report.sometimes['reconnects']).toBeGreaterThan(2)
      })
    },
  )
})

/** Milliseconds from the end of the last fault until a task began. */
function startAfterFault(lines: readonly Line[]): number {
  const over = linesOf(lines, 'fault-over').at(-1)?.ms ?? 0
  const started = linesOf(lines, 'started').find(({ ms }) => ms > over)
  return started === undefined ? Number.POSITIVE_INFINITY : started.ms - over
}

function ended(lines: readonly Line[]): number {
  return linesOf(lines, 'ended').length
}

/** Tasks that began per second, before and after the last fault. */
function paces(lines: readonly Line[]): [number, number] {
  const fault = lastFault(lines)
  const times = linesOf(lines, 'started').map(({ ms }) => ms)
  const pace = (part: readonly number[]) => (part.length * 1_000) / (Math.max(...part) - Math.min(...part))
  return [pace(times.filter(ms => ms <= fault)), pace(times.filter(ms => ms > fault))]
}

/** Milliseconds after the last fault in which no task began, at most. */
function longestGap(lines: readonly Line[]): number {
  const fault = lastFault(lines)
  const times = linesOf(lines, 'started').flatMap(({ ms }) => (ms > fault ? [ms] : []))
  return Math.max(...[fault, ...times].map((ms, index, all) => (all[index + 1] ?? ms) - ms))
}

function lastFault(lines: readonly Line[]): number {
  return linesOf(lines, 'fault').at(-1)?.ms ?? 0
}

/** Whether the last that the process said of its connection is that there is one, after the last fault. */
function isConnected(lines: readonly Line[], boot: number): boolean {
  const said = linesOf(lines, 'broker').filter(line => line.boot === boot)
  return said.at(-1)?.connected === true && (said.at(-1)?.ms ?? 0) > lastFault(lines)
}

async function untilRunsAgain(lines: () => Line[]): Promise<void> {
  await until(() => startAfterFault(lines()) < Number.POSITIVE_INFINITY, 'task that begins', 30_000)
}
