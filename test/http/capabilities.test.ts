import { createApp } from 'quillwork/http'
import { describe, expect, test } from 'vitest'
import { type ConfiguredModel, createModelCatalogue } from '../../src/ai/catalogue.ts'
import { extractiveModel } from '../../src/ai/extractive/extractive.ts'
import { modelNeeds } from '../../src/novel/services.ts'
import { novelEngine } from '../novel/tasks/novel-engine.ts'
import { askingOf } from './api.ts'

interface Capabilities {
  taskTypes: { type: string; needs?: string; off?: { code: string; reason: string } }[]
  models: Record<string, unknown>[]
  off: { capability: string; reason: string }[]
}

const config: ConfiguredModel['config'] = {
  provider: 'openai-compatible',
  model: 'qwen3:8b',
  uses: ['prose', 'summary'],
  baseUrl: 'https://gateway.example/s3cret/v1',
  account: 'home',
  privateNetwork: true,
  contextTokens: 8_192,
  maxOutputTokens: 1_024,
  price: { input: 1, output: 2, currency: 'USD' },
  limits: { requestsPerMinute: 60 },
  fallbacks: [{ model: 'other', on: ['MODEL_UNAVAILABLE'] }],
  timeouts: { first: 1_000, idle: 1_000, total: 1_000 },
}

/** What the capabilities say of an API with those models. */
async function capabilitiesWith(configured: readonly ConfiguredModel[]) {
  await using novels = await novelEngine()
  const models = createModelCatalogue({ summary: [extractiveModel()], configured })
  const { app, ask } = await askingOf(createApp({ engine: novels.t, models }))
  const { status, body, text } = await ask<Capabilities>('/v1/capabilities')
  await app.close()
  expect(status).toBe(200)
  const typeNamed = (name: string) => body.taskTypes.find(({ type }) => type === name)
  return { ...body, text, typeNamed }
}

describe('GET /v1/capabilities', () => {
  test('tells each model with limits, price and fallbacks, without its address', async () => {
    const { models, text } = await capabilitiesWith([{ id: 'writer', config }])
    expect(models).toEqual([
      expect.objectContaining({ id: 'extractive', defaultFor: [] }),
      {
        id: 'writer',
        provider: 'openai-compatible',
        model: 'qwen3:8b',
        uses: ['prose', 'summary'],
        defaultFor: ['summary', 'prose'],
        method: 'generative',
        contextTokens: 8_192,
        maxOutputTokens: 1_024,
        limit: 'openai-compatible:home:qwen3:8b',
        limits: { requestsPerMinute: 60 },
        price: { input: 1, output: 2, currency: 'USD' },
        fallbacks: [{ model: 'other', on: ['MODEL_UNAVAILABLE'] }],
      },
    ])
    expect(text).not.toContain('s3cret')
  })

  test('tells of each task type what it needs and whether it is there', async () => {
    const without = await capabilitiesWith([])
    expect(without.typeNamed('GenerateSummary')).toMatchObject({ needs: 'summary' })
    expect(without.typeNamed('GenerateSummary')).not.toHaveProperty('off')
    expect(without.typeNamed('Vectorize')).not.toHaveProperty('needs')
    for (const { type, needs, off } of without.taskTypes.filter(each => each.needs === 'prose'))
      expect([type, needs, off?.code]).toEqual([type, 'prose', 'PROVIDER_NOT_CONFIGURED'])

    const message = 'Its key is missing: the variable OPENAI_API_KEY is not set.'
    const problem = { cause: 'KEY_NOT_SET', key: 'env:OPENAI_API_KEY', message } as const
    const broken = await capabilitiesWith([{ id: 'writer', config, problem }])
    expect(broken.typeNamed('GenerateSummary')).toMatchObject({
      needs: 'summary',
      off: { code: 'PROVIDER_NOT_CONFIGURED', reason: message, model: 'writer', problem },
    })
    expect(broken.off).toContainEqual(
      expect.objectContaining({ capability: 'prose', reason: message, problem }),
    )
    expect(broken.models).toContainEqual(expect.objectContaining({ id: 'writer', problem }))
  })

  test('knows of no type that is not there', async () => {
    const { taskTypes } = await capabilitiesWith([])
    const types = taskTypes.map(({ type }) => type)
    expect(types).toEqual(expect.arrayContaining(Object.keys(modelNeeds)))
  })
})
