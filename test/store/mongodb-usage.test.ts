/** In MongoDB it can stay unknown whether a row was written: then it is sent again. */
import { afterEach, expect, it } from 'vitest'
import { startNew } from '../../src/testing/store-case.ts'
import { describeWithMongo } from '../servers/mongo.ts'
import { MongoContext } from './mongodb-context.ts'

describeWithMongo('a call of a model that is told twice', () => {
  let context: MongoContext | undefined
  afterEach(() => context?.end())

  it('is counted once', async () => {
    context = new MongoContext()
    const store = await context.makeStore()
    const { id } = await startNew(store)
    const row = { id: 'the call', at: 1, attempt: 1, model: 'm', inputTokens: 3, outputTokens: 4 }
    await store.attempts.usage(id, [row])
    await store.attempts.usage(id, [row])
    await store.attempts.usage(id, [{ ...row, id: 'another call' }])
    const { items } = await store.queries.usageReport({ taskId: id }, { by: 'model', pageSize: 9 })
    expect(items).toMatchObject([{ inputTokens: 6, outputTokens: 8 }])
  })
})
