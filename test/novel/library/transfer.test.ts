import { expect, test } from 'vitest'
import { novelIdOf, sceneIdOf } from '../../../src/novel/library/ids.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { mongoTransfer } from '../../../src/novel/library/mongodb/transfer.ts'
import { buildNovelSegment } from '../../../src/novel/library/novel-segment.ts'
import { sqliteTransfer } from '../../../src/novel/library/sqlite/transfer.ts'
import { copyLibrary, type LibraryTransfer } from '../../../src/novel/library/transfer.ts'
import { encodeVectors } from '../../../src/novel/search/vectors.ts'
import { describeWithMongo } from '../../servers/mongo.ts'
import { ann, draftOf, everythingOf, importBook, smallBook, writeBook } from './case.ts'
import { type DisposableLibrary, MongoUnderTest, SqliteUnderTest } from './under-test.ts'

type Movable = DisposableLibrary & { transfer: LibraryTransfer }

async function onSqlite(): Promise<Movable> {
  const under = new SqliteUnderTest()
  return Object.assign(under, { transfer: sqliteTransfer(under.database) })
}

async function onMongo(): Promise<Movable> {
  const under = await MongoUnderTest.open()
  return Object.assign(under, { transfer: mongoTransfer(under.database) })
}

const edited = sceneIdOf(novelIdOf('edited'), 0, 0)
const generated = sceneIdOf(novelIdOf('edited'), 2, 1)

/** A library with everything that a library can hold. */
async function fill(t: Movable): Promise<void> {
  const { library } = t
  t.now = 10
  await importBook(library, 'plain')
  await importBook(library, 'plain too')
  const novelId = await importBook(library, 'edited')
  for (const builder of ['one', 'two']) await buildIndex(library, novelId, builder)
  t.now = 20
  await editScenes(library)
  await library.index.begin(ann, novelId, 'unfinished')
  await importBook(library, 'hers', smallBook, 'bob')
  await writeBook(library, await library.drafts.create(draftOf('draft')), smallBook)
  await importBook(library, 'half gone')
  await library.shelf.remove(ann, novelIdOf('half gone'), 2)
  for (const id of ['u1', 'u2', 'u3']) {
    await library.uploads.add({
      id,
      userId: ann,
      fileName: id,
      bytes: 3,
      location: id,
      expiresAt: 1_000,
    })
  }
  await library.uploads.saveSurvey(ann, 'u2', '{"title":"书"}')
  await library.uploads.confirm(ann, 'u2', { novelId: 'n', taskId: 't', expiresAt: 2_000 })
}

const kind = { model: 'm', space: 'tests:m', dimensions: 2 }
const vector = { kind, values: Float32Array.of(1, 2) }

async function buildIndex(library: NovelLibrary, novelId: string, builder: string): Promise<void> {
  const build = await library.index.begin(ann, novelId, builder, kind)
  const { items } = await library.shelf.texts(ann, { novelId }, { pageSize: 10 })
  for (const [part, values] of [
    [1, 2],
    [2, 1],
  ].entries()) {
    const vectors = encodeVectors([Float32Array.from(values)])
    await library.index.putVectors(build, { segment: 0, part, first: part, vectors })
  }
  await library.index.put(build, await buildNovelSegment(0, items.slice(0, 2)), 2)
  await library.index.put(build, await buildNovelSegment(1, items.slice(2)))
  await library.index.finish(build, 2)
}

/** What is overwritten of a scene, in an order that no version tells. */
async function editScenes({ scenes }: NovelLibrary): Promise<void> {
  const edit = (expectedVersion: number, change: { content?: string; summary?: string; title?: string }) =>
    scenes.editScene(ann, { sceneId: edited, expectedVersion, ...change })
  await edit(1, { summary: 'first' })
  await edit(2, { summary: 'second' })
  await edit(3, { content: '曹操 second' })
  await edit(4, { content: '曹操 third', summary: 'third', title: 'Title' })
  await scenes.writeSummary({
    sceneId: sceneIdOf(novelIdOf('edited'), 2, 0),
    expectedVersion: 1,
    summary: 'by a task',
    method: 'extractive',
    model: 'm',
    language: 'en',
    sentences: [{ start: 0, end: 3 }],
    writer: { taskId: 'task', attempt: 2 },
  })
  await generateTexts(scenes)
}

/** A text of a model, one that came too late, a restored one, and a scene that was added. */
async function generateTexts(scenes: NovelLibrary['scenes']): Promise<void> {
  const write = (expectedVersion: number, taskId: string) =>
    scenes.writeText({
      sceneId: generated,
      expectedVersion,
      content: `of ${taskId}`,
      provenance: {
        method: 'generative',
        model: 'm',
        prompt: { name: 'scene', version: '1', language: 'en' },
        parameters: { temperature: 0.5 },
        usage: { inputTokens: 7, outputTokens: 3, cost: 0.1 },
        finishReason: 'stop',
      },
      writer: { taskId, attempt: 2 },
    })
  await write(1, 'in time')
  const late = await write(1, 'late')
  const entryId = late.outcome === 'conflict' ? (late.alternativeId ?? '') : ''
  await scenes.restore(ann, { sceneId: generated, entryId, expectedVersion: 2 })
  const { chapterId } = await scenes.scene(ann, generated)
  const summary = { text: 'to come', method: 'person' } as const
  const by = { userId: ann }
  await scenes.appendScene({ userId: ann, chapterId, id: 'added', title: 'Added', summary, writer: by })
}

/** All that a library tells. */
async function told(library: NovelLibrary) {
  const page = { pageSize: 1 }
  const novelIds = ['plain', 'plain too', 'edited'].map(novelIdOf)
  const firstNovels = await library.shelf.novels(ann, { pageSize: 2 })
  const pageToken = firstNovels.nextPageToken ?? ''
  const editedNovel = novelIdOf('edited')
  return {
    everything: await Promise.all(novelIds.map(novelId => everythingOf(library, novelId))),
    hers: await everythingOf(library, novelIdOf('hers'), 'bob'),
    shelf: [firstNovels.items, (await library.shelf.novels(ann, { pageSize: 2, pageToken })).items],
    scenes: await Promise.all([
      library.scenes.scene(ann, edited),
      library.scenes.scene(ann, sceneIdOf(editedNovel, 2, 0)),
      library.scenes.scene(ann, generated),
      library.scenes.scene(ann, 'added'),
    ]),
    history: (await library.scenes.history(ann, edited, { pageSize: 50 })).items,
    generated: (await library.scenes.history(ann, generated, { pageSize: 50 })).items,
    drafts: (await library.drafts.list({ pageSize: 10 })).items,
    uploads: (await library.uploads.uploads(ann, { pageSize: 10 })).items,
    firstUpload: (await library.uploads.uploads(ann, page)).items,
    index: { ...(await library.index.state(ann, editedNovel)), building: undefined },
    found: await Promise.all(
      ['曹操', 'rabbit', '黄巾'].map(query => library.index.search(ann, editedNovel, { query })),
    ),
    near: await library.index.search(ann, editedNovel, { query: '貂蝉', vector }),
  }
}

const directions: readonly [string, () => Promise<Movable>, () => Promise<Movable>][] = [
  ['from SQLite to MongoDB', onSqlite, onMongo],
  ['from MongoDB to SQLite', onMongo, onSqlite],
  ['from MongoDB to MongoDB', onMongo, onMongo],
  ['from SQLite to SQLite', onSqlite, onSqlite],
]

type Told = Awaited<ReturnType<typeof told>>

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
      await goOn(target.library, wanted)
    },
  )
})

/** Otherwise a copy could be right by having nothing to copy. */
function checkFilled({ history, generated: kept, index, found, near }: Told): void {
  expect(near.index).toBe('hybrid')
  expect(near.hits).not.toHaveLength(0)
  expect(kept.map(({ why, text }) => [why, text])).toEqual([
    ['overwritten', 'of in time'],
    ['conflict', 'of late'],
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
  const cut = new AbortController()
  const cutOff = copyLibrary(source.transfer, target.transfer, {
    signal: cut.signal,
    onProgress: ({ scenes }) => scenes > 0 && cut.abort(new Error('cut off')),
  })
  await expect(cutOff).rejects.toThrow('cut off')
  const half = wanted.drafts.find(({ status }) => status === 'deleting')
  for (const _ of ['again', 'once more']) {
    expect(await copyLibrary(source.transfer, target.transfer)).toEqual({
      novels: 6,
      volumes: 12,
      chapters: 15 + (half?.counts.chapters ?? 0),
      scenes: 29,
      summaries: 3,
      history: 7,
      segments: 2,
      uploads: 3,
    })
    expect(await told(target.library)).toEqual(wanted)
  }
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
  expect((await library.drafts.create(draftOf('draft'))).generation).toBe(2)
}

test('a row that belongs to nothing is refused', async () => {
  await using under = new SqliteUnderTest()
  const { chapters } = sqliteTransfer(under.database)
  const chapter = { id: 'c', novelId: 'n', volumeId: 'v', position: 0, generation: 1, title: '' }
  await expect(chapters.write([chapter])).rejects.toMatchObject({ code: 'OPTION_INVALID' })
})
