import { defineTask } from 'quillwork'
import { testEngine } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { EmbeddingModel } from '../../../src/ai/model.ts'
import { ModelError } from '../../../src/ai/model-error.ts'
import { embedTexts, textBatches } from '../../../src/novel/models/embed-texts.ts'

const usage = { model: 'vectors', inputTokens: 7, outputTokens: 0 }

/** A model that is paid for an answer that cannot be used. */
const model: EmbeddingModel = {
  id: 'vectors',
  space: 'tests:vectors',
  dimensions: 3,
  maxTexts: 10,
  limit: 'vectors',
  countTokens: text => text.length,
  costOf: () => undefined,
  async embed(_texts, { onPartialUsage } = {}) {
    onPartialUsage?.(usage, true)
    throw new ModelError('MODEL_ANSWER_MALFORMED', 'Two vectors for one text.')
  },
}

const embedding = defineTask({
  type: 'Embedding',
  parameters: z.null(),
  result: z.null(),
  retry: { maxAttempts: 1 },
  async execute(ctx) {
    await embedTexts(ctx, { model, texts: ['The ferry came in.'], subject: 'novel', unit: 'vectors' })
    return null
  },
})

it('vectors that cannot be used count at what they cost', async () => {
  await using t = await testEngine({ tasks: [embedding], limits: { vectors: { tokensPerMinute: 100 } } })
  const { taskId } = await t.submit(embedding, null, { budget: { tokens: 1_000 } })
  await t.drain()
  expect(await t.tasks.get(taskId)).toMatchObject({ errorInfo: { code: 'MODEL_ANSWER_MALFORMED' } })
  expect(await t.tasks.usage(taskId)).toMatchObject([{ ...usage, calls: 1 }])
  expect(await t.budgets.get(taskId)).toMatchObject({ spent: { tokens: 7 }, reserved: { tokens: 0 } })
  expect(t.limiter.describe()).toMatchObject([{ key: 'vectors', tokens: 7, inFlight: 0 }])
})

it('a call has no more tokens than the model takes in a minute, where that is fewer than usual', () => {
  const texts = Array.from({ length: 10 }, () => 'x'.repeat(1_500))
  const sizes = (bounds: object) =>
    [...textBatches({ ...model, ...bounds }, texts)].map(batch => batch.texts.length)
  expect(sizes({})).toEqual([5, 5])
  expect(sizes({ maxTokens: 3_000 })).toEqual([2, 2, 2, 2, 2])
})
