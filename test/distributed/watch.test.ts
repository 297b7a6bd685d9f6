import { MongoClient } from 'mongodb'
import { createApp } from 'quillwork/http'
import { openTelemetry } from 'quillwork/opentelemetry'
import { scriptedTasks } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { rabbitmq } from '../../src/broker/rabbitmq/index.ts'
import { type AnyTask, createEngine, defineTask, type Engine } from '../../src/index.ts'
import { mongodb } from '../../src/store/mongodb/index.ts'
import { startProxy } from '../faults/proxy.ts'
import { askingOf } from '../http/api.ts'
import { EventClient } from '../http/event-client.ts'
import { registerSdk } from '../observe/spans.ts'
import { until } from '../servers/until.ts'
import { describeDistributed, type Installation, installation } from './installation.ts'

/** A process that serves the API and runs nothing, reached as another machine would be. */
async function apiOf(engine: Engine) {
  const app = createApp({ engine })
  const asking = await askingOf(app)
  const clients: EventClient[] = []
  return {
    ...asking,
    async watch(lastEventId = '', path = '/v1/events') {
      const client = new EventClient(asking.url + path)
      client.lastEventId = lastEventId
      clients.push(client)
      expect(await client.connect()).toBe(200)
      return client
    },
    async submit(taskType: string, parameters: object) {
      const body = { taskType, parameters }
      const answer = await asking.post<{ id: string }>('/v1/tasks', body)
      expect(answer.status).toBe(202)
      return answer.body.id
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.cut()
      await app.close()
    },
  }
}

/** An engine like those of the installation whose way to the broker can be cut. */
async function behindProxy(home: Installation, tasks: readonly AnyTask[]) {
  const proxy = await startProxy(home.brokerUrl)
  const engine = (await createEngine({
    tasks,
    roles: ['maintenance'],
    store: mongodb({ url: home.databaseUrl }),
    broker: rabbitmq({ url: proxy.through(home.brokerUrl), prefix: home.prefix }),
    times: { lease: '3s', sweepInterval: '300ms', grace: '200ms' },
  } as unknown as Parameters<typeof createEngine>[0])) as Engine
  await engine.start()
  return {
    engine,
    proxy,
    async [Symbol.asyncDispose]() {
      await engine.stop({ grace: 0 })
      await proxy.close()
    },
  }
}

/** What was told of a task, in order. */
function toldOf(client: EventClient, taskId: string): string[] {
  return client.events
    .filter(({ data }) => data['taskId'] === taskId)
    .map(({ event, data }) => `${event} ${String(data['status'])}`)
}

function hasTold(client: EventClient, taskId: string): boolean {
  return toldOf(client, taskId).some(told => told.startsWith('task.completed'))
}

const isTold = (client: EventClient, taskId: string) =>
  until(() => hasTold(client, taskId), `end of ${taskId}`)

/** Submits tasks until the end of one is told, and returns its id: of what ended before a process listened it says nothing. */
function firstTold(client: EventClient, submit: () => Promise<string>): Promise<string> {
  const ids: string[] = []
  const submitOne = async () => {
    ids.push(await submit())
    return ids.find(id => hasTold(client, id))
  }
  return until(submitOne, 'end of a task', 30_000, 200)
}

const told = [
  'task.created QUEUED',
  'task.updated RUNNING',
  'task.updated RETRYING',
  'task.updated RUNNING',
  'task.completed COMPLETED',
]

/** Fails once, and is tried again at once. */
const flaky = defineTask({
  type: 'Flaky',
  parameters: z.object({}),
  result: z.null(),
  retry: { backoff: ['100ms'], jitter: 0 },
  execute(ctx) {
    if (ctx.attempt === 1) throw new Error('told to fail')
    return null
  },
})

describeDistributed('watching', () => {
  it('one process tells what another one runs, in order, and goes on where a client was cut', async () => {
    await using home = installation()
    const tasks = [flaky]
    const watching = await home.engine({ tasks, roles: ['maintenance'] })
    await home.engine({ tasks, roles: ['worker'] })
    await using api = await apiOf(watching)
    const client = await api.watch()
    await firstTold(client, () => api.submit('Flaky', {}))
    const first = await api.submit('Flaky', {})
    await isTold(client, first)
    expect(toldOf(client, first)).toEqual(told)
    client.cut()
    const missed = await api.submit('Flaky', {})
    await until(async () => (await watching.tasks.get(missed)).status === 'COMPLETED', 'end of the task')
    const again = await api.watch(client.lastEventId)
    await isTold(again, missed)
    expect(toldOf(again, missed)).toEqual(told)
    expect(again.events.map(({ event }) => event)).not.toContain('reset')
    const ids = [...client.events, ...again.events].map(({ id }) => Number(id.split('-')[1]))
    expect(ids).toEqual(ids.map((_, index) => (ids[0] ?? 0) + index))
  })

  it('a process that was cut off from the broker says so, then tells what happens', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const worker = await home.engine({ tasks: [scripted], roles: ['worker'] })
    await using cut = await behindProxy(home, [scripted])
    await using api = await apiOf(cut.engine)
    const client = await api.watch()
    await firstTold(client, async () => (await worker.submit(scripted, { orders: [] })).taskId)
    const place = client.lastEventId
    // One comes when listening begins, if the client was there before.
    const resets = () => client.events.filter(({ event }) => event === 'reset')
    const atFirst = resets().length
    cut.proxy.refuse(true)
    expect(cut.proxy.reset()).toBeGreaterThan(0)
    const away = await worker.submit(scripted, { orders: [] })
    await away.result()
    const metric = async (line: string) =>
      new RegExp(`^quillwork_${line} (\\S+)$`, 'm').exec((await api.ask('/metrics')).text)?.[1]
    await until(async () => (await metric('broker_connected')) === '0', 'noticed loss')
    cut.proxy.refuse(false)
    await until(() => resets().length > atFirst, 'news of the gap')
    expect(resets().at(-1)?.data).toEqual({ reason: 'gap' })
    const after = await worker.submit(scripted, { orders: [] })
    await isTold(client, after.taskId)
    const later = await api.watch(place)
    await later.first('reset')
    // It is connected when all its channels are open; events come once theirs is.
    await until(async () => (await metric('broker_connected')) === '1', 'open channels')
    expect(await metric('broker_blocked')).toBe('0')
    expect(Number(await metric('broker_reconnects_total'))).toBeGreaterThan(0)
  })

  it('a process that began after the end of a task says of one that ended long ago that everything was told', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const worker = await home.engine({ tasks: [scripted], roles: ['worker'] })
    const task = await worker.submit(scripted, { orders: [] })
    const { taskId } = task
    await task.result()
    await using client = new MongoClient(home.databaseUrl)
    const tasks = client.db().collection<{ _id: string }>('background_tasks')
    await until(
      async () => (await tasks.findOne({ _id: taskId, eventsAt: { $exists: false } })) !== null,
      'told events',
    )
    await using api = await apiOf(await home.engine({ tasks: [scripted], roles: [] }))
    const watching = await api.watch()
    await firstTold(watching, async () => (await worker.submit(scripted, { orders: [] })).taskId)
    const headers = { 'last-event-id': watching.lastEventId }
    await api.watch(watching.lastEventId, `/v1/tasks/${taskId}/events`)
    await tasks.updateOne({ _id: taskId }, { $set: { completedAt: new Date(Date.now() - 120_000) } })
    expect((await api.ask(`/v1/tasks/${taskId}/events`, { headers })).status).toBe(204)
  })

  it('a process that has not heard the end of a task does not say that everything was told', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const worker = await home.engine({ tasks: [scripted], roles: ['worker'] })
    await using cut = await behindProxy(home, [scripted])
    await using api = await apiOf(cut.engine)
    const client = await api.watch()
    const heard = await firstTold(client, async () => (await worker.submit(scripted, { orders: [] })).taskId)
    const place = client.lastEventId
    const again = await api.ask(`/v1/tasks/${heard}/events`, { headers: { 'last-event-id': place } })
    expect(again.status).toBe(204)
    cut.proxy.refuse(true)
    expect(cut.proxy.reset()).toBeGreaterThan(0)
    const away = await worker.submit(scripted, { orders: [] })
    await away.result()
    const waiting = await api.watch(place, `/v1/tasks/${away.taskId}/events`)
    cut.proxy.refuse(false)
    await until(
      () => waiting.events.some(({ event }) => event === 'reset' || event === 'task.completed'),
      'news of the end',
    )
  })

  it('metrics tell how many events wait for a broker that is away, and since when', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    await using cut = await behindProxy(home, [scripted])
    await using api = await apiOf(cut.engine)
    const metric = async (name: string) =>
      Number(new RegExp(`^quillwork_${name} (\\S+)$`, 'm').exec((await api.ask('/metrics')).text)?.[1])
    await until(async () => (await metric('broker_connected')) === 1, 'connection')
    expect(await metric('outbox_pending')).toBe(0)
    cut.proxy.refuse(true)
    cut.proxy.reset()
    for (let index = 0; index < 3; index += 1) await api.submit('Scripted', { orders: [] })
    expect(await metric('outbox_pending')).toBe(3)
    await until(async () => (await metric('outbox_lag_seconds')) > 0.05, 'lag')
    cut.proxy.refuse(false)
    await until(async () => (await metric('outbox_pending')) === 0, 'empty outbox')
    expect(await metric('outbox_lag_seconds')).toBe(0)
  })

  it('one trace leads from the request through the broker to the attempt in another process', async () => {
    const { exported } = registerSdk()
    await using home = installation()
    const { scripted } = scriptedTasks()
    const { hostname: host, port } = new URL(home.brokerUrl)
    const names = {
      work: `${home.prefix}tasks.exchange`,
      laneQueue: () => `${home.prefix}tasks.queue`,
    }
    const trace = openTelemetry({ rabbitmq: { host, port: Number(port), names } })
    const tasks = [scripted]
    const asked = await home.engine({ tasks, roles: ['maintenance'], trace })
    await home.engine({ tasks, roles: ['worker'], trace })
    await using api = await apiOf(asked)
    await api.submit('Scripted', { orders: [{ do: 'submit', subTasks: [{ key: 'a', orders: [] }] }] })
    const key = `${names.work}:task.default.Scripted`
    const process = `process ${key}:${names.laneQueue()}`
    await until(() => exported.named(process).length === 2, 'two attempts')
    await until(() => exported.named('POST /v1/tasks').length === 1, 'the end of the request')
    const settle = `settle ${key}:${names.laneQueue()}`
    expect(exported.tree(exported.one('POST /v1/tasks'))).toEqual([
      'POST /v1/tasks',
      `  send ${key}`,
      `    ${process}`,
      '      task Scripted',
      `        send ${key}`,
      `          ${process}`,
      '            task Scripted',
      `            ${settle}`,
      `      ${settle}`,
    ])
  })
})
