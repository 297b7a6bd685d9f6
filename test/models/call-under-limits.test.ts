import { expect, it } from 'vitest'
import { callUnderLimits } from '../../src/novel/models/calls.ts'

it('a model loads what its first call needs before it gets a place under a limit', async () => {
  const done: string[] = []
  const model = {
    limit: 'model',
    costOf: () => undefined,
    prepare: async () => {
      await Promise.resolve()
      done.push('loaded')
    },
  }
  const call = async <T>(expected: object, make: (call: never) => Promise<T> | T): Promise<T> => {
    done.push(JSON.stringify(expected))
    return make({ used() {}, refused() {} } as never)
  }
  const most = { inputTokens: 1, outputTokens: 1 }
  await callUnderLimits({ call }, model, { name: 'call', subject: 'novel', most }, async () =>
    done.push('called'),
  )
  const expected = { limit: 'model', tokens: 2, name: 'call', subject: 'novel' }
  expect(done).toEqual(['loaded', JSON.stringify(expected), 'called'])
})
