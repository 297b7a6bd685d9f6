import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { buildNovelSegment } from '../../../src/novel/library/novel-segment.ts'
import { sqliteLibrary } from '../../../src/novel/library/sqlite/library.ts'
import { type DatabaseFile, openDatabase } from '../../../src/store/sqlite/database.ts'
import { ann, type Book, importBook } from './case.ts'

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
  const tables = db.prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  const count = (name: string) => Number(db.prepare(`SELECT count(*) FROM ${name}`).pluck().get())
  return Object.fromEntries(
    tables.filter(({ name }) => name !== 'schema_versions').map(({ name }) => [name, count(name)]),
  )
}

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
  open.database.db.exec('DROP TABLE scene_texts; DROP TABLE scene_summaries; DROP TABLE scene_history')
  const { shelf } = open.library
  const page = { pageSize: 10 }
  expect((await shelf.novels(ann, page)).items).toHaveLength(1)
  expect(await shelf.volumes(ann, novelId)).toHaveLength(2)
  expect((await shelf.chapters(ann, { novelId }, page)).items).toHaveLength(3)
  expect((await shelf.scenes(ann, { novelId }, page)).items).toHaveLength(5)
})

test('a removed novel leaves no row behind', async () => {
  await using open = openLibrary()
  const { library } = open
  const novelId = await importBook(library, 'a', manyScenes(30))
  const { items } = await library.shelf.texts(ann, { novelId }, { pageSize: 30 })
  for (const builder of ['one', 'two']) {
    const build = await library.index.begin(ann, novelId, builder)
    await library.index.put(build, await buildNovelSegment(0, items))
    if (builder === 'one') await library.index.finish(build, 1)
  }
  const sceneId = items[0]?.id ?? ''
  await library.scenes.editScene(ann, { sceneId, expectedVersion: 1, content: 'new', summary: 'mine' })
  expect(Object.values(rowsByTable(open.database)).filter(rows => rows === 0)).toHaveLength(1) // uploads alone
  while ((await library.shelf.remove(ann, novelId, 7)) === 'more') {}
  expect(new Set(Object.values(rowsByTable(open.database)))).toEqual(new Set([0]))
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
