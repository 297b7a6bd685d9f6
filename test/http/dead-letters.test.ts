import type { TaskJson } from 'quillwork/http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, serve } from './api.ts'

interface Page {
  items: TaskJson[]
  nextPageToken?: string
}

let api: Api
const ids: string[] = []

beforeAll(async () => {
  api = await serve()
  for (const message of ['no scene 1', 'no scene 2', 'the provider said no'])
    ids.push(await api.submit([{ do: 'failForGood', attempts: 1, message }], { userId: 'ada' }))
  await api.submit([{ do: 'succeed' }])
  await api.engine.drain()
})
afterAll(() => api[Symbol.asyncDispose]())

describe('dead letters', () => {
  test('the listing shows the failed tasks alone, newest first, page by page', async () => {
    const first = await api.ask<Page>('/v1/dead-letters?pageSize=2')
    const rest = await api.ask<Page>(`/v1/dead-letters?pageSize=2&pageToken=${first.body.nextPageToken}`)
    expect([...first.body.items, ...rest.body.items].map(item => item.id)).toEqual([...ids].reverse())
    expect(rest.body.nextPageToken).toBeUndefined()
    expect(first.body.items[0]).toMatchObject({
      status: 'FAILED',
      deadLetter: { reason: 'permanent', attempt: 1, error: { message: 'the provider said no' } },
    })
  })

  test('filters', async () => {
    const all = await api.ask<Page>('/v1/dead-letters')
    const fingerprint = all.body.items[0]?.deadLetter?.fingerprint ?? ''
    const opened = all.body.items[0]?.deadLetter?.openedAt ?? ''
    const count = async (query: string) =>
      (await api.ask<Page>(`/v1/dead-letters?${query}`)).body.items.length
    expect(await count(`fingerprint=${encodeURIComponent(fingerprint)}`)).toBe(1)
    expect(await count('userId=ada&taskType=Scripted')).toBe(3)
    expect(await count('userId=bob')).toBe(0)
    expect(await count('code=HANDLER_FAILED')).toBe(3)
    expect(await count(`openedBefore=${opened}`)).toBe(0)
    expect(await count('openedAfter=2020-01-01T00:00:00%2B08:00')).toBe(3)
  })

  test('groups show equal failures as one line', async () => {
    const { body } = await api.ask<{ items: { count: number; sampleTaskId: string }[] }>(
      '/v1/dead-letters/groups',
    )
    expect(body.items.map(group => group.count)).toEqual([2, 1])
    expect(ids).toContain(body.items[0]?.sampleTaskId)
  })

  test('one that is not there is not found', async () => {
    const completed = (await api.ask<Page>('/v1/tasks?status=COMPLETED')).body.items[0]?.id ?? ''
    for (const id of [completed, 'nothing']) {
      expect(await api.ask(`/v1/dead-letters/${id}`)).toMatchObject({
        status: 404,
        body: { code: 'DEAD_LETTER_NOT_FOUND' },
      })
      expect(await api.post(`/v1/dead-letters/${id}:retry`)).toMatchObject({ status: 404 })
    }
  })

  test('retry one, with If-Match and other parameters', async () => {
    const [id = ''] = ids
    const { version } = (await api.ask<TaskJson>(`/v1/dead-letters/${id}`)).body
    const stale = await api.post(`/v1/dead-letters/${id}:retry`, {}, { 'if-match': `"${version + 1}"` })
    expect(stale).toMatchObject({ status: 412, body: { code: 'TASK_CHANGED', version } })
    const parameters = { orders: [{ do: 'succeed', value: 7 }] }
    const answer = await api.post(
      `/v1/dead-letters/${id}:retry`,
      { parameters },
      { 'if-match': `"${version}"` },
    )
    expect(answer).toMatchObject({ status: 202, body: { retried: 1, task: { parameters } } })
    await api.engine.drain()
    expect((await api.ask(`/v1/tasks/${id}`)).body).toMatchObject({ status: 'COMPLETED', result: 7 })
    expect(await api.ask(`/v1/dead-letters/${id}`)).toMatchObject({ status: 404 })
  })

  test('retry one with the steps that are kept', async () => {
    const step = { do: 'checkpoint', key: 'paid' } as const
    const id = await api.submit([step, { do: 'failForGood', attempts: 1, message: 'once' }])
    await api.engine.drain()
    const retry = (body: object) => api.post(`/v1/dead-letters/${id}:retry`, body)
    const parameters = { orders: [step, { do: 'succeed', value: 7 }] }
    expect(await retry({ parameters, keepCheckpoints: 'all' })).toMatchObject({
      status: 400,
      body: { code: 'REQUEST_INVALID', detail: expect.stringContaining('Give true, or a list') },
    })
    expect(await retry({ keepCheckpoints: true })).toMatchObject({
      status: 400,
      body: { code: 'OPTION_INVALID' },
    })
    expect(await retry({ parameters, keepCheckpoints: ['paid'] })).toMatchObject({ status: 202 })
    await api.engine.drain()
    expect((await api.ask(`/v1/tasks/${id}`)).body).toMatchObject({ status: 'COMPLETED', result: 7 })
  })

  test.each(['dead-letters', 'tasks'])('retry one of /v1/%s and run finished steps again', async list => {
    const id = await api.submit([
      { do: 'checkpoint', key: 'paid' },
      { do: 'failForGood', attempts: 1, message: 'once' },
    ])
    await api.engine.drain()
    const retry = (repeatSteps: unknown) => api.post(`/v1/${list}/${id}:retry`, { repeatSteps })
    expect(await retry('all')).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } })
    expect(await retry(['unpaid'])).toMatchObject({
      status: 400,
      body: { code: 'OPTION_INVALID', detail: expect.stringContaining('no finished step "unpaid"') },
    })
    expect(await retry(['paid'])).toMatchObject({ status: 202 })
    const { checkpointScope } = await api.engine.tasks.get(id)
    expect(checkpointScope).toEqual({ repeated: [['paid', '1\u001fpaid']] })
    await api.engine.drain()
    expect((await api.ask(`/v1/tasks/${id}`)).body).toMatchObject({ status: 'COMPLETED' })
  })

  test('purge one, only as it was seen', async () => {
    const id = await api.submit([{ do: 'failForGood', attempts: 1, message: 'not to be kept' }])
    await api.engine.drain()
    const { version } = (await api.ask<TaskJson>(`/v1/dead-letters/${id}`)).body
    const purge = (expected: number) =>
      api.post(`/v1/dead-letters/${id}:purge`, undefined, { 'if-match': `"${expected}"` })
    expect(await purge(version + 1)).toMatchObject({ status: 412, body: { code: 'TASK_CHANGED', version } })
    expect(await purge(version)).toMatchObject({ status: 200, body: { id, status: 'FAILED' } })
    expect(await purge(version)).toMatchObject({ status: 404, body: { code: 'DEAD_LETTER_NOT_FOUND' } })
    expect((await api.ask<Page>('/v1/dead-letters')).body.items.map(item => item.id)).not.toContain(id)
  })

  test('a bulk action needs a filter to be named', async () => {
    for (const verb of ['retry', 'purge']) {
      for (const body of [undefined, {}, { filter: 'all' }, { filter: { status: 'FAILED' } }, []])
        expect(await api.post(`/v1/dead-letters:${verb}`, body)).toMatchObject({ status: 400 })
    }
  })

  test('a bulk action on no task type at all is refused, with what to do', async () => {
    for (const verb of ['retry', 'purge'])
      expect(await api.post(`/v1/dead-letters:${verb}`, { filter: { taskType: [] } })).toMatchObject({
        status: 400,
        body: {
          code: 'REQUEST_INVALID',
          errors: [{ pointer: '/filter/taskType', detail: expect.stringContaining('leave taskType out') }],
        },
      })
  })

  test('retry by filter, then purge what is left', async () => {
    const scene = await api.post('/v1/dead-letters:retry', { filter: { userId: 'bob' } })
    expect(scene.body).toEqual({ done: 0, failed: [] })
    expect((await api.post('/v1/dead-letters:retry', { filter: { taskType: ['Scripted'] } })).body).toEqual({
      done: 2,
      failed: [],
    })
    await api.engine.drain()
    const failed = await api.submit([{ do: 'failForGood' }])
    await api.engine.drain()
    const early = await api.post('/v1/dead-letters:purge', {
      filter: {},
      openedBefore: '2020-01-01T00:00:00Z',
    })
    expect(early.body).toEqual({ done: 0, failed: [] })
    const late = await api.post('/v1/dead-letters:purge', {
      filter: { openedBefore: api.engine.fromNow('1s').toISOString() },
    })
    expect(late.body).toEqual({ done: 1, failed: [] })
    expect((await api.ask<Page>('/v1/dead-letters')).body.items).toEqual([])
    expect((await api.ask(`/v1/tasks/${failed}`)).body).toMatchObject({ status: 'FAILED' })
  })
})

describe('lanes', () => {
  test('pause holds tasks back, resume lets them go', async () => {
    expect(await api.post('/v1/lanes/default:pause')).toMatchObject({
      status: 200,
      body: { lane: 'default', paused: true },
    })
    const id = await api.submit([{ do: 'succeed' }])
    await api.engine.drain()
    expect((await api.ask(`/v1/tasks/${id}`)).body).toMatchObject({ status: 'QUEUED' })
    expect((await api.ask('/v1/lanes')).body).toMatchObject({
      items: [
        { lane: 'default', paused: true, waiting: 1, oldestWaitingAt: expect.stringMatching(/Z$/) },
        { lane: 'bulk', paused: false, waiting: 0 },
      ],
    })
    expect(await api.post('/v1/lanes/default:resume')).toMatchObject({ status: 200, body: { paused: false } })
    await api.engine.drain()
    expect((await api.ask(`/v1/tasks/${id}`)).body).toMatchObject({ status: 'COMPLETED' })
  })
})

describe('health', () => {
  test('the process answers, and the store does', async () => {
    expect((await api.ask('/healthz')).body).toEqual({ status: 'ok' })
    expect((await api.ask('/readyz')).body).toMatchObject({
      status: 'ready',
      reasons: [],
      checks: { store: { kind: 'sqlite' }, waiting: { oldestMs: 0 } },
    })
  })

  test('the store is asked once a second for those who ask whether it is ready', async () => {
    await using asked = await serve()
    const { engine } = asked
    const list = engine.lanes.list.bind(engine.lanes)
    let count = 0
    engine.lanes.list = () => {
      count += 1
      return list()
    }
    const startedAt = performance.now()
    const statuses = await Promise.all(
      Array.from({ length: 200 }, async () => (await asked.ask('/readyz')).status),
    )
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(count).toBeLessThanOrEqual(1 + (performance.now() - startedAt) / 1_000)
  })

  test('a closed store is not ready, and every question is answered with a problem', async () => {
    await using closed = await serve()
    await closed.engine.stop({ grace: 0 })
    expect(await closed.ask('/healthz')).toMatchObject({ status: 200 })
    expect(await closed.ask('/readyz')).toMatchObject({
      status: 503,
      body: { code: 'STORE_FAILED', retryable: true },
    })
    const answer = await closed.ask('/v1/tasks')
    expect(answer).toMatchObject({ status: 503, body: { code: 'STORE_CLOSED' } })
    expect(answer.headers.get('retry-after')).toBe('1')
  })
})
