import { afterAll, beforeAll, expect } from 'vitest'
import { type PrivateCluster, type PrivateRabbit, privateCluster } from '../servers/private-rabbit.ts'
import { until } from '../servers/until.ts'
import { pause, running, startAll } from './acts.ts'
import { type Line, linesOf } from './ledger.ts'
import { row } from './row.ts'
import { describeRows, onServers } from './setup.ts'

describeRows('a broker of three nodes', () => {
  let cluster: PrivateCluster

  beforeAll(async () => {
    cluster = await privateCluster(3)
  }, 180_000)

  afterAll(() => cluster.stop())

  const urls = () => cluster.nodes.map(({ url }) => url)

  row(10, 'the node of the leader of the work queue is killed under load', async ({ seed, size, finish }) =>
    onServers(
      async (system, { prefix }) => {
        await startAll(system, size.of(1, 4), { rabbitUrl: urls() })
        const client = await system.start({ rabbitUrl: urls(), start: false })
        for (let kill = 0; kill < size.of(1, 3); kill++) {
          const plan = { name: 'leaves', ms: 30 }
          const count = size.of(200, 1_500)
          const submitted = client.order('submit', { plan, from: kill * 10_000, count, seed, wave: 4 })
          await until(() => running(system.lines()) > 2, 'tasks that run')
          const leader = await leaderOf(`${prefix}tasks.queue`)
          system.fault(`killed ${leader.node}`)
          await leader.kill()
          await submitted
          await system.untilIdle()
          await leader.start()
          system.faultOver('node started')
        }
        const report = await finish(system)
        expect(report.recoveredUnknown, 'submissions that were refused').toBe(0)
        expect(longestSilence(system.lines())).toBeLessThan(10_000)
      },
      { rabbitUrl: urls()[0] ?? '' },
    ),
  )

  row(11, 'two of three nodes are away', async ({ seed, size, finish }) =>
    onServers(
      async system => {
        const [first, ...others] = cluster.nodes
        const only = first?.url ?? ''
        await startAll(system, size.of(1, 4), { rabbitUrl: only, brokerOptions: { confirmMs: 2_000 } })
        const client = await system.start({
          rabbitUrl: only,
          start: false,
          brokerOptions: { confirmMs: 2_000 },
        })
        await client.order('submit', { plan: { name: 'leaves' }, from: 0, count: 10, seed })
        await system.untilIdle()
        for (const node of others) await node.kill('SIGSTOP')
        system.fault('no quorum')
        // Nothing runs meanwhile, and everything is accepted.
        await client.order('submit', { plan: { name: 'leaves' }, from: 100, count: size.of(20, 500), seed })
        await pause(size.of(6_000, 30_000))
        for (const node of others) await node.kill('SIGCONT')
        system.faultOver('quorum')
        const report = await finish(system, { limit: size.of(45_000, 60_000) })
        expect(report.recoveredUnknown, 'submissions that were refused').toBe(0)
        expect(report.sometimes['unconfirmed']).toBeGreaterThan(0)
      },
      { rabbitUrl: urls()[0] ?? '' },
    ),
  )

  async function leaderOf(queue: string): Promise<PrivateRabbit> {
    const listing = (await cluster.nodes[0]?.ctl('list_queues', 'name', 'leader')) ?? ''
    const name = listing
      .split('\n')
      .map(line => line.split('\t'))
      .find(([listed]) => listed === queue)?.[1]
    const node = cluster.nodes.find(candidate => candidate.node === name)
    if (node === undefined) throw new Error(`No leader of ${queue} in:\n${listing}`)
    return node
  }
})

/** The longest time between two beginnings of tasks after the fault, in milliseconds. */
function longestSilence(lines: readonly Line[]): number {
  const from = linesOf(lines, 'fault')[0]?.ms ?? 0
  const times = linesOf(lines, 'started')
    .map(({ ms }) => ms)
    .filter(ms => ms >= from)
  return Math.max(...[from, ...times].map((ms, index, all) => (all[index + 1] ?? ms) - ms))
}
