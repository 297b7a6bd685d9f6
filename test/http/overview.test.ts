import { defineTask, schedule } from 'quillwork'
import {
  createApp,
  type LaneJson,
  type OverviewJson,
  type ScheduleJson,
  type ScheduleWithParametersJson,
  type TaskJson,
} from 'quillwork/http'
import { type TestEngine, testEngine } from 'quillwork/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Api, askingOf, serve } from './api.ts'

describe('the overview over HTTP', () => {
  let api: Api
  beforeEach(async () => {
    api = await serve({}, { lanes: { default: { slots: 2 }, batch: { slots: 1 }, elsewhere: { slots: 0 } } })
  })
  afterEach(() => api[Symbol.asyncDispose]())

  /** This machine may be busy with other tests. */
  const overview = async (query = '') => {
    const { body } = await api.ask<OverviewJson>(`/v1/overview${query}`)
    return { ...body, problems: body.problems.filter(({ kind }) => kind !== 'loop-late') }
  }

  it('counts what was done by lane and type, and says what is wrong', async () => {
    await api.submit([{ do: 'succeed' }])
    await api.submit([
      { do: 'fail', attempts: 1 },
      { do: 'use', model: 'm', inputTokens: 1, outputTokens: 1, cost: 0.5 },
    ])
    await api.submit([{ do: 'failForGood' }], { lane: 'batch' })
    await api.engine.jump('10m')
    await api.engine.drain()
    const hour = await overview('?range=hour')
    expect(hour).toMatchObject({
      ...{ range: 'hour', stepMs: 60_000 },
      isComplete: true,
      total: { started: 4, completed: 2, failed: 1, retries: 1, deadLetters: 1, calls: 1, cost: 0.5 },
      lanes: [
        { lane: 'batch', failed: 1 },
        { lane: 'default', completed: 2 },
      ],
      types: [{ taskType: 'Scripted', completed: 2 }],
      problems: [{ kind: 'dead-letters', count: 1 }],
      state: { counts: { COMPLETED: 2, FAILED: 1 } },
    })
    expect(hour.points).toHaveLength(60)
    expect(hour.points.reduce((sum, { completed }) => sum + completed, 0)).toBe(2)
    const batch = await overview('?range=day&lane=batch')
    expect(batch).toMatchObject({ stepMs: 900_000, total: { completed: 0, failed: 1 } })
    expect(batch.lanes).toHaveLength(2)
    expect((await overview('?range=week&taskType=Other')).total).toMatchObject({ started: 0 })
    expect((await api.ask('/v1/overview?range=year')).status).toBe(400)
  })

  it('says of each lane why its tasks wait', async () => {
    const lanes = async () => {
      const { items } = (await api.ask<{ items: LaneJson[] }>('/v1/lanes')).body
      return Object.fromEntries(items.map(each => [each.lane, each]))
    }
    expect((await lanes())['batch']?.waitsFor).toBeUndefined()
    const startAt = api.engine.fromNow('1m').toISOString()
    await api.submit([{ do: 'succeed' }], { lane: 'batch', startAt })
    expect((await lanes())['batch']).toMatchObject({ waiting: 1, waitsFor: 'time' })
    await api.post('/v1/lanes/batch:pause')
    await api.submit([{ do: 'succeed' }], { lane: 'elsewhere' })
    for (let each = 0; each < 3; each++) await api.submit([{ do: 'hang' }])
    await api.engine.jump('11m')
    expect(await lanes()).toMatchObject({
      default: { waitsFor: 'slots', workers: 1, allSlots: 2, allRunning: 2, waiting: 1 },
      batch: { waitsFor: 'paused', paused: true },
      elsewhere: { waitsFor: 'no-worker', workers: 0, allSlots: 0 },
    })
    expect((await overview()).problems).toMatchObject([
      { kind: 'lane-paused', lane: 'batch', count: 1 },
      { kind: 'lane-without-worker', lane: 'elsewhere' },
      { kind: 'lane-waits-long', lane: 'default', ms: 660_000 },
    ])
    const resumed = await api.post<LaneJson>('/v1/lanes/batch:resume')
    expect(resumed).toMatchObject({ status: 200, body: { lane: 'batch', paused: false } })
    await api.submit([{ do: 'tooMany', retryAfterMs: 60_000 }], { lane: 'batch' })
    await api.engine.drain()
    expect((await lanes())['batch']).toMatchObject({ waitsFor: 'limit' })
  })

  it('sets the slots of a lane within bounds, and says so in the audit trail', async () => {
    const set = (lane: string, slots: unknown) =>
      api.ask<LaneJson & { detail: string }>(`/v1/lanes/${lane}`, { method: 'PATCH', json: { slots } })
    for (let each = 0; each < 4; each++) await api.submit([{ do: 'hang' }])
    expect(await set('default', 3)).toMatchObject({
      status: 200,
      body: { slots: 3, setSlots: 3, allSlots: 3 },
    })
    expect(await set('elsewhere', 3), 'left to others').toMatchObject({ body: { slots: 0, setSlots: 3 } })
    await api.engine.drain()
    const { items } = (await api.ask<{ items: LaneJson[] }>('/v1/lanes')).body
    expect(items[0]).toMatchObject({ lane: 'default', allRunning: 3, waiting: 1 })
    const back = await set('default', null)
    expect(back).toMatchObject({ body: { slots: 2, allRunning: 3 } })
    expect(back.body).not.toHaveProperty('setSlots')
    for (const wrong of [0, 1_001, 1.5, '3'])
      expect(await set('default', wrong)).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } })
    expect(await set('nowhere', 3)).toMatchObject({ status: 404, body: { code: 'LANE_NOT_FOUND' } })
    const trail = await api.ask<{ items: { before?: object; after?: object }[] }>('/v1/audit?target=default')
    expect(trail.body.items.slice(-1)).toMatchObject([
      { before: { slots: 2, setSlots: null }, after: { slots: 3, setSlots: 3 } },
    ])
  })

  it('finds no lane of another name', async () => {
    for (const verb of ['pause', 'resume'])
      expect(await api.post(`/v1/lanes/nowhere:${verb}`)).toMatchObject({
        status: 404,
        body: { code: 'LANE_NOT_FOUND', detail: expect.stringContaining('default, batch, elsewhere') },
      })
  })
})

describe('schedules over HTTP', () => {
  const tickOf = (type: string) =>
    defineTask({
      type,
      parameters: z.string(),
      result: z.string(),
      execute: ctx => ctx.scheduledFor?.toISOString() ?? 'not scheduled',
    })
  const tick = tickOf('Tick')
  const odd = 'every/night: 夜'
  let engine: TestEngine
  let api: Awaited<ReturnType<typeof askingOf>>
  beforeAll(async () => {
    engine = await testEngine({
      tasks: [tick, tickOf('Other')],
      schedules: [
        schedule({ id: 'hourly', cron: '0 * * * *', task: tick, parameters: 'x' }),
        schedule({
          id: odd,
          cron: '0 3 * * *',
          timeZone: 'Asia/Shanghai',
          task: tick,
          parameters: 'y',
          overlap: 'skip',
        }),
      ],
    })
    await engine.drain()
    api = await askingOf(createApp({ engine, log: engine.log }))
  })
  afterAll(async () => {
    await api.app.close()
    await engine[Symbol.asyncDispose]()
  })

  const list = async () => (await api.ask<{ items: ScheduleJson[] }>('/v1/schedules')).body.items

  it('are listed with their next ticks and their last task, paused, resumed and run', async () => {
    await engine.jump('1h')
    const [hourly, nightly] = await list()
    expect(hourly).toMatchObject({
      ...{ id: 'hourly', cron: '0 * * * *', timeZone: 'UTC', taskType: 'Tick', lane: 'default' },
      ...{ catchUp: 'latest', overlap: 'allow', paused: false, lastRun: { status: 'COMPLETED' } },
    })
    expect(hourly?.nextTicks).toHaveLength(10)
    expect(new Set(hourly?.nextTicks.map(at => at.slice(14)))).toEqual(new Set(['00:00.000Z']))
    expect(nightly).toMatchObject({ id: odd, timeZone: 'Asia/Shanghai', overlap: 'skip' })
    expect(nightly?.nextTicks[0]).toMatch(/T19:00:00.000Z$/)

    const name = encodeURIComponent(odd)
    expect(await api.post(`/v1/schedules/${name}:pause`)).toMatchObject({ body: { id: odd, paused: true } })
    await engine.jump('1d')
    expect((await list())[1]).toMatchObject({ paused: true })
    expect((await list())[1]?.lastRun).toBeUndefined()

    const run = await api.post<TaskJson>(`/v1/schedules/${name}:run`)
    expect(run).toMatchObject({ status: 202, body: { taskType: 'Tick', tags: [`schedule:${odd}`] } })
    expect(run.headers.get('location')).toBe(`/v1/tasks/${run.body.id}`)
    await engine.drain()
    expect((await engine.tasks.get(run.body.id)).result).toContain(new Date(engine.clock.now()).toISOString())
    expect((await list())[1]).toMatchObject({
      paused: true,
      lastRun: { taskId: run.body.id, status: 'COMPLETED' },
    })

    const viewer = { name: 'ann', role: 'viewer', userId: 'ann' }
    const { secret } = (await api.post<{ secret: string }>('/v1/api-keys', viewer)).body
    const seen = await api.ask('/v1/schedules', { headers: { authorization: `Bearer ${secret}` } })
    expect(seen).toMatchObject({ status: 200, body: { items: [{ id: 'hourly' }, { id: odd }] } })
    expect(seen.text, 'the tasks of schedules are of another user').not.toContain('lastRun')

    expect(await api.post(`/v1/schedules/${name}:resume`)).toMatchObject({ body: { paused: false } })
    await engine.drain()
    expect((await list())[1]?.lastRun?.taskId, 'what passed is not made up for').toBe(run.body.id)
    await engine.jump('1d')
    expect((await list())[1]?.lastRun?.taskId).not.toBe(run.body.id)
  })

  it('are made, read, changed and removed by operators, each for its own user', async () => {
    const as = async (userId: string, role: string, sees: 'own' | 'all' = 'own') => {
      const key = await api.post<{ secret: string }>('/v1/api-keys', {
        name: `${role} ${userId}`,
        role,
        userId,
        sees,
      })
      const headers = { authorization: `Bearer ${key.body.secret}` }
      return (method: string, path: string, json?: object) =>
        api.ask<ScheduleWithParametersJson & { items: ScheduleJson[]; code: string; detail: string }>(path, {
          ...{ method, headers, json },
        })
    }
    const [ann, bob, all, author] = await Promise.all([
      as('ann', 'operator'),
      as('bob', 'operator'),
      as('cy', 'operator', 'all'),
      as('ann', 'author'),
    ])
    const half = { id: 'half', cron: '@every 30m', taskType: 'Tick', parameters: 'secret text' }
    expect(await author('POST', '/v1/schedules', half)).toMatchObject({ body: { code: 'FORBIDDEN' } })

    expect(await ann('POST', '/v1/schedules', { ...half, userId: 'bob' })).toMatchObject({ status: 403 })
    const made = await ann('POST', '/v1/schedules', half)
    expect(made).toMatchObject({
      ...{ status: 201, body: { id: 'half', origin: 'store', nextTicks: { length: 10 } } },
      body: { made: { userId: 'ann', createdBy: 'operator ann' } },
    })
    expect(made.headers.get('location')).toBe('/v1/schedules/half')
    expect(await bob('POST', '/v1/schedules', half)).toMatchObject({ body: { code: 'SCHEDULE_EXISTS' } })
    await engine.jump('30m')

    const path = '/v1/schedules/half'
    expect(await author('GET', path)).toMatchObject({
      body: { parameters: 'secret text', lastRun: { status: 'COMPLETED' } },
    })
    expect((await ann('GET', '/v1/schedules')).text).not.toContain('secret text')
    const others = [
      await bob('GET', path),
      await bob('PATCH', path, { cron: '@daily' }),
      await bob('DELETE', path),
      await bob('POST', `${path}:run`),
    ]
    const { detail } = (await bob('GET', '/v1/schedules/none')).body
    for (const refused of others) {
      expect(refused).toMatchObject({ status: 404, body: { code: 'SCHEDULE_NOT_FOUND' } })
      expect(refused.body.detail, 'as if there was none').toBe(detail.replace('none', 'half'))
    }
    expect((await bob('GET', '/v1/schedules')).text).not.toContain('half')
    expect(await all('PATCH', path, { parameters: 'for ann' }), 'acts as ann').toMatchObject({ status: 403 })
    expect(await all('GET', path)).toMatchObject({ status: 200 })

    expect(
      await ann('PATCH', path, { cron: '15 * * * *', timeZone: 'Asia/Shanghai', parameters: 'b' }),
    ).toMatchObject({
      body: { cron: '15 * * * *', timeZone: 'Asia/Shanghai', parameters: 'b', lane: 'default' },
    })
    for (const parameters of [7, null])
      expect(await ann('PATCH', path, { parameters })).toMatchObject({
        body: { code: 'PARAMETERS_INVALID', errors: [{ pointer: '/parameters' }] },
      })
    const { change } = engine.schedules
    const afterAnother: typeof change = async (id, given) => {
      Object.assign(engine.schedules, { change })
      await change(id, { taskType: 'Other' })
      return change(id, given)
    }
    Object.assign(engine.schedules, { change: afterAnother })
    expect(
      await ann('PATCH', path, { parameters: 'c' }),
      'parameters go to the type they were checked for',
    ).toMatchObject({ body: { taskType: 'Tick', parameters: 'c' } })
    for (const method of ['PATCH', 'DELETE'])
      expect(await ann(method, '/v1/schedules/hourly', method === 'PATCH' ? {} : undefined)).toMatchObject({
        ...{ status: 409, body: { code: 'SCHEDULE_DECLARED', detail: expect.stringContaining('pause it') } },
      })
    expect(await all('DELETE', path)).toMatchObject({ status: 204 })
    expect(await ann('GET', path)).toMatchObject({ status: 404 })
    const trail = await api.ask<{ items: { action: string; target: string; after?: object }[] }>(
      '/v1/audit?target=half',
    )
    expect(
      trail.body.items.filter(({ action }) => /^(POST|PATCH|DELETE)/.test(action)).length,
    ).toBeGreaterThan(2)
    expect(trail.text).toContain('@every 30m')
    expect(trail.text).not.toContain('secret text')
  })

  it('show the ticks of a cron expression before they are made', async () => {
    const preview = (body: object) =>
      api.post<{ nextTicks: string[]; detail: string }>('/v1/schedules:preview', body)
    const { body } = await preview({ cron: '0 9 * * *', timeZone: 'Asia/Shanghai' })
    expect(body.nextTicks.map(at => at.slice(11))).toEqual(Array(10).fill('01:00:00.000Z'))
    expect(await preview({ cron: '@every 90m' })).toMatchObject({ body: { nextTicks: { length: 10 } } })
    expect(await preview({ cron: '0 0 30 2 *' })).toMatchObject({ body: { nextTicks: [] } })
    expect(await preview({ cron: 'soon' })).toMatchObject({ status: 400, body: { code: 'SCHEDULE_INVALID' } })
    const long = await preview({ cron: '0,'.repeat(5_000) })
    expect(long).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } })
  })

  it('of which there is none are not found', async () => {
    for (const verb of ['pause', 'resume', 'run'])
      expect(await api.post(`/v1/schedules/nowhere:${verb}`)).toMatchObject({
        status: 404,
        body: { code: 'SCHEDULE_NOT_FOUND', detail: expect.stringContaining('hourly') },
      })
  })
})
