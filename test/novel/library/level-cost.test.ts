import { expect, test } from 'vitest'
import { chapterIdOf } from '../../../src/novel/library/ids.ts'
import { novelLibrary } from '../../../src/novel/library/library.ts'
import { sqliteLibraryRecords } from '../../../src/novel/library/open.ts'
import type { Records } from '../../../src/records/records.ts'
import { openDatabase } from '../../../src/store/sqlite/database.ts'
import { ann, importBook } from './case.ts'
import { writeUnit } from './level-cases.ts'

/** A novel of some chapters with a summary of each, and the records that are read of it. */
async function novelOf(chapters: number) {
  const database = openDatabase(':memory:')
  const records = sqliteLibraryRecords(database)
  const read: object[] = []
  const counting: Records = {
    ...records,
    async get(kind, ids, without) {
      const found = await records.get(kind, ids, without)
      read.push(...found.values())
      return found
    },
    async find(kind, query, without) {
      const found = await records.find(kind, query, without)
      read.push(...found)
      return found
    },
  }
  const { levels } = novelLibrary(counting)
  const scenes = (at: number) => ({ title: `${at}`, scenes: [`The miller went out for the ${at}th time.`] })
  const book = [{ title: '', chapters: Array.from({ length: chapters }, (_, at) => scenes(at)) }]
  const library = novelLibrary(records)
  const novelId = await importBook(library, 'a', book)
  for (let at = 0; at < chapters; at++) await writeUnit(library, novelId, chapterIdOf(novelId, at))
  return { database, levels, novelId, read }
}

test('the summary of a chapter is made from what is in it, however long the novel is', async () => {
  const reads: number[] = []
  for (const chapters of [5, 60]) {
    const { database, levels, novelId, read } = await novelOf(chapters)
    expect(await levels.unit(ann, { novelId, unitId: chapterIdOf(novelId, 3) })).toMatchObject({
      state: 'current',
    })
    reads.push(read.length)
    await database.close()
  }
  expect(reads[1]).toBe(reads[0])
})

test('which summaries are out of date is known without their texts', async () => {
  const { database, levels, novelId, read } = await novelOf(5)
  expect((await levels.outline(ann, novelId)).units).toHaveLength(7)
  expect(read.filter(record => 'writtenAt' in record)).toHaveLength(5)
  expect(read.filter(record => 'text' in record)).toEqual([])
  await database.close()
})
