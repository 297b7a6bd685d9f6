import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { presentEstimate } from '../../src/http/present-estimate.ts'
import { estimateTask, type ModelEstimate, novelTasks } from '../../src/novel/index.ts'
import type { LimitUse } from '../../src/rate-limit/limiter.ts'
import { ann } from '../novel/tasks/novel-engine.ts'
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
