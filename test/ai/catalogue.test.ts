import { describe, expect, test } from 'vitest'
import {
  type ConfiguredModel,
  createModelCatalogue,
  type ModelOpener,
  type ModelProblem,
} from '../../src/ai/catalogue.ts'
import { extractiveModel } from '../../src/ai/extractive/extractive.ts'
import type { EmbeddingModel, LanguageModel } from '../../src/ai/model.ts'
import type { ModelConfig } from '../../src/ai/providers/config.ts'

const config: ModelConfig = {
  provider: 'openai-compatible',
  model: 'letters',
  uses: ['prose', 'summary'],
  baseUrl: 'http://127.0.0.1:11434/v1',
  account: 'home',
  privateNetwork: true,
  contextTokens: 8_192,
  maxOutputTokens: 1_024,
  fallbacks: [],
  timeouts: { first: 1_000, idle: 1_000, total: 1_000 },
}

function configured(id: string, changes: Partial<ModelConfig> = {}, problem?: ModelProblem): ConfiguredModel {
  return { id, config: { ...config, ...changes }, ...(problem === undefined ? {} : { problem }) }
}

/** Opens models that answer nothing: what is looked at is which one is chosen. */
function opener(): ModelOpener & { opened: string[] } {
  const opened: string[] = []
  const common = { limit: 'key', countTokens: (text: string) => text.length, costOf: () => undefined }
  return {
    opened,
    language({ id }): LanguageModel {
      opened.push(id)
      const write = async () => Promise.reject(new Error('not asked'))
      return { ...common, id, contextTokens: 1, maxOutputTokens: 1, fallbacks: [], write }
    },
    embedding({ id }): EmbeddingModel {
      opened.push(id)
      return { ...common, id, space: id, dimensions: 1, maxTexts: 8, embed: async () => ({ vectors: [] }) }
    },
  }
}

const own = { summary: [extractiveModel()] }
const notConfigured = (words: string) =>
  expect.objectContaining({ code: 'PROVIDER_NOT_CONFIGURED', message: expect.stringContaining(words) })

describe('the catalogue of models', () => {
  test('tells what is on, and why the rest is off', () => {
    const catalogue = createModelCatalogue(own)
    const extractive = {
      id: 'extractive',
      provider: 'built-in',
      model: 'extractive',
      uses: ['summary'],
      defaultFor: ['summary'],
      method: 'extractive',
    }
    expect(catalogue.capabilities()).toEqual([
      { capability: 'summary', available: true, models: [extractive] },
      expect.objectContaining({ capability: 'embedding', available: false, code: 'PROVIDER_NOT_CONFIGURED' }),
      expect.objectContaining({ capability: 'prose', available: false, code: 'PROVIDER_NOT_CONFIGURED' }),
    ])
    for (const status of catalogue.capabilities())
      if (!status.available) expect(status.reason).toMatch(/configured/)
  })

  test('the first model with a use is its default, the others go by id', () => {
    const open = opener()
    const embedder = configured('vectors', { uses: ['embedding'], dimensions: 4 })
    const models = [configured('prose', { uses: ['prose'] }), configured('both'), embedder]
    const catalogue = createModelCatalogue({ ...own, configured: models, open })
    expect(catalogue.languageModel('prose').id).toBe('prose')
    expect(catalogue.languageModel('summary').id).toBe('both')
    expect(catalogue.languageModel('prose', 'both').id).toBe('both')
    expect(catalogue.embeddingModel().id).toBe('vectors')
    expect(catalogue.models().map(({ id, defaultFor }) => [id, defaultFor])).toEqual([
      ['extractive', []],
      ['prose', ['prose']],
      ['both', ['summary']],
      ['vectors', ['embedding']],
    ])
    expect(catalogue.capabilities().every(({ available }) => available)).toBe(true)
    expect(open.opened.toSorted(), 'each is opened once').toEqual(['both', 'prose', 'vectors'])
  })

  test('who summarises: the first configured model, else the text itself, which its id always names', () => {
    const without = createModelCatalogue(own)
    expect(without.summarizer()).toMatchObject({ kind: 'extractive', model: { id: 'extractive' } })
    const writesOnly = [configured('prose', { uses: ['prose'] })]
    expect(createModelCatalogue({ ...own, configured: writesOnly }).summarizer().kind).toBe('extractive')
    const catalogue = createModelCatalogue({ ...own, configured: [configured('both')], open: opener() })
    expect(catalogue.summarizer()).toMatchObject({ kind: 'generative', model: { id: 'both' } })
    expect(catalogue.summarizer('both').kind).toBe('generative')
    expect(catalogue.summarizer('extractive').kind).toBe('extractive')
    expect(() => catalogue.summarizer('gpt')).toThrow(notConfigured('extractive, both'))
  })

  test('what is not there is refused with a code and with what there is', () => {
    const catalogue = createModelCatalogue(own)
    expect(() => catalogue.summaryModel('gpt')).toThrow(notConfigured('extractive'))
    expect(() => catalogue.embeddingModel()).toThrow(notConfigured('lexical'))
    expect(() => catalogue.languageModel('prose', 'gpt')).toThrow(notConfigured('never made without'))
    expect(() => createModelCatalogue({}).summaryModel()).toThrow(notConfigured('summarises'))
    const writes = createModelCatalogue({ configured: [configured('prose', { uses: ['prose'] })] })
    expect(() => writes.languageModel('summary', 'prose')).toThrow(notConfigured('summarises'))
    expect(() => writes.languageModel('prose', 'other')).toThrow(notConfigured('Configured are: prose'))
  })

  test('a model with a problem is told of, and refused with what to do; no other one stands in for it', () => {
    const problem = {
      cause: 'KEY_NOT_SET',
      key: 'env:OPENAI_API_KEY',
      message: 'Set OPENAI_API_KEY.',
    } as const
    const models = [configured('first', {}, problem), configured('second')]
    const catalogue = createModelCatalogue({ ...own, configured: models, open: opener() })
    expect(() => catalogue.languageModel('prose')).toThrow(notConfigured('Set OPENAI_API_KEY.'))
    expect(() => catalogue.summarizer()).toThrow(notConfigured('Set OPENAI_API_KEY.'))
    expect(catalogue.languageModel('prose', 'second').id).toBe('second')
    expect(catalogue.capabilities()).toContainEqual({
      capability: 'prose',
      available: false,
      code: 'PROVIDER_NOT_CONFIGURED',
      reason: 'Set OPENAI_API_KEY.',
      model: 'first',
      problem,
    })
    expect(catalogue.models().find(({ id }) => id === 'first')).toMatchObject({
      problem,
      limit: 'openai-compatible:home:letters',
    })
  })

  test('no address is told', () => {
    const catalogue = createModelCatalogue({ configured: [configured('both')], open: opener() })
    expect(JSON.stringify(catalogue.models())).not.toContain('127.0.0.1')
  })

  test('two models with one id are a mistake, and so is one that nothing opens', () => {
    const invalid = expect.objectContaining({ code: 'OPTION_INVALID' })
    expect(() => createModelCatalogue({ ...own, configured: [configured('extractive')] })).toThrow(invalid)
    expect(() => createModelCatalogue({ configured: [configured('a')] }).languageModel('prose')).toThrow(
      invalid,
    )
  })
})
