import fc from 'fast-check'
import type { TaskJson } from 'quillwork/http'
import { afterEach, describe, expect, test } from 'vitest'
import { type Api, serve } from './api.ts'
import { EventClient } from './event-client.ts'

let api: Api
const clients: EventClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.cut()
  await api[Symbol.asyncDispose]()
})

async function listen(path = '/v1/events', headers: Record<string, string> = {}): Promise<EventClient> {
  const client = new EventClient(api.url + path)
  clients.push(client)
  await client.connect({ headers })
  return client
}

const succeed = [{ do: 'succeed', value: 1 }]
const subTasks = (count: number, orders: object[]) => [
  { do: 'submit', subTasks: Array.from({ length: count }, (_, i) => ({ key: `${i}`, orders })) },
]

describe('a stream', () => {
  test('begins with how to come back, and tells the story of a task', async () => {
    api = await serve()
    const client = await listen()
    expect(client.status).toBe(200)
    expect(client.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'private, no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    })
    const as = await listen('/v1/events?format=cloudevents')
    expect(await (await fetch(`${api.url}/v1/events?format=xml`)).json()).toMatchObject({ status: 400 })
    const id = await api.submit([{ do: 'fail', attempts: 1 }, { do: 'progress', value: 0.5 }, ...succeed], {
      userId: 'ada',
    })
    await api.engine.advance('1m')
    const { data } = await client.first('task.completed')
    expect(client.retry).toBe(3_000)
    expect(data).toMatchObject({
      taskId: id,
      taskType: 'Scripted',
      userId: 'ada',
      status: 'COMPLETED',
      attempt: 2,
      rootTaskId: id,
    })
    const told = client.events.map(({ event, data: { status } }) => `${event} ${status}`)
    expect(told).toEqual([
      'task.created QUEUED',
      'task.updated RUNNING',
      'task.updated RETRYING',
      'task.updated RUNNING',
      'task.progress RUNNING',
      'task.completed COMPLETED',
    ])
    await as.first('task.completed')
    expect(as.events.map(({ id: at, event }) => `${at} ${event}`)).toEqual(
      client.events.map(({ id: at, event }) => `${at} ${event}`),
    )
    const types = as.events.map(each => String(each.data['type']).replace('dev.quillwork.task.', ''))
    expect(types).toEqual(
      ['submitted', 'started', 'retrying', 'started', 'progress', 'completed'].map(name => `${name}.v1`),
    )
    expect(as.events[5]?.data).toMatchObject({
      ...{ specversion: '1.0', id: expect.stringContaining(`${id}/completed/`), subject: id },
      ...{ source: '/quillwork/tasks', time: data['at'], datacontenttype: 'application/json' },
      data: { taskId: id, status: 'COMPLETED', attempt: 2 },
    })
    expect(client.events[2]?.data).toMatchObject({
      errorInfo: { message: 'told to fail' },
      nextAttemptTimestamp: expect.stringMatching(/Z$/),
    })
    expect(client.events[4]?.data).toMatchObject({ progress: 0.5 })
    expect(JSON.stringify(client.events)).not.toMatch(/"stack"|"parameters"|"result"/)
  })

  test('ids rise by one and name the process', async () => {
    api = await serve()
    const client = await listen()
    for (let i = 0; i < 5; i++) await api.submit(succeed)
    await client.until(({ events }) => events.filter(({ event }) => event === 'task.completed').length === 5)
    const parts = client.events.map(({ id }) => id.split('-'))
    expect(new Set(parts.map(([epoch]) => epoch)).size).toBe(1)
    expect(parts.map(([, sequence]) => Number(sequence))).toEqual(client.events.map((_, i) => i + 1))
  })

  test('filters leave the rest out', async () => {
    api = await serve()
    const ada = await listen('/v1/events?userId=ada')
    const roots = await listen('/v1/events?rootsOnly=true&taskType=ScriptedParent&taskType=Scripted')
    const none = await listen('/v1/events?taskType=Unheard')
    await api.submit(succeed, { userId: 'bob' })
    const id = await api.submit(subTasks(2, succeed), { userId: 'ada' })
    await api.engine.drain()
    await ada.until(({ events }) =>
      events.some(({ event, data }) => event === 'task.completed' && data['taskId'] === id),
    )
    await roots.until(({ events }) =>
      events.some(({ event, data }) => event === 'task.completed' && data['taskId'] === id),
    )
    expect(new Set(ada.events.map(({ data }) => data['userId']))).toEqual(new Set(['ada']))
    expect(new Set(ada.events.map(({ data }) => data['taskId'])).size).toBe(3)
    expect(roots.events.every(({ data }) => data['parentTaskId'] === undefined)).toBe(true)
    expect(none.events).toEqual([])
  })

  test('of a tree tells of the task and everything below it, also where it is not the root', async () => {
    api = await serve()
    await api.post('/v1/lanes/default:pause')
    const deep = subTasks(2, subTasks(2, succeed))
    const root = await api.submit(deep)
    const other = await api.submit(succeed)
    const tree = await listen(`/v1/tasks/${root}/events`)
    await api.post('/v1/lanes/default:resume')
    await api.engine.drain()
    await tree.until(({ events }) =>
      events.some(({ event, data }) => event === 'task.completed' && data['taskId'] === root),
    )
    expect(new Set(tree.events.map(({ data }) => data['taskId'])).size).toBe(7)
    expect(tree.events.some(({ data }) => data['taskId'] === other)).toBe(false)

    const children = await api.ask<{ items: TaskJson[] }>(`/v1/tasks/${root}/children`)
    const [middle] = children.body.items
    await api.post(`/v1/tasks/${root}/x`)
    const below = new EventClient(`${api.url}/v1/tasks/${middle?.id}/events`)
    clients.push(below)
    below.lastEventId = tree.events[0]?.id ?? ''
    await below.connect()
    await below.until(({ events }) =>
      events.some(({ event, data }) => event === 'task.completed' && data['taskId'] === middle?.id),
    )
    expect(new Set(below.events.map(({ data }) => data['taskId'])).size).toBe(3)
  })
})

describe('coming back', () => {
  test('nothing is missed or told twice, however often the connection breaks', async () => {
    api = await serve({ streamsPerClient: 100 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 20, maxLength: 60 }),
        async cuts => {
          const state = new Map<string, unknown>()
          const client = new EventClient(`${api.url}/v1/events`)
          expect(await client.connect()).toBe(200)
          await client.until(({ lastEventId }) => lastEventId !== '')
          client.cut()
          const working = (async () => {
            const ids: string[] = []
            for (let i = 0; i < 6; i++) {
              ids.push(
                await api.submit(
                  subTasks(3, [{ do: 'fail', attempts: i % 3 }, { do: 'progress', value: i }, ...succeed]),
                ),
              )
              if (i % 2 === 0) await api.engine.advance('20s')
            }
            await api.post(`/v1/tasks/${ids[5]}:cancel`)
            await api.engine.advance('90s')
            const last = await api.submit(succeed)
            await api.engine.drain()
            return last
          })()
          for (const cutAfter of cuts) {
            expect(await client.connect({ cutAfter })).toBe(200)
            await Promise.race([client.until(({ isClosed }) => isClosed), working])
            client.cut()
          }
          const last = await working
          await client.connect()
          clients.push(client)
          await client.until(({ events }) =>
            events.some(({ event, data }) => event === 'task.completed' && data['taskId'] === last),
          )
          expect(client.events.map(({ event }) => event)).not.toContain('reset')
          const sequences = client.events.map(({ id }) => Number(id.split('-')[1]))
          expect(sequences).toEqual(sequences.map((_, i) => (sequences[0] ?? 0) + i))
          for (const { data } of client.events) state.set(String(data['taskId']), data['status'])
          for (const [id, status] of state)
            expect((await api.ask<TaskJson>(`/v1/tasks/${id}`)).body.status).toBe(status)
          expect(state.size).toBe(25)
          client.cut()
        },
      ),
      { numRuns: 5 },
    )
  }, 90_000)

  test.each(['nonsense', 'ffffffffffff-1', '-', '1'])(
    'an id that is not known (%s) is told by a reset, and the stream goes on',
    async unknown => {
      api = await serve()
      await api.submit(succeed)
      await api.engine.drain()
      const client = await listen(`/v1/events?lastEventId=${unknown}`)
      expect((await client.first('reset')).data).toEqual({ reason: 'unknown-or-too-old' })
      const id = await api.submit(succeed)
      await client.until(({ events }) =>
        events.some(({ event, data }) => event === 'task.completed' && data['taskId'] === id),
      )
      expect(client.events.every(({ event, data }) => event === 'reset' || data['taskId'] === id)).toBe(true)
    },
  )

  test('an id that is too old is told by a reset, the oldest kept one is not', async () => {
    api = await serve({ keptEvents: 10 })
    const first = await listen()
    for (let i = 0; i < 10; i++) await api.submit(succeed)
    await first.until(({ events }) => events.length === 30)
    const idOf = (sequence: number) => `${first.lastEventId.split('-')[0]}-${sequence}`
    const tooOld = await listen('/v1/events', { 'last-event-id': idOf(19) })
    expect((await tooOld.first('reset')).id).toBe(idOf(30))
    const oldest = await listen('/v1/events', { 'last-event-id': idOf(20) })
    await oldest.until(({ events }) => events.length === 10)
    expect(oldest.events.map(({ id }) => id)).toEqual(first.events.slice(20).map(({ id }) => id))
    const future = await listen('/v1/events', { 'last-event-id': idOf(31) })
    await future.first('reset')
  })

  test('a heartbeat moves the place of a client whose filter leaves everything out', async () => {
    api = await serve({ keptEvents: 10, heartbeatMs: 20 })
    const client = await listen('/v1/events?userId=nobody')
    for (let i = 0; i < 10; i++) await api.submit(succeed)
    await api.engine.drain()
    await client.until(({ lastEventId }) => lastEventId.endsWith('-30'))
    expect(client.comments).toContain('hb')
    expect(client.events).toEqual([])
  })

  test('of a tree that has ended and was told: 204, do not come back', async () => {
    api = await serve()
    const client = new EventClient('')
    const id = await api.submit(subTasks(2, succeed), { delay: '1s' })
    const tree = await listen(`/v1/tasks/${id}/events`)
    await api.engine.advance('1s')
    await tree.until(({ events }) =>
      events.some(({ event, data }) => event === 'task.completed' && data['taskId'] === id),
    )
    tree.cut()
    const again = await api.ask(`/v1/tasks/${id}/events`, { headers: { 'last-event-id': tree.lastEventId } })
    expect(again.status).toBe(204)
    const early = await listen(`/v1/tasks/${id}/events?lastEventId=${tree.events[0]?.id}`)
    expect(early.status).toBe(200)
    await early.until(({ events }) => events.length === tree.events.length - 1)
    expect(client.isClosed).toBe(true)
  })
})

describe('a page with a token', () => {
  const token = 'a-long-and-random-token-0123456789'
  const page = { accept: 'text/event-stream', 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }
  const bearer = { ...page, authorization: `Bearer ${token}` }

  test('listens by fetch, to events and to the output of a task, and goes on where it was', async () => {
    api = await serve({ token })
    const body = { taskType: 'Scripted', parameters: { orders: succeed }, delay: '1s' }
    const made = await api.post<TaskJson>('/v1/tasks', body, { authorization: bearer.authorization })
    const paths = ['/v1/events', `/v1/tasks/${made.body.id}/events`, `/v1/tasks/${made.body.id}/output`]
    const streams = []
    for (const path of paths) {
      const stop = new AbortController()
      const answer = await fetch(api.url + path, { headers: bearer, signal: stop.signal })
      expect([answer.status, answer.headers.get('content-type')], path).toEqual([
        200,
        'text/event-stream; charset=utf-8',
      ])
      streams.push({ reader: answer.body?.pipeThrough(new TextDecoderStream()).getReader(), stop })
    }
    await api.engine.advance('5s')
    for (const [at, end] of ['event: task.completed', 'event: task.completed', 'event: end'].entries()) {
      let seen = ''
      while (!seen.includes(end)) {
        const piece = await streams[at]?.reader?.read()
        expect(piece?.done, `${paths[at]}: ${seen}`).toBe(false)
        seen += piece?.value ?? ''
      }
      streams[at]?.stop.abort()
      const id = /id: (\S+)\nevent: (task\.completed|end)/.exec(seen)?.[1] ?? ''
      const again = await fetch(api.url + paths[at], { headers: { ...bearer, 'last-event-id': id } })
      expect(again.status, paths[at]).toBe(at === 0 ? 200 : 204)
      await again.body?.cancel()
    }
    // What fetch opens ahead of a next request, and never uses, is waited for by whoever closes.
    api.app.server.closeAllConnections()
  })

  test('is told in JSON, not by a stream, that its token is missing or wrong', async () => {
    api = await serve({ token })
    const made = { authorization: `Bearer ${token}x` }
    for (const path of ['/v1/events', '/v1/tasks/x/events', '/v1/tasks/x/output'])
      for (const headers of [page, { ...page, ...made }]) {
        const answer = await api.ask(path, { headers })
        expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED', retryable: false } })
      }
  })
})

describe('limits', () => {
  test('so many per client, and a place is free again when one ends', async () => {
    api = await serve({ streamsPerClient: 2 })
    const one = await listen()
    await listen()
    const refused = await api.ask('/v1/events')
    expect(refused).toMatchObject({ status: 429, body: { code: 'TOO_MANY_STREAMS', retryable: true } })
    expect(refused.headers.get('retry-after')).not.toBeNull()
    one.cut()
    await one.until(({ isClosed }) => isClosed)
    let status = 429
    while (status === 429) status = (await listen()).status ?? 0
    expect(status).toBe(200)
  })

  test('behind a trusted proxy so many per address that asks it, whatever that claims to be', async () => {
    api = await serve({ streamsPerClient: 1, trustedProxies: ['127.0.0.0/8'] })
    const from = (addresses: string) => listen('/v1/events', { 'x-forwarded-for': addresses })
    expect((await from('192.0.2.1')).status).toBe(200)
    expect((await from('192.0.2.2')).status).toBe(200)
    expect((await from('192.0.2.1')).status).toBe(429)
    expect((await from('192.0.2.3, 192.0.2.1')).status).toBe(429)
    const id = await api.submit(succeed, { delay: '1h' })
    const output = { accept: 'text/event-stream', 'x-forwarded-for': '192.0.2.2' }
    expect((await listen(`/v1/tasks/${id}/output`, output)).status).toBe(429)
  })

  test('a proxy that is not trusted says nothing of who asks', async () => {
    api = await serve({ streamsPerClient: 1, trustedProxies: ['192.0.2.0/24'] })
    expect((await listen('/v1/events', { 'x-forwarded-for': '192.0.2.1' })).status).toBe(200)
    expect((await listen('/v1/events', { 'x-forwarded-for': '192.0.2.2' })).status).toBe(429)
  })

  test('unless told otherwise, some browsers with many tabs are one address', async () => {
    api = await serve()
    const { body } = await api.ask<{ limits: { streamsPerClient: number } }>('/v1/capabilities')
    expect(body.limits.streamsPerClient).toBe(24)
    for (let open = 0; open < 24; open++) expect((await listen()).status).toBe(200)
    expect(await api.ask('/v1/events')).toMatchObject({ status: 429, body: { code: 'TOO_MANY_STREAMS' } })
  })

  test('so many per process', async () => {
    api = await serve({ streams: 1, streamsPerClient: 5 })
    await listen()
    expect(await api.ask('/v1/events')).toMatchObject({ status: 429, body: { code: 'TOO_MANY_STREAMS' } })
  })

  test('a client that does not read is dropped, the others are not', async () => {
    api = await serve({ streamBacklog: 20_000, keptEvents: 5_000 })
    const lazy = await listen()
    lazy.pause()
    const eager = await listen()
    let told = 0
    while (!(await api.ask('/metrics')).text.includes('quillwork_sse_dropped_total 1')) {
      const items = Array.from({ length: 100 }, () => ({
        parameters: { orders: [] },
        userId: 'u'.repeat(200),
      }))
      await api.engine.submitMany(api.tasks.scripted, items)
      await api.engine.drain()
      told += 300
      expect(told).toBeLessThan(100_000)
    }
    lazy.resume()
    await lazy.until(({ isClosed }) => isClosed)
    await eager.until(({ events }) => events.length >= told)
    expect(eager.isClosed).toBe(false)
    expect(eager.events).toHaveLength(told)
  }, 90_000)

  test('a stream does not last for ever', async () => {
    api = await serve({ streamLifeMs: 500, heartbeatMs: 10 })
    const client = await listen()
    await client.until(({ isClosed }) => isClosed)
    expect(client.comments.length).toBeGreaterThan(0)
  })

  test('all end when the server stops, and it does not wait for them', async () => {
    api = await serve()
    const all = [await listen(), await listen('/v1/events?userId=ada')]
    const stopped = api.app.close()
    for (const client of all) await client.until(({ isClosed }) => isClosed)
    await stopped
  })
})
