import { deleteUser, exportNovel, exportUser, storeUpload } from 'quillwork/novel'
import { expect, it } from 'vitest'
import { libraryKinds } from '../../../src/novel/library/kinds.ts'
import { encodeVectors } from '../../../src/novel/search/vectors.ts'
import { sqliteRecords } from '../../../src/records/sqlite.ts'
import type { SharedDatabase as MongoDatabase } from '../../../src/store/mongodb/database.ts'
import type { SharedDatabase as SqliteDatabase } from '../../../src/store/sqlite/database.ts'
import { ask } from '../../models/ask.ts'
import { ann, describeWriting, type Writing } from '../../models/writing.ts'
import { proposalOf } from '../library/case.ts'
import { entryFields } from '../library/codex-cases.ts'
import { writeUnit } from '../library/level-cases.ts'
import { ownPrompt } from '../library/prompt-cases.ts'
import { readingOf } from '../library/reading-cases.ts'
import { threadFieldsOf } from '../library/thread-cases.ts'

/** Each kind of records, and what becomes of those of a user who is deleted. A kind that is not here, or not filled below, fails the test. */
const kinds: Readonly<Record<string, 'gone' | 'stays'>> = {
  library_novels: 'gone',
  library_volumes: 'gone',
  library_chapters: 'gone',
  library_scenes: 'gone',
  library_texts: 'gone',
  library_history: 'gone',
  library_bin: 'gone',
  library_binned_novels: 'gone',
  library_candidates: 'gone',
  library_indexes: 'gone',
  library_segments: 'gone',
  library_shards: 'gone',
  library_vectors: 'gone',
  library_uploads: 'gone',
  library_exports: 'gone',
  library_codex: 'gone',
  library_narrations: 'gone',
  library_threads: 'gone',
  library_readings: 'gone',
  library_prompts: 'gone',
  library_level_summaries: 'gone',
  library_dismissals: 'gone',
  library_snapshots: 'gone',
  library_snapshot_chapters: 'gone',
  // Sequences of numbers, which tell nothing of anybody.
  library_counters: 'stays',
  // Of the installation: whoever set one up, all of its users write with it.
  library_models: 'stays',
}

describeWriting('EraseUser', open => {
  it('leaves no record of any kind that is the user’s', async () => {
    await using w = await open()
    await fill(w)
    const before = await countKinds(w)
    expect(before['library_exports']).toBe(2)
    expect(Object.keys(before).sort()).toEqual(Object.keys(kinds).sort())
    expect(Object.entries(before).filter(([, records]) => records === 0)).toEqual([])
    await deleteUser(w.t, { userId: ann })
    await w.t.drain()
    const wanted = Object.keys(before).map(name => [name, kinds[name] === 'gone' ? 0 : before[name]])
    expect(await countKinds(w)).toEqual(Object.fromEntries(wanted))
    expect((await w.t.tasks.list({}, { pageSize: 10 })).items).toMatchObject([{ taskType: 'EraseUser' }])
    // What remains: the sums of what calls used, by ids.
    const { items } = await w.t.tasks.usageReport({ userId: ann }, { by: 'model' })
    expect(items).toMatchObject([{ key: 'prose', calls: 1 }])
    expect(await w.library.models.read()).toMatchObject({ models: [{ id: 'writer' }] })
  })
})

/** Gives the user records of every kind, and the installation a model. */
async function fill(w: Writing): Promise<void> {
  const { library } = w
  const novelId = await w.novel(2)
  async function* content(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('Never imported.')
  }
  await storeUpload(w.services, { userId: ann, fileName: 'other.txt', content: content() })
  const exported = await w.t.submit(exportNovel, { novelId, format: 'txt' }, { userId: ann })
  await w.t.drain()
  await exported.result()
  await w.t.submit(ask, { model: 'prose', prompts: ['Who is she?'] }, { userId: ann })
  await w.t.drain()
  await (await w.t.submit(exportUser, {}, { userId: ann })).result()
  const sceneId = (await w.scenes(novelId))[0]?.id ?? ''
  await library.scenes.editScene(ann, { sceneId, expectedVersion: 1, content: 'By hand.' })
  await library.candidates.propose(proposalOf({ sceneId, expectedVersion: 1, content: 'Beside it.' }))
  const build = await library.index.begin(ann, novelId, 'two', {
    ...{ model: 'm', space: 'tests:m', dimensions: 2 },
  })
  const vectors = encodeVectors([Float32Array.of(1, 0)])
  await library.index.putVectors(build, { segment: 0, part: 0, first: 0, vectors })
  await library.codex.add(ann, novelId, [{ id: 'rabbit', fields: entryFields({ name: 'White Rabbit' }) }])
  await library.codex.dismiss(ann, novelId, { key: 'the Hatter', what: 'name', reason: '' })
  const narration = { styleSheet: 'Short.', voiceSample: '' }
  await library.shelf.setNarration(ann, novelId, { narration, expectedVersion: 0 })
  const thread = { novelId, threadId: 'fall', expectedVersion: 0 }
  await library.threads.put(ann, thread, threadFieldsOf({ title: 'The fall' }))
  await library.readings.keep(ann, novelId, readingOf(sceneId))
  await library.prompts.set(ann, novelId, { ...ownPrompt, expectedVersion: 0 })
  await writeUnit(library, novelId, novelId)
  await library.snapshots.create(ann, { id: 'first', novelId, name: 'First draft' })
  const last = (await w.scenes(novelId)).at(-1)?.chapterId ?? ''
  await library.bin.remove(ann, { novelId, what: 'chapter', id: last })
  await library.binnedNovels.put(ann, novelId)
  await library.models.write([{ id: 'writer', settings: { provider: 'openai' } }], 0)
}

/** Returns how many records of each kind there are. */
async function countKinds({ t }: Writing): Promise<Record<string, number>> {
  const { database } = t.store as unknown as { database: SqliteDatabase | MongoDatabase }
  const counts = libraryKinds.map(async kind => {
    const count =
      'collection' in database
        ? await database.collection(kind.name).countDocuments()
        : (await sqliteRecords(database).find<{ id: string }>(kind as never, { limit: 1_000 })).length
    return [kind.name, count] as const
  })
  return Object.fromEntries(await Promise.all(counts))
}
