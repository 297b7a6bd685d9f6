import { expect, test } from 'vitest'
import { novelIdOf, sceneIdOf } from '../../../src/novel/library/ids.ts'
import { history, libraryKinds } from '../../../src/novel/library/kinds.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { mongoLibraryRecords, sqliteLibraryRecords } from '../../../src/novel/library/open.ts'
import { copyRecords, everyRecord } from '../../../src/records/copy.ts'
import type { Identified, Records } from '../../../src/records/records.ts'
import { countRecords, type Tally } from '../../../src/server/migrate.ts'
import { describeWithMongo } from '../../servers/mongo.ts'
import { ann, draftOf, importBook } from './case.ts'
import { buildIndex, edited, fill, generated, kind, type Told, told } from './filled.ts'
import { type DisposableLibrary, MongoUnderTest, SqliteUnderTest } from './under-test.ts'

type Movable = DisposableLibrary & { records: Records }

async function onSqlite(): Promise<Movable> {
  const under = new SqliteUnderTest()
  return Object.assign(under, { records: sqliteLibraryRecords(under.database) })
}

async function onMongo(): Promise<Movable> {
  const under = await MongoUnderTest.open()
  return Object.assign(under, { records: mongoLibraryRecords(under.database) })
}

const directions: readonly [string, () => Promise<Movable>, () => Promise<Movable>][] = [
  ['from SQLite to MongoDB', onSqlite, onMongo],
  ['from MongoDB to SQLite', onMongo, onSqlite],
  ['from MongoDB to MongoDB', onMongo, onMongo],
  ['from SQLite to SQLite', onSqlite, onSqlite],
]

describeWithMongo('a library is moved', () => {
  test.each(directions)(
    '%s: all of it, each row once, and goes on there',
    async (_, openSource, openTarget) => {
      await using source = await openSource()
      await using target = await openTarget()
      await fill(source)
      target.now = source.now
      const wanted = await told(source.library)
      checkFilled(wanted)
      await copyTwice(source, target, wanted)
      const ofScene = [ann, { sceneId: generated }, { pageSize: 5 }] as const
      const { items } = await source.library.candidates.candidates(...ofScene)
      expect(items).toMatchObject([{ text: 'of late', status: 'open' }, { status: 'accepted' }])
      expect((await target.library.candidates.candidates(...ofScene)).items).toEqual(items)
      await goOn(target.library, wanted)
    },
  )

  test.each(directions.slice(0, 2))('%s: versions that are stored as differences', async (_, from, to) => {
    await using source = await from()
    await using target = await to()
    const sceneId = sceneIdOf(await importBook(source.library, 'a'), 0, 0)
    const long = Array.from({ length: 200 }, (_, i) => `曹操 😀 on day ${i * 31}.`).join('\n')
    for (let version = 1; version < 8; version++) {
      const content = `${long} ${'And so on. '.repeat(version)}`
      await source.library.scenes.editScene(ann, { sceneId, expectedVersion: version, content })
    }
    await copyRecords(source.records, target.records, libraryKinds)
    const stored = await target.records.find(history, { equal: { sceneId } })
    expect(stored.filter(({ difference }) => difference !== undefined)).toHaveLength(5)
    const page = { pageSize: 10 }
    const { items } = await source.library.scenes.history(ann, sceneId, page)
    expect(items).toHaveLength(7)
    expect((await target.library.scenes.history(ann, sceneId, page)).items).toEqual(items)
  })
})

/** Otherwise a copy could be right by having nothing to copy. */
function checkFilled({ history, generated: kept, index, found, near }: Told): void {
  expect(near.index).toBe('hybrid')
  expect(near.hits).not.toHaveLength(0)
  expect(kept.map(({ why, text }) => [why, text])).toEqual([
    ['overwritten', 'of in time'],
    ['overwritten', 'She fell.'],
  ])
  expect(history.map(entry => entry.text)).toEqual([
    'second',
    '曹操 second',
    '刘备见关羽张飞。三人结义。',
    'first',
  ])
  expect(index).toMatchObject({ kind: 'hybrid', vectors: kind, outOfDateScenes: 2 })
  expect(found.map(({ hits }) => hits.length)).not.toContain(0)
}

/** A copy that is cut off is made again; a copy that is made once more changes nothing. */
async function copyTwice(source: Movable, target: Movable, wanted: Told): Promise<void> {
  const cutOff = copyRecords(source.records, target.records, libraryKinds, {
    onCopied({ name }) {
      if (name === 'library_scenes') throw new Error('cut off')
    },
  })
  await expect(cutOff).rejects.toThrow('cut off')
  const half = wanted.drafts.find(({ status }) => status === 'deleting')
  for (const _ of ['again', 'once more']) {
    const copied: Tally = new Map()
    await copyRecords(source.records, target.records, libraryKinds, {
      onCopied: (kindOf, page) => countRecords(copied, kindOf, page),
    })
    expect(Object.fromEntries([...copied].map(([name, { count }]) => [name, count]))).toMatchObject({
      novels: 7,
      volumes: 14,
      chapters: 18 + (half?.counts.chapters ?? 0),
      scenes: 34,
      texts: 34,
      summaries: 3,
      history: 6,
      candidates: 2,
      indexes: 1,
      // Those of the index that answers, and of the one that it replaced.
      segments: 2 + 2,
      vectors: 2 + 2,
      uploads: 3,
      codex: 2,
      threads: 1,
      narrations: 1,
      prompts: 1,
    })
    expect(await tallyOf(target.records)).toEqual(copied)
    expect(await told(target.library)).toEqual(wanted)
  }
}

/** Counts and digests of all records. */
async function tallyOf(records: Records): Promise<Tally> {
  const found: Tally = new Map()
  for (const each of libraryKinds)
    for await (const page of everyRecord<Identified>(records, each)) countRecords(found, each, page)
  return found
}

/** What the library would have done where it was, it does here. */
async function goOn(library: NovelLibrary, wanted: Told): Promise<void> {
  const change = { sceneId: edited, expectedVersion: 5, content: 'fourth' }
  expect(await library.scenes.editScene(ann, change)).toEqual({
    outcome: 'applied',
    version: 6,
    textVersion: 6,
  })
  const { items } = await library.scenes.history(ann, edited, { pageSize: 50 })
  const before = wanted.history.map(entry => entry.text)
  expect(items.map(entry => entry.text)).toEqual(['曹操 third', ...before])
  const again = { userId: ann, chapterId: wanted.scenes[3].chapterId, id: 'added', writer: { userId: ann } }
  expect(await library.scenes.appendScene(again)).toEqual(wanted.scenes[3])
  expect(await library.scenes.appendScene({ ...again, id: 'more' })).toMatchObject({ position: 3 })
  const late = await importBook(library, 'late')
  const { items: novels } = await library.shelf.novels(ann, { pageSize: 10 })
  expect(novels.map(novel => novel.id)).toEqual([late, ...wanted.shelf.flat().map(novel => novel.id)])
  await buildIndex(library, novelIdOf('edited'), 'three')
  expect(await library.index.state(ann, novelIdOf('edited'))).toMatchObject({ outOfDateScenes: 0 })
  for (const gone of [novelIdOf('edited'), novelIdOf('plain')]) {
    while ((await library.shelf.remove(ann, gone)) === 'more') {}
    expect(await library.drafts.find(gone)).toBeUndefined()
  }
  // The numbers go on too: a draft that is written anew has a generation that none had.
  expect((await library.drafts.create(draftOf('draft'))).generation).toBeGreaterThan(novels.length)
}
