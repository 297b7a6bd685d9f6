import { expect } from 'vitest'
import { privateMongo } from '../servers/private-mongo.ts'
import { until } from '../servers/until.ts'
import { pause, running, startAll, startApi, submitOver } from './acts.ts'
import { type Line, linesOf } from './ledger.ts'
import { row, slowRow } from './row.ts'
import { describeRows, onServers } from './setup.ts'
import type { System } from './system.ts'

describeRows('a database that is away, or does not answer', () => {
  slowRow(21, 'the database is killed and started again under load', async ({ seed, size, finish }) => {
    await using database = await privateMongo()
    await onServers(
      async system => {
        await startAll(system, size.of(2, 4))
        const api = await startApi(system)
        for (const awayMs of size.of([4_000], [10_000, 60_000])) {
          const submitted = system.submit({ most: 6 }, size.of(60, 450), seed, awayMs * 10)
          await until(() => running(system.lines()) > 2, 'tasks that run')
          system.fault('database killed')
          await database.kill()
          // Whoever asks the API is told to come back, and not kept waiting for the database.
          const [told] = await Promise.all([askedWhileAway(system, api.url, `${awayMs}`), pause(awayMs)])
          expect(told).toEqual({ submitted: [503, true], read: [503, true], ready: 503 })
          await database.start()
          system.faultOver('database started')
          await submitted
          expect((await submitOver(system, api.url, `api/${awayMs}`)).status).toBe(202)
        }
        const report = await finish(system)
        expect(report.acknowledged).toBe(report.attempted)
        // The code that the API answers with 503 and Retry-After. On a fast machine all may have been heard before.
        const codes = new Set(linesOf(system.lines(), 'unheard').map(({ code }) => code))
        codes.delete('STORE_FAILED')
        expect([...codes]).toEqual([])
        expect(claimsPerSecond(system.lines()), 'failed claims a second and slot').toBeLessThan(4)
      },
      { mongoUrl: database.url },
    )
  })

  row(
    22,
    'answers of the database are lost after it has done what was asked',
    async ({ seed, size, finish }) =>
      onServers(async system => {
        const lostAnswers = { every: size.of(0.1, 0.05) }
        await startAll(system, size.of(2, 4), { lostAnswers })
        const client = await system.start({ start: false, lostAnswers })
        await client.order('submit', { plan: { most: 8 }, from: 0, count: size.of(60, 900, 100), seed })
        const report = await finish(system)
        expect(report.faults).toBeGreaterThan(size.of(20, 100))
        expect(report.acknowledged).toBe(report.attempted)
      }),
  )
})

/** What the API answers while the database is away: status, and whether it says when to try again. */
async function askedWhileAway(system: System, url: string, key: string) {
  const [submitted, read, ready] = await Promise.all([
    submitOver(system, url, `api/${key}`),
    fetch(`${url}/v1/tasks`),
    fetch(`${url}/readyz`),
  ])
  return {
    submitted: [submitted.status, submitted.saysWhen],
    read: [read.status, read.headers.has('retry-after')],
    ready: ready.status,
  }
}

/** How often a slot asked again while the database was away: the most in any second, divided by the tasks that asked. */
function claimsPerSecond(lines: readonly Line[]): number {
  const perSecond = new Map<number, Line[]>()
  for (const line of linesOf(lines, 'logged')) {
    if (line.message !== 'task claim failed; will retry') continue
    const second = Math.floor(line.ms / 1_000)
    perSecond.set(second, [...(perSecond.get(second) ?? []), line])
  }
  const slots = 16
  return Math.max(0, ...[...perSecond.values()].map(({ length }) => length / slots))
}
