import { expect } from 'vitest'
import { privateRabbit } from '../servers/private-rabbit.ts'
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
      const timeoutMs = size.of(6_000, 60_000)
      // The broker looks once a minute unless told otherwise.
      const advanced = { consumer_timeout: timeoutMs, channel_tick_interval: size.of(1_000, 60_000) }
      await using node = await privateRabbit({ advanced })
      await onServers(
        async system => {
          const ms = timeoutMs * 3
          const late = await system.start({ slots: 2, brokerOptions: { holdMs: ms * 10 } })
          await system.submit({ name: 'leaves', ms }, 1, seed)
          await until(() => running(system.lines(), late.boot) === 1, 'task that runs')
          const inTime = await system.start({ slots: 2, brokerOptions: { holdMs: timeoutMs / 3 } })
          await system.submit({ name: 'leaves', ms }, 3, seed, 100)
          await until(() => running(system.lines(), inTime.boot) > 0, 'task that runs')
          system.fault('run longer than the timeout of the broker')
          const report = await finish(system, { limit: ms * 4 + 30_000 })
          expect(report.completed).toBe(4)
          // Nobody else takes a task whose lease is held: each of them ran once.
          expect(linesOf(system.lines(), 'started').map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1])
          expect(node.log().split('timed out waiting').length - 1, 'deliveries taken back').toBeGreaterThan(0)
        },
        { rabbitUrl: node.url },
      )
    },
  )
})
