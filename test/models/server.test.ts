import { tmpdir } from 'node:os'
import { afterEach, describe, expect, it } from 'vitest'
import { Children } from '../process/crash/children.ts'
import { until } from '../servers/until.ts'
import { Ledger } from './ledger.ts'
import { startModelProcess } from './remote.ts'
import type { Answer } from './script.ts'
import { type ModelServer, type ModelServerOptions, startModelServer } from './server.ts'
import { hashOf, textFor, tokensOf } from './texts.ts'

const open: ModelServer[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map(server => server.close()))
})

async function serving(options: ModelServerOptions = {}): Promise<ModelServer> {
  const server = await startModelServer(options)
  open.push(server)
  return server
}

interface Asking {
  prompt?: string
  key?: string
  stream?: boolean
  signal?: AbortSignal
}

function ask(url: string, { prompt = 'Tell me.', key = 'k1', stream = false, signal }: Asking = {}) {
  return fetch(`${url}/chat/completions`, {
    method: 'POST',
    redirect: 'manual',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'm',
      stream,
      ...(stream ? { stream_options: { include_usage: true } } : {}),
      messages: [{ role: 'user', content: prompt }],
    }),
    ...(signal === undefined ? {} : { signal }),
  })
}

interface Chunk {
  choices: { delta: { content?: string; refusal?: string }; finish_reason: string | null }[]
  usage?: { prompt_tokens: number; completion_tokens: number }
}

/** What a stream said: its text, why it ended, the tokens that it told. */
async function readStream(response: Response) {
  const events = (await response.text()).split('\n\n').filter(line => line.startsWith('data: {'))
  const chunks = events.map(event => JSON.parse(event.slice(6)) as Chunk)
  return {
    text: chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''),
    finish: chunks.findLast(({ choices }) => choices[0]?.finish_reason)?.choices[0]?.finish_reason,
    usage: chunks.find(({ usage }) => usage !== undefined)?.usage,
  }
}

describe('an answer', () => {
  it('is derived from the prompt, whole or as a stream, and counted in the ledger', async () => {
    const server = await serving()
    const whole = (await (await ask(server.url)).json()) as { choices: { message: { content: string } }[] }
    const streamed = await readStream(await ask(server.url, { stream: true }))
    const text = textFor('user: Tell me.')
    expect(whole.choices[0]?.message.content).toBe(text)
    expect(streamed).toMatchObject({ text, finish: 'stop', usage: { completion_tokens: tokensOf(text) } })
    const calls = server.ledger.byPrompt().get(hashOf('user: Tell me.')) ?? []
    expect(calls.map(({ whole: isWhole, streamed: isStreamed }) => [isWhole, isStreamed])).toEqual([
      [true, false],
      [true, true],
    ])
    expect(server.ledger.paidTwice()).toHaveLength(1)
    expect(server.ledger.calls.every(call => call.endedAt !== undefined && !call.closedByClient)).toBe(true)
  })

  it('arrives unchanged when characters are torn apart', async () => {
    const server = await serving()
    server.script.add({ answer: { is: 'text', text: '老人提着灯笼走过石桥。🏮', torn: true } })
    const { text } = await readStream(await ask(server.url, { stream: true }))
    expect(text).toBe('老人提着灯笼走过石桥。🏮')
  })

  it.each<[Answer, number, string]>([
    [{ is: 'rate-limited', retryAfter: 2 }, 429, 'rate_limit_exceeded'],
    [{ is: 'quota-gone' }, 429, 'insufficient_quota'],
    [{ is: 'failed', status: 503 }, 503, '<html>'],
    [{ is: 'wrong-key' }, 401, 'invalid_api_key'],
    [{ is: 'unknown-model' }, 404, 'model_not_found'],
    [{ is: 'context-exceeded' }, 400, 'context_length_exceeded'],
    [{ is: 'redirect', to: 'http://127.0.0.1:1/' }, 302, ''],
    [{ is: 'filtered' }, 200, 'content_filter'],
    [{ is: 'refused' }, 200, 'I am sorry'],
    [{ is: 'truncated' }, 200, '"finish_reason":"length"'],
    [{ is: 'huge', bytes: 2_000_000 }, 200, 'All work and no play'],
  ])('can be %o', async (answer, status, part) => {
    const server = await serving()
    server.script.add({ answer })
    const response = await ask(server.url)
    expect(response.status).toBe(status)
    expect(await response.text()).toContain(part)
    expect(server.ledger.calls).toMatchObject([{ status, answered: answer.is }])
  })

  it.each([true, false])('can break off (stream: %s), and counts what was said', async stream => {
    const server = await serving()
    server.script.add({ answer: { is: 'cut' } })
    await expect(ask(server.url, { stream }).then(response => response.text())).rejects.toThrow()
    expect(server.ledger.calls).toMatchObject([{ whole: false, closedByClient: false }])
    expect(server.ledger.calls[0]?.text.length).toBe(stream ? 24 : 0)
  })

  it('can say nothing more: the ledger sees the client go', async () => {
    const server = await serving()
    server.script.add({ answer: { is: 'stalled' } })
    const stopping = new AbortController()
    const reading = ask(server.url, { stream: true, signal: stopping.signal }).then(response =>
      response.text(),
    )
    await until(() => server.ledger.calls[0]?.text.length === 24, 'text')
    stopping.abort()
    await expect(reading).rejects.toThrow()
    await until(() => server.ledger.calls[0]?.closedByClient === true, 'end of the connection')
  })
})

describe('a script', () => {
  it('answers by prompt, key and count, and falls back to the text of the prompt', async () => {
    const server = await serving()
    server.script.add(
      { answer: { is: 'failed' }, prompt: 'storm', timesPerPrompt: 1 },
      { answer: { is: 'empty' }, key: 'k2', times: 1 },
    )
    const statuses = []
    for (const prompt of ['storm A', 'storm B', 'storm A', 'calm'])
      statuses.push((await ask(server.url, { prompt })).status)
    expect(statuses).toEqual([500, 500, 200, 200])
    const texts = []
    for (const key of ['k2', 'k2']) texts.push(await readStream(await ask(server.url, { key, stream: true })))
    expect(texts.map(({ text }) => text)).toEqual(['', textFor('user: Tell me.')])
  })

  it('comes after what the server insists on', async () => {
    const server = await serving({ keys: ['k1'], models: ['m'], contextTokens: 50 })
    const statuses = []
    for (const asking of [{}, { key: 'other' }, { prompt: 'long '.repeat(100) }])
      statuses.push((await ask(server.url, asking)).status)
    expect(statuses).toEqual([200, 401, 400])
  })
})

describe('a real limit', () => {
  it('refuses what overruns it with the time until there is room, and notes a violation', async () => {
    const server = await serving({ limit: { requests: 2, windowMs: 60_000 } })
    const answers = []
    for (const key of ['k1', 'k1', 'k1', 'k2']) answers.push(await ask(server.url, { key }))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 200])
    expect(Number(answers[2]?.headers.get('retry-after'))).toBeGreaterThan(50)
    expect(server.ledger.violations()).toMatchObject([{ violation: 'requests', key: 'k1' }])
    await ask(server.url)
    expect(server.ledger.tooEarly()).toHaveLength(1)
  })

  it('counts what runs at once, and what was begun within a window', async () => {
    const server = await serving({ limit: { concurrency: 2 }, pace: { firstMs: 100 } })
    const answers = await Promise.all(['a', 'b', 'c'].map(prompt => ask(server.url, { prompt })))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 429])
    expect(server.ledger.mostAtOnce()).toBe(2)
    expect(server.ledger.violations()).toMatchObject([{ violation: 'concurrency' }])
  })
})

it('the ledger counts the fullest window, and not what was refused', () => {
  const call = (startedAt: number, status = 200) => ({
    id: startedAt,
    route: 'chat' as const,
    startedAt,
    endedAt: startedAt + 5,
    key: 'k',
    model: 'm',
    prompt: '',
    promptHash: '',
    streamed: false,
    inputTokens: 10,
    outputTokens: 1,
    answered: 'text',
    status,
    text: '',
    whole: true,
    closedByClient: false,
  })
  const ledger = new Ledger([call(0), call(10), call(50), call(60, 429), call(100), call(109)])
  expect(ledger.fullest(60, 'calls')).toBe(3)
  expect(ledger.fullest(50, 'tokens')).toBe(22)
  expect(ledger.mostAtOnce()).toBe(1)
  expect(ledger.between(10, 100, 'calls')).toBe(2)
})

it('runs in a process of its own, with rules and ledger over HTTP', async () => {
  await using children = new Children(tmpdir())
  const server = await startModelProcess(children, { keys: ['k1'] })
  await server.addRules({ answer: { is: 'empty' }, times: 1 })
  const first = await readStream(await ask(server.url, { stream: true }))
  const second = await readStream(await ask(server.url, { stream: true }))
  expect([first.text, second.text]).toEqual(['', textFor('user: Tell me.')])
  expect((await server.ledger()).of()).toHaveLength(2)
})
