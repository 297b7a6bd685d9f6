import fc from 'fast-check'
import { defineTask } from 'quillwork'
import { createApp, type HttpOptions } from 'quillwork/http'
import { type TestEngine, testEngine } from 'quillwork/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { type Api, askingOf } from './api.ts'
import { EventClient } from './event-client.ts'

type Asking = Pick<Api, 'url' | 'app' | 'ask' | 'post'>

/** What a handler is told to do next. */
type Step = { write: string } | 'fail' | 'end'

let engine: TestEngine
let api: Asking
let steps: Step[]
let wake: () => void = () => undefined
const clients: EventClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.cut()
  await api.app.close()
  await engine[Symbol.asyncDispose]()
})

/** A task that does as it is told, step by step, and a server for it. */
async function serveWriting(config: HttpOptions = {}): Promise<string> {
  steps = []
  const task = defineTask({
    type: 'Typing',
    parameters: z.null(),
    result: z.null(),
    retry: { maxAttempts: 100, backoff: ['1ms'] },
    async execute(ctx) {
      for (;;) {
        const step = steps.shift()
        if (step === 'end') return null
        if (step === 'fail') throw new Error('told to fail')
        if (step === undefined) await new Promise<void>(resolve => (wake = resolve))
        else ctx.write(step.write)
      }
    },
  })
  engine = await testEngine({ tasks: [task] })
  api = await askingOf(createApp({ engine, config, log: engine.log }))
  const { taskId } = await engine.submit(task, null)
  await engine.drain()
  return taskId
}

/** Tells the handler what to do next, and lets a moment pass. */
async function tell(...next: Step[]): Promise<void> {
  steps.push(...next)
  wake()
  await engine.advance('1s')
}

async function listen(path: string, headers: Record<string, string> = {}): Promise<EventClient> {
  const client = new EventClient(api.url + path)
  clients.push(client)
  await connect(client, headers)
  return client
}

function connect(client: EventClient, headers: Record<string, string> = {}, cutAfter?: number) {
  const asked = { accept: 'text/event-stream', ...headers }
  return client.connect(cutAfter === undefined ? { headers: asked } : { headers: asked, cutAfter })
}

/** The text that a client has: what it was told since the last reset. */
function textOf({ events }: EventClient): string {
  const from = events.findLastIndex(({ event }) => event === 'reset')
  return events
    .slice(from + 1)
    .map(({ data }) => data['text'] ?? '')
    .join('')
}

const ended = ({ events }: EventClient) => events.some(({ event }) => event === 'end')

describe('the text so far', () => {
  test('is answered as JSON, also what is new since a place', async () => {
    const taskId = await serveWriting()
    const path = `/v1/tasks/${taskId}/output`
    const nothing = { attempt: 0, text: '', after: '0.0', status: 'RUNNING' }
    expect(await api.ask(path)).toMatchObject({ status: 200, body: nothing })
    await tell({ write: 'Once ' })
    await tell({ write: 'upon' })
    const two = { attempt: 1, text: 'Once upon', after: '1.2', status: 'RUNNING' }
    expect((await api.ask(path)).body).toEqual(two)
    expect((await api.ask(`${path}?after=1.1`)).body).toEqual({ ...two, text: 'upon' })
    expect((await api.ask(`${path}?after=1.2`)).body).toEqual({ ...two, text: '' })
    await tell('fail', { write: 'Twice' }, 'end')
    const anew = { attempt: 2, text: 'Twice', after: '2.1', status: 'COMPLETED' }
    expect((await api.ask(`${path}?after=1.2`)).body).toEqual(anew)
  })

  test('is empty once its task has been COMPLETED for ten minutes; who has read it keeps it', async () => {
    const taskId = await serveWriting()
    const path = `/v1/tasks/${taskId}/output`
    await tell({ write: 'Once' }, 'end')
    await engine.jump('10m')
    await engine.advance('10s')
    const nothing = { attempt: 0, text: '', after: '0.0', status: 'COMPLETED' }
    expect((await api.ask(path)).body).toEqual(nothing)
    expect((await api.ask(`${path}?after=1.1`)).body).toEqual({
      ...nothing,
      attempt: 1,
      after: '1.1',
      deleted: true,
    })
    const headers = { accept: 'text/event-stream' }
    expect((await api.ask(path, { headers: { ...headers, 'last-event-id': '1.1.end' } })).status).toBe(204)
    const late = await listen(path)
    await late.until(({ isClosed }) => isClosed)
    expect(late.events).toEqual([{ id: '0.0.end', event: 'end', data: { status: 'COMPLETED' } }])
    const back = await listen(`${path}?after=1.1`)
    await back.until(({ isClosed }) => isClosed)
    const data = { status: 'COMPLETED', deleted: true }
    expect(back.events).toEqual([{ id: '1.1.end', event: 'end', data }])
  })

  test.each(['nonsense', '1', '1.x', '-1.2', '1.2.begin'])('no place is called %s', async place => {
    const taskId = await serveWriting()
    expect(await api.ask(`/v1/tasks/${taskId}/output?after=${place}`)).toMatchObject({
      status: 400,
      body: { code: 'REQUEST_INVALID' },
    })
  })

  test('of no task is not found, as JSON and as a stream', async () => {
    await serveWriting()
    for (const accept of ['application/json', 'text/event-stream'])
      expect(await api.ask('/v1/tasks/nobody/output', { headers: { accept } })).toMatchObject({
        status: 404,
        body: { code: 'TASK_NOT_FOUND' },
      })
  })
})

describe('the stream', () => {
  test('tells the text as it grows, a reset, and the end; then there is nothing to come back for', async () => {
    const taskId = await serveWriting()
    const client = await listen(`/v1/tasks/${taskId}/output`)
    expect(client.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'private, no-cache, no-transform',
      'x-content-type-options': 'nosniff',
    })
    await tell({ write: 'Once ' })
    await client.until(({ events }) => events.length === 1)
    await tell({ write: '很久\n' })
    await client.until(({ events }) => events.length === 2)
    await tell('fail', { write: 'Anew' }, 'end')
    await client.until(({ isClosed }) => isClosed)
    expect(client.retry).toBe(3_000)
    expect(client.events).toEqual([
      { id: '1.1', event: 'text', data: { attempt: 1, sequence: 1, text: 'Once ' } },
      { id: '1.2', event: 'text', data: { attempt: 1, sequence: 2, text: '很久\n' } },
      { id: '2.0', event: 'reset', data: { attempt: 2 } },
      { id: '2.1', event: 'text', data: { attempt: 2, sequence: 1, text: 'Anew' } },
      { id: '2.1.end', event: 'end', data: { status: 'COMPLETED' } },
    ])
    const path = `/v1/tasks/${taskId}/output`
    const headers = { accept: 'text/event-stream' }
    expect((await api.ask(path, { headers: { ...headers, 'last-event-id': '2.1.end' } })).status).toBe(204)
    const unaware = await listen(path, { 'last-event-id': '2.1' })
    await unaware.until(({ isClosed }) => isClosed)
    expect(unaware.events).toEqual(client.events.slice(4))
    const late = await listen(`${path}?after=1.2`)
    await late.until(({ isClosed }) => isClosed)
    expect(late.events).toEqual(client.events.slice(2))
  })

  test('goes on where the connection broke, wherever that was: no word is missing, repeated or foreign', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 10, maxLength: 25 }),
        fc.array(fc.constantFrom<'word' | 'fail'>('word', 'word', 'word', 'fail'), { maxLength: 30 }),
        async (cuts, plan) => {
          const taskId = await serveWriting({ streamsPerClient: 100 })
          const client = new EventClient(`${api.url}/v1/tasks/${taskId}/output`)
          let attempt = 1
          const words: string[] = []
          const working = (async () => {
            for (const [number, step] of [...plan, 'word'].entries()) {
              if (step === 'fail') {
                attempt += 1
                words.length = 0
                await tell('fail')
              } else {
                words.push(`${number}的attempt-${attempt} `)
                await tell({ write: words.at(-1) ?? '' })
              }
            }
            await tell('end')
          })()
          for (const cutAfter of cuts) {
            if ((await connect(client, {}, cutAfter)) === 204) break
            await Promise.race([client.until(({ isClosed }) => isClosed), working])
            client.cut()
          }
          await working
          while (!ended(client)) {
            await connect(client)
            await client.until(({ isClosed }) => isClosed)
          }
          expect(textOf(client)).toBe(words.join(''))
          await api.app.close()
          await engine[Symbol.asyncDispose]()
        },
      ),
      { numRuns: 10 },
    )
  }, 90_000)

  test('reads nothing ahead of a client that does not read, and has everything for it when it does', async () => {
    const taskId = await serveWriting({ heartbeatMs: 10 })
    const page = '书'.repeat(16_000)
    for (let pages = 0; pages < 240; pages++) steps.push({ write: page })
    const read = vi.spyOn(engine.store.output, 'read')
    const lazy = await listen(`/v1/tasks/${taskId}/output`)
    lazy.pause()
    await tell('end')
    const eager = await listen(`/v1/tasks/${taskId}/output`)
    await eager.until(({ isClosed }) => isClosed)
    expect(textOf(eager)).toBe(page.repeat(240))
    // Only the eager one came to the last pages.
    const late = () => read.mock.calls.filter(([, { sequence }]) => sequence >= 200).length
    expect(lazy.isClosed).toBe(false)
    const before = late()
    lazy.resume()
    await lazy.until(({ isClosed }) => isClosed)
    expect(textOf(lazy)).toBe(page.repeat(240))
    expect(late()).toBeGreaterThan(before)
  })

  test('shows signs of life, and does not last for ever', async () => {
    const taskId = await serveWriting({ heartbeatMs: 10, streamLifeMs: 500 })
    const client = await listen(`/v1/tasks/${taskId}/output`)
    await client.until(({ isClosed }) => isClosed)
    expect(client.comments).toContain('hb')
    expect(client.events).toEqual([])
  })

  test('counts among the streams of a client, and ends when the server stops', async () => {
    const taskId = await serveWriting({ streamsPerClient: 2 })
    const path = `/v1/tasks/${taskId}/output`
    const streams = [await listen(path), await listen('/v1/events')]
    const refused = await api.ask(path, { headers: { accept: 'text/event-stream' } })
    expect(refused).toMatchObject({ status: 429, body: { code: 'TOO_MANY_STREAMS' } })
    expect((await api.ask(path)).status).toBe(200)
    streams[0]?.cut()
    let status = 429
    while (status === 429) status = (await listen(path)).status ?? 0
    expect(status).toBe(200)
    const open = clients.filter(client => client.status === 200 && !client.isClosed)
    const stopped = api.app.close()
    for (const client of open) await client.until(({ isClosed }) => isClosed)
    await stopped
  })
})
