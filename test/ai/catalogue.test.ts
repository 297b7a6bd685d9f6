import { describe, expect, test } from 'vitest'
import { createModelCatalogue } from '../../src/ai/catalogue.ts'
import { extractiveModel } from '../../src/ai/extractive/extractive.ts'
import type { EmbeddingModel } from '../../src/ai/model.ts'

const embedding: EmbeddingModel = {
  id: 'letters',
  dimensions: 1,
  maxTexts: 8,
  limit: 'letters',
  countTokens: text => text.length,
  costOf: () => undefined,
  embed: async texts => ({ vectors: texts.map(text => Float32Array.of(text.length)) }),
}

describe('the catalogue of models', () => {
  test('tells what is on, and why the rest is off', () => {
    const catalogue = createModelCatalogue({ summary: [extractiveModel()] })
    expect(catalogue.capabilities()).toEqual([
      {
        capability: 'summary',
        available: true,
        models: [{ id: 'extractive', capability: 'summary', method: 'extractive', isDefault: true }],
      },
      expect.objectContaining({ capability: 'embedding', available: false, code: 'PROVIDER_NOT_CONFIGURED' }),
      expect.objectContaining({ capability: 'prose', available: false, code: 'PROVIDER_NOT_CONFIGURED' }),
    ])
    for (const status of catalogue.capabilities())
      if (!status.available) expect(status.reason).toMatch(/configured/)
  })

  test('the first model of a list is the default, the others go by id', () => {
    const first = extractiveModel()
    const second = { ...extractiveModel(), id: 'second' }
    const catalogue = createModelCatalogue({ summary: [first, second], embedding: [embedding] })
    expect(catalogue.summaryModel()).toBe(first)
    expect(catalogue.summaryModel('second')).toBe(second)
    expect(catalogue.embeddingModel()).toBe(embedding)
    expect(catalogue.models().map(model => [model.id, model.isDefault])).toEqual([
      ['extractive', true],
      ['second', false],
      ['letters', true],
    ])
  })

  test('what is not there is refused with a code and with what there is', () => {
    const catalogue = createModelCatalogue({ summary: [extractiveModel()] })
    expect(() => catalogue.summaryModel('gpt')).toThrow(
      expect.objectContaining({
        code: 'PROVIDER_NOT_CONFIGURED',
        message: expect.stringContaining('extractive'),
      }),
    )
    expect(() => catalogue.embeddingModel()).toThrow(
      expect.objectContaining({ code: 'PROVIDER_NOT_CONFIGURED' }),
    )
    expect(() => createModelCatalogue({}).summaryModel()).toThrow(
      expect.objectContaining({ code: 'PROVIDER_NOT_CONFIGURED' }),
    )
  })

  test('two models with one id are a mistake', () => {
    expect(() => createModelCatalogue({ summary: [extractiveModel(), extractiveModel()] })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    )
  })
})
