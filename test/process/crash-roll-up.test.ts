/** Processes are killed while they sum old model calls by day: each call counts once. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { mongodb } from 'quillwork/mongodb'
import { sqlite } from 'quillwork/sqlite'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { describeWithMongo, freshDatabase } from '../servers/mongo.ts'
import { requireBuilt } from './crash/built.ts'
import { Children } from './crash/children.ts'
import { printedChance } from './crash/seed.ts'

beforeAll(requireBuilt, 120_000)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'quillwork-roll-up-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const dayMs = 86_400_000
const days = 4
const calls = 1_500
const kills = 8
/** MongoDB keeps the locks of a transaction whose process was killed for a minute, and each round of kills may leave some. */
const patience = 600_000

async function fill(store: Store<never>): Promise<void> {
  const rows = Array.from({ length: calls }, (_, index) => ({
    at: (index % days) * dayMs + index,
    attempt: 1,
    model: `m${index % 3}`,
    inputTokens: index,
    outputTokens: 1,
    cost: index / 1_000,
    ...(index % 2 === 0 && { subject: `novel-${index % 5}` }),
  }))
  for (const taskId of ['gone', 'gone too']) await store.attempts.usage(taskId, rows)
}

async function sumsOf(store: Store<never>) {
  const sums = []
  for (const by of ['user', 'subject', 'day', 'model'] as const)
    sums.push((await store.queries.usageReport({}, { by, pageSize: 50 })).items)
  return sums
}

/** @param together Processes at once; all but the last are killed. */
async function killAndCompare(
  open: () => Promise<Store<never>>,
  home: { file: string } | { url: string },
  together: number,
): Promise<void> {
  const filled = await open()
  await fill(filled)
  const before = await sumsOf(filled)
  await filled.tasks.close()
  const random = printedChance('roll-up')
  await using children = new Children(folder)
  const start = () => children.start('run-roll-up.mjs', { ...home, before: days * dayMs, limit: 20 })
  for (let killed = 0; killed < kills; killed += together) {
    const running = Array.from({ length: together }, start)
    await Promise.all(
      running.map(async child => {
        await child.says(`step ${random.between(1, 8)}`)
        child.signal('SIGKILL')
        await child.ended
      }),
    )
  }
  const halfway = await open()
  expect(await sumsOf(halfway)).toEqual(before)
  await halfway.tasks.close()
  const last = start()
  await last.says('done')
  await last.ended
  const after = await open()
  expect(await sumsOf(after)).toEqual(before)
  expect((await after.queries.usageReport({}, { by: 'task', pageSize: 5 })).items).toEqual([])
  await after.tasks.close()
}

it('a file: no call is lost or counted twice', { timeout: patience }, async () => {
  const file = path.join(folder, 'usage.db')
  await killAndCompare(async () => sqlite({ file }), { file }, 1)
})

describeWithMongo('a database', () => {
  it('of several processes at once: no call is lost or counted twice', { timeout: patience }, async () => {
    await using database = freshDatabase()
    const { url } = database
    const open = async () => {
      const store = mongodb({ url })
      await store.open()
      return store as unknown as Store<never>
    }
    await killAndCompare(open, { url }, 2)
  })
})
