import { beforeAll, expect, it } from 'vitest'
import { until } from '../servers/until.ts'
import { sizeOf } from '../size.ts'
import { requireBuilt } from './crash/built.ts'
import { entriesOf } from './crash/ledger.ts'
import { Runs } from './crash/runs.ts'

beforeAll(requireBuilt, 120_000)

/** Attempts of a task that crashes: two that nobody is blamed for, and the five of the policy. */
const maxAttempts = 2 + 5
const poisons = sizeOf(['abort', 'exit', 'kill'], ['abort', 'exit', 'kill', 'kill'])
const neighbours = 60
const rounds = sizeOf(1, 2, 20)

it(`${poisons.length} tasks that end their process every time are dead letters, and take no neighbour with them (${rounds} times)`, {
  timeout: rounds * 180_000,
}, async () => {
  for (let round = 0; round < rounds; round++) await poisoned()
})

it('after one kill all that ran run again beside each other, and no retry is spent', {
  timeout: 180_000,
}, async () => {
  await using runs = new Runs()
  const slots = 10
  const submit = Array.from({ length: slots }, (_, n) => ({
    key: `${n}`,
    kind: 'work',
    ms: 2_000,
    tells: true,
  }))
  const first = runs.start('run-tasks.mjs', { submit, slots })
  const startedIn = (boot: number) => entriesOf(runs.ledger(), 'started').filter(entry => entry.boot === boot)
  await until(() => startedIn(1).length === slots, 'start of all')
  first.signal('SIGKILL')
  await first.ended
  const second = runs.start('run-tasks.mjs', { slots })
  await second.says('idle')
  second.signal('SIGTERM')
  expect((await second.ended).code).toBe(0)
  // All began before any of them had its effect.
  const entries = runs.ledger()
  const firstEffect = entries.findIndex(entry => entry.is === 'effect')
  const began = entries.slice(0, firstEffect).filter(entry => entry.is === 'started' && entry.boot === 2)
  expect(began).toHaveLength(slots)
  const { tasks } = await runs.read()
  for (const task of tasks) expect(task).toMatchObject({ status: 'COMPLETED', attempt: 2, retryCount: 0 })
})

async function poisoned(): Promise<void> {
  await using runs = new Runs()
  const healthy = Array.from({ length: neighbours }, (_, n) => ({
    key: `healthy-${n}`,
    kind: 'work',
    ms: 20,
  }))
  const submit = [
    ...healthy.slice(0, 10),
    ...poisons.map((kind, n) => ({ key: `poison-${n}`, kind })),
    ...healthy.slice(10),
  ]
  let processes = 1
  for (let last = runs.start('run-tasks.mjs', { submit, slots: 8 }); ; processes++) {
    const idle = await Promise.race([last.says('idle').catch(() => undefined), last.ended])
    if (idle !== undefined && 'said' in idle) {
      last.signal('SIGTERM')
      expect((await last.ended).code).toBe(0)
      break
    }
    expect(processes).toBeLessThanOrEqual(poisons.length * maxAttempts + 1)
    last = runs.start('run-tasks.mjs', { submit, slots: 8 })
  }
  const { tasks, deadLetters } = await runs.read()
  const keyed = new Map(tasks.map(task => [task.idempotencyKey, task]))
  for (const n of poisons.keys())
    expect(keyed.get(`poison-${n}`)).toMatchObject({
      status: 'DEAD_LETTER',
      attempt: maxAttempts,
      crashCount: maxAttempts,
      deadLetter: { reason: 'crashes', attempt: maxAttempts, error: { code: 'LEASE_LOST' } },
    })
  expect(deadLetters).toHaveLength(poisons.length)
  for (const { key } of healthy) {
    const task = keyed.get(key)
    expect(task?.status).toBe('COMPLETED')
    // The last attempt completed; each one before it was a crash of the process.
    expect((task?.attempt ?? 0) - 1).toBeLessThanOrEqual(4)
  }
  // A process that dies between a neighbour's effect and its settling has the effect come again, with the next attempt and the same key.
  const effects = entriesOf(runs.ledger(), 'effect')
  expect(new Set(effects.map(({ effectKey }) => effectKey)).size).toBe(neighbours)
  for (const { key } of healthy) {
    const times = effects.filter(({ effectKey }) => effectKey === key).length
    expect(times).toBeGreaterThan(0)
    expect(times).toBeLessThanOrEqual(keyed.get(key)?.attempt ?? 0)
  }
  expect(await runs.brokenNow()).toEqual([])
}
