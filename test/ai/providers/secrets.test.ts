import { inspect } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createEmbeddingModel } from '../../../src/ai/providers/embedding-model.ts'
import { createLanguageModel } from '../../../src/ai/providers/language-model.ts'
import { classifyError } from '../../../src/task/classify.ts'
import { chunk, configFor, events, outcomeOf, secret, serving } from './kit.ts'

/** What must not come back: the key, words of it, the manuscript, the words of the provider. */
const manuscript = 'MANUSCRIPT-MARK the ferry sank at dawn'
const system = 'SYSTEM-MARK be somebody'
const answerText = 'ANSWER-MARK half of a scene'
const marks = [
  secret,
  secret.slice(3),
  'S3CRET',
  'MANUSCRIPT-MARK',
  'SYSTEM-MARK',
  'ANSWER-MARK',
  'ECHO-MARK',
]

/** A server that repeats what it was sent wherever it can. */
const echo = `ECHO-MARK ${secret} ${manuscript} ${answerText}`

interface Echoing {
  readonly status: number
  readonly body: string
  readonly cut?: boolean
}

const error = (code: string) =>
  JSON.stringify({
    error: {
      message: echo,
      type: secret,
      code,
      param: echo,
      status: secret,
      details: [{ reason: secret, retryDelay: echo }],
    },
  })
const started = events({ ...chunk({ content: answerText }), model: secret, id: secret })

const echoes: Readonly<Record<string, Echoing>> = {
  'a refusal': { status: 401, body: error(secret) },
  'a limit': { status: 429, body: error(secret) },
  'a quota': { status: 429, body: error('insufficient_quota') },
  'a request': { status: 400, body: error(secret.slice(0, 12)) },
  'a context': { status: 400, body: error('context_length_exceeded') },
  'a text': { status: 500, body: echo },
  'an unreadable answer': { status: 200, body: echo },
  'an unreadable message': { status: 200, body: `${started}data: {"${echo}\n\n` },
  'a message of another kind': { status: 200, body: started + events({ choices: echo }) },
  'an error within the stream': { status: 200, body: started + events(JSON.parse(error(secret))) },
  'a bare error within the stream': { status: 200, body: started + events({ error: echo }) },
  'a reason to end': { status: 200, body: started + events(chunk({}, secret), '[DONE]') },
  'a refusal in words': { status: 200, body: events(chunk({ refusal: echo }), chunk({}, 'stop')) },
  'a truncated answer': { status: 200, body: started + events(chunk({}, 'length'), '[DONE]') },
  'a stream without end': { status: 200, body: started },
  'a cut stream': { status: 200, body: started, cut: true },
}

const printed: string[] = []
afterEach(() => {
  vi.restoreAllMocks()
  printed.length = 0
})

function listenToConsole(): void {
  for (const name of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, name).mockImplementation((...parts: unknown[]) => {
      printed.push(inspect(parts, { depth: 20 }))
    })
  }
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation(text => {
      printed.push(String(text))
      return true
    })
  }
}

/** Everything that an error or an answer holds, down to the last hidden property. */
function whole(value: unknown): string {
  return inspect(value, {
    depth: 30,
    showHidden: true,
    getters: true,
    maxStringLength: null,
    maxArrayLength: null,
  })
}

/** A code is shown in lower case with other signs between its parts. */
const plain = (text: string) => text.toLowerCase().replaceAll(/[.-]/gu, '_')

function expectClean(text: string): void {
  for (const mark of marks) expect(plain(text)).not.toContain(plain(mark))
}

function answering({ status, body, cut = false }: Echoing) {
  return serving((_, response) => {
    response.writeHead(status, {
      'content-type': status === 200 ? 'text/event-stream' : 'application/json',
      'x-echo': secret,
      'retry-after': secret,
      'x-ratelimit-reset-tokens': secret,
    })
    if (cut) response.write(body, () => response.destroy())
    else response.end(body)
  })
}

describe('neither the key nor a text leaves a failed call', () => {
  for (const provider of ['openai-compatible', 'openai', 'anthropic', 'google'] as const) {
    it.each(Object.entries(echoes))(`of ${provider}: %s`, async (_, answer) => {
      listenToConsole()
      await using server = await answering(answer)
      const model = createLanguageModel('prose', configFor(server.url, { provider }), { key: secret })
      const outcome = await outcomeOf(model, { prompt: manuscript, system })
      expect(outcome.error).toMatchObject({ code: expect.stringMatching(/^MODEL_/u) })
      expectClean(whole(outcome.error))
      expectClean(whole(outcome.partial))
      expectClean(JSON.stringify(classifyError(outcome.error, 0)))
      expectClean(whole(model))
      expectClean(printed.join('\n'))
    })
  }

  it.each(Object.entries(echoes))('of an embedding model: %s', async (_, answer) => {
    listenToConsole()
    await using server = await answering(answer)
    const config = configFor(server.url, { dimensions: 4 })
    const model = createEmbeddingModel('vectors', config, { key: secret })
    const error = await model.embed([manuscript]).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: expect.stringMatching(/^MODEL_/u) })
    expectClean(whole(error))
    expectClean(whole(model))
    expectClean(printed.join('\n'))
  })

  it('and no connection that fails', async () => {
    const server = await serving(() => undefined)
    await server[Symbol.asyncDispose]()
    for (const url of [
      server.url,
      `http://x:${secret}@127.0.0.1:9/v1`,
      `http://127.0.0.1:9/v1?key=${secret}`,
      secret,
    ]) {
      const model = createLanguageModel('prose', configFor(url), { key: secret })
      const { error } = await outcomeOf(model, { prompt: manuscript, system })
      expectClean(whole(error))
    }
  })
})

describe('a whole answer', () => {
  it('does not tell the key as the name of the model', async () => {
    await using server = await answering({
      status: 200,
      body: events({ ...chunk({ content: 'Once.' }), model: secret }, chunk({}, 'stop'), '[DONE]'),
    })
    const model = createLanguageModel('prose', configFor(server.url), { key: secret })
    const { answer } = await outcomeOf(model)
    expect(answer?.parameters.providerModel).toBe('scripted')
    expectClean(whole(answer))
  })
})
