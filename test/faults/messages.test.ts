import { expect } from 'vitest'
import { until } from '../servers/until.ts'
import { running, startAll } from './acts.ts'
import { linesOf } from './ledger.ts'
import { connectTo } from './messages.ts'
import { row } from './row.ts'
import { describeRows, onServers } from './setup.ts'

const waitQueues = ['1s', '5s', '15s', '1m', '5m', '30m'].map(rung => `tasks.wait_${rung}.queue`)

describeRows('messages that are lost, repeated, late, or nonsense', () => {
  row(14, 'the work queue is deleted, and a binding removed, under load', async ({ seed, size, finish }) =>
    onServers(async (system, servers) => {
      await using messages = await connectTo(servers)
      await startAll(system, size.of(1, 4))
      const submitted = system.submit({ most: 6 }, size.of(60, 4_000), seed)
      await until(() => running(system.lines()) > 2, 'tasks that run')
      system.fault('queue deleted')
      await messages.deleteQueue('tasks.queue')
      await submitted
      await until(async () => (await messages.waiting('tasks.queue')) !== undefined, 'queue made again')
      await system.untilIdle()
      system.fault('binding removed')
      await messages.unbind('tasks.queue', 'tasks.exchange', 'task.default.#')
      await system.submit({ name: 'leaves' }, size.of(10, 500), seed, 100_000)
      const report = await finish(system)
      expect(report.sometimes['returned']).toBeGreaterThan(0)
    }),
  )

  row(15, 'every wait queue is purged while tasks wait in it', async ({ seed, size, finish }) =>
    onServers(async (system, servers) => {
      await using messages = await connectTo(servers)
      const count = size.of(30, 1_000)
      await startAll(system, size.of(1, 4), { retry: { maxAttempts: 50, backoff: [6_000], jitter: 0 } })
      await system.submit({ name: 'leaves', kind: 'flaky' }, count, seed)
      let purged = 0
      await until(
        async () => {
          for (const queue of waitQueues) purged += await messages.purge(queue)
          return purged >= count * 0.8
        },
        'tasks in the wait queues',
        size.of(20_000, 60_000),
      )
      system.fault(`${purged} messages purged`)
      const report = await finish(system)
      expect(report.completed).toBe(count)
      // Two sweeps and two seconds, where nothing else keeps the machine busy.
      expect(Math.max(...latenesses(system.lines()))).toBeLessThan(size.of(20_000, 4_000))
    }),
  )

  row(18, 'messages that nobody can read, and messages of other programs', async ({ seed, finish }) =>
    onServers(async (system, servers) => {
      await using messages = await connectTo(servers)
      await system.start()
      await system.submit({ name: 'leaves' }, 10, seed)
      const nonsense: readonly [string, Buffer | string, object?][] = [
        ['bytes', Buffer.from([0, 255, 1, 254, 128])],
        ['cut', '{"taskId":"tsk_'],
        ['no object', '[1,2,3]'],
        ['other program', '{"order":4711}', { type: 'OrderPlaced', contentType: 'application/json' }],
        ['big header', '{}', { headers: { big: 'x'.repeat(60_000) } }],
      ]
      for (const [name, content, properties] of nonsense) {
        system.fault(name)
        await messages.toWorkQueue(content, properties)
      }
      await system.submit({ name: 'leaves' }, 20, seed, 100)
      const strays = () => system.store.strays.list({ pageSize: 100 })
      await until(async () => (await strays()).items.length === nonsense.length, 'filed messages')
      const report = await finish(system)
      expect(report.completed).toBe(30)
      const filed = (await strays()).items.map(({ content }) => content)
      for (const [, content] of nonsense) expect(filed).toContain(asFiled(content))
      expect(await messages.waiting('tasks.queue')).toBe(0)
      expect(await messages.waiting('tasks.dlq.queue')).toBe(0)
    }),
  )

  row(
    19,
    'every message is delivered several times, also after its task has ended',
    async ({ seed, size, finish }) =>
      onServers(async (system, servers) => {
        await startAll(system, size.of(2, 4))
        await using messages = await connectTo(servers)
        const repeated = await messages.repeat(3, nth => nth * 200)
        await system.submit({ most: 6 }, size.of(40, 3_000), seed)
        await system.untilIdle()
        await until(() => repeated() > size.of(100, 9_000), 'repeated messages')
        system.fault(`${repeated()} messages repeated`)
        await until(async () => (await messages.waiting('tasks.queue')) === 0, 'empty queue')
        await finish(system)
        expect(linesOf(system.lines(), 'ended').length).toBeGreaterThan(0)
      }),
  )

  row(20, 'messages of an earlier attempt arrive during a later one', async ({ seed, size, finish }) =>
    onServers(async (system, servers) => {
      await startAll(system, size.of(2, 4), { retry: { maxAttempts: 50, backoff: [400] } })
      await using messages = await connectTo(servers)
      const repeated = await messages.repeat(2, nth => (nth === 0 ? 350 : 500))
      await system.submit({ name: 'leaves', kind: 'flaky', ms: 200 }, size.of(40, 1_000), seed)
      await system.untilIdle()
      system.fault(`${repeated()} late messages`)
      expect(repeated()).toBeGreaterThan(size.of(40, 1_000))
      await until(async () => (await messages.waiting('tasks.queue')) === 0, 'empty queue')
      await finish(system)
    }),
  )
})

/** Milliseconds by which each retry began after its time. */
function latenesses(lines: Parameters<typeof linesOf>[0]): number[] {
  const dueAt = new Map<string, number>()
  for (const { taskId, attempt, notBefore } of linesOf(lines, 'attempt-over'))
    if (notBefore !== undefined) dueAt.set(`${taskId} ${attempt + 1}`, notBefore)
  return linesOf(lines, 'started').flatMap(({ taskId, attempt, ms }) => {
    const due = dueAt.get(`${taskId} ${attempt}`)
    return due === undefined ? [] : [ms - due]
  })
}

/** As the store keeps what was found: text as it is, other bytes in base64. */
function asFiled(content: Buffer | string): string {
  return typeof content === 'string' ? content : `base64:${content.toString('base64')}`
}
