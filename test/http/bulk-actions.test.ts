import type { TaskJson } from 'quillwork/http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, serve } from './api.ts'

let api: Api
const failed: string[] = []

beforeAll(async () => {
  api = await serve()
  for (let index = 0; index < 12; index++)
    failed.push(
      await api.submit([{ do: 'failForGood', attempts: 1, message: 'no scene' }], {
        tags: [index < 3 ? 'a' : 'b'],
      }),
    )
  await api.engine.drain()
  await api.engine.advance('1s')
})
afterAll(() => api[Symbol.asyncDispose]())

const dead = { action: 'retry', among: 'deadLetters', filter: { taskType: ['Scripted'] } }
const post = <T = TaskJson>(body: unknown, headers?: Record<string, string>) =>
  api.post<T>('/v1/bulk-actions', body, headers)
const read = async (id: string) => (await api.ask<TaskJson>(`/v1/tasks/${id}`)).body

describe('bulk actions', () => {
  test('a preview counts what matches and shows ten, and changes nothing', async () => {
    const preview = await api.post<{ count: number; sample: TaskJson[] }>('/v1/bulk-actions:preview', dead)
    expect(preview).toMatchObject({ status: 200, body: { count: 12 } })
    expect(preview.body).not.toHaveProperty('atLeast')
    expect(preview.body.sample.map(({ id }) => id)).toEqual([...failed].reverse().slice(0, 10))
    const tagged = { action: 'retry', filter: { tag: 'a' } }
    expect((await api.post('/v1/bulk-actions:preview', tagged)).body).toMatchObject({ count: 3 })
  })

  test('a dry run is a task that counts; times are RFC 3339', async () => {
    const filter = { openedBefore: '2030-01-01T00:00:00Z' }
    const { status, headers, body } = await post({ ...dead, filter, dryRun: true })
    expect(status).toBe(202)
    expect(headers.get('location')).toBe(`/v1/tasks/${body.id}`)
    await api.engine.drain()
    expect(await read(body.id)).toMatchObject({
      ...{ taskType: 'BulkAction', lane: 'bulk', status: 'COMPLETED' },
      parameters: { filter: { openedBefore: Date.parse('2030-01-01') } },
      result: { dryRun: true, done: 12, failed: 0, failures: [] },
    })
  })

  test('it retries all that match, once for an Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'again' }
    const first = await post(dead, headers)
    const second = await post(dead, headers)
    expect(second.body.id).toBe(first.body.id)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    await api.engine.drain()
    expect(await read(first.body.id)).toMatchObject({ result: { done: 12, total: 12 } })
    expect((await read(failed[0] ?? '')).attempt).toBe(2)
  })

  test('the ids of tasks say why it cannot be done to one of them', async () => {
    const [one = ''] = failed
    const { body } = await post({ action: 'cancel', filter: { taskIds: [one] } })
    await api.engine.drain()
    expect(await read(body.id)).toMatchObject({
      progress: { failed: 1 },
      result: { done: 0, failed: 1, failures: [{ taskId: one, code: 'TASK_ALREADY_ENDED' }] },
    })
  })

  test('tags and lanes change by one and by many; the tags of a subject stay, and a lane must be there', async () => {
    const [one = ''] = failed
    const tagged = await api.post<TaskJson>(`/v1/tasks/${one}:tag`, { add: ['x', 'novel:1'], remove: ['a'] })
    expect(tagged).toMatchObject({ status: 200, body: { tags: ['x', 'novel:1'] } })
    expect(await api.post(`/v1/tasks/${one}:tag`, {})).toMatchObject({ status: 400 })
    const stays = { status: 400, body: { code: 'OPTION_INVALID' } }
    expect(await api.post(`/v1/tasks/${one}:tag`, { remove: ['novel:1'] })).toMatchObject(stays)
    const remove = { action: 'removeTags', filter: { tag: 'x' }, tags: ['novel:1'] }
    expect(await post(remove)).toMatchObject(stays)
    expect(await api.post('/v1/bulk-actions:preview', remove)).toMatchObject(stays)
    const task = { taskType: 'BulkAction', parameters: remove }
    expect(await api.post('/v1/tasks', task)).toMatchObject(stays)
    const move = { action: 'move', filter: { tag: 'x' }, lane: 'nowhere' }
    const noLane = { status: 400, body: { code: 'LANE_UNKNOWN' } }
    for (const answer of [post(move), api.post('/v1/bulk-actions:preview', move)])
      expect(await answer).toMatchObject(noLane)
    expect(await api.post(`/v1/tasks/${one}:move`, { lane: 'nowhere' })).toMatchObject(noLane)
    expect(await api.post(`/v1/tasks/${one}:move`, { lane: 'bulk' })).toMatchObject({
      status: 409,
      body: { code: 'TASK_NOT_WAITING' },
    })
    const waiting = await api.submit([{ do: 'succeed' }], { delay: '1h' })
    expect(await api.post(`/v1/tasks/${waiting}:move`, { lane: 'bulk' })).toMatchObject({
      status: 202,
      body: { lane: 'bulk', status: 'QUEUED' },
    })
    const { body } = await post({ action: 'addTags', filter: { tag: 'x' }, tags: ['y'] })
    await api.engine.drain()
    expect(await read(body.id)).toMatchObject({ result: { done: 1 } })
    expect((await read(one)).tags).toEqual(['x', 'novel:1', 'y'])
  })

  test('what makes no sense is refused, with its place', async () => {
    const refused: [object, string][] = [
      [{ action: 'cancel' }, '/filter'],
      [{ action: 'cancel', filter: { code: 'X' } }, '/filter/code'],
      [{ action: 'purge', among: 'tasks', filter: {} }, '/among'],
      [{ action: 'retry', filter: { status: [] } }, '/filter/status'],
      [{ action: 'cancel', filter: {}, wave: { size: 5 } }, '/wave'],
      [{ action: 'retry', filter: {}, rate: 0 }, '/rate'],
      [{ action: 'move', filter: {} }, '/lane'],
      [{ action: 'addTags', filter: {}, tags: ['line\nend'] }, '/tags'],
    ]
    for (const [body, pointer] of refused)
      expect(await post(body)).toMatchObject({
        status: 400,
        body: { code: 'REQUEST_INVALID', errors: [expect.objectContaining({ pointer })] },
      })
  })
})
