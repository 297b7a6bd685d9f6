import { describe, expect, it } from 'vitest'
import type { EmbeddingModel } from '../../../src/ai/model.ts'
import type { ModelConfig } from '../../../src/ai/providers/config.ts'
import { createEmbeddingModel } from '../../../src/ai/providers/embedding-model.ts'
import { countTokens } from '../../../src/ai/providers/tokens.ts'
import type { Usage } from '../../../src/task/paid-call.ts'
import type { Answer } from '../../models/script.ts'
import { startModelServer } from '../../models/server.ts'
import { configFor, later, secret, serving } from './kit.ts'

const price = { input: 0.5, output: 0, currency: 'EUR' }

function modelAt(url: string, changes: Partial<ModelConfig> = {}): EmbeddingModel {
  return createEmbeddingModel('vectors', configFor(url, { dimensions: 8, price, ...changes }), {
    key: secret,
  })
}

/** The error of a call that is answered as told, as JSON. */
async function errorOf(body: unknown, status = 200): Promise<unknown> {
  await using server = await serving((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  return await modelAt(server.url)
    .embed(['a'])
    .catch((error: unknown) => error)
}

/** What a call tells that is answered so. */
async function partialUsageOf(body: unknown, status = 200): Promise<readonly Usage[]> {
  const partial: Usage[] = []
  await using server = await serving((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  const onPartialUsage = (usage: Usage) => void partial.push(usage)
  await modelAt(server.url)
    .embed(['a'], { onPartialUsage })
    .catch(() => undefined)
  return partial
}

const data = (...vectors: readonly (readonly unknown[])[]) => ({
  object: 'list',
  data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
})

describe('an embedding model', () => {
  it('answers a vector for each text, in their order, in one call', async () => {
    await using server = await startModelServer({ dimensions: 8 })
    const model = modelAt(server.url)
    const texts = ['The ferry', '渡船', 'the clock']
    const { vectors, usage } = await model.embed(texts)
    const alone = await Promise.all(texts.map(text => model.embed([text])))
    expect(vectors).toEqual(alone.map(({ vectors: [vector] }) => vector))
    expect(vectors.every(vector => vector instanceof Float32Array && vector.length === 8)).toBe(true)
    const [call] = server.ledger.calls
    expect(call).toMatchObject({ route: 'embeddings', key: secret })
    const inputTokens = call?.inputTokens ?? 0
    expect(usage).toEqual({
      model: 'vectors',
      inputTokens,
      outputTokens: 0,
      cost: (inputTokens * 0.5) / 1_000_000,
    })
    expect(model).toMatchObject({ id: 'vectors', dimensions: 8, limit: 'openai-compatible:main:scripted' })
  })

  it('takes as many texts as it says, and no more', async () => {
    await using server = await startModelServer({ dimensions: 8 })
    const model = modelAt(server.url)
    const texts = Array.from({ length: model.maxTexts }, (_, place) => `text ${place}`)
    expect((await model.embed(texts)).vectors).toHaveLength(texts.length)
    expect(server.ledger.calls).toHaveLength(1)
    await expect(model.embed([...texts, 'one more'])).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    expect((await model.embed([])).vectors).toEqual([])
    expect(server.ledger.calls).toHaveLength(1)
  })

  it('counts by the estimate where nothing is told', async () => {
    await using server = await serving((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(data([1, 0, 0, 0, 0, 0, 0, 0])))
    })
    const model = modelAt(server.url)
    const { usage } = await model.embed(['The ferry came in.'])
    expect(usage?.inputTokens).toBe(model.countTokens('The ferry came in.'))
  })

  it.each<[Answer, string]>([
    [{ is: 'rate-limited', retryAfter: 2 }, 'MODEL_RATE_LIMITED'],
    [{ is: 'quota-gone' }, 'MODEL_QUOTA_EXHAUSTED'],
    [{ is: 'wrong-key' }, 'MODEL_KEY_REJECTED'],
    [{ is: 'unknown-model' }, 'MODEL_UNKNOWN'],
    [{ is: 'context-exceeded' }, 'MODEL_CONTEXT_EXCEEDED'],
    [{ is: 'failed', status: 503 }, 'MODEL_UNAVAILABLE'],
    [{ is: 'cut' }, 'MODEL_ANSWER_CUT'],
    [{ is: 'half-json' }, 'MODEL_ANSWER_MALFORMED'],
    [{ is: 'garbage' }, 'MODEL_ANSWER_MALFORMED'],
    [{ is: 'redirect', to: 'http://127.0.0.1:9/' }, 'MODEL_REQUEST_REFUSED'],
  ])('%j is %s', async (answer, code) => {
    await using server = await startModelServer()
    server.script.add({ answer })
    await expect(modelAt(server.url).embed(['a'])).rejects.toMatchObject({ code })
  })

  it('refuses vectors that cannot be stored', async () => {
    const whole = [1, 0, 0, 0, 0, 0, 0, 0]
    expect(await errorOf(data(whole, whole))).toMatchObject({ code: 'MODEL_ANSWER_MALFORMED' })
    expect(await errorOf(data())).toMatchObject({ code: 'MODEL_ANSWER_MALFORMED' })
    expect(await errorOf(data([1, 0, 0, 0, 0, 0, 0, null]))).toMatchObject({ code: 'MODEL_ANSWER_MALFORMED' })
    expect(await errorOf(JSON.stringify(data(whole)).replace('[1,', '[1e999,'))).toMatchObject({
      code: 'MODEL_ANSWER_MALFORMED',
    })
    const short = await errorOf(data([1, 0]))
    expect(short).toMatchObject({ code: 'CONFIG_INVALID' })
    expect(String(short)).toContain('length 2')
  })

  it('tells what a call that was paid for nothing has used', async () => {
    const told = { prompt_tokens: 42, total_tokens: 42 }
    const whole = [1, 0, 0, 0, 0, 0, 0, 0]
    const used = { model: 'vectors', inputTokens: 42, outputTokens: 0, cost: (42 * 0.5) / 1_000_000 }
    for (const vectors of [[whole, whole], [[1, 0]], []]) {
      expect(await partialUsageOf({ ...data(...vectors), usage: told })).toEqual([used])
    }
    const [estimated] = await partialUsageOf('no JSON')
    expect(estimated?.inputTokens).toBeGreaterThan(0)
    expect(await partialUsageOf({ error: { message: 'No' } }, 500)).toEqual([])
    expect(await partialUsageOf({ ...data(whole), usage: told })).toEqual([])
  })

  it.each(['9e15', '1e400', '5000', '"42"', 'null'])(
    'keeps the vectors of an answer that says %s tokens',
    async count => {
      const answer = JSON.stringify({ ...data([1, 0, 0, 0, 0, 0, 0, 0]), usage: { prompt_tokens: 0 } })
      await using server = await serving((_, response) => {
        response.setHeader('content-type', 'application/json')
        response.end(answer.replace('"prompt_tokens":0', `"prompt_tokens":${count}`))
      })
      const { vectors, usage } = await modelAt(server.url).embed(['The ferry'])
      expect(vectors).toHaveLength(1)
      expect(usage?.inputTokens).toBe(count === '"42"' ? 42 : countTokens('The ferry'))
      // What says nothing is no number that cannot be right.
      expect(usage?.isEstimated).toBe(['"42"', 'null'].includes(count) ? undefined : true)
    },
  )

  it('tells what a call has used that is aborted while its answer comes', async () => {
    const controller = new AbortController()
    await using server = await serving(() => controller.abort(new Error('enough')))
    const partial: Usage[] = []
    const answered: boolean[] = []
    const call = modelAt(server.url).embed(['The ferry'], {
      signal: controller.signal,
      onPartialUsage(usage, isAnswered) {
        partial.push(usage)
        answered.push(isAnswered)
      },
    })
    await expect(call).rejects.toThrow('enough')
    expect(answered).toEqual([false])
    expect(partial).toMatchObject([{ model: 'vectors', outputTokens: 0 }])
    expect(partial[0]?.inputTokens).toBeGreaterThan(0)
  })

  it('ends when it takes too long or is aborted, and closes the connection', async () => {
    for (const isAborted of [false, true]) {
      const arrived = later()
      const closed = later()
      await using server = await serving((_, response) => {
        response.once('close', closed.resolve)
        arrived.resolve()
      })
      const timeouts = { first: 10_000, idle: 10_000, total: isAborted ? 10_000 : 100 }
      const controller = new AbortController()
      const call = modelAt(server.url, { timeouts }).embed(['a'], { signal: controller.signal })
      const failed = expect(call).rejects.toMatchObject(
        isAborted ? { message: 'enough' } : { code: 'MODEL_STALLED', details: { wait: 'total' } },
      )
      await arrived.promise
      if (isAborted) controller.abort(new Error('enough'))
      await failed
      await closed.promise
    }
  })

  it('needs the length of its vectors', () => {
    const { dimensions: _, ...config } = configFor('http://127.0.0.1:9')
    expect(() => createEmbeddingModel('vectors', config, { key: secret })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })

  it('tells passages and queries apart as it is configured to', async () => {
    await using server = await startModelServer({ dimensions: 8 })
    const model = modelAt(server.url, {
      model: 'e5-passage',
      passage: { prefix: 'passage: ' },
      query: { model: 'e5-query', prefix: 'query: ' },
    })
    await model.embed(['The ferry', 'The clock'])
    await model.embed(['The ferry', 'The clock'], { purpose: 'passage' })
    await model.embed(['ferry'], { purpose: 'query' })
    const passages = { model: 'e5-passage', prompt: 'passage: The ferry\n\npassage: The clock' }
    const query = { model: 'e5-query', prompt: 'query: ferry' }
    expect(server.ledger.calls).toMatchObject([passages, passages, query])
    expect(model.countTokens('The ferry')).toBe(modelAt(server.url).countTokens('passage: The ferry'))
  })

  it('makes vectors of another space where it is told of passages in another way, and of the same however it is asked', () => {
    const spaces = [
      {},
      { query: { model: 'q', prefix: 'query: ' } },
      { passage: { prefix: 'passage: ' } },
      { passage: { prefix: 'document: ' } },
      { provider: 'google', passage: { taskType: 'RETRIEVAL_DOCUMENT' } },
    ] as const
    expect(spaces.map(changes => modelAt('http://127.0.0.1:9', changes).space)).toEqual([
      'openai-compatible:scripted',
      'openai-compatible:scripted',
      'openai-compatible:scripted:passage: ',
      'openai-compatible:scripted:document: ',
      'google:scripted:RETRIEVAL_DOCUMENT',
    ])
  })

  it('tells Google what a text is for', async () => {
    const told: unknown[] = []
    await using server = await serving((_, response, body) => {
      told.push(JSON.parse(body))
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ embedding: { values: [1, 0, 0, 0, 0, 0, 0, 0] } }))
    })
    const model = modelAt(server.url, {
      provider: 'google',
      passage: { taskType: 'RETRIEVAL_DOCUMENT' },
      query: { taskType: 'RETRIEVAL_QUERY' },
    })
    await model.embed(['a'])
    await model.embed(['a'], { purpose: 'query' })
    expect(told).toMatchObject([{ taskType: 'RETRIEVAL_DOCUMENT' }, { taskType: 'RETRIEVAL_QUERY' }])
  })

  it('speaks to Google too', async () => {
    let key: unknown
    await using server = await serving((request, response) => {
      key = request.headers['x-goog-api-key']
      response.writeHead(200, { 'content-type': 'application/json' })
      const vector = { values: [1, 0, 0, 0, 0, 0, 0, 0] }
      response.end(
        JSON.stringify(
          request.url?.includes('batch') === true ? { embeddings: [vector, vector] } : { embedding: vector },
        ),
      )
    })
    const model = modelAt(server.url, { provider: 'google' })
    expect((await model.embed(['a', 'b'])).vectors).toHaveLength(2)
    expect((await model.embed(['a'])).vectors).toHaveLength(1)
    expect(key).toBe(secret)
  })
})
