import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { BSON, MongoClient } from 'mongodb'
import { expect, test } from 'vitest'
import { novelIdOf, sceneIdOf } from '../../../src/novel/library/ids.ts'
import { mongoLibrary, sqliteLibrary } from '../../../src/novel/library/open.ts'
import { mongodb } from '../../../src/store/mongodb/index.ts'
import type { DatabaseFile } from '../../../src/store/sqlite/database.ts'
import { sqlite } from '../../../src/store/sqlite/index.ts'
import { describeWithMongo, freshDatabase } from '../../servers/mongo.ts'
import { ann, importBook } from './case.ts'
import { buildIndex, edited, told } from './filled.ts'
import { MongoUnderTest } from './under-test.ts'

/** What commit 739a35e wrote of `fill`, and what its libraries told of it. */
const earlier = (name: string) => gunzipSync(readFileSync(new URL(`./earlier/${name}.gz`, import.meta.url)))

const wanted = {
  sqlite: JSON.parse(earlier('told-sqlite.json').toString()),
  mongodb: JSON.parse(earlier('told-mongodb.json').toString()),
}

/** What is compared has no undefined fields. Later builds may tell more. */
const asJson = (value: unknown) => JSON.parse(JSON.stringify(value))

async function goOn(library: ReturnType<typeof sqliteLibrary>): Promise<void> {
  const edit = { sceneId: edited, expectedVersion: 5, content: 'fourth' }
  expect(await library.scenes.editScene(ann, edit)).toMatchObject({ outcome: 'applied', version: 6 })
  expect(await library.index.begin(ann, novelIdOf('edited'), 'unfinished')).toMatchObject({
    generation: 3,
    segments: 0,
  })
  await buildIndex(library, novelIdOf('edited'), 'three')
  expect(await library.index.state(ann, novelIdOf('edited'))).toMatchObject({ outOfDateScenes: 0 })
  while ((await library.index.clean(novelIdOf('edited'))) === 'more') {}
  const late = await importBook(library, 'late')
  expect((await library.shelf.novels(ann, { pageSize: 1 })).items).toMatchObject([{ id: late }])
  for (const name of ['half gone', 'draft'])
    while ((await library.drafts.discard(novelIdOf(name))) === 'more') {}
  expect((await library.drafts.list({ pageSize: 10 })).items).toEqual([])
}

test('a file of commit 739a35e opens with all that was in it, once, and goes on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quillwork-earlier-'))
  const file = join(folder, 'library.db')
  writeFileSync(file, earlier('library.db'))
  for (const _ of ['converted', 'opened again']) {
    const store = sqlite({ file })
    const library = sqliteLibrary(store.database, { now: () => 20 })
    expect(asJson(await told(library))).toMatchObject(wanted.sqlite)
    const { db } = store.database as DatabaseFile
    const names =
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('novels', 'scene_texts', 'search_passages')"
    expect(db.prepare(names).all()).toEqual([])
    await store.tasks.close()
  }
  const store = sqlite({ file })
  await goOn(sqliteLibrary(store.database, { now: () => 30 }))
  await store.tasks.close()
  rmSync(folder, { recursive: true })
})

describeWithMongo('a database of commit 739a35e', () => {
  async function writeEarlier(url: string): Promise<void> {
    const client = new MongoClient(url)
    const collections = BSON.EJSON.parse(earlier('mongodb.json').toString()) as Record<
      string,
      { _id: string }[]
    >
    for (const [name, documents] of Object.entries(collections))
      await client.db().collection<{ _id: string }>(name).insertMany(documents)
    await client.close()
  }

  test('opens with all that was in it, once, and goes on', async () => {
    await using fresh = freshDatabase()
    await writeEarlier(fresh.url)
    for (const _ of ['converted', 'opened again']) {
      const store = mongodb({ url: fresh.url })
      const library = mongoLibrary(store.database, { now: () => 20 })
      await store.open()
      expect(asJson(await told(library))).toMatchObject(wanted.mongodb)
      await store.tasks.close()
    }
    const store = mongodb({ url: fresh.url })
    const library = mongoLibrary(store.database, { now: () => 30 })
    await store.open()
    await goOn(library)
    for (const name of ['novels', 'scenes', 'search_passages', 'search_scenes'])
      expect(await store.database.collection(name).countDocuments()).toBe(0)
    await store.tasks.close()
  })

  test('is converted to the end by whoever opens it next, or by several at once', async () => {
    await using fresh = freshDatabase()
    await writeEarlier(fresh.url)
    let pages = 0
    const cut = mongodb({
      url: fresh.url,
      faults: {
        after(operation) {
          if (operation === 'convert library' && ++pages === 7) throw new Error('cut off')
        },
      },
    })
    mongoLibrary(cut.database)
    await expect(cut.open()).rejects.toThrow()
    await cut.tasks.close()
    const stores = [1, 2, 3].map(() => mongodb({ url: fresh.url }))
    const libraries = stores.map(store => mongoLibrary(store.database, { now: () => 20 }))
    await Promise.all(stores.map(store => store.open()))
    for (const library of libraries) expect(asJson(await told(library))).toMatchObject(wanted.mongodb)
    await Promise.all(stores.map(store => store.tasks.close()))
  })

  test('has entries from before provenance was recorded, which are told, and can be put back', async () => {
    await using under = await MongoUnderTest.open()
    const { scenes } = under.library
    const novelId = await importBook(under.library, 'a')
    const sceneId = sceneIdOf(novelId, 0, 0)
    await scenes.editScene(ann, { sceneId, expectedVersion: 1, content: 'hers' })
    const { db } = under.database
    await db.collection('library_history').deleteMany({})
    const entry = { what: 'text', text: 'old', version: 1, overwrittenAt: 7, overwrittenBy: { userId: ann } }
    const old = db.collection<{ _id: string }>('scene_history')
    await old.insertOne({ _id: `${sceneId} text 1`, ...{ novelId, sceneId, order: 1, ...entry } })
    await under.reopen()
    const { items } = await under.library.scenes.history(ann, sceneId, { pageSize: 5 })
    expect(items).toMatchObject([{ what: 'text', why: 'overwritten', text: 'old', keptAt: 7 }])
    const entryId = items[0]?.id ?? ''
    expect(entryId).toMatch(/^[\w-]{1,100}$/)
    await under.library.scenes.restore(ann, { sceneId, entryId, expectedVersion: 2 })
    expect((await under.library.scenes.scene(ann, sceneId)).content).toBe('old')
    expect((await under.library.scenes.history(ann, sceneId, { pageSize: 5 })).items).toHaveLength(2)
  })
})
