import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { createModelCatalogue } from '../../src/ai/catalogue.ts'
import { extractiveModel } from '../../src/ai/extractive/extractive.ts'
import { createEmbeddingModel } from '../../src/ai/providers/embedding-model.ts'
import { createLanguageModel } from '../../src/ai/providers/language-model.ts'
import { type EstimateJson, presentEstimate } from '../../src/http/routes/estimates.ts'
import { estimateTask, type ModelEstimate, novelTasks } from '../../src/novel/index.ts'
import type { LimitUse } from '../../src/rate-limit/limiter.ts'
import { ann, modelConfig } from '../novel/tasks/novel-engine.ts'
import { type NovelApi, serveNovels } from './novel-api.ts'

const estimate = (changes: Partial<ModelEstimate> = {}): ModelEstimate => ({
  model: 'm',
  limit: 'key',
  calls: 100,
  inputTokens: 60_000,
  outputTokens: 30_000,
  ...changes,
})
const use = (changes: Partial<LimitUse> = {}): LimitUse => ({
  key: 'key',
  limit: {},
  inFlight: 0,
  waiting: 0,
  requests: 0,
  tokens: 0,
  ...changes,
})
const now = 1_000_000

describe('how long an estimate takes at least', () => {
  it.each<[string, Partial<LimitUse>[], number]>([
    ['without a limit', [], 0],
    ['under a limit of concurrency alone', [{ limit: { concurrency: 1 } }], 0],
    [
      'where all is free within the minute',
      [{ limit: { requestsPerMinute: 100, tokensPerMinute: 90_000 } }],
      0,
    ],
    ['by calls', [{ limit: { requestsPerMinute: 20 } }], 240],
    ['by tokens', [{ limit: { requestsPerMinute: 100, tokensPerMinute: 30_000 } }], 120],
    ['by whichever takes longer', [{ limit: { requestsPerMinute: 20, tokensPerMinute: 30_000 } }], 240],
    ['after what is used already', [{ limit: { requestsPerMinute: 20 }, requests: 15 }], 285],
    ['where more is used than the limit says', [{ limit: { requestsPerMinute: 20 }, requests: 50 }], 300],
    [
      'after the provider takes calls again',
      [{ limit: { requestsPerMinute: 20 }, parkedUntil: now + 5_500 }],
      246,
    ],
    ['under the limit of another key', [{ key: 'other', limit: { requestsPerMinute: 1 } }], 0],
  ])('%s', (_, limits, seconds) => {
    const told = presentEstimate({ byModel: [estimate()] }, limits.map(use), now)
    expect([told.seconds, told.byModel[0]?.seconds]).toEqual([seconds, seconds])
  })

  it('adds up models that share a limit, and takes the longest of those that do not', () => {
    const byModel = [
      estimate({ model: 'a', calls: 30 }),
      estimate({ model: 'b', calls: 30 }),
      estimate({ model: 'c', calls: 30, limit: 'other' }),
    ]
    const limits = [
      use({ limit: { requestsPerMinute: 20 } }),
      use({ key: 'other', limit: { requestsPerMinute: 10 } }),
    ]
    const told = presentEstimate({ byModel }, limits, now)
    expect(told.byModel.map(({ seconds }) => seconds)).toEqual([120, 120, 120])
    expect(told).toMatchObject({ calls: 90, inputTokens: 180_000, outputTokens: 90_000, seconds: 120 })
  })
})

describe('what an estimate costs', () => {
  it.each<[string, Partial<ModelEstimate>[], object]>([
    [
      'is the sum',
      [
        { cost: 1, currency: 'USD' },
        { cost: 0.5, currency: 'USD' },
      ],
      { cost: 1.5, currency: 'USD' },
    ],
    ['is not known where one price is not', [{ cost: 1, currency: 'USD' }, {}], {}],
    [
      'is no sum of two currencies',
      [
        { cost: 1, currency: 'USD' },
        { cost: 1, currency: 'EUR' },
      ],
      {},
    ],
    ['is not told where nothing is called', [], {}],
  ])('%s', (_, models, expected) => {
    const { cost, currency } = presentEstimate({ byModel: models.map(estimate) }, [], now)
    expect({ cost, currency }).toEqual({ cost: undefined, currency: undefined, ...expected })
  })
})

describe('POST /v1/estimates', () => {
  let api: NovelApi
  beforeAll(async () => {
    api = await serveNovels()
  })
  afterAll(() => api[Symbol.asyncDispose]())

  test('tells that a summary that quotes asks no model', async () => {
    const { body: upload } = await api.upload('Chapter 1\n\nA cold day. The clocks struck.\n')
    const answer = await api.post('/v1/estimates', {
      taskType: 'ImportNovel',
      parameters: { uploadId: upload.id },
    })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ calls: 0, inputTokens: 0, outputTokens: 0, seconds: 0, byModel: [] })
    expect((await api.ask('/v1/tasks')).body['items']).toEqual([])
  })

  test.each([
    [{ taskType: 'Nothing' }, 400, 'TASK_TYPE_UNKNOWN'],
    [{ taskType: 'ImportNovel', parameters: { uploadId: 7 } }, 400, 'PARAMETERS_INVALID'],
    [{ taskType: 'ImportNovel', priority: 'high' }, 400, 'REQUEST_INVALID'],
  ])('refuses %j as a submission would be', async (body, status, code) => {
    const answer = await api.post('/v1/estimates', body)
    expect([answer.status, answer.body['code']]).toEqual([status, code])
  })
})

describe('what importing an upload would cost, before it is confirmed', () => {
  let api: NovelApi
  let uploadId: string
  const story = (scenes: number) =>
    Array.from({ length: scenes }, () => 'The clocks struck. '.repeat(40)).join('\n\n* * *\n\n')
  const book = [1, 3, 2].map((scenes, at) => `Chapter ${at + 1}\n\n${story(scenes)}\n`).join('\n')
  beforeAll(async () => {
    api = await serveNovels({}, { models: pricedModels() })
    uploadId = (await api.upload(book)).body.id
  })
  afterAll(() => api[Symbol.asyncDispose]())

  const costOf = async (choice: object) => {
    const parameters = { uploadId, ...choice }
    const answer = await api.post<EstimateJson>('/v1/estimates', { taskType: 'ImportNovel', parameters })
    expect(answer.status, answer.text).toBe(200)
    return answer.body
  }

  test('is told for the chapters that were chosen, in money where the price is known', async () => {
    const all = await costOf({})
    expect(all).toMatchObject({ calls: 6, currency: 'USD', byModel: [{ model: 'priced', calls: 6 }] })
    expect(all.cost).toBeCloseTo(all.inputTokens / 1e6 + (all.outputTokens * 4) / 1e6, 9)
    for (const [chapters, scenes] of [
      [[0], 1],
      [[1], 3],
      [[2], 2],
      [[0, 2, 2], 3],
    ] as const)
      expect((await costOf({ chapters })).calls, `${chapters}`).toBe(scenes)
    const parts = [await costOf({ chapters: [0, 1] }), await costOf({ chapters: [2] })]
    expect(parts[0]?.cost).toBeLessThan(all.cost ?? 0)
    expect(parts.reduce((sum, { inputTokens }) => sum + inputTokens, 0)).toBeCloseTo(all.inputTokens, -2)
  })

  test('is nothing without summaries, and has no price where the model has none', async () => {
    expect(await costOf({ summarise: false })).toMatchObject({ calls: 0, byModel: [] })
    const free = await costOf({ model: 'own' })
    expect([free.calls, free.cost]).toEqual([6, undefined])
  })

  test('changes nothing, and the model that it was told for can be confirmed', async () => {
    expect((await api.ask('/v1/tasks')).body['items']).toEqual([])
    expect(await api.ask(`/v1/uploads/${uploadId}`)).toMatchObject({ body: { status: 'uploaded' } })
    const confirm = (model: string) =>
      api.post<{ taskId: string }>(`/v1/uploads/${uploadId}:confirm`, { model })
    expect(await confirm('unheard')).toMatchObject({
      status: 409,
      body: { code: 'PROVIDER_NOT_CONFIGURED' },
    })
    const { body } = await confirm('own')
    const task = await api.ask(`/v1/tasks/${body.taskId}`)
    expect(task).toMatchObject({ body: { parameters: { model: 'own' } } })
  })
})

/** Models of a server that nobody asks here: an estimate makes no call. */
function pricedModels() {
  const config = { uses: ['summary'], baseUrl: 'http://127.0.0.1:9/v1' } as const
  const price = { input: 1, output: 4, currency: 'USD' }
  return createModelCatalogue({
    summary: [extractiveModel()],
    configured: [
      { id: 'priced', config: modelConfig({ ...config, model: 'priced-1', price }) },
      { id: 'own', config: modelConfig({ ...config, model: 'own-1' }) },
    ],
    open: {
      language: ({ id, config: model }) => createLanguageModel(id, model, { key: undefined }),
      embedding: ({ id, config: model }) => createEmbeddingModel(id, model, { key: undefined }),
    },
  })
}

describe('estimating a task', () => {
  const nobody = undefined as never

  it('is refused with the types that can be estimated, and with parameters that the type refuses', async () => {
    const request = { userId: ann, taskType: 'Mine', parameters: {} }
    await expect(estimateTask(nobody, request)).rejects.toMatchObject({
      code: 'ESTIMATE_UNAVAILABLE',
      message: expect.stringContaining('GenerateSummary'),
    })
    await expect(estimateTask(nobody, { ...request, taskType: 'ImportNovel' })).rejects.toMatchObject({
      code: 'PARAMETERS_INVALID',
    })
  })

  it.each(novelTasks.map(({ type }) => type))('knows every task of the novel: %s', async taskType => {
    // Parameters that no type takes: what is refused is known.
    const request = { userId: ann, taskType, parameters: 7 }
    await expect(estimateTask(nobody, request)).rejects.toMatchObject({ code: 'PARAMETERS_INVALID' })
  })
})
