import { expect, test } from 'vitest'
import { createModelCatalogue } from '../../src/ai/catalogue.ts'
import type { LanguageModel, WriteOptions } from '../../src/ai/model.ts'
import type { ModelConfig } from '../../src/ai/providers/config.ts'
import { tryModel } from '../../src/ai/try-model.ts'

const config: ModelConfig = {
  provider: 'openai-compatible',
  model: 'slow',
  uses: ['prose', 'summary'],
  baseUrl: 'http://127.0.0.1:11434/v1',
  account: 'home',
  privateNetwork: true,
  contextTokens: 8_192,
  maxOutputTokens: 1_024,
  fallbacks: [],
  timeouts: { first: 1_000, idle: 1_000, total: 1_000 },
}

/** A catalogue with a model that says nothing until its call is ended. */
function slowModels() {
  const write = (_: unknown, { signal }: WriteOptions = {}) =>
    new Promise<never>((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason))
    })
  const language = ({ id }: { id: string }): LanguageModel => ({
    ...{ id, limit: 'key', contextTokens: 100, maxOutputTokens: 10, fallbacks: [], write },
    countTokens: text => text.length,
    costOf: () => undefined,
  })
  const embedding = () => {
    throw new Error('not asked')
  }
  return createModelCatalogue({ configured: [{ id: 'slow', config }], open: { language, embedding } })
}

test('a model that is tried and takes too long has failed, and the trial says so', async () => {
  const models = slowModels()
  const [description] = models.models()
  if (description === undefined) throw new Error('there is no model')
  const trial = await tryModel(models, description, new AbortController().signal, 1)
  expect(trial).toMatchObject({ id: 'slow', ok: false, error: { code: 'MODEL_STALLED' } })
  expect(trial.error?.message).toContain('1 ms')
})

test('a trial that nobody waits for any more ends with the reason', async () => {
  const models = slowModels()
  const [description] = models.models()
  if (description === undefined) throw new Error('there is no model')
  const left = new AbortController()
  const trial = tryModel(models, description, left.signal)
  left.abort(new Error('left'))
  await expect(trial).rejects.toThrow('left')
})
