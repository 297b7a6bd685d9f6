import { decode } from 'quillwork'
import { expect } from 'vitest'
import { until } from '../servers/until.ts'
import { pause, replace, running, startAll, supervise } from './acts.ts'
import { type Line, linesOf } from './ledger.ts'
import { connectTo } from './messages.ts'
import { row, slowRow } from './row.ts'
import { describeRows, onServers } from './setup.ts'
import type { Running, System } from './system.ts'

/** Milliseconds until a task runs again whose process is gone: its lease, a sweep, and what the broker needs to notice. */
const recoveryMs = 20_000

describeRows('processes that die or hang', () => {
  row(1, 'a worker is killed again and again', async ({ seed, chance, size, finish }) =>
    onServers(async system => {
      const workers = await startAll(system, size.of(2, 4))
      for (let kill = 0; kill < size.of(2, 30, 3); kill++) {
        // Some run longer than the pause: a kill has something to interrupt.
        const long = system.submit({ name: 'leaves', ms: 600 }, 4, seed, kill * 1_000 + 500)
        const submitted = system.submit({ most: 6 }, size.of(20, 14), seed, kill * 1_000)
        await until(() => running(system.lines()) > 4, 'tasks that run')
        await pause(chance.between(0, size.of(200, 1_500)))
        const busy = workers.filter(({ boot }) => running(system.lines(), boot) > 0)
        const victims = busy.length > 0 ? busy : workers
        const victim = workers.indexOf(victims[chance.between(0, victims.length - 1)] as Running)
        workers[victim] = await replace(system, workers[victim])
        await Promise.all([long, submitted])
      }
      const report = await finish(system, { limit: size.of(60_000, 300_000) })
      expect(report.recovery[2], 'some task was interrupted, and ran again').toBeGreaterThan(0)
      // One after the other, for each of them might be what killed its process.
      expect(report.recovery[2]).toBeLessThan(size.of(60_000, recoveryMs))
    }),
  )

  slowRow(
    1,
    'a relay is killed while it holds partitions: others take over',
    async ({ seed, size, finish }) =>
      onServers(async system => {
        const [victim] = await startAll(system, 3)
        // Each has seen the others by then.
        await pause(3_000)
        for (let author = 0; author < size.of(24, 96); author++) {
          const options = { userId: `author-${author}`, delay: '3s' }
          await system.submit({ name: 'leaves', options }, 2, seed, author * 10)
        }
        system.fault('kill -9', victim?.boot)
        victim?.signal('SIGKILL')
        await victim?.ended
        await finish(system)
        const [killed] = linesOf(system.lines(), 'fault')
        const waits = linesOf(system.lines(), 'started').map(({ ms }) => ms - (killed?.ms ?? 0))
        // Some were its own, and nobody else's while its lease held.
        expect(Math.max(...waits)).toBeGreaterThan(4_000)
        expect(Math.max(...waits)).toBeLessThan(recoveryMs)
      }),
  )

  row(
    2,
    'a worker dies between the durable outcome and the acknowledgement',
    async ({ seed, chance, size, finish }) =>
      onServers(async system => {
        const ended: { taskId: string; line: number }[] = []
        for (let death = 0; death < size.of(2, 50, 4); death++) {
          const kill = { at: 'after-apply', nth: chance.between(1, 4) }
          const doomed = await system.start({ kill, slots: 4 })
          await system.submit({ name: 'leaves' }, 12, seed, death * 100)
          await doomed.ended
          expect(await system.changedEnds()).toEqual([])
          const line = system.lines().length
          for (const { id } of await system.ended()) ended.push({ taskId: id, line })
        }
        await system.start()
        const report = await finish(system)
        expect(startedLater(ended, system.lines())).toEqual([])
        expect(report.faults).toBe(size.of(2, 50, 4))
      }),
  )

  row(3, 'a worker dies between the effect and the durable outcome', async ({ seed, chance, size, finish }) =>
    onServers(async system => {
      for (let death = 0; death < size.of(2, 50, 4); death++) {
        const doomed = await system.start({
          kill: { at: 'after-effect', nth: chance.between(1, 8) },
          slots: 4,
        })
        await system.submit({ name: 'leaves' }, 12, seed, death * 100)
        await doomed.ended
        expect(await system.changedEnds()).toEqual([])
      }
      await system.start()
      const report = await finish(system)
      expect(report.faults).toBe(size.of(2, 50, 4))
      expect(notRunAgain(system.lines())).toEqual([])
    }),
  )

  slowRow(
    3,
    'a worker dies before what it did is durable, and has acknowledged nothing',
    async ({ seed, finish }) =>
      onServers(async (system, servers) => {
        await using messages = await connectTo(servers)
        // The store sends nothing again: what the broker forgets is missing.
        const resendAfter = { unconfirmed: 600_000, confirmed: 600_000 }
        const client = await system.start({ start: false, resendAfter })
        for (const [round, hold] of ['claim', 'apply'].entries()) {
          const doomed = await system.start({ roles: ['worker'], slots: 4, hold, resendAfter })
          await client.order('submit', { plan: { name: 'leaves' }, from: round * 100, count: 4, seed })
          await until(() => isHeld(system, doomed.boot), `${hold} that is held`)
          await until(async () => (await messages.waiting('tasks.queue')) === 0, 'delivery of all messages')
          // Time enough for an acknowledgement that should not be.
          await pause(500)
          system.fault('kill -9', doomed.boot)
          doomed.signal('SIGKILL')
          await doomed.ended
          await until(async () => (await messages.waiting('tasks.queue')) === 4, 'messages that came back')
          const next = await system.start({ resendAfter })
          await system.untilIdle()
          next.signal('SIGTERM')
          await next.ended
        }
        const report = await finish(system)
        expect(report.completed).toBe(8)
      }),
  )

  slowRow(4, 'a client dies between the insert and the publish', async ({ seed, chance, size, finish }) =>
    onServers(async system => {
      await system.start()
      for (let death = 0; death < size.of(3, 100, 5); death++) {
        const kill = { at: 'after-create', nth: chance.between(1, 5) }
        const doomed = await system.start({ start: false, kill })
        const order = { plan: { name: 'leaves' }, from: death * 100, count: 20, seed, wave: 4 }
        doomed.order('submit', { ...order, pending: system.pending() }).catch(() => undefined)
        await doomed.ended
      }
      const client = await system.start({ start: false })
      const pending = system.pending()
      await client.order('submit', { plan: { name: 'leaves' }, from: 0, count: 0, seed, pending })
      const report = await finish(system)
      expect(report.faults).toBe(size.of(3, 100, 5))
      expect(report.attempted).toBe(report.acknowledged)
      const waits = await waitsOf(system)
      // Nobody published it: the relay of another process finds it, within a look or two.
      expect(Math.max(...waits)).toBeLessThan(recoveryMs)
    }),
  )

  slowRow(
    4,
    'a worker dies after the insert that began a task of its own',
    async ({ seed, chance, size, finish }) =>
      onServers(async system => {
        const deaths = size.of(2, 30)
        for (let death = 0; death < deaths; death++) {
          const doomed = await system.start({ kill: { at: 'after-create', nth: chance.between(3, 6) } })
          // One at a time: each finds its worker at rest.
          const order = { plan: { name: 'leaves' }, from: death * 100, count: 20, seed, wave: 1 }
          doomed.order('submit', { ...order, pending: system.pending() }).catch(() => undefined)
          await doomed.ended
        }
        const last = await system.start()
        const pending = system.pending()
        await last.order('submit', { plan: { name: 'leaves' }, from: 0, count: 0, seed, pending })
        const report = await finish(system)
        expect(report.faults).toBe(deaths)
        expect(report.attempted).toBe(report.acknowledged)
        expect(report.sometimes['rescued']).toBeGreaterThan(0)
      }),
  )

  row(
    [5, 6],
    'a worker is stopped for three leases, wakes up, and finds its tasks taken',
    async ({ seed, size, finish }) =>
      onServers(async system => {
        const times = { lease: '2s', sweepInterval: '500ms', grace: '5s' }
        const zombie = await system.start({ times })
        // Four try to write when they are too late, and three to end while their successors run.
        await system.submit({ name: 'leaves', kind: 'pause' }, 4, seed)
        await system.submit({ name: 'leaves', kind: 'oversleep', ms: 5_000 }, 3, seed, 100)
        await until(() => running(system.lines()) === 7, 'tasks that run')
        await system.start({ times })
        for (let stop = 0; stop < size.of(1, 6); stop++) {
          const submitted = system.submit(
            { name: 'leaves', ms: 300 },
            size.of(40, 300),
            seed,
            1_000 * (stop + 1),
          )
          await until(() => running(system.lines(), zombie.boot) > (stop === 0 ? 7 : 4), 'tasks that run')
          system.fault('SIGSTOP', zombie.boot)
          zombie.signal('SIGSTOP')
          await pause(6_000)
          zombie.signal('SIGCONT')
          system.faultOver('SIGCONT')
          await submitted
          // Each of the four has tried to write twice: the next stop must not come before they hear that it is too late.
          await until(() => linesOf(system.lines(), 'late').length >= 8, 'writes that came too late')
        }
        const report = await finish(system, { paused: true })
        const late = linesOf(system.lines(), 'late')
        expect(late.length, 'writes that came too late').toBeGreaterThan(0)
        expect(late.filter(({ answer }) => answer === 'applied')).toEqual([])
        expect(report.fenced).toBeGreaterThan(0)
        expect(report.sometimes['rescued']).toBeGreaterThan(0)
        const slow = linesOf(system.lines(), 'signalled').filter(({ afterMs }) => afterMs > 1_000)
        expect(slow, 'handlers that heard of it late').toEqual([])
      }),
  )

  slowRow(7, 'a handler holds the event loop for three leases', async ({ seed, finish }) =>
    onServers(async system => {
      const times = { lease: '2s', sweepInterval: '500ms', grace: '5s' }
      const blocked = await system.start({ times, slots: 4 })
      await system.submit({ name: 'leaves', kind: 'block', ms: 6_000 }, 1, seed)
      await blocked.says('blocking')
      system.fault('blocked event loop', blocked.boot)
      await system.start({ times, slots: 4 })
      await system.submit({ name: 'leaves' }, 20, seed, 100)
      await until(() => linesOf(system.lines(), 'late').length === 2, 'writes that come too late')
      // The process that was blocked works again.
      await system.submit({ name: 'leaves', ms: 200 }, 40, seed, 1_000)
      const report = await finish(system, { paused: true })
      expect(report.fenced).toBeGreaterThan(0)
      const after = linesOf(system.lines(), 'ended').filter(({ boot }) => boot === blocked.boot)
      expect(after.length, 'tasks that the blocked process ended later').toBeGreaterThan(0)
    }),
  )

  slowRow(17, 'a task takes its process with it whenever it runs', async ({ seed, size, finish }) =>
    onServers(async system => {
      const options = { retry: { maxAttempts: 4, backoff: [100] }, slots: 8 }
      const supervised = supervise(system, size.of(1, 2), options)
      await system.submit({ name: 'leaves', kind: 'poison' }, size.of(1, 3), seed)
      await system.submit({ name: 'leaves', ms: 50 }, size.of(7, 100), seed, 100)
      const report = await finish(system, { maxAttempts: 5 })
      await supervised.stop()
      expect(report.dead).toBe(size.of(1, 3))
      const { tasks } = await system.held()
      const poison = tasks.filter(({ parameters }) => kindOf(parameters) === 'poison')
      expect(new Set(poison.map(({ deadLetter }) => deadLetter?.reason))).toEqual(new Set(['crashes']))
    }),
  )
})

function isHeld(system: System, boot: number): boolean {
  return linesOf(system.lines(), 'held').some(line => line.boot === boot)
}

/** Tasks that began again although the store had their end when the ledger had so many lines. */
function startedLater(ended: readonly { taskId: string; line: number }[], lines: readonly Line[]): string[] {
  return ended.flatMap(({ taskId, line }) => {
    const again = linesOf(lines.slice(line), 'started').find(started => started.taskId === taskId)
    return again === undefined ? [] : [`${taskId} began attempt ${again.attempt} after its end`]
  })
}

/** Tasks that died after their effect and left none again, in a later attempt and under the same key. */
function notRunAgain(lines: readonly Line[]): string[] {
  return lines.flatMap((line, index) => {
    const effect = line.is === 'killed' ? lines[index - 1] : undefined
    if (effect?.is !== 'effect') return []
    const again = linesOf(lines.slice(index), 'effect').find(({ taskId }) => taskId === effect.taskId)
    const right =
      again !== undefined && again.attempt > effect.attempt && again.effectKey === effect.effectKey
    return right ? [] : [`${effect.taskId} after attempt ${effect.attempt}`]
  })
}

/** Milliseconds from the creation of each task until its first attempt. */
async function waitsOf(system: System): Promise<number[]> {
  const { tasks } = await system.held()
  return tasks.map(({ createdAt, startedAt }) => (startedAt ?? Number.POSITIVE_INFINITY) - createdAt)
}

function kindOf(parameters: string): string | undefined {
  return (decode(parameters) as { kind?: string }).kind
}
