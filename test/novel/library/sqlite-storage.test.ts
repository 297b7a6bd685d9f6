import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { libraryMigrations } from '../../../src/novel/earlier-library/sqlite.ts'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import { candidates, codex, levelSummaries } from '../../../src/novel/library/kinds.ts'
import { novelLibrary } from '../../../src/novel/library/library.ts'
import { buildNovelSegment } from '../../../src/novel/library/novel-segment.ts'
import { sqliteLibrary, sqliteLibraryRecords } from '../../../src/novel/library/open.ts'
import { encodeVectors } from '../../../src/novel/search/vectors.ts'
import { getOne, type Records, replace } from '../../../src/records/records.ts'
import { type DatabaseFile, openDatabase } from '../../../src/store/sqlite/database.ts'
import { ann, type Book, importBook, proposalOf } from './case.ts'
import { entryFields } from './codex-cases.ts'
import { writeUnit } from './level-cases.ts'
import { ownPrompt } from './prompt-cases.ts'
import { readingOf } from './reading-cases.ts'
import { threadFieldsOf } from './thread-cases.ts'

/** The library in a new file, with the file itself. */
function openLibrary() {
  const folder = mkdtempSync(join(tmpdir(), 'quillwork-library-'))
  const database = openDatabase(join(folder, 'library.db'))
  return {
    database,
    library: sqliteLibrary(database),
    async [Symbol.asyncDispose]() {
      await database.close()
      rmSync(folder, { recursive: true })
    },
  }
}

function manyScenes(count: number): Book {
  const scenes = Array.from({ length: count }, (_, i) => `Scene ${i}. 曹操至。`)
  return [{ title: '', chapters: [{ title: '', scenes }] }]
}

function rowsByTable({ db }: DatabaseFile): Record<string, number> {
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[]
  const count = (name: string) => Number(db.prepare(`SELECT count(*) FROM ${name}`).pluck().get())
  return Object.fromEntries(
    tables
      .filter(name => !['schema_versions', 'library_counters'].includes(name))
      .map(name => [name, count(name)]),
  )
}

test('an entry whose relation leads to nothing can be edited; none is made anew', async () => {
  await using open = openLibrary()
  const { codex: entries } = open.library
  const novelId = await importBook(open.library, 'a', manyScenes(1))
  await entries.add(ann, novelId, [{ id: 'a', fields: entryFields({ name: 'A', relations: ['a'] }) }])
  // As an edit leaves it that meets the deletion of the other entry.
  const records = sqliteLibraryRecords(open.database)
  const there = await getOne(records, codex, 'a')
  if (there !== undefined) await records.commit([replace(codex, { ...there, relations: ['gone'] })])
  const edit = (expectedVersion: number, fields: object) =>
    entries.edit(ann, { novelId, entryId: 'a', expectedVersion }, fields)
  expect(await edit(1, { text: 'Here.' })).toEqual({ outcome: 'applied', version: 2 })
  await expect(edit(2, { relations: ['gone', 'other'] })).rejects.toMatchObject({
    code: 'CODEX_ENTRY_NOT_FOUND',
  })
  expect(await edit(2, { relations: [] })).toEqual({ outcome: 'applied', version: 3 })
})

test('summaries that are written at the same time share commits', async () => {
  await using open = openLibrary()
  const novelId = await importBook(open.library, 'a', manyScenes(500))
  const { items } = await open.library.shelf.scenes(ann, { novelId }, { pageSize: 500 })
  let commits = 0
  open.database.onCommit(() => commits++)
  const waiting = [...items]
  const worker = async () => {
    for (let scene = waiting.pop(); scene !== undefined; scene = waiting.pop()) {
      const writer = { taskId: scene.id, attempt: 1 }
      await open.library.scenes.writeSummary({
        sceneId: scene.id,
        expectedVersion: 1,
        summary: 's',
        method: 'extractive',
        writer,
      })
    }
  }
  await Promise.all(Array.from({ length: 50 }, worker))
  expect((await open.library.shelf.novel(ann, novelId)).summaries).toBe(500)
  expect(commits).toBeLessThanOrEqual(50)
})

test('listings never touch the texts', async () => {
  await using open = openLibrary()
  const novelId = await importBook(open.library, 'a')
  open.database.db.exec('DROP TABLE library_texts; DROP TABLE library_history')
  const { shelf } = open.library
  const page = { pageSize: 10 }
  expect((await shelf.novels(ann, page)).items).toHaveLength(1)
  expect(await shelf.volumes(ann, novelId)).toHaveLength(2)
  expect((await shelf.chapters(ann, { novelId }, page)).items).toHaveLength(3)
  expect((await shelf.scenes(ann, { novelId }, page)).items).toHaveLength(5)
})

test('of what was deleted for good, and of a chapter that is in another one now, no summary stays', async () => {
  await using open = openLibrary()
  const { library } = open
  const novelId = await importBook(library, 'a')
  const ids = (await library.shelf.chapters(ann, { novelId }, { pageSize: 3 })).items.map(({ id }) => id)
  const [first = '', second = '', third = ''] = ids
  const summaries = () => rowsByTable(open.database)['library_level_summaries']
  for (const id of ids) await writeUnit(library, novelId, id)
  expect(summaries()).toBe(3)
  await library.shape.mergeChapters(ann, { novelId, chapterId: first, next: second })
  expect(summaries()).toBe(2)
  const { id: entryId } = await library.bin.remove(ann, { novelId, what: 'chapter', id: third })
  expect(summaries()).toBe(2)
  while ((await library.bin.discard(ann, { novelId, entryId }, 1)) === 'more') {}
  expect(summaries()).toBe(1)
})

test('a removed novel leaves no row behind', async () => {
  await using open = openLibrary()
  const { library } = open
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
  const empty = Object.entries(rowsByTable(open.database)).filter(([, rows]) => rows === 0)
  expect(empty.map(([name]) => name).sort()).toEqual(['library_exports', 'library_models', 'library_uploads'])
  while ((await library.shelf.remove(ann, novelId, 7)) === 'more') {}
  expect(new Set(Object.values(rowsByTable(open.database)))).toEqual(new Set([0]))
})

test('a file from before provenance was recorded keeps its history, and says what it knows', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quillwork-library-'))
  const database = openDatabase(join(folder, 'library.db'))
  database.migrate('novel', libraryMigrations.slice(0, 2))
  database.db.exec(`
    INSERT INTO novels (key, id, user_id, import_task_id, title, status, generation, created_at, published_at, updated_at)
      VALUES (1, 'n', 'ann', 't', 'Book', 'published', 1, 1, 1, 1);
    INSERT INTO volumes VALUES (1, 'v', 1, 0, 1, '');
    INSERT INTO chapters (key, id, novel_key, volume_key, position, generation, title) VALUES (1, 'c', 1, 1, 0, 1, '');
    INSERT INTO scenes (key, id, chapter_key, position, generation, words, characters, version, text_version, summary_version,
      summary_of, updated_at) VALUES (1, 's', 1, 0, 1, 1, 5, 4, 3, 4, 3, 9);
    INSERT INTO scene_texts VALUES (1, 'third');
    INSERT INTO scene_summaries VALUES (1, 'sum', 'extractive', 'm', 'en', NULL, 3, NULL, 'task', 2, 8);
    INSERT INTO scene_history VALUES (1, 1, 'text', 1, 5, 'ann', NULL, NULL, 'first'),
      (2, 1, 'text', 2, 6, 'ann', NULL, NULL, 'second'), (3, 1, 'summary', 2, 7, NULL, 'task', 1, 'old');`)
  const { scenes } = sqliteLibrary(database)
  const read = await scenes.scene(ann, 's')
  expect(read).toMatchObject({ content: 'third', summary: { text: 'sum', method: 'extractive', model: 'm' } })
  expect(read).not.toHaveProperty('textOrigin')
  const { items } = await scenes.history(ann, 's', { pageSize: 10 })
  expect(items).toMatchObject([
    {
      what: 'summary',
      why: 'overwritten',
      text: 'old',
      keptAt: 7,
      overwrittenBy: { taskId: 'task', attempt: 1 },
    },
    { what: 'text', why: 'overwritten', text: 'second', version: 2 },
    { what: 'text', why: 'overwritten', text: 'first', keptAt: 5, overwrittenBy: { userId: ann } },
  ])
  const entryId = items.at(-1)?.id ?? ''
  expect(await scenes.restore(ann, { sceneId: 's', entryId, expectedVersion: 4 })).toMatchObject({
    outcome: 'applied',
  })
  expect(await scenes.scene(ann, 's')).toMatchObject({ content: 'first', summaryOutOfDate: true })
  await database.close()
  rmSync(folder, { recursive: true })
})

test('a file from before the texts of summaries of levels had a column keeps them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quillwork-library-'))
  const database = openDatabase(join(folder, 'library.db'))
  database.migrate('novel', libraryMigrations.slice(0, -4))
  const insert = database.db.prepare(
    "INSERT INTO library_level_summaries (revision, id, novelId, body) VALUES ('earlier', ?, 'n', ?)",
  )
  const origin = { method: 'person', writtenBy: { userId: ann }, writtenAt: 5, of: 'digest', version: 2 }
  insert.run('told', JSON.stringify({ ...origin, text: 'Mine.' }))
  insert.run('given back', JSON.stringify({ ...origin, text: '' }))
  const found = await sqliteLibraryRecords(database).get(levelSummaries, ['told', 'given back'])
  const earlier = { ...origin, novelId: 'n', revision: 'earlier' }
  expect(Object.fromEntries(found)).toEqual({
    told: { ...earlier, id: 'told', text: 'Mine.' },
    'given back': { ...earlier, id: 'given back', text: '', isEmpty: true },
  })
  await database.close()
  rmSync(folder, { recursive: true })
})

test('a failed write of another caller harms none of the same commit', async () => {
  await using open = openLibrary()
  const novelId = await importBook(open.library, 'a')
  const { items } = await open.library.shelf.scenes(ann, { novelId }, { pageSize: 10 })
  const writes = items.map(({ id }) =>
    open.library.scenes.writeSummary({
      sceneId: id,
      expectedVersion: 1,
      summary: 's',
      method: 'generative',
      writer: { taskId: id, attempt: 1 },
    }),
  )
  const failing = open.library.shelf.remove('bob', novelId)
  await expect(failing).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
  expect((await Promise.all(writes)).map(({ outcome }) => outcome)).toEqual(items.map(() => 'applied'))
  expect((await open.library.shelf.novel(ann, novelId)).summaries).toBe(items.length)
})

test('accepting a candidate twice at once is done once, and reading it meanwhile finds its text', async () => {
  await using opened = openLibrary()
  const records = sqliteLibraryRecords(opened.database)
  let meanwhile: (() => Promise<unknown>) | undefined
  const interrupted: Records = {
    ...records,
    async get(kind, ids, without) {
      const run = kind.name === candidates.name ? meanwhile : undefined
      if (run !== undefined) meanwhile = undefined
      await run?.()
      return records.get(kind, ids, without)
    },
  }
  const library = novelLibrary(interrupted)
  const novelId = await importBook(library, 'a')
  for (const [position, isRead] of [true, false].entries()) {
    const sceneId = sceneIdOf(novelId, 0, position)
    const proposal = proposalOf({ sceneId, expectedVersion: 1, content: 'made', accept: 'by-author' })
    await library.candidates.propose(proposal)
    const choice = { sceneId, candidateId: proposal.id }
    const accept = () => library.candidates.accept(ann, { ...choice, expectedVersion: 1 })
    meanwhile = accept
    if (isRead) expect(await library.candidates.candidate(ann, choice)).toMatchObject({ text: 'made' })
    else expect(await accept()).toEqual({ outcome: 'applied', version: 2, textVersion: 2 })
    expect(await library.scenes.scene(ann, sceneId)).toMatchObject({ version: 2, content: 'made' })
  }
})
