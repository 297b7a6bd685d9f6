import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { literal, mergeUpdates, type TaskUpdate } from '../../src/store/mongodb/merge-updates.ts'
import { describeWithMongo, freshDatabase } from '../servers/mongo.ts'

function update(_id: string, fields: Record<string, unknown>, attempt = 0): TaskUpdate {
  return {
    filter: { _id, attempt },
    update: [{ $set: { ...fields, version: { $add: ['$version', 1] } } }],
  }
}

function idsOf(updates: readonly TaskUpdate[]): string[][] {
  return mergeUpdates(updates).map(statement => statement.updates.map(({ filter }) => filter._id))
}

it('puts updates of one shape into one statement, and no others', () => {
  const updates = [
    update('a', { claimToken: literal('1') }),
    update('b', { claimToken: literal('2') }),
    update('another attempt', { claimToken: literal('3') }, 1),
    update('another field', { progress: literal('4') }),
    update('another expression', { claimToken: '$_id' }),
  ]
  expect(idsOf(updates)).toEqual([['a', 'b'], ['another attempt'], ['another field'], ['another expression']])
})

it('sends large values alone', () => {
  const large = literal('x'.repeat(5_000))
  expect(idsOf([update('a', { result: large }), update('b', { result: large })])).toEqual([['a'], ['b']])
})

it('keeps statements short', () => {
  const many = Array.from({ length: 450 }, (_, index) => update(`${index}`, { claimToken: literal(index) }))
  expect(idsOf(many).map(({ length }) => length)).toEqual([200, 200, 50])
})

describeWithMongo('merged updates', () => {
  const database = freshDatabase()
  const client = new MongoClient(database.url)
  beforeAll(async () => void (await client.connect()))
  afterAll(async () => {
    await client.close()
    await database.drop()
  })

  it('give each task its own values, whatever they are, and leave the others as they are', async () => {
    const tasks = client.db(database.name).collection<{ _id: string } & Record<string, unknown>>('tasks')
    const values = ['$version', { $add: [1, 2] }, ['a', { b: null }], null, new Date(5), true, 'plain']
    await tasks.insertMany([
      ...values.map((_, index) => ({ _id: `${index}`, attempt: 0, version: 1 })),
      { _id: 'refused', attempt: 1, version: 1 },
    ])
    const updates = [
      ...values.map((value, index) => update(`${index}`, { value: literal(value) })),
      update('refused', { value: literal('no') }),
    ]
    const statements = mergeUpdates(updates)
    expect(statements).toHaveLength(1)
    const writes = statements.map(({ write }) => write)
    const { matchedCount } = await tasks.bulkWrite(writes as never, { ordered: false })
    expect(matchedCount).toBe(values.length)
    const found = await tasks.find().sort({ _id: 1 }).toArray()
    expect(found).toEqual([
      ...values.map((value, index) => ({ _id: `${index}`, attempt: 0, version: 2, value })),
      { _id: 'refused', attempt: 1, version: 1 },
    ])
  })
})
