import { beforeAll, expect, it } from 'vitest'
import { requireBuilt } from './crash/built.ts'
import { entriesOf } from './crash/ledger.ts'
import { Runs } from './crash/runs.ts'

beforeAll(requireBuilt, 120_000)

/** Attempts of a task that fails, the first included; as the child program sets it. */
const maxAttempts = 5
const poisons = ['abort', 'exit', 'kill'] as const
const neighbours = 60

it('a task that ends its process every time is a dead letter, and takes no neighbour with it', {
  timeout: 180_000,
}, async () => {
  await using runs = new Runs()
  const healthy = Array.from({ length: neighbours }, (_, n) => ({
    key: `healthy-${n}`,
    kind: 'work',
    ms: 20,
  }))
  const submit = [
    ...healthy.slice(0, 10),
    ...poisons.map(kind => ({ key: kind, kind })),
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
  for (const kind of poisons)
    expect(keyed.get(kind)).toMatchObject({
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
    expect((task?.attempt ?? 0) - 1).toBeLessThanOrEqual(2)
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
})
