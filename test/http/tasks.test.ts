import type { TaskJson } from 'quillwork/http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, serve } from './api.ts'

let api: Api
beforeAll(async () => {
  api = await serve()
})
afterAll(() => api[Symbol.asyncDispose]())

const succeed = [{ do: 'succeed', value: { words: 2 } }]
const failForGood = [{ do: 'failForGood', message: 'no such scene' }]

async function read(id: string): Promise<TaskJson> {
  return (await api.ask<TaskJson>(`/v1/tasks/${id}`)).body
}

async function ended(id: string): Promise<TaskJson> {
  await api.engine.drain()
  return read(id)
}

describe('submitting', () => {
  test('answers 202, the task, and where it is', async () => {
    const answer = await api.post<TaskJson>('/v1/tasks', {
      taskType: 'Scripted',
      parameters: { orders: succeed, note: '第一章' },
      userId: 'ada',
      priority: 'high',
      tags: ['a', 'b'],
    })
    expect(answer.status).toBe(202)
    expect(answer.headers.get('location')).toBe(`/v1/tasks/${answer.body.id}`)
    expect(answer.headers.get('retry-after')).toBe('2')
    expect(answer.body).toMatchObject({
      taskType: 'Scripted',
      userId: 'ada',
      status: expect.stringMatching(/^(QUEUED|RUNNING)$/),
      done: false,
      priority: 'high',
      tags: ['a', 'b'],
      parameters: { orders: succeed, note: '第一章' },
      retryCount: 0,
    })
    const task = await ended(answer.body.id)
    expect(task).toMatchObject({ status: 'COMPLETED', done: true, attempt: 1, result: { words: 2 } })
    expect(task.timestamps).toEqual({
      createdAt: expect.stringMatching(/Z$/),
      startedAt: expect.stringMatching(/Z$/),
      completedAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    })
    expect(JSON.stringify(task)).not.toContain('null')
  })

  test('parameters that the type refuses are told with their place in the body', async () => {
    const answer = await api.post('/v1/tasks', { taskType: 'Scripted', parameters: { orders: 3 } })
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({
      code: 'PARAMETERS_INVALID',
      errors: [{ in: 'body', pointer: '/parameters/orders' }],
    })
  })

  test.each([
    [{ parameters: {} }, 'REQUEST_INVALID', '/taskType'],
    [{ taskType: 'Scripted', surprise: 1 }, 'REQUEST_INVALID', ''],
    [{ taskType: 'Scripted', tags: [1] }, 'REQUEST_INVALID', '/tags/0'],
    [{ taskType: 'Scripted', priority: 'urgent' }, 'REQUEST_INVALID', '/priority'],
    [{ taskType: 'Scripted', delay: '3 weeks' }, 'REQUEST_INVALID', '/delay'],
    [{ taskType: 'Scripted', delay: -1 }, 'REQUEST_INVALID', '/delay'],
    [{ taskType: 'Scripted', delay: Number.MAX_SAFE_INTEGER }, 'REQUEST_INVALID', '/delay'],
    [{ taskType: 'Scripted', delay: '999999999999999999999999d' }, 'REQUEST_INVALID', '/delay'],
    [{ taskType: 'Scripted', startAt: 'tomorrow' }, 'REQUEST_INVALID', '/startAt'],
    [{ taskType: 'Scripted', delay: 1, startAt: '2026-01-01T00:00:00Z' }, 'REQUEST_INVALID', '/delay'],
    [[], 'REQUEST_INVALID', ''],
  ])('%j is refused with a pointer', async (body, code, pointer) => {
    const answer = await api.post('/v1/tasks', body)
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ code, errors: [{ in: 'body', pointer }] })
  })

  test.each([
    [{ taskType: 'Unheard' }, 400, 'TASK_TYPE_UNKNOWN'],
    [{ taskType: 'Scripted', parameters: { orders: [] }, lane: 'nowhere' }, 400, 'LANE_UNKNOWN'],
    [
      { taskType: 'Scripted', parameters: { orders: [] }, startAt: '9999-12-31T00:00:00Z' },
      400,
      'OPTION_INVALID',
    ],
  ])('%j is refused as %i %s', async (body, status, code) => {
    const answer = await api.post('/v1/tasks', body)
    expect(answer).toMatchObject({ status, body: { code } })
  })

  test('without parameters, the task type says what is missing', async () => {
    const answer = await api.post('/v1/tasks', { taskType: 'Scripted' })
    expect(answer.body).toMatchObject({
      code: 'PARAMETERS_INVALID',
      errors: [{ pointer: '/parameters/orders' }],
    })
  })

  test('a delay and a start time hold the task back', async () => {
    const byDelay = await api.submit(succeed, { delay: '10m' })
    const at = api.engine.fromNow('10m').toISOString()
    const byTime = await api.submit(succeed, { startAt: at })
    await api.engine.drain()
    expect(await read(byTime)).toMatchObject({ status: 'QUEUED', nextAttemptTimestamp: at })
    await api.engine.advance('10m')
    expect(await ended(byDelay)).toMatchObject({ status: 'COMPLETED' })
    expect(await ended(byTime)).toMatchObject({ status: 'COMPLETED' })
  })

  test('the trace of the request goes on in the task, and broken ones are dropped', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
    const body = {
      taskType: 'Scripted',
      parameters: { orders: [{ do: 'submit', subTasks: [{ key: 'a', orders: [] }] }] },
    }
    const traced = await api.post<TaskJson>('/v1/tasks', body, {
      traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    })
    expect(traced.body.traceId).toBe(traceId)
    await api.engine.drain()
    const children = await api.ask<{ items: TaskJson[] }>(`/v1/tasks/${traced.body.id}/children`)
    expect(children.body.items.map(child => child.traceId)).toEqual([traceId])
    for (const traceparent of [
      'nonsense',
      `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
      `ff-${traceId}-00f067aa0ba902b7-01`,
    ]) {
      const answer = await api.post<TaskJson>('/v1/tasks', body, { traceparent })
      expect(answer.body.traceId).toMatch(/^[\da-f]{32}$/)
      expect(answer.body.traceId).not.toBe(traceId)
    }
  })
})

describe('Idempotency-Key', () => {
  const body = { taskType: 'Scripted', parameters: { orders: succeed } }

  test.each(['"order-1"', 'order-2', '"quoted \\" and \\\\"'])('%s finds the first task', async key => {
    const first = await api.post<TaskJson>('/v1/tasks', body, { 'idempotency-key': key })
    const second = await api.post<TaskJson>('/v1/tasks', body, { 'idempotency-key': key })
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect([first.status, second.status]).toEqual([202, 202])
    expect(second.body.id).toBe(first.body.id)
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
  })

  test('a bare key and the same in quotes are one', async () => {
    const first = await api.post<TaskJson>('/v1/tasks', body, { 'idempotency-key': 'same' })
    const second = await api.post<TaskJson>('/v1/tasks', body, { 'idempotency-key': '"same"' })
    expect(second.body.id).toBe(first.body.id)
  })

  test('twenty at once make one task, and one answer is the first', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => api.post<TaskJson>('/v1/tasks', body, { 'idempotency-key': 'crowd' })),
    )
    expect(new Set(answers.map(answer => answer.body.id)).size).toBe(1)
    expect(answers.filter(answer => answer.headers.get('idempotency-replayed') === null)).toHaveLength(1)
  })

  test.each([
    { ...body, parameters: { orders: [] } },
    { ...body, priority: 'high' },
    { ...body, tags: ['x'] },
  ])('with another body it is refused: %j', async other => {
    const key = { 'idempotency-key': `other-${JSON.stringify(other)}` }
    await api.post('/v1/tasks', body, key)
    const answer = await api.post('/v1/tasks', other, key)
    expect(answer).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED', retryable: false } })
  })

  test('a key that a library submitted under finds that task, for nobody named a user', async () => {
    const { record } = await api.engine.tasks.submit(body.taskType, body.parameters, {
      idempotencyKey: 'library',
    })
    const answer = await api.post<TaskJson>('/v1/tasks', body, { 'idempotency-key': 'library' })
    expect([answer.status, answer.body.id, answer.body.userId]).toEqual([202, record.id, 'local'])
  })

  test('one key serves each user', async () => {
    const key = { 'idempotency-key': 'shared' }
    const ada = await api.post<TaskJson>('/v1/tasks', { ...body, userId: 'ada' }, key)
    const bob = await api.post<TaskJson>('/v1/tasks', { ...body, userId: 'bob' }, key)
    expect(ada.body.id).not.toBe(bob.body.id)
  })

  test.each(['', ' ', 'x'.repeat(256), 'tab\there'])('%j is no key', async key => {
    const answer = await api.post('/v1/tasks', body, { 'idempotency-key': key })
    expect(answer).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } })
  })
})

describe('reading', () => {
  test('the entity tag is the version, and 304 says that nothing changed', async () => {
    const id = await api.submit(succeed, { delay: '1h' })
    const first = await api.ask<TaskJson>(`/v1/tasks/${id}`)
    const etag = first.headers.get('etag') ?? ''
    expect(etag).toBe(`"${first.body.version}"`)
    expect(first.headers.get('link')).toContain(`/v1/tasks/${id}/events`)
    for (const tags of [etag, `W/${etag}`, `"0", ${etag}`, '*']) {
      const again = await api.ask(`/v1/tasks/${id}`, { headers: { 'if-none-match': tags } })
      expect(again).toMatchObject({ status: 304, text: '' })
      expect(again.headers.get('etag')).toBe(etag)
    }
    await api.post(`/v1/tasks/${id}:cancel`)
    const changed = await api.ask<TaskJson>(`/v1/tasks/${id}`, { headers: { 'if-none-match': etag } })
    expect(changed).toMatchObject({ status: 200, body: { status: 'CANCELLED' } })
    expect(changed.headers.get('retry-after')).toBeNull()
  })

  test('an unknown task is not found, by every route', async () => {
    const id = '01980000-0000-7000-8000-000000000000'
    for (const path of ['', '/children', '/attempts', '/logs', '/usage', '/events'])
      expect(await api.ask(`/v1/tasks/${id}${path}`)).toMatchObject({
        status: 404,
        body: { code: 'TASK_NOT_FOUND' },
      })
    for (const verb of ['cancel', 'retry'])
      expect(await api.post(`/v1/tasks/${id}:${verb}`)).toMatchObject({ status: 404 })
  })

  test('a listing leaves large values out and names them; the task itself has them', async () => {
    const note = 'x'.repeat(20_000)
    const id = await api.submit([{ do: 'succeed', value: { text: note } }], { userId: 'large' })
    await ended(id)
    const { body } = await api.ask<{ items: TaskJson[] }>('/v1/tasks?userId=large')
    expect(body.items).toMatchObject([{ id, omitted: ['parameters', 'result'] }])
    expect(body.items[0]).not.toHaveProperty('parameters')
    expect(body.items[0]).not.toHaveProperty('result')
    const task = await read(id)
    expect(task).toMatchObject({ result: { text: note } })
    expect(task).not.toHaveProperty('omitted')
  })

  test('an error is told without its stack', async () => {
    const task = await ended(await api.submit(failForGood))
    expect(task.errorInfo).toMatchObject({
      message: 'no such scene',
      errorClass: 'permanent',
      retryable: false,
    })
    expect(task).toMatchObject({ status: 'FAILED', deadLetter: { reason: 'permanent', attempt: 1 } })
    expect(JSON.stringify(task)).not.toContain('at ')
  })

  test('counts, attempts, log and usage', async () => {
    const id = await api.submit([
      { do: 'log', message: 'one' },
      { do: 'log', message: 'two' },
      { do: 'use', model: 'm/1', inputTokens: 10, outputTokens: 5, cost: 0.25 },
      { do: 'fail', attempts: 1, message: 'try again' },
      { do: 'progress', value: 0.5 },
      { do: 'succeed', value: 1 },
    ])
    await api.engine.advance('1m')
    expect(await ended(id)).toMatchObject({ status: 'COMPLETED', attempt: 2, retryCount: 1, progress: 0.5 })
    const attempts = await api.ask(`/v1/tasks/${id}/attempts`)
    expect(attempts.body).toMatchObject({
      items: [{ attempt: 1, outcome: 'retrying', message: 'try again' }],
    })
    const logs = await api.ask<{ items: { message: string; sequence: number }[]; nextPageToken: string }>(
      `/v1/tasks/${id}/logs?pageSize=3`,
    )
    expect(logs.body.items.map(line => line.message)).toEqual(['one', 'two', 'one'])
    const rest = await api.ask<{ items: object[] }>(
      `/v1/tasks/${id}/logs?pageToken=${logs.body.nextPageToken}`,
    )
    expect(rest.body.items).toHaveLength(1)
    expect(await api.ask(`/v1/tasks/${id}/logs?pageToken=nonsense`)).toMatchObject({ status: 400 })
    const usage = await api.ask(`/v1/tasks/${id}/usage?tree=true`)
    expect(usage.body).toEqual({
      items: [{ model: 'm/1', calls: 2, inputTokens: 20, cachedInputTokens: 0, outputTokens: 10, cost: 0.5 }],
    })
    const counts = await api.ask<{ counts: Record<string, number>; total: number }>('/v1/tasks/counts')
    expect(counts.body.total).toBe(Object.values(counts.body.counts).reduce((sum, count) => sum + count, 0))
    expect(counts.body).not.toHaveProperty('atLeast')
  })

  test('counts of a store that counts no further than a number say which they are', async () => {
    await api.engine.tasks.get(await api.submit(succeed, { delay: '1h' }))
    const { capabilities } = api.engine.store
    Object.assign(capabilities, { countsUpTo: 1 })
    try {
      const { body } = await api.ask<{ atLeast: string[] }>('/v1/tasks/counts')
      expect(body.atLeast).toContain('QUEUED')
      expect(body.atLeast).not.toContain('DEAD_LETTER')
    } finally {
      Object.assign(capabilities, { countsUpTo: undefined })
    }
  })
})

describe('cancel', () => {
  test('a waiting task ends at once: 200, and again 200', async () => {
    const id = await api.submit(succeed, { delay: '1h' })
    expect(await api.post(`/v1/tasks/${id}:cancel`)).toMatchObject({
      status: 200,
      body: { status: 'CANCELLED' },
    })
    expect(await api.post(`/v1/tasks/${id}:cancel`)).toMatchObject({
      status: 200,
      body: { status: 'CANCELLED' },
    })
  })

  test('a running one is asked: 202', async () => {
    const id = await api.submit([{ do: 'hang' }])
    await api.engine.recorder.waitFor('started', { taskId: id })
    const answer = await api.post<TaskJson>(`/v1/tasks/${id}:cancel`)
    expect([200, 202]).toContain(answer.status)
    await api.engine.recorder.waitFor('cancelled', { taskId: id })
    expect(await read(id)).toMatchObject({ status: 'CANCELLED', errorInfo: { code: 'TASK_CANCELLED' } })
  })

  test('a handler that does not obey is told 202 until it ends', async () => {
    const id = await api.submit([{ do: 'ignoreSignal' }])
    await api.engine.recorder.waitFor('started', { taskId: id })
    const answer = await api.post<TaskJson>(`/v1/tasks/${id}:cancel`)
    expect(answer).toMatchObject({
      status: 202,
      body: { status: 'RUNNING', cancelRequestedAt: expect.any(String) },
    })
    await api.engine.advance('15s')
    expect(await ended(id)).toMatchObject({ status: 'CANCELLED' })
  })

  test('a finished one is refused: 409', async () => {
    const id = await api.submit(succeed)
    await ended(id)
    const answer = await api.post(`/v1/tasks/${id}:cancel`)
    expect(answer).toMatchObject({ status: 409, body: { code: 'TASK_ALREADY_ENDED', retryable: false } })
  })

  test('goes down the tree', async () => {
    const subTasks = ['a', 'b'].map(key => ({ key, orders: [{ do: 'hang' }] }))
    const id = await api.submit([{ do: 'submit', subTasks }])
    await api.engine.drain()
    await api.post(`/v1/tasks/${id}:cancel`)
    await api.engine.drain()
    const children = await api.ask<{ items: TaskJson[] }>(`/v1/tasks/${id}/children`)
    expect(children.body.items.map(child => child.status)).toEqual(['CANCELLED', 'CANCELLED'])
    expect(await read(id)).toMatchObject({ subTaskStatusSummary: { CANCELLED: 2 } })
  })
})

describe('If-Match', () => {
  test('the right version goes through, another one is refused with the version that is there', async () => {
    const id = await api.submit(succeed, { delay: '1h' })
    const { version } = await read(id)
    const stale = await api.post(`/v1/tasks/${id}:cancel`, undefined, { 'if-match': `"${version + 1}"` })
    expect(stale).toMatchObject({ status: 412, body: { code: 'TASK_CHANGED', version } })
    const fresh = await api.post(`/v1/tasks/${id}:cancel`, undefined, { 'if-match': `"${version}"` })
    expect(fresh.status).toBe(200)
    const late = await api.post(`/v1/tasks/${id}:retry`, {}, { 'if-match': `"${version}"` })
    expect(late).toMatchObject({ status: 412, body: { version: version + 1 } })
    expect(await api.post(`/v1/tasks/${id}:retry`, {}, { 'if-match': '*' })).toMatchObject({ status: 202 })
  })

  test.each(['7', 'W/"7"', '"7", "8"', '"x"', '""', '"99999999999999999999"'])(
    '%s is no version',
    async tag => {
      const id = await api.submit(succeed, { delay: '1h' })
      const answer = await api.post(`/v1/tasks/${id}:cancel`, undefined, { 'if-match': tag })
      expect(answer).toMatchObject({ status: 400, body: { code: 'IF_MATCH_INVALID' } })
    },
  )
})

describe('a signal', () => {
  const waits = [{ do: 'waitFor', name: 'approval' }, { do: 'succeed' }]

  test('is told to a task that says which it waits for; the same key changes nothing', async () => {
    const id = await api.submit(waits)
    await api.engine.drain()
    const waiting = await read(id)
    expect(waiting).toMatchObject({
      status: 'RETRYING',
      waitingFor: { kind: 'signal', signals: ['approval'] },
    })
    expect(waiting).not.toHaveProperty('nextAttemptTimestamp')
    expect(waiting).not.toHaveProperty('errorInfo')
    const body = { name: 'approval', payload: { approved: true } }
    const key = { 'idempotency-key': 'once' }
    for (const _ of [1, 2])
      expect(await api.post<TaskJson>(`/v1/tasks/${id}:signal`, body, key)).toMatchObject({
        status: 202,
        body: { id },
      })
    const task = await ended(id)
    expect(task).toMatchObject({ status: 'COMPLETED', attempt: 2, retryCount: 0 })
    expect(JSON.stringify(task)).not.toContain('signalCount')
    expect(await api.post(`/v1/tasks/${id}:signal`, body)).toMatchObject({
      status: 409,
      body: { code: 'TASK_ALREADY_ENDED' },
    })
  })

  test.each([
    [{ name: '' }, 400, 'OPTION_INVALID'],
    [{ payload: 1 }, 400, 'REQUEST_INVALID'],
    [{ name: 'approval', payload: 'x'.repeat(65_536) }, 413, 'SIGNAL_TOO_LARGE'],
  ])('is refused where it makes no sense: %j', async (body, status, code) => {
    const id = await api.submit(waits)
    expect(await api.post(`/v1/tasks/${id}:signal`, body)).toMatchObject({ status, body: { code } })
  })
})

describe('run now and rerun', () => {
  const body = { taskType: 'Scripted', parameters: { orders: succeed } }

  test('a task that waits for its start runs now', async () => {
    const { id } = (await api.post<TaskJson>('/v1/tasks', { ...body, delay: '3h' })).body
    const answer = await api.post<TaskJson>(`/v1/tasks/${id}:runNow`)
    expect([answer.status, answer.body.id]).toEqual([202, id])
    await api.engine.jump('10ms')
    expect((await read(id)).status).toBe('COMPLETED')
    expect(await api.post(`/v1/tasks/${id}:runNow`)).toMatchObject({
      status: 409,
      body: { code: 'TASK_NOT_WAITING' },
    })
  })

  test('an ended task runs anew once for its key, and the new one names it', async () => {
    const waiting = (await api.post<TaskJson>('/v1/tasks', { ...body, delay: '3h' })).body
    expect(await api.post(`/v1/tasks/${waiting.id}:rerun`, {})).toMatchObject({
      status: 409,
      body: { code: 'TASK_NOT_ENDED' },
    })
    await api.post(`/v1/tasks/${waiting.id}:cancel`)
    const key = { 'idempotency-key': 'anew' }
    const first = await api.post<TaskJson>(`/v1/tasks/${waiting.id}:rerun`, {}, key)
    const second = await api.post<TaskJson>(`/v1/tasks/${waiting.id}:rerun`, {}, key)
    expect(first).toMatchObject({ status: 202, body: { rerunOf: waiting.id, parameters: body.parameters } })
    expect(first.headers.get('location')).toBe(`/v1/tasks/${first.body.id}`)
    expect([second.body.id, second.headers.get('idempotency-replayed')]).toEqual([first.body.id, 'true'])
    const parameters = { orders: [{ do: 'succeed', value: 'other' }] }
    const other = await api.post<TaskJson>(`/v1/tasks/${waiting.id}:rerun`, { parameters })
    expect(other.body).toMatchObject({ rerunOf: waiting.id, parameters })
  })
})

describe('retry', () => {
  test('runs an ended task again, with other parameters if they fit', async () => {
    const id = await api.submit(failForGood)
    await ended(id)
    const wrong = await api.post(`/v1/tasks/${id}:retry`, { parameters: { orders: 'none' } })
    expect(wrong).toMatchObject({ status: 400, body: { code: 'PARAMETERS_INVALID' } })
    const answer = await api.post<{ retried: number; task: TaskJson }>(`/v1/tasks/${id}:retry`, {
      parameters: { orders: succeed },
    })
    expect(answer).toMatchObject({ status: 202, body: { retried: 1, task: { id, retryCount: 0 } } })
    expect(answer.headers.get('location')).toBe(`/v1/tasks/${id}`)
    const task = await ended(id)
    expect(task).toMatchObject({ status: 'COMPLETED', attempt: 2, deadLetterHistory: [{ attempt: 1 }] })
    expect(task.deadLetter).toBeUndefined()
  })

  test('a task that runs or completed is refused: 409', async () => {
    const waiting = await api.submit(succeed, { delay: '1h' })
    const completed = await api.submit(succeed)
    await ended(completed)
    for (const id of [waiting, completed])
      expect(await api.post(`/v1/tasks/${id}:retry`)).toMatchObject({
        status: 409,
        body: { code: 'TASK_NOT_RETRYABLE' },
      })
  })

  test('of a tree, what failed runs again and the parent waits for it', async () => {
    const subTasks = [
      { key: 'good', orders: succeed },
      { key: 'bad', orders: [{ do: 'failForGood', attempts: 1 }] },
    ]
    const id = await api.submit([{ do: 'submit', subTasks }])
    expect(await ended(id)).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      failedSubTasks: [{ key: 'bad', status: 'FAILED' }],
      subTaskStatusSummary: { COMPLETED: 1, FAILED: 1 },
    })
    const first = await api.ask<{ items: TaskJson[] }>(`/v1/tasks/${id}/children?failedFirst=true&pageSize=1`)
    expect(first.body.items).toMatchObject([{ subTaskKey: 'bad' }])
    expect(await api.post(`/v1/tasks/${id}:retry`)).toMatchObject({ status: 202, body: { retried: 2 } })
    expect(await ended(id)).toMatchObject({
      status: 'COMPLETED',
      subTaskStatusSummary: { COMPLETED: 2 },
      round: 1,
    })
  })
})

describe('admission', () => {
  test('a full queue answers 429 with Retry-After', async () => {
    await using full = await serve({}, { admission: { waitingPerUser: 1 }, start: false })
    await full.submit([])
    const body = { taskType: 'Scripted', parameters: { orders: [] } }
    const answer = await full.post('/v1/tasks', body)
    expect(answer).toMatchObject({ status: 429, body: { code: 'USER_QUEUE_FULL', retryable: true } })
    expect(answer.headers.get('retry-after')).not.toBeNull()
    expect(await full.post('/v1/tasks', { ...body, userId: 'another' })).toMatchObject({ status: 202 })
  })
})

test('a sub-task that starts after another one says what it waits for, and is not run now', async () => {
  const subTasks = [
    { key: 'outline', orders: [{ do: 'hang', attempts: 1 }] },
    { key: 'scene', after: ['outline'], orders: succeed },
  ]
  const id = await api.submit([{ do: 'submit', subTasks }])
  await api.engine.drain()
  const listed = await api.ask<{ items: TaskJson[] }>(`/v1/tasks/${id}/children`)
  const [outline, scene] = listed.body.items
  expect(scene).toMatchObject({
    status: 'QUEUED',
    after: { keys: ['outline'], startWhen: 'completed' },
    waitingFor: { kind: 'sub-task', key: 'outline', taskId: outline?.id },
  })
  expect((await api.post(`/v1/tasks/${scene?.id}:runNow`)).body).toMatchObject({ code: 'TASK_NOT_WAITING' })
  await api.post(`/v1/tasks/${outline?.id}:cancel`)
  const stopped = await ended(scene?.id ?? '')
  expect(stopped).toMatchObject({ status: 'CANCELLED', errorInfo: { code: 'PREDECESSOR_NOT_COMPLETED' } })
  expect(stopped).not.toHaveProperty('waitingFor')
})
