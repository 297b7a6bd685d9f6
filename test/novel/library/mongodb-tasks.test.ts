import { fileURLToPath } from 'node:url'
import { confirmUpload, importNovel, mongoLibrary } from 'quillwork/novel'
import { expect, test } from 'vitest'
import { openDatabase } from '../../../src/store/mongodb/database.ts'
import { describeWithMongo, freshDatabase } from '../../servers/mongo.ts'
import { ann, type NovelEngine, novelEngine } from '../tasks/novel-engine.ts'
import { everythingOf } from './case.ts'

const sample = (name: string) => fileURLToPath(new URL(`../../../samples/${name}`, import.meta.url))

/** Imports a book with everything and searches it: what a reader can see of it, without what differs from import to import. */
async function told(n: NovelEngine, book: string, query: string) {
  const { id: uploadId } = await n.uploadFile(sample(book))
  const { taskId, novelId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId })
  await n.t.drain()
  const result = await (await n.t.find(importNovel, taskId))?.result()
  const [scene] = await n.scenes(novelId)
  const edited = { sceneId: scene?.id ?? '', expectedVersion: scene?.version ?? 0, content: `${query}. New.` }
  await n.library.scenes.editScene(ann, edited)
  const read = {
    result,
    everything: await everythingOf(n.library, novelId),
    overviews: (await n.library.shelf.scenes(ann, { novelId }, { pageSize: 100 })).items,
    scene: await n.library.scenes.scene(ann, edited.sceneId),
    history: await n.library.scenes.history(ann, edited.sceneId, { pageSize: 10 }),
    index: await n.library.index.state(ann, novelId),
    found: await n.library.index.search(ann, novelId, { query }),
  }
  const ids = new Map<string, string>()
  return JSON.parse(
    JSON.stringify(read, (_, value) =>
      typeof value === 'string' && /^[0-9a-f-]{36}$/.test(value) ? nameOf(ids, value) : value,
    ),
  )
}

function nameOf(ids: Map<string, string>, id: string): string {
  ids.set(id, ids.get(id) ?? `id ${ids.size}`)
  return ids.get(id) ?? ''
}

describeWithMongo('the novel tasks with their library on MongoDB', () => {
  test.each([
    ['the-salt-ledger.txt', 'sealskin'],
    ['the-ferry-clock.txt', '沈禾'],
  ])('%s is imported, summarised, indexed and found as with a library on SQLite', async (book, query) => {
    await using fresh = freshDatabase()
    const database = openDatabase({ url: fresh.url })
    mongoLibrary(database)
    await database.open()
    const elsewhere = {
      open: (now: () => number) => mongoLibrary(database, { now }),
      isBusy: () => database.inFlight > 0,
    }
    await using onMongo = await novelEngine({ elsewhere })
    await using onSqlite = await novelEngine()
    const wanted = await told(onSqlite, book, query)
    expect(wanted.found.hits.length).toBeGreaterThan(0)
    const got = await told(onMongo, book, query)
    expect(got).toEqual(wanted)
    await database.close()
  })
})
