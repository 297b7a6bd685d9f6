import type { Document } from 'mongodb'
import { beforeAll, describe, expect, test } from 'vitest'
import { libraryKinds } from '../../../src/novel/library/kinds.ts'
import { novelLibrary } from '../../../src/novel/library/library.ts'
import { sqliteLibraryRecords } from '../../../src/novel/library/open.ts'
import { filtersOf, hintOf, pipelineOf, sortOf } from '../../../src/records/mongodb.ts'
import {
  type AnyKind,
  type Identified,
  indexFor,
  type Query,
  type Records,
  type SumQuery,
} from '../../../src/records/records.ts'
import { type Sql, select, selectSums } from '../../../src/records/sqlite.ts'
import { openDatabase } from '../../../src/store/sqlite/database.ts'
import { describeWithMongo } from '../../servers/mongo.ts'
import { libraryCases } from './cases.ts'
import { fill } from './filled.ts'
import { MongoUnderTest } from './under-test.ts'

type Found = Query<Identified & Document>
type Summed = SumQuery<Identified & Document, string>

/** A question that the library asked, with an example of its values. */
type Asked = { kind: AnyKind; find: Found; without: readonly PropertyKey[] } | { kind: AnyKind; sum: Summed }

const questions = new Map<string, Asked>()

/** Notes each question once, whatever its values are. */
function noted(records: Records): Records {
  function note(asked: Asked): void {
    const query = 'find' in asked ? asked.find : asked.sum
    const shape = Object.entries(query).map(([name, value]) =>
      name === 'order' || name === 'by' ? [name, value] : [name, value && Object.keys(value)],
    )
    questions.set(JSON.stringify([asked.kind.name, 'find' in asked, shape]), asked)
  }
  return {
    get: (kind, ids, without) => records.get(kind, ids, without),
    commit: changes => records.commit(changes),
    find(kind, query, without = []) {
      note({ kind, find: query as Found, without })
      return records.find(kind, query, without)
    },
    sum(kind, query) {
      note({ kind, sum: query as Summed })
      return records.sum(kind, query)
    },
  }
}

beforeAll(async () => {
  for (const { run } of Object.values(libraryCases).flat()) {
    const database = openDatabase(':memory:')
    const clock = { now: 1 }
    const library = novelLibrary(noted(sqliteLibraryRecords(database)), { now: () => clock.now })
    await run(Object.assign(clock, { library, reopen: async () => undefined }))
    await database.close()
  }
})

/** Whether all records are read by their ids. */
const isAllById = (asked: Asked) =>
  'find' in asked && asked.find.equal === undefined && asked.find.order?.join() === 'id'

const named = (asked: Asked) =>
  `${asked.kind.name} ${JSON.stringify('find' in asked ? asked.find : asked.sum)}`

describe('each question of the library is answered by an index of its kind', () => {
  test('all kinds with an index are asked', () => {
    const asked = new Set([...questions.values()].map(({ kind }) => kind.name))
    const indexed = libraryKinds.filter(({ indexes }) => Object.keys(indexes).length > 0)
    expect([...asked].sort()).toEqual(indexed.map(({ name }) => name).sort())
  })

  test('on SQLite, without sorting', async () => {
    const database = openDatabase(':memory:')
    sqliteLibraryRecords(database)
    const planOf = ({ text, values }: Sql) =>
      database.db
        .prepare(`EXPLAIN QUERY PLAN ${text}`)
        .all(...values)
        .map(row => (row as { detail: string }).detail)
    for (const asked of questions.values()) {
      const { kind } = asked
      const sql = 'find' in asked ? select(kind, asked.find, asked.without) : selectSums(kind, asked.sum)
      const [search = '', ...rest] = planOf(sql).filter(line => !line.includes('json_each'))
      const index = indexFor(kind, 'find' in asked ? asked.find : asked.sum)
      const isAll = isAllById(asked)
      const used = isAll ? `sqlite_autoindex_${kind.name}_1` : `${kind.name}_${index} (`
      expect(search, named(asked)).toContain(`INDEX ${used}`)
      expect(search).toMatch(isAll ? /^S(EARCH|CAN)/ : /^SEARCH/)
      expect(rest.join(' '), named(asked)).not.toContain('ORDER BY')
    }
    await database.close()
  })

  test('the sums over scenes read an index alone', () => {
    const database = openDatabase(':memory:')
    sqliteLibraryRecords(database)
    const sums = [...questions.values()].flatMap(asked =>
      'sum' in asked && asked.kind.name === 'library_scenes' ? [selectSums(asked.kind, asked.sum)] : [],
    )
    expect(sums.length).toBeGreaterThan(2)
    for (const { text, values } of sums)
      expect(JSON.stringify(database.db.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...values))).toContain(
        'USING COVERING INDEX library_scenes_in_order',
      )
  })
})

describeWithMongo('each question of the library on MongoDB', () => {
  test('is answered by an index of its kind', async () => {
    await using under = await MongoUnderTest.open()
    await fill(under)
    const others: string[] = []
    // What reads all records by their ids has no index of its kind, and needs no hint: a sort by `_id` is by its index.
    for (const asked of [...questions.values()].filter(each => !isAllById(each))) {
      const { kind } = asked
      const query = 'find' in asked ? asked.find : asked.sum
      const filters = 'find' in asked ? filtersOf(asked.find) : [pipelineOf(asked.sum)[0]?.['$match']]
      for (const filter of filters) {
        const sort = 'find' in asked && asked.find.order !== undefined ? { sort: sortOf(asked.find) } : {}
        const answer = await under.database.db.command({
          explain: { find: kind.name, filter, ...sort, ...hintOf(kind, query) },
          verbosity: 'queryPlanner',
        })
        const plan = JSON.stringify(answer['queryPlanner'].winningPlan)
        const used = /"indexName":"(\w+)"/.exec(plan)?.[1] ?? plan
        if (!Object.keys(kind.indexes).includes(used)) others.push(`${named(asked)}: ${used}`)
      }
    }
    expect(others).toEqual([])
  })
})
