import { expect, test } from 'vitest'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import { libraryKinds } from '../../../src/novel/library/kinds.ts'
import { buildNovelSegment } from '../../../src/novel/library/novel-segment.ts'
import { encodeVectors } from '../../../src/novel/search/vectors.ts'
import type { SharedDatabase } from '../../../src/store/mongodb/database.ts'
import { describeWithMongo } from '../../servers/mongo.ts'
import {
  ann,
  type Book,
  draftOf,
  everythingOf,
  importBook,
  proposalOf,
  smallBook,
  totalsOf,
  writeBook,
} from './case.ts'
import { entryFields } from './codex-cases.ts'
import { writeUnit } from './level-cases.ts'
import { ownPrompt } from './prompt-cases.ts'
import { readingOf } from './reading-cases.ts'
import { threadFieldsOf } from './thread-cases.ts'
import { type Between, MongoUnderTest } from './under-test.ts'

function manyScenes(count: number): Book {
  const scenes = Array.from({ length: count }, (_, i) => `Scene ${i}. 曹操至。`)
  return [{ title: '', chapters: [{ title: '', scenes }] }]
}

/** A database of which the operations are counted, or held up, by name. */
function watched() {
  const operations: string[] = []
  const before: Record<string, () => Promise<void>> = {}
  async function note(operation: string): Promise<void> {
    operations.push(operation)
    await before[operation]?.()
  }
  const between: Between = (database): SharedDatabase => ({
    join: indexes => database.join(indexes),
    collection: name => database.collection(name),
    inFlight: 0,
    run: (operation, work) => note(operation).then(() => database.run(operation, work)),
    transaction: (operation, work) => note(operation).then(() => database.transaction(operation, work)),
  })
  return { operations, before, between }
}

async function documentsByCollection({ database }: MongoUnderTest): Promise<Record<string, number>> {
  const names = await database.db.listCollections({}, { nameOnly: true }).toArray()
  const counts = names.map(async ({ name }) => [name, await database.db.collection(name).countDocuments()])
  return Object.fromEntries(await Promise.all(counts))
}

describeWithMongo('the documents of the library', () => {
  test('a batch of an import is one transaction, however many scenes it has', async () => {
    const { operations, between } = watched()
    await using under = await MongoUnderTest.open(between)
    const draft = await under.library.drafts.create(draftOf('a'))
    operations.length = 0
    await writeBook(under.library, draft, manyScenes(450))
    expect(operations.filter(name => !/^(get|find|sum) /.test(name))).toEqual([
      'commit library_novels, library_volumes, library_chapters, library_scenes, library_texts',
    ])
  })

  test('the first summary of a scene is one write', async () => {
    const { operations, between } = watched()
    await using under = await MongoUnderTest.open(between)
    const sceneId = sceneIdOf(await importBook(under.library, 'a'), 0, 0)
    const writer = { taskId: 'task', attempt: 1 }
    operations.length = 0
    const write = { sceneId, expectedVersion: 1, summary: 's', method: 'generative', writer } as const
    await under.library.scenes.writeSummary(write)
    expect(operations).toEqual(['get library_scenes', 'get library_novels', 'write library_scenes'])
  })

  test('a text does not overwrite an edit that came after it was decided about', async () => {
    const { before, between } = watched()
    await using under = await MongoUnderTest.open(between)
    const { scenes } = under.library
    const sceneId = sceneIdOf(await importBook(under.library, 'a'), 0, 0)
    const change = 'commit library_scenes, library_texts, library_novels, library_history, library_candidates'
    before[change] = async () => {
      before[change] = async () => undefined
      await scenes.editScene(ann, { sceneId, expectedVersion: 1, content: 'hers' })
    }
    const proposal = proposalOf({ sceneId, expectedVersion: 1, content: 'generated' })
    expect(await under.library.candidates.propose(proposal)).toBe('open')
    expect(await scenes.scene(ann, sceneId)).toMatchObject({ version: 2, content: 'hers' })
  })

  test('a removed novel leaves no document behind', async () => {
    await using under = await MongoUnderTest.open()
    const { library } = under
    const novelId = await importBook(library, 'a', manyScenes(30))
    const { items } = await library.shelf.texts(ann, { novelId }, { pageSize: 30 })
    for (const builder of ['one', 'two']) {
      const build = await library.index.begin(ann, novelId, builder, {
        model: 'm',
        space: 'tests:m',
        dimensions: 2,
      })
      const vectors = encodeVectors([Float32Array.of(1, 0)])
      await library.index.putVectors(build, { segment: 0, part: 0, first: 0, vectors })
      await library.index.put(build, await buildNovelSegment(0, items), 1)
      if (builder === 'one') await library.index.finish(build, 1)
    }
    const sceneId = items[0]?.id ?? ''
    await library.scenes.editScene(ann, { sceneId, expectedVersion: 1, content: 'new', summary: 'mine' })
    await library.candidates.propose(proposalOf({ sceneId, expectedVersion: 1, content: 'beside it' }))
    await library.codex.add(ann, novelId, [{ id: 'rabbit', fields: entryFields({ name: 'White Rabbit' }) }])
    const narration = { styleSheet: 'Short.', voiceSample: '' }
    await library.shelf.setNarration(ann, novelId, { narration, expectedVersion: 0 })
    await library.prompts.set(ann, novelId, { ...ownPrompt, expectedVersion: 0 })
    await writeUnit(library, novelId, novelId)
    await library.codex.dismiss(ann, novelId, { key: 'the Hatter', what: 'name', reason: '' })
    await library.readings.keep(ann, novelId, readingOf(sceneId))
    await library.threads.put(
      ann,
      { novelId, threadId: 'x', expectedVersion: 0 },
      threadFieldsOf({ title: 'X' }),
    )
    await library.snapshots.create(ann, { id: 'first', novelId, name: 'First draft' })
    await library.bin.remove(ann, { novelId, what: 'scene', id: items.at(-1)?.id ?? '' })
    await library.binnedNovels.put(ann, novelId)
    const {
      library_uploads: noUploads,
      library_exports: noExports,
      library_models: noModels,
      library_counters: counters,
      ...there
    } = await documentsByCollection(under)
    expect([noUploads, noExports, noModels]).toEqual([0, 0, 0])
    // Uploads, counters and models are of no novel; exports are deleted with their files.
    expect(Object.keys(there)).toHaveLength(libraryKinds.length - 4)
    expect(Object.values(there)).not.toContain(0)
    while ((await library.shelf.remove(ann, novelId, 7)) === 'more') {}
    const left = await documentsByCollection(under)
    expect(left).toEqual({
      ...Object.fromEntries(Object.keys(left).map(name => [name, 0])),
      library_counters: counters,
    })
  })

  test('of two processes that write one draft, the one that was overtaken changes nothing', async () => {
    const late = watched()
    await using under = await MongoUnderTest.open(late.between)
    const first = await under.library.drafts.create(draftOf('a'))
    let second = first
    const writeDraft =
      'commit library_novels, library_volumes, library_chapters, library_scenes, library_texts'
    late.before[writeDraft] = async () => {
      late.before[writeDraft] = async () => undefined
      second = await under.library.drafts.create(draftOf('a'))
      await writeBook(under.library, second, smallBook)
      await under.library.drafts.publish(second, totalsOf(smallBook))
    }
    expect(await writeBook(under.library, first, manyScenes(9))).toBe('published')
    const { texts } = await everythingOf(under.library, second.novelId)
    expect(texts.map(scene => scene.content)).toEqual(
      smallBook.flatMap(volume => volume.chapters).flatMap(chapter => chapter.scenes),
    )
  })

  test('a step of a deletion that comes late removes nothing of the same book imported anew', async () => {
    const late = watched()
    await using under = await MongoUnderTest.open(late.between)
    const { library } = under
    const novelId = await importBook(library, 'a')
    const deleteScenes = 'commit library_novels, library_scenes, library_texts'
    late.before[deleteScenes] = async () => {
      late.before[deleteScenes] = async () => undefined
      while ((await library.shelf.remove(ann, novelId)) === 'more') {}
      await importBook(library, 'a')
    }
    await library.shelf.remove(ann, novelId, 2)
    expect((await everythingOf(library, novelId)).texts).toHaveLength(5)
  })

  test('many write at once: drafts, edits and summaries of one novel', async () => {
    await using under = await MongoUnderTest.open()
    const { library } = under
    const novelId = await importBook(library, 'a', manyScenes(12))
    const ids = Array.from({ length: 12 }, (_, i) => sceneIdOf(novelId, 0, i))
    const writes = ids.flatMap((sceneId, i) => [
      library.scenes.editScene(ann, { sceneId, expectedVersion: 1, content: `one two ${i}` }),
      library.scenes.writeSummary({
        sceneId,
        expectedVersion: 1,
        summary: 's',
        method: 'generative',
        writer: { taskId: sceneId, attempt: 1 },
      }),
    ])
    const written = await Promise.all(writes)
    expect(written.filter((_, i) => i % 2 === 0).map(({ outcome }) => outcome)).toEqual(
      ids.map(() => 'applied'),
    )
    const summaries = written.filter(({ outcome }, i) => i % 2 === 1 && outcome === 'applied').length
    const { novel, texts } = await everythingOf(library, novelId)
    expect(novel).toMatchObject({ words: 36, textVersion: 13, summaries })
    expect(texts.map(scene => scene.content)).toEqual(ids.map((_, i) => `one two ${i}`))
  })
})
