import { hasEnded } from 'quillwork'
import { beforeAll, expect, it } from 'vitest'
import { requireBuilt } from './crash/built.ts'
import { Runs } from './crash/runs.ts'

beforeAll(requireBuilt, 120_000)

it('one process owns the file: a second one is refused at once, until the first is gone', async () => {
  await using runs = new Runs()
  const submit = [{ key: 'held', kind: 'work', ms: 600_000 }]
  const first = runs.start('run-tasks.mjs', { submit })
  await first.says('started')

  const second = runs.start('run-tasks.mjs', {})
  const refused = await second.says('refused')
  expect(refused['code']).toBe('STORE_LOCKED')
  expect(refused['message']).toContain(runs.file)
  expect(refused['message']).toContain('stop it, or talk to its server instead')
  expect((await second.ended).code).toBe(5)

  first.signal('SIGKILL')
  await first.ended
  const third = runs.start('run-tasks.mjs', {})
  await third.says('opened')
  third.signal('SIGKILL')
  await third.ended
  const { tasks } = await runs.read()
  expect(tasks.map(({ idempotencyKey, status }) => [idempotencyKey, hasEnded(status)])).toEqual([
    ['held', false],
  ])
})
