import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { NovelLibrary } from '../../src/novel/library/library.ts'
import { mongoLibrary, sqliteLibrary } from '../../src/novel/library/open.ts'
import { migrate, openHome } from '../../src/server/migrate.ts'
import { mongodb } from '../../src/store/mongodb/index.ts'
import { sqlite } from '../../src/store/sqlite/index.ts'
import { fill, told } from '../novel/library/filled.ts'
import { describeWithMongo, freshDatabase } from '../servers/mongo.ts'

const now = { now: 1 }

/** Opens the library of a store, lets `use` work with it, and closes the store. */
async function withLibrary<T>(address: string, use: (library: NovelLibrary) => Promise<T>): Promise<T> {
  const clock = { now: () => now.now }
  if (address.startsWith('sqlite:')) {
    const store = sqlite({ file: address.slice('sqlite:'.length) })
    const used = await use(sqliteLibrary(store.database, clock))
    await store.tasks.close()
    return used
  }
  const store = mongodb({ url: address })
  const library = mongoLibrary(store.database, clock)
  await store.open()
  const used = await use(library)
  await store.tasks.close()
  return used
}

async function move(from: string, to: string) {
  const folder = mkdtempSync(path.join(tmpdir(), 'quillwork-uploads-'))
  const uploads = (name: string) => path.join(folder, name)
  await using source = await openHome({
    address: from,
    isTarget: false,
    uploads: uploads('from'),
    allowOpenData: false,
  }).then(closing)
  await using target = await openHome({
    address: to,
    isTarget: true,
    uploads: uploads('to'),
    allowOpenData: false,
  }).then(closing)
  const moved = await migrate({ from: source, to: target })
  rmSync(folder, { recursive: true, force: true })
  return moved
}

function closing<T extends { close(): Promise<void> }>(home: T): T & AsyncDisposable {
  return Object.assign(home, { [Symbol.asyncDispose]: () => home.close() })
}

describeWithMongo('all that a store holds is moved from where it was written', () => {
  test.each(['from SQLite to MongoDB', 'from MongoDB to SQLite'])('%s, equal by digest', async direction => {
    now.now = 1
    await using fresh = freshDatabase()
    const folder = mkdtempSync(path.join(tmpdir(), 'quillwork-migrate-'))
    const file = `sqlite:${path.join(folder, 'quillwork.db')}`
    const [from, to] = direction === 'from SQLite to MongoDB' ? [file, fresh.url] : [fresh.url, file]
    const wanted = await withLibrary(from, async library => {
      await fill(Object.assign(now, { library, reopen: async () => undefined }))
      return told(library)
    })
    const { kinds } = await move(from, to)
    expect(kinds.filter(({ same }) => !same)).toEqual([])
    expect(kinds.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['novels', 'scenes', 'texts', 'summaries', 'history', 'segments', 'shards']),
    )
    expect(await withLibrary(to, told)).toEqual(wanted)
    rmSync(folder, { recursive: true })
  })
})
