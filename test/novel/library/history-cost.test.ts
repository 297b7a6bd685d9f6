import { describe, expect, test } from 'vitest'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import { history, scenes } from '../../../src/novel/library/kinds.ts'
import { novelLibrary } from '../../../src/novel/library/library.ts'
import { sqliteLibraryRecords } from '../../../src/novel/library/open.ts'
import { everyRecord } from '../../../src/records/copy.ts'
import { type AnyKind, type Records, replace } from '../../../src/records/records.ts'
import { openDatabase } from '../../../src/store/sqlite/database.ts'
import { ann, importBook, proposalOf } from './case.ts'

const text = Array.from({ length: 400 }, (_, i) => `Sentence ${i} says what happened on day ${i * 31}.`).join(
  ' ',
)

/** A library of which each read record and each commit is counted. */
async function counted() {
  const database = openDatabase(':memory:')
  const records = sqliteLibraryRecords(database)
  const count = { read: 0, largestCommit: 0 }
  const counting: Records = {
    ...records,
    async get(kind, ids, without) {
      const found = await records.get(kind, ids, without)
      count.read += found.size
      return found
    },
    async find(kind, query, without) {
      const found = await records.find(kind, query, without)
      count.read += found.length
      return found
    },
    commit(changes) {
      count.largestCommit = Math.max(count.largestCommit, changes.length)
      return records.commit(changes)
    },
  }
  const library = novelLibrary(counting)
  const novelId = await importBook(library, 'a')
  const sceneId = sceneIdOf(novelId, 0, 0)
  let version = 1
  return {
    ...{ records, library, novelId, sceneId, count },
    /** Saves as an author does who goes on writing. Returns how many records the last save read. */
    async save(times: number): Promise<number> {
      let before = 0
      for (let i = 0; i < times; i++) {
        before = count.read
        const content = `${text.slice(0, 9_000)} ${'And so on. '.repeat(version)} ${text.slice(9_000)}`
        await library.scenes.editScene(ann, { sceneId, expectedVersion: version++, content })
      }
      return count.read - before
    },
    [Symbol.asyncDispose]: () => database.close(),
  }
}

async function all(records: Records, kind: AnyKind) {
  const found = []
  for await (const page of everyRecord(records, kind)) found.push(...page)
  return found
}

describe('a scene that is saved again and again', () => {
  test('is saved at the same cost, and takes a tenth of whole copies', async () => {
    await using saved = await counted()
    const early = await saved.save(4)
    expect(await saved.save(300)).toBe(early)
    const entries = await all(saved.records, history)
    expect(entries).toHaveLength(304)
    const stored = JSON.stringify(entries).length
    expect(stored).toBeLessThan((304 * text.length) / 10)
  })

  test('is deleted in bounded steps, and nothing of its history is left', async () => {
    await using saved = await counted()
    await saved.save(130)
    saved.count.largestCommit = 0
    const steps: string[] = []
    do steps.push(await saved.library.shelf.remove(ann, saved.novelId, 2))
    while (steps.at(-1) === 'more')
    expect(saved.count.largestCommit).toBeLessThanOrEqual(50)
    expect(await all(saved.records, history)).toEqual([])
    expect(await all(saved.records, scenes)).toEqual([])
  })

  test('is answered right where a task writes again after many saves', async () => {
    await using saved = await counted()
    const { scenes: store } = saved.library
    const { sceneId } = saved
    const write = (taskId: string) =>
      store.writeSummary({
        sceneId,
        expectedVersion: 1,
        summary: `by ${taskId}`,
        method: 'generative',
        writer: { taskId, attempt: 1 },
      })
    expect(await write('task')).toMatchObject({ outcome: 'applied', version: 2 })
    for (let version = 2; version < 232; version++)
      await store.editScene(ann, { sceneId, expectedVersion: version, summary: `edit ${version}` })
    expect(await write('task')).toMatchObject({ outcome: 'applied', version: 232 })
    expect(await write('late')).toMatchObject({ outcome: 'conflict', version: 232 })
    expect(await write('late')).toMatchObject({ outcome: 'conflict', version: 232 })
    expect(await all(saved.records, history)).toHaveLength(231)
  })
})

test('a history that an earlier version of the library kept goes on: what models made is bounded with it', async () => {
  await using saved = await counted()
  const { records, library, sceneId } = saved
  const write = (i: number) =>
    library.candidates.propose(proposalOf({ sceneId, expectedVersion: i + 1, content: `made ${i}` }))
  for (let i = 0; i < 20; i++) await write(i)
  const [scene] = (await records.find(scenes, { equal: { id: sceneId } })).values()
  if (scene === undefined) throw new Error('The scene is not there.')
  const { history: _, ...earlier } = scene
  await records.commit([replace(scenes, earlier)])
  for (let i = 20; i < 25; i++) await write(i)
  const { items } = await library.scenes.history(ann, sceneId, { pageSize: 100 })
  const newest = Array.from({ length: 20 }, (_, i) => `made ${i + 4}`)
  expect(items.map(entry => entry.text).reverse()).toEqual(['刘备见关羽张飞。三人结义。', ...newest])
})

test('a candidate is written with one reading of those that the scene has', async () => {
  await using saved = await counted()
  const { library, sceneId, count } = saved
  const propose = (number: number) =>
    library.candidates.propose(
      proposalOf({ sceneId, expectedVersion: 1, content: `made ${number}`, number, accept: 'by-author' }),
    )
  for (let number = 1; number <= 12; number++) await propose(number)
  count.read = 0
  await propose(13)
  // With the scene, its text and its novel.
  expect(count.read).toBe(12 + 3)
})
