import { SpanStatusCode } from '@opentelemetry/api'
import { traceModels } from 'quillwork/opentelemetry'
import { beforeEach, describe, expect, test } from 'vitest'
import { createModelCatalogue } from '../../src/ai/catalogue.ts'
import { extractiveModel } from '../../src/ai/extractive/extractive.ts'
import type { EmbeddingModel, LanguageModel } from '../../src/ai/model.ts'
import { ModelError } from '../../src/ai/model-error.ts'
import type { ModelConfig } from '../../src/ai/providers/config.ts'
import { registerSdk } from './spans.ts'

const { exported, forget } = registerSdk()
beforeEach(forget)

const config: ModelConfig = {
  provider: 'openai',
  model: 'writer-1',
  uses: ['prose', 'summary'],
  account: 'default',
  privateNetwork: false,
  contextTokens: 8_192,
  maxOutputTokens: 1_024,
  fallbacks: [],
  timeouts: { first: 1_000, idle: 1_000, total: 1_000 },
}
const usage = { model: 'writer', inputTokens: 12, outputTokens: 34 }
const common = { limit: 'key', countTokens: (text: string) => text.length, costOf: () => undefined }

/** Answers everything but a prompt that asks to fail. */
const writer: LanguageModel = {
  ...common,
  id: 'writer',
  contextTokens: 8_192,
  maxOutputTokens: 1_024,
  fallbacks: [],
  async write({ prompt, maxOutputTokens }) {
    if (prompt === 'fail') throw new ModelError('MODEL_STALLED', 'of the secret text')
    const parameters = { providerModel: 'writer-1-2026', maxOutputTokens }
    return { text: 'a secret text', finishReason: 'stop', usage, parameters }
  },
}
const embedder: EmbeddingModel = {
  ...common,
  id: 'vectors',
  space: 'openai:vectors',
  dimensions: 1,
  maxTexts: 8,
  embed: async texts => ({ vectors: texts.map(() => Float32Array.of(1)), usage }),
}

const models = traceModels(
  createModelCatalogue({
    summary: [extractiveModel()],
    configured: [
      { id: 'writer', config },
      { id: 'vectors', config: { ...config, uses: ['embedding'], dimensions: 1 } },
    ],
    open: { language: () => writer, embedding: () => embedder },
  }),
)

describe('a call of a model', () => {
  test('is a span with its model and usage, without its texts', async () => {
    await models.languageModel('prose').write({ prompt: 'a secret prompt', maxOutputTokens: 100 })
    const span = exported.one('chat writer')
    expect(span.attributes).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'writer',
      'gen_ai.request.max_tokens': 100,
      'gen_ai.response.model': 'writer-1-2026',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 12,
      'gen_ai.usage.output_tokens': 34,
    })
  })

  test('is one whoever summarises, and for vectors too', async () => {
    const { kind, model } = models.summarizer()
    if (kind === 'generative') await model.write({ prompt: 'x', maxOutputTokens: 1 })
    const quoting = models.summarizer('extractive')
    if (quoting.kind === 'extractive') await quoting.model.summarise({ text: 'The river was loud.' })
    await models.embeddingModel().embed(['x'])
    expect(exported.all.map(({ name }) => name)).toEqual([
      'chat writer',
      'summarize extractive',
      'embeddings vectors',
    ])
  })

  test('that fails is a span with its code, and the error goes on', async () => {
    const writing = models.languageModel('prose').write({ prompt: 'fail', maxOutputTokens: 1 })
    await expect(writing).rejects.toMatchObject({ code: 'MODEL_STALLED' })
    const span = exported.one('chat writer')
    expect(span.status.code).toBe(SpanStatusCode.ERROR)
    expect(span.attributes['error.type']).toBe('MODEL_STALLED')
    expect(JSON.stringify([span.attributes, span.status, span.events])).not.toContain('secret')
  })
})
