import { expect } from 'vitest'
import { type PrivateRabbit, privateRabbit } from '../servers/private-rabbit.ts'
import { until } from '../servers/until.ts'
import { running } from './acts.ts'
import { linesOf } from './ledger.ts'
import { row } from './row.ts'
import { describeRows, onServers } from './setup.ts'

describeRows('a task that runs longer than the broker waits for an acknowledgement', () => {
  row(
    33,
    'a delivery is handed over in time, or taken back by the broker',
    async ({ seed, size, finish }) => {
      // Forty minutes on a broker that waits for one, with a second for each minute; or as long as a broker waits at least unless
      // told otherwise, which looks once a minute.
      const [timeoutMs, ms, holdMs, tickMs] = size.of(
        [1_000, 40_000, 200, 500],
        [60_000, 200_000, 20_000, 60_000],
      )
      const advanced = { consumer_timeout: timeoutMs, channel_tick_interval: tickMs }
      await using node = await privateRabbit({ advanced })
      await onServers(
        async (system, { prefix }) => {
          const late = await system.start({ slots: 1, brokerOptions: { holdMs: ms * 10 } })
          await system.submit({ name: 'leaves', ms }, 1, seed)
          await until(() => running(system.lines(), late.boot) === 1, 'task that runs')
          const isTakenBack = () => takenBack(node) === 1
          await until(isTakenBack, 'delivery that is taken back', timeoutMs + tickMs * 2 + 30_000)
          system.fault('run longer than the broker waits')
          const inTime = await system.start({ slots: 3, brokerOptions: { holdMs } })
          await system.submit({ name: 'leaves', ms }, 3, seed, 100)
          await until(() => running(system.lines(), inTime.boot) === 3, 'tasks that run')
          // Handed over: they run, and the broker waits for nothing.
          const isHandedOver = async () => (await unacknowledged(node, `${prefix}tasks.queue`)) === 0
          await until(isHandedOver, 'hand-over', holdMs + 20_000, 200)
          expect(running(system.lines(), inTime.boot)).toBe(3)
          const report = await finish(system, { limit: ms * 2 + 30_000 })
          expect(report.completed).toBe(4)
          // Nobody else takes a task whose lease is held: each of them ran once.
          expect(linesOf(system.lines(), 'started').map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1])
          expect(takenBack(node), 'deliveries taken back').toBe(1)
        },
        { rabbitUrl: node.url },
      )
    },
  )
})

/** How many deliveries the broker waited for in vain, by its log. */
function takenBack(node: PrivateRabbit): number {
  return node.log().split('timed out waiting').length - 1
}

/** How many messages of a queue the broker waits to hear of; undefined when it did not say. */
async function unacknowledged(node: PrivateRabbit, queue: string): Promise<number | undefined> {
  const listing = await node.ctl('list_queues', 'name', 'messages_unacknowledged')
  const line = listing.split('\n').find(each => each.startsWith(`${queue}\t`))
  return line === undefined ? undefined : Number(line.split('\t')[1])
}
