import { expect, it } from 'vitest'
import { openExpense } from '../../src/novel/models/expense.ts'

it('a model loads what its first call needs before it gets a place under a limit', async () => {
  const done: string[] = []
  const note = (what: string) => () => void done.push(what)
  const permit = { commit: note('commit'), release: note('release'), refused: () => undefined }
  const hold = { commit: async () => undefined, release: async () => undefined }
  const ctx = {
    acquire: async () => {
      done.push('acquire')
      return permit
    },
    reserve: async () => hold,
    addUsage: async () => undefined,
  }
  const model = {
    limit: 'model',
    costOf: () => undefined,
    prepare: async () => {
      await Promise.resolve()
      done.push('loaded')
    },
  }
  const expense = await openExpense(ctx, model, {
    inputTokens: 1,
    outputTokens: 1,
    subject: 'novel',
    call: 'call',
  })
  await expense.settle(undefined)
  expect(done).toEqual(['loaded', 'acquire', 'commit'])
})
