import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { sizeOf } from '../size.ts'
import { requireBuilt } from './crash/built.ts'
import { entriesOf, readLedger } from './crash/ledger.ts'
import { Runs } from './crash/runs.ts'
import { printedChance } from './crash/seed.ts'

/** Processes that die at each point before one runs to the end; in the slow run as many as the release holds. */
const deaths = sizeOf(3, 20)
/** Tasks that each of them submits, beside the sub-tasks that follow. */
const freshTasks = 20

beforeAll(requireBuilt, 120_000)

/** Where a process dies, and the latest passing at which it does. */
const points = [
  { at: 'before-commit', latest: 14, is: 'within a group commit, before it is committed' },
  { at: 'within-commit', latest: 4, is: 'within a group commit, half of its statements run' },
  { at: 'before-wake-up', latest: 14, is: 'after the write and before the wake-up' },
  { at: 'after-commit', latest: 14, is: 'after the durable write and before anybody is told' },
  { at: 'after-effect', latest: 14, is: 'after the effect and before the settling' },
] as const

describe('a process that is killed under load', () => {
  for (const { at, latest, is } of points) {
    it(`${is}, loses nothing and settles nothing twice`, { timeout: 180_000 }, async () => {
      const { between } = printedChance(at)
      await using runs = new Runs()
      for (let death = 0; death < deaths; death++) {
        const ended = await runs.run('run-load.mjs', {
          fresh: freshTasks,
          kill: { at, nth: between(1, latest) },
        })
        expect(ended).toEqual({ code: null, signal: 'SIGKILL' })
        expect(await runs.brokenNow()).toEqual([])
      }
      await expectEnd(runs)
      expect(runs.deaths()).toBe(deaths)
      if (at === 'after-effect') expect(await notRunAgain(runs)).toEqual([])
    })
  }
})

it('a process that is killed at any moment loses nothing and settles nothing twice', {
  timeout: 180_000,
}, async () => {
  const { between } = printedChance('any moment')
  await using runs = new Runs()
  for (let death = 0; death < deaths; death++) {
    const child = runs.start('run-load.mjs', { fresh: freshTasks })
    if (death % 4 > 0) await child.says('started')
    await new Promise(resolve => setTimeout(resolve, between(0, 150)))
    child.signal('SIGKILL')
    expect((await child.ended).signal).toBe('SIGKILL')
    expect(await runs.brokenNow()).toEqual([])
  }
  await expectEnd(runs)
})

/** One more process runs everything to its end, and nothing is broken. */
async function expectEnd(runs: Runs): Promise<void> {
  const last = runs.start('run-load.mjs', { fresh: freshTasks })
  await last.says('idle')
  last.signal('SIGTERM')
  expect(await last.ended).toEqual({ code: 0, signal: null })
  expect(await runs.brokenAtRest()).toEqual([])
}

/** Tasks that died after their effect and left none again, in a later attempt and under the same key. */
async function notRunAgain(runs: Runs): Promise<string[]> {
  const { tasks } = await runs.read()
  const cancelled = new Set(tasks.flatMap(({ id, status }) => (status === 'CANCELLED' ? [id] : [])))
  const entries = runs.ledger()
  return entries.flatMap((entry, index) => {
    const effect = entry.is === 'killed' ? entries[index - 1] : undefined
    if (effect?.is !== 'effect' || cancelled.has(effect.taskId)) return []
    const next = entriesOf(entries.slice(index), 'effect').find(({ taskId }) => taskId === effect.taskId)
    return next !== undefined && next.attempt > effect.attempt && next.effectKey === effect.effectKey
      ? []
      : [`${effect.taskId} after attempt ${effect.attempt}`]
  })
}

describe('a group commit', () => {
  const size = 50

  async function submitAndDie(at: string) {
    await using runs = new Runs()
    expect((await runs.run('run-load.mjs', { start: false, fresh: 3 })).code).toBe(0)
    const kept = (await runs.read()).tasks.map(({ id }) => id)
    const kill = { at, nth: 1 }
    const ended = await runs.run('run-load.mjs', { start: false, fresh: size, wave: size, kill })
    expect(ended.signal).toBe('SIGKILL')
    const { tasks } = await runs.read()
    expect(tasks.slice(0, 3).map(({ id }) => id)).toEqual(kept)
    expect(entriesOf(runs.ledger(), 'accepted')).toHaveLength(3)
    expect(await runs.brokenNow()).toEqual([])
    await expectEnd(runs)
    const again = (await runs.read()).tasks.filter(({ depth }) => depth === 0)
    expect(again).toHaveLength(3 + size + freshTasks)
    return { left: tasks.length - 3 }
  }

  it('leaves nothing of its fifty submissions when it is cut off before the commit', async () => {
    for (const at of ['before-commit', 'within-commit']) expect(await submitAndDie(at)).toEqual({ left: 0 })
  })

  it('is there whole when it is cut off after it, though nobody was told', async () => {
    for (const at of ['before-wake-up', 'after-commit'])
      expect(await submitAndDie(at)).toEqual({ left: size })
  })
})

it('the ledger has no line that a kill cut off, also where the next process went on in it', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'quillwork-ledger-'))
  try {
    const file = path.join(folder, 'ledger.jsonl')
    writeFileSync(
      file,
      '{"is":"boot","boot":1}\n{"is":"started","taskId":"a{"is":"boot","boot":2}\n{"is":"sta',
    )
    expect(readLedger(file)).toEqual([1, 2].map(boot => ({ is: 'boot', boot })))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
