import { BSON } from 'mongodb'
import { expect, test } from 'vitest'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { snapshotChapters, snapshots } from '../../../src/novel/library/snapshot-kinds.ts'
import { describeWithMongo } from '../../servers/mongo.ts'
import { ann, draftOf } from './case.ts'
import { MongoUnderTest, SqliteUnderTest } from './under-test.ts'

const megabyte = 1_000_000
const scenes = 5_000
/** As long as a title may be, in three bytes a character. */
const title = '题'.repeat(300)
/** Scenes that RestoreSnapshot gives back at a time. */
const perStep = 100
/** Scenes that are written between the snapshot and its restoring. */
const changed = 300
const patience = 600_000

/** Imports a book of so many chapters with as many scenes each. */
async function writeBook(library: NovelLibrary, chapters: number, sceneLength: number): Promise<string> {
  const draft = await library.drafts.create(draftOf('long'))
  await library.drafts.write(draft, { volumes: [{ position: 0, title: '' }] })
  const perChapter = scenes / chapters
  for (let position = 0; position < chapters; position++)
    await library.drafts.write(draft, { chapters: [{ position, volumePosition: 0, title: '' }] })
  for (let from = 0; from < scenes; from += perStep) {
    const batch = Array.from({ length: perStep }, (_, at) => {
      const [chapterPosition, position] = [Math.floor((from + at) / perChapter), (from + at) % perChapter]
      const content = `${from + at} `.padEnd(sceneLength, 'Somebody crosses the bridge at dawn. ')
      return { chapterPosition, position, title, content }
    })
    expect(await library.drafts.write(draft, { scenes: batch })).toBe('written')
  }
  const totals = { volumes: 1, chapters, scenes }
  expect(await library.drafts.publish(draft, totals)).toMatchObject({ outcome: 'published' })
  return draft.novelId
}

/** Takes, lists, compares and restores snapshots of a long book. Returns by how many megabytes the process grew meanwhile. */
async function useSnapshots(library: NovelLibrary, novelId: string): Promise<number> {
  const { snapshots: store } = library
  const before = process.memoryUsage().rss
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss)
  }, 20)
  try {
    for (const id of ['first', 'second', 'third']) {
      await store.create(ann, { id, novelId, name: id })
      expect((await store.snapshots(ann, novelId, { pageSize: 100 })).items[0]).toMatchObject({ id, scenes })
    }
    const choice = { novelId, snapshotId: 'first' }
    const ids = await store.sceneIds(ann, choice)
    expect(new Set(ids).size).toBe(scenes)
    for (const sceneId of ids.slice(-changed))
      await library.scenes.editScene(ann, { sceneId, expectedVersion: 1, content: 'New words.' })
    expect(await store.compare(ann, choice)).toMatchObject({ changed, unchanged: scenes - changed })
    await store.create(ann, { id: 'before', novelId, name: 'before' })
    const outcomes: Record<string, number> = {}
    for (let from = 0; from < scenes; from += perStep) {
      const step = { ...choice, beforeId: 'before', sceneIds: ids.slice(from, from + perStep) }
      for (const outcome of (await store.restore(ann, step)).values())
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    }
    expect(outcomes).toEqual({ restored: changed, unchanged: scenes - changed })
    expect(await store.compare(ann, choice)).toMatchObject({ changed: 0, unchanged: scenes })
    await store.remove(ann, choice)
  } finally {
    clearInterval(timer)
  }
  return (peak - before) / megabyte
}

test('a book of 5,000 scenes and 200 MB is taken, compared and restored in a part of that memory', {
  timeout: patience,
}, async () => {
  await using under = new SqliteUnderTest()
  const novelId = await writeBook(under.library, 1, 40_000)
  expect(await useSnapshots(under.library, novelId)).toBeLessThan(120)
})

describeWithMongo('the documents of snapshots of 5,000 scenes', () => {
  test.each([1, 500])('are far from 16 MB in %i chapters', { timeout: patience }, async chapters => {
    await using under = await MongoUnderTest.open()
    const novelId = await writeBook(under.library, chapters, 2_000)
    await useSnapshots(under.library, novelId)
    let [largest, found] = [0, 0]
    for (const { name } of [snapshots, snapshotChapters])
      for await (const document of under.database.db.collection(name).find()) {
        largest = Math.max(largest, BSON.calculateObjectSize(document))
        found++
      }
    expect(found).toBe(3 * (1 + chapters))
    expect(largest).toBeLessThan(8 * megabyte)
  })
})
