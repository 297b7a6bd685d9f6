import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyRecords } from '../../src/records/copy.ts'
import { mongoRecords } from '../../src/records/mongodb.ts'
import {
  add,
  defineKind,
  each,
  erase,
  getOne,
  insert,
  type Kind,
  largestRecord,
  type Records,
  remove,
  replace,
  type Stored,
  touch,
  write,
} from '../../src/records/records.ts'
import { sqliteRecords, statementsOf, tablesOf } from '../../src/records/sqlite.ts'
import { openDatabase, type SharedDatabase } from '../../src/store/mongodb/database.ts'
import { openDatabase as openFile } from '../../src/store/sqlite/database.ts'
import { describeWithMongo, freshDatabase } from '../servers/mongo.ts'

interface Book {
  id: string
  shelf: string
  place: number
  words?: number
  seen?: number
  title?: string
  notes?: { by: string; lines: number[] }
  content?: string
  cover?: Uint8Array
}

const books: Kind<Book> = defineKind<Book>({
  name: 'test_books',
  fields: { shelf: 'text', place: 'integer', words: 'integer', seen: 'integer' },
  large: { notes: 'json', content: 'text', cover: 'bytes' },
  indexes: { in_order: ['shelf', 'place', 'words'], seen: ['seen'] },
})
const others: Kind<Book> = { ...books, name: 'test_others' }

const full: Book = {
  id: 'full',
  ...{
    shelf: 'a',
    place: 1,
    words: 3,
    title: '三国',
    notes: { by: 'ann', lines: [1, 2] },
    content: 'one two three',
  },
  cover: Uint8Array.of(0, 255, 7),
}

const without = <R extends object>(record: (R & { revision?: string }) | undefined) => {
  const { revision: _, ...rest } = record ?? {}
  return rest
}

async function one(records: Records, id: string): Promise<Stored<Book>> {
  const found = await getOne(records, books, id)
  if (found === undefined) throw new Error(`There is no record ${id}.`)
  return found
}

function shelf(count: number): Book[] {
  return Array.from({ length: count }, (_, i) => ({
    ...{ id: `book ${String(i).padStart(3, '0')}`, shelf: i % 2 === 0 ? 'even' : 'odd', place: i >> 1 },
    words: i,
  }))
}

/** What records do, whatever keeps them. */
const cases: Record<string, (records: Records) => Promise<void>> = {
  'a record is read as it was written, also without its large fields': async records => {
    await records.commit([insert(books, full)])
    const read = await one(records, 'full')
    expect({ ...without(read), cover: [...(read.cover ?? [])] }).toEqual({ ...full, cover: [0, 255, 7] })
    expect(read.revision).toMatch(/^\S+$/)
    const { notes, content, cover, ...small } = full
    const found = await records.get(books, ['full', 'nowhere'], ['notes', 'content', 'cover'])
    expect([...found.values()].map(without)).toEqual([small])
    expect([notes, content, cover]).not.toContain(undefined)
  },
  'a record is written whole: what it no longer has is gone': async records => {
    await records.commit([insert(books, full)])
    const bare = { id: 'full', shelf: 'b', place: 2 }
    expect(
      await records.commit([replace(books, { ...bare, revision: (await one(records, 'full')).revision })]),
    ).toBe('applied')
    expect(without(await one(records, 'full'))).toEqual(bare)
  },
  'a change is guarded by the revision that was read': async records => {
    await records.commit([insert(books, full)])
    const read = await one(records, 'full')
    expect(await records.commit([insert(books, full)])).toBe('stale')
    expect(await records.commit([replace(books, { ...read, title: 'first' })])).toBe('applied')
    expect(await records.commit([replace(books, { ...read, title: 'second' })])).toBe('stale')
    expect(await records.commit([remove(books, read)])).toBe('stale')
    expect((await one(records, 'full')).title).toBe('first')
    expect(await records.commit([remove(books, await one(records, 'full'))])).toBe('applied')
    expect(await records.commit([remove(books, read)])).toBe('applied')
    expect(await records.commit([replace(books, read)])).toBe('stale')
    // No revision comes again.
    await records.commit([insert(books, full)])
    expect(await records.commit([replace(books, read)])).toBe('stale')
  },
  'a commit is made as a whole, or not at all': async records => {
    await records.commit([insert(books, full)])
    const read = await one(records, 'full')
    const other = { ...full, id: 'other' }
    const all = [replace(books, read), insert(others, other), ...write(books, shelf(3))]
    await records.commit([replace(books, { ...read, place: 7 })])
    expect(await records.commit(all)).toBe('stale')
    expect(await getOne(records, others, 'other')).toBeUndefined()
    expect(
      (
        await records.get(
          books,
          shelf(3).map(({ id }) => id),
        )
      ).size,
    ).toBe(0)
    const now = await one(records, 'full')
    expect(await records.commit([replace(books, now), ...all.slice(1), ...erase(books, ['nowhere'])])).toBe(
      'applied',
    )
    expect(
      (
        await records.get(
          books,
          shelf(3).map(({ id }) => id),
        )
      ).size,
    ).toBe(3)
    expect(await getOne(records, others, 'other')).toBeDefined()
    expect(
      await records.commit([
        add(books, 'nowhere', { by: { words: 1 } }),
        insert(others, { ...full, id: 'x' }),
      ]),
    ).toBe('stale')
    expect(await getOne(records, others, 'x')).toBeUndefined()
  },
  'counters that many raise at once lose nothing': async records => {
    await records.commit([insert(books, { ...full, words: 0 }), ...write(others, shelf(12))])
    const read = await one(records, 'full')
    const outcomes = await Promise.all(
      shelf(12).map(async ({ id }, at) => {
        const held = await getOne(records, others, id)
        if (held === undefined) throw new Error(id)
        const counted = add(books, 'full', { by: { words: 2 }, raise: { seen: at } })
        return records.commit([replace(others, held), counted])
      }),
    )
    expect(new Set(outcomes)).toEqual(new Set(['applied']))
    expect(await one(records, 'full')).toMatchObject({ words: 24, seen: 11 })
    expect(await records.commit([replace(books, read)])).toBe('stale')
  },
  'a record that is touched stays what it is, and guarded changes of it begin again': async records => {
    await records.commit([insert(books, full)])
    const read = await one(records, 'full')
    const put = insert(others, { ...full, id: 'beside' })
    expect(await records.commit([touch(books, 'full'), put])).toBe('applied')
    expect(await one(records, 'full')).toEqual({ ...read, revision: expect.any(String) })
    expect(await records.commit([replace(books, read)])).toBe('stale')
    expect(await records.commit([touch(books, 'nowhere'), insert(others, { ...full, id: 'x' })])).toBe(
      'stale',
    )
    expect(await getOne(records, others, 'x')).toBeUndefined()
  },
  'every record of a selection is changed, as the changes before it left them': async records => {
    await records.commit([insert(others, full), ...write(books, shelf(12))])
    const [guard, untouched, changed] = [
      await getOne(records, others, 'full'),
      await one(records, 'book 000'),
      await one(records, 'book 010'),
    ]
    if (guard === undefined) throw new Error('full')
    const even = { shelf: 'even' }
    const committed = await records.commit([
      replace(others, guard),
      each(books, { equal: even, above: { place: 3 } }, { by: { place: 10, seen: 2 } }),
      each(books, { equal: even, above: { place: 1 }, most: { place: 3 } }, { by: { place: -1 } }),
      each(books, { equal: even, above: { place: 9 } }, { by: { place: -7 }, set: { shelf: 'moved' } }),
    ])
    expect(committed).toBe('applied')
    const on = async (name: string) =>
      (await records.find(books, { equal: { shelf: name }, order: ['place'] })).map(book => [
        book.words,
        book.place,
        book.seen,
      ])
    expect(await on('even')).toEqual([
      [0, 0, undefined],
      [2, 1, undefined],
      [4, 1, undefined],
      [6, 2, undefined],
    ])
    expect(await on('moved')).toEqual([
      [8, 7, 2],
      [10, 8, 2],
    ])
    expect(await records.commit([replace(books, changed)])).toBe('stale')
    expect(await records.commit([replace(books, untouched)])).toBe('applied')
    const stale = [replace(others, guard), each(books, { equal: even }, { by: { place: 1 } })]
    expect(await records.commit(stale)).toBe('stale')
    expect((await one(records, 'book 002')).place).toBe(1)
  },
  'records are found by an index, in its order, from a place on': async records => {
    await records.commit(write(books, shelf(20)))
    const odd = { equal: { shelf: 'odd' }, order: ['place'] } as const
    const places = async (query: object) =>
      (await records.find(books, { ...odd, ...query })).map(({ place }) => place)
    expect(await places({ limit: 3 })).toEqual([0, 1, 2])
    expect(await places({ after: [2], limit: 3 })).toEqual([3, 4, 5])
    expect(await places({ reverse: true, after: [3] })).toEqual([2, 1, 0])
    expect(await places({ above: { place: 1 }, most: { place: 4 } })).toEqual([2, 3, 4])
    expect(await places({ above: { place: 1 }, most: { place: 4 }, after: [3] })).toEqual([4])
    const both = { equal: { shelf: ['odd', 'even'] }, order: ['place', 'words'] } as const
    const pages: number[] = []
    for (let after: number[] | undefined; ; ) {
      const page = await records.find(books, { ...both, after, limit: 3 })
      const last = page.at(-1)
      if (last === undefined) break
      pages.push(...page.map(({ words = -1 }) => words))
      after = [last.place, last.words ?? 0]
    }
    expect(pages).toEqual(shelf(20).map(({ words }) => words))
    expect(await records.find(books, { equal: { seen: 1 } })).toEqual([])
  },
  'records are counted, and their fields added up, by a field': async records => {
    await records.commit(write(books, shelf(9)))
    const sums = await records.sum(books, {
      equal: { shelf: ['odd', 'even'] },
      by: 'shelf',
      of: ['words', 'seen'],
    })
    expect(Object.fromEntries(sums)).toEqual({
      even: { count: 5, words: 20, seen: 0 },
      odd: { count: 4, words: 16, seen: 0 },
    })
    const some = { equal: { shelf: 'odd' }, above: { place: 0 }, most: { place: 2 } }
    expect(Object.fromEntries(await records.sum(books, { ...some, by: 'shelf' }))).toEqual({
      odd: { count: 2 },
    })
    expect((await records.sum(books, { equal: { shelf: 'none' }, by: 'shelf' })).size).toBe(0)
  },
  'no record is larger than every store can keep': async records => {
    const large = (bytes: number): Book => ({
      id: 'large',
      shelf: 'a',
      place: 1,
      cover: new Uint8Array(bytes),
    })
    const tooLarge = records.commit([insert(books, full), insert(books, large(largestRecord + 1))])
    await expect(tooLarge).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    const text: Book = { id: 'text', shelf: 'a', place: 1, content: '字'.repeat(largestRecord / 3) }
    await expect(records.commit([insert(books, { ...text, title: 'x' })])).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
    expect(await getOne(records, books, 'full')).toBeUndefined()
    expect(await records.commit([insert(books, large(largestRecord - 1_000))])).toBe('applied')
    expect((await one(records, 'large')).cover?.length).toBe(largestRecord - 1_000)
  },
  'a copy has every record, page by page': async records => {
    const kept = [...shelf(700), { ...full, content: 'x'.repeat(1_500_000) }]
    for (let at = 0; at < kept.length; at += 100) await records.commit(write(books, kept.slice(at, at + 100)))
    const pages: number[] = []
    const moved = { ...books, name: 'test_others' }
    await copyRecords(
      { ...records, find: (_, query, leaving) => records.find(books as never, query, leaving) },
      { ...records, commit: changes => records.commit(changes.map(change => ({ ...change, kind: moved }))) },
      [books],
      { onCopied: (_, page) => pages.push(page.length) },
    )
    expect(pages.reduce((sum, length) => sum + length, 0)).toBe(kept.length)
    expect(Math.max(...pages)).toBeLessThanOrEqual(500)
    expect(
      (
        await records.get(
          others,
          kept.map(({ id }) => id),
        )
      ).size,
    ).toBe(kept.length)
  },
}

describe('records on SQLite', () => {
  test.each(Object.entries(cases))('%s', async (_, run) => {
    const database = openFile(':memory:')
    database.migrate('test', [tablesOf([books, others])])
    await run(sqliteRecords(database))
    await database.close()
  })
})

describeWithMongo('records on MongoDB', () => {
  const fresh = freshDatabase()
  const database = openDatabase({ url: fresh.url })
  const kinds = [books, others]
  const kept = mongoRecords(database, kinds)
  beforeAll(() => database.open())
  afterAll(async () => {
    await database.close()
    await fresh.drop()
  })

  /** So it is when the answer to a commit is lost: it was executed, and is sent again. */
  const everythingTwice: SharedDatabase = {
    join: () => undefined,
    collection: name => database.collection(name),
    inFlight: 0,
    run: (operation, work) => database.run(operation, () => work().then(work)),
    async transaction(operation, work) {
      await database.transaction(operation, work)
      return database.transaction(operation, work)
    },
  }

  describe.each([
    ['', kept],
    ['every operation executed twice', mongoRecords(everythingTwice, kinds)],
  ])('%s', (_, records) => {
    test.each(Object.entries(cases))('%s', async (__, run) => {
      for (const { name } of kinds) await database.collection(name).deleteMany({})
      await run(records)
    })
  })

  test('a commit of which the answer was lost is stale once its record was written again', async () => {
    for (const { name } of kinds) await database.collection(name).deleteMany({})
    await kept.commit([insert(books, { ...full, words: 0 }), insert(others, full)])
    const read = await one(kept, 'full')
    let isLost = true
    const losing: SharedDatabase = {
      ...everythingTwice,
      run: (operation, work) => database.run(operation, work),
      async transaction(operation, work) {
        const answer = await database.transaction(operation, work)
        if (!isLost) return answer
        isLost = false
        await kept.commit([replace(books, { ...(await one(kept, 'full')), title: 'of another' })])
        return database.transaction(operation, work)
      },
    }
    const counted = add(others, 'full', { by: { words: 5 } })
    expect(
      await mongoRecords(losing, kinds).commit([replace(books, { ...read, title: 'mine' }), counted]),
    ).toBe('stale')
    expect((await one(kept, 'full')).title).toBe('of another')
    expect((await getOne(kept, others, 'full'))?.words).toBe(3 + 5)
  })
})

describe('prepared statements', () => {
  test('of texts without number are few, and those in use are prepared once', () => {
    const { db } = openFile(':memory:')
    let prepared = 0
    const counting = {
      prepare(sql: string) {
        prepared += 1
        return db.prepare(sql)
      },
    }
    const sql = statementsOf(counting as typeof db)
    const texts = 5_000
    for (let index = 0; index < texts; index++) {
      expect(sql(`SELECT ${index}`).pluck().get()).toBe(index)
      expect(sql('SELECT -1').pluck().get()).toBe(-1)
    }
    expect(prepared).toBe(texts + 1)
    // Those of the last texts are kept, the older ones are not.
    for (let index = texts - 100; index < texts; index++) sql(`SELECT ${index}`)
    expect(prepared).toBe(texts + 1)
    for (let index = 0; index < 100; index++) sql(`SELECT ${index}`)
    expect(prepared).toBe(texts + 101)
    db.close()
  })
})
