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

describeWithMongo('a sum of a day that tells no cached tokens', () => {
  let context: MongoContext | undefined
  afterEach(() => context?.end())

  it('has none of them, and later ones are added', async () => {
    context = new MongoContext()
    const store = await context.makeStore()
    const row = { at: 1, attempt: 1, model: 'm', inputTokens: 9, cachedInputTokens: 5, outputTokens: 4 }
    const rollUp = async () => {
      await store.attempts.usage('gone', [row])
      await store.usage.rollUp({ before: 86_400_000, limit: 5 })
    }
    const cached = async () => {
      const { items } = await store.queries.usageReport({}, { by: 'model', pageSize: 9 })
      return items.map(({ calls, cachedInputTokens }) => [calls, cachedInputTokens])
    }
    await rollUp()
    await context.unset('usage_days', 'cachedInputTokens')
    expect(await cached()).toEqual([[1, 0]])
    await rollUp()
    expect(await cached()).toEqual([[2, 5]])
  })
})
