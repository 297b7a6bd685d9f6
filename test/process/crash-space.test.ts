import { statSync } from 'node:fs'
import { beforeAll, expect, it } from 'vitest'
import { requireBuilt } from './crash/built.ts'
import { Runs } from './crash/runs.ts'

beforeAll(requireBuilt, 120_000)

/** Tasks that a process has submitted when it is killed. */
const deaths = [2, 10, 40]

it('processes that are killed while they give space back lose no task, and the last one leaves a short file', {
  timeout: 180_000,
}, async () => {
  await using runs = new Runs()
  expect((await runs.run('run-space.mjs', { fill: 700 })).code).toBe(0)
  expect(statSync(runs.file).size).toBeGreaterThan(70_000_000)
  const accepted: string[] = []
  for (const last of deaths) {
    const child = runs.start('run-space.mjs')
    await child.says(`accepted ${last}`)
    child.signal('SIGKILL')
    await child.ended
    // The first process filled the file.
    const boot = deaths.indexOf(last) + 2
    for (let number = 0; number <= last; number++) accepted.push(`${boot}/${number}`)
    const { tasks, integrity } = await runs.read()
    expect(integrity).toBe('ok')
    const keys = new Set(tasks.map(({ idempotencyKey }) => idempotencyKey))
    expect(accepted.filter(key => !keys.has(key))).toEqual([])
  }
  const last = runs.start('run-space.mjs')
  await last.says('short')
  last.signal('SIGKILL')
  await last.ended
  const { tasks, integrity } = await runs.read()
  expect(integrity).toBe('ok')
  const keys = new Set(tasks.map(({ idempotencyKey }) => idempotencyKey))
  expect(accepted.filter(key => !keys.has(key))).toEqual([])
  expect(statSync(runs.file).size).toBeLessThan(12_000_000)
})
