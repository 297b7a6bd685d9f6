import { expect } from 'vitest'
import { until } from '../servers/until.ts'
import { running, runningAttempts, startAll } from './acts.ts'
import { type Line, linesOf } from './ledger.ts'
import { connectTo } from './messages.ts'
import { row, slowRow } from './row.ts'
import { describeRows, onServers } from './setup.ts'
import type { System } from './system.ts'

const waitQueues = ['1s', '5s', '15s', '1m', '5m', '30m'].map(rung => `tasks.wait_${rung}.queue`)

describeRows('messages that are lost, repeated, late, or nonsense', () => {
  slowRow(
    14,
    'the work queue is deleted, and a binding removed, under load',
    async ({ seed, size, finish }) =>
      onServers(async (system, servers) => {
        await using messages = await connectTo(servers)
        await startAll(system, size.of(1, 4))
        const submitted = system.submit({ most: 6 }, size.of(60, 900), seed)
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

  slowRow(15, 'every wait queue is purged while tasks wait in it', async ({ seed, size, finish }) =>
    onServers(async (system, servers) => {
      await using messages = await connectTo(servers)
      // More than that keeps the stand-in for MongoDB busy with polls alone, and tasks late.
      const count = size.of(30, 500)
      // All wait in the queues at once, and become due as fast as they were submitted: no faster than they can be run.
      const backoff = [size.of(6_000, 60_000)]
      await startAll(system, size.of(1, 4), { retry: { maxAttempts: 50, backoff, jitter: 0 } })
      const client = await system.start({ start: false })
      const plan = { name: 'leaves', kind: 'flaky' }
      const submitted = client.order('submit', { plan, from: 0, count, seed, wave: 4 })
      let purged = 0
      // From the first task on: on a slow machine the first ones have waited to the end before the last ones come.
      await until(
        async () => {
          for (const queue of waitQueues) purged += await messages.purge(queue)
          // What a busy relay has not handed over in time waits in the store.
          return purged >= count * 0.2
        },
        'tasks in the wait queues',
        size.of(20_000, 60_000),
        // They stay there for seconds, and each purge is work for the broker.
        500,
      )
      await submitted
      system.fault(`${purged} messages purged`)
      const report = await finish(system, { limit: 120_000 })
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
        [
          'no such task',
          JSON.stringify({ taskId: 'tsk_nobody', taskType: 'Nobody', lane: 'default', attempt: 0 }),
        ],
      ]
      for (const [name, content, properties] of nonsense) {
        system.fault(name)
        await messages.toWorkQueue(content, properties)
      }
      await system.submit({ name: 'leaves' }, 20, seed, 100)
      const strays = () => system.store.unparsable.list({ pageSize: 100 })
      await until(async () => (await strays()).items.length === nonsense.length, 'filed messages')
      const report = await finish(system)
      expect(report.completed).toBe(30)
      const filed = (await strays()).items
      const bytes = filed.map(({ content }) => content)
      expect(bytes.sort()).toEqual(nonsense.map(([, content]) => asFiled(content)).sort())
      // Refused at the first delivery: none went round until the broker gave up on it.
      for (const { reason } of filed) expect(reason).toContain('tasks.queue: rejected 1 time(s)')
      expect(await messages.waiting('tasks.queue')).toBe(0)
      expect(await messages.waiting('tasks.dlq.queue')).toBe(0)
    }),
  )

  slowRow(18, 'tasks that only a newer process understands', async ({ seed, size, finish }) =>
    onServers(async system => {
      const old = await startAll(system, 2)
      const client = await system.start({ start: false, newer: true })
      await client.order('submit', { plan: { name: 'newcomers' }, from: 0, count: 5, seed })
      await client.order('submit', { plan: { name: 'leaves' }, from: 100, count: 5, seed })
      system.fault('a type that is not known, and parameters of a later version')
      const waiting = await until(() => waitingForNewer(system), 'tasks that wait for a newer process')
      // Nobody tries them again and again meanwhile, and what is known is done.
      expect(waiting.map(({ attempt }) => attempt)).toEqual(waiting.map(() => 1))
      const soonest = Math.min(...waiting.map(({ nextAttemptTimestamp = 0 }) => nextAttemptTimestamp))
      expect(soonest - system.store.tasks.now()).toBeGreaterThan(15_000)
      await system.submit({ name: 'leaves' }, 20, seed, 1_000)
      await until(async () => (await system.ended()).length === 20, 'end of the tasks that are known')
      if (size.full) await system.start({ newer: true })
      else for (const { id } of waiting) await client.order('cancel', { taskId: id })
      for (const process of size.full ? old : []) process.signal('SIGTERM')
      const report = await finish(system, { cancels: true })
      expect(report.completed).toBe(size.of(20, 30))
      expect(report.dead).toBe(0)
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
        await system.submit({ most: 6 }, size.of(40, 900), seed)
        await system.untilIdle()
        await until(() => repeated() > size.of(100, 3_000), 'repeated messages')
        system.fault(`${repeated()} messages repeated`)
        await until(async () => (await messages.waiting('tasks.queue')) === 0, 'empty queue')
        await finish(system)
        expect(linesOf(system.lines(), 'ended').length).toBeGreaterThan(0)
      }),
  )

  row(20, 'messages of an earlier attempt arrive during a later one', async ({ seed, size, finish }) =>
    onServers(async (system, servers) => {
      const [backoffMs, workMs] = size.of([400, 200], [4_000, 3_000])
      await startAll(system, size.of(2, 4), { retry: { maxAttempts: 50, backoff: [backoffMs] } })
      await using messages = await connectTo(servers)
      const sendAgain = await messages.keep()
      const count = size.of(40, 300)
      await system.submit({ name: 'leaves', kind: 'flaky', ms: workMs }, count, seed)
      let late = 0
      const arriveLate = async () => {
        const now = runningAttempts(system.lines())
        late += sendAgain(({ taskId, attempt }) => (now.get(taskId) ?? 0) > attempt)
        return !(await system.live())
      }
      await until(arriveLate, 'end of all tasks', size.of(90_000, 600_000))
      system.fault(`${late} messages arrived during a later attempt`)
      expect(late).toBeGreaterThanOrEqual(count)
      await until(async () => (await messages.waiting('tasks.queue')) === 0, 'empty queue')
      const report = await finish(system)
      expect(report.completed).toBe(count)
    }),
  )
})

/** Milliseconds by which each retry began after its time. */
function latenesses(lines: readonly Line[]): number[] {
  const dueAt = new Map<string, number>()
  for (const { taskId, attempt, notBefore } of linesOf(lines, 'attempt-over'))
    if (notBefore !== undefined) dueAt.set(`${taskId} ${attempt + 1}`, notBefore)
  return linesOf(lines, 'started').flatMap(({ taskId, attempt, ms }) => {
    const due = dueAt.get(`${taskId} ${attempt}`)
    return due === undefined ? [] : [ms - due]
  })
}

/** The ten tasks that no process knows yet, once all of them have been tried; undefined before. */
async function waitingForNewer(system: System) {
  const { tasks } = await system.held()
  const codes = new Set(['TASK_TYPE_UNKNOWN', 'PARAMETERS_TOO_NEW'])
  const waiting = tasks.filter(
    ({ status, errorInfo }) => status === 'RETRYING' && codes.has(errorInfo?.code ?? ''),
  )
  return waiting.length === 10 ? waiting : undefined
}

/** As the store keeps what was found: text as it is, other bytes in base64. */
function asFiled(content: Buffer | string): string {
  return typeof content === 'string' ? content : `base64:${content.toString('base64')}`
}
