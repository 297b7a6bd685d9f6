import { QuillworkError } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { createManualClock, scriptedTasks, testEngine } from 'quillwork/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Records } from '../../src/records/records.ts'
import { createMongoStore } from '../../src/store/mongodb/store.ts'
import type { Store } from '../../src/store/store.ts'
import { deliverWebhook } from '../../src/webhooks/deliver.ts'
import { mongoWebhooks, sqliteWebhooks } from '../../src/webhooks/open.ts'
import { publishEnds, submitTest } from '../../src/webhooks/publish.ts'
import { type WebhookChange, Webhooks } from '../../src/webhooks/webhooks.ts'
import { describeWithMongo, freshDatabase } from '../servers/mongo.ts'
import { isSigned, type Receiver, type Reply, startReceiver, status } from './receiver.ts'

interface Opened {
  store: Store
  records: Records
  isBusy(): boolean
}

/** Opens a store with its webhooks; what it leaves goes with the test. */
const stores = [
  {
    name: 'SQLite',
    describe,
    place:
      () =>
      (now: () => number): Opened => {
        const store = sqlite({ file: ':memory:', now })
        return { store, records: sqliteWebhooks(store.database), isBusy: () => false }
      },
  },
  {
    name: 'MongoDB',
    describe: describeWithMongo,
    place: () => {
      const database = freshDatabase()
      onTestFinished(() => database.drop())
      return (now: () => number): Opened => {
        const store = createMongoStore({ url: database.url, now }, { aggregateAfterMs: 0 })
        const records = mongoWebhooks(store.database)
        return { store: store as Store, records, isBusy: () => store.database.inFlight > 0 }
      }
    },
  },
]

/** Keeps secrets as they are. */
const plain = {
  lost: new Set<unknown>(),
  keep: (_id: string, secret: string) => secret,
  open(_id: string, kept: unknown) {
    if (plain.lost.has(kept)) throw new QuillworkError('CONFIG_INVALID', 'Its key is lost.')
    return String(kept)
  },
}

/** A process: an engine with its webhooks, which publishes when it is told to. */
async function startProcess(open: (now: () => number) => Opened) {
  let isBusy = () => false
  const clock = createManualClock({ isBusy: () => isBusy() })
  const opened = open(clock.now)
  isBusy = opened.isBusy
  const { store, records } = opened
  const sending = { privateHosts: ['127.0.0.1'], timeoutMs: 500 }
  const webhooks = new Webhooks({ records, store, secrets: plain, sending })
  const { scripted, parent } = scriptedTasks()
  const options = { clock, openStore: () => store, services: { webhooks } }
  const t = await testEngine({ ...options, tasks: [deliverWebhook, scripted, parent] })
  onTestFinished(() => t[Symbol.asyncDispose]())
  /** Lets short times pass until it holds. */
  const until = (holds: () => boolean | Promise<boolean>) =>
    expect
      .poll(
        async () => {
          await t.advance('20ms')
          return holds()
        },
        { interval: 5 },
      )
      .toBe(true)
  return {
    t,
    webhooks,
    scripted,
    parent,
    until,
    publish(engine: Parameters<typeof publishEnds>[0]['engine'] = t.engine) {
      const publishing = publishEnds({ engine, webhooks, log: t.log, clock, sweeps: false })
      onTestFinished(() => publishing.stop())
      return publishing
    },
    /** Submits a task, and waits for its end. */
    async run(orders: readonly object[] = [], userId = 'ann') {
      const task = await t.submit(scripted, { orders } as never, { userId })
      await until(async () => (await task.state()).done)
      return task.taskId
    },
    async deliveries(state?: string) {
      const { items } = await t.tasks.list({ taskType: ['DeliverWebhook'] }, { pageSize: 50 })
      return items.filter(each => state === undefined || each.status === state)
    },
  }
}

async function receiver(...replies: Reply[]): Promise<Receiver> {
  const started = await startReceiver(...replies)
  onTestFinished(() => started[Symbol.asyncDispose]())
  return started
}

for (const { name, describe: describeOn, place } of stores) {
  describeOn(`webhooks on ${name}`, () => {
    async function started(change: Omit<WebhookChange, 'url'> = {}, ...replies: Reply[]) {
      const process = await startProcess(place())
      const hook = await receiver(...replies)
      const made = await process.webhooks.create({ url: hook.url, ...change })
      return { ...process, hook, ...made, id: made.webhook.id }
    }

    test('an end is delivered once, signed, as an event of the broker, whoever sees it', async () => {
      const { hook, secret, id, run, publish, until, deliveries, webhooks } = await started()
      const [one, other] = [publish(), publish()]
      await Promise.all([one.settle(), other.settle()])
      const taskId = await run([{ do: 'succeed', value: 'secret text' }])
      await Promise.all([one.settle(), other.settle(), one.sweep(), other.sweep()])
      await until(async () => (await deliveries('COMPLETED')).length === 1)
      await Promise.all([one.sweep(), other.sweep()])
      expect(await deliveries()).toMatchObject([
        { lane: 'webhooks', userId: `webhook:${id}`, tags: [`webhook:${id}`] },
      ])
      const [request = { headers: {}, body: '' }, second] = hook.received
      expect(second).toBeUndefined()
      expect(isSigned(request, secret)).toBe(true)
      expect(isSigned(request, 'whsec_AAAA')).toBe(false)
      expect(request.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8')
      const event = JSON.parse(request.body)
      expect(event).toMatchObject({
        specversion: '1.0',
        id: request.headers['webhook-id'],
        type: 'dev.quillwork.task.completed.v1',
        subject: taskId,
        data: { taskId, userId: 'ann', status: 'COMPLETED' },
      })
      expect(request.body).not.toContain('secret text')
      const shown = await webhooks.read(id)
      expect(shown).toMatchObject({ lastStatus: 204, lastDeliveryAt: expect.any(Number) })
      expect(JSON.stringify(shown)).not.toContain(secret)
    })

    test('an end that cannot be read at once is read again, however late it was written', async () => {
      const { t, run, publish, deliveries, until } = await started()
      const { store, events } = t.engine
      let refusals = 0
      let isAway = true
      const get: typeof store.queries.get = (...asked) => {
        if (!isAway) return store.queries.get(...asked)
        refusals += 1
        return Promise.reject(new Error('The store is away.'))
      }
      const away = { ...store, queries: { ...store.queries, get } }
      const publishing = publish({ store: away, events, submit: t.engine.submit.bind(t.engine) })
      await publishing.settle()
      await run()
      await until(() => refusals > 0)
      isAway = false
      await until(async () => {
        await publishing.settle()
        return (await deliveries('COMPLETED')).length === 1
      })
    })

    test('a sweep finds the ends that no process saw, and the ends that a filter wants', async () => {
      const { run, publish, until, deliveries, id, webhooks, t, parent, hook } = await started({
        events: ['task.failed', 'task.completed'],
        userId: 'ann',
      })
      await run()
      const failed = await run([{ do: 'failForGood', message: '怒'.repeat(5_000) }])
      await run([], 'bob')
      const tree = await t.submit(parent, { orders: [{ do: 'submitMany', count: 2, orders: [] }] } as never)
      await until(async () => (await tree.state()).done)
      await publish().sweep()
      await until(async () => (await deliveries('COMPLETED')).length === 2)
      const types = hook.received.map(({ body }) => JSON.parse(body).type.split('.')[3])
      expect(types.toSorted()).toEqual(['completed', 'failed'])
      const failure = hook.received.find(({ body }) => body.includes(failed))?.body ?? ''
      expect(JSON.parse(failure).data.errorInfo).toMatchObject({ code: 'HANDLER_FAILED' })
      expect(Buffer.byteLength(failure)).toBeLessThan(20_000)
      expect(failure).not.toContain('stack')
      // A while later each is still delivered once, and an end while it was disabled is not.
      await t.jump('1h')
      await webhooks.change(id, { isDisabled: true })
      await run()
      await t.advance('1s')
      await webhooks.change(id, { isDisabled: false })
      await publish().sweep()
      expect((await deliveries()).length).toBe(2)
    })

    test('what is not taken is tried again by the schedule, and by Retry-After', async () => {
      const { hook, id, run, publish, until, deliveries, webhooks, t } = await started(
        {},
        status(429, { 'retry-after': '60' }),
        status(301, { location: 'http://127.0.0.1:9/', 'retry-after': '9999' }),
        status(500),
        status(200),
      )
      await run()
      await publish().sweep()
      const tried = (times: number) =>
        until(async () => {
          const [task] = await deliveries()
          return hook.received.length === times && task?.retryCount === times && task.status === 'RETRYING'
        })
      await tried(1)
      expect(await webhooks.read(id)).toMatchObject({ lastStatus: 429, lastError: 'WEBHOOK_UNDELIVERED' })
      await t.jump('55s')
      expect(hook.received.length).toBe(1)
      await t.jump('5s')
      await tried(2)
      const [redirected] = await deliveries()
      expect(redirected?.errorInfo?.message).toContain('HTTP 301, and redirects are not followed')
      await t.jump('331s')
      await tried(3)
      await t.jump('31m')
      await until(async () => (await deliveries('COMPLETED')).length === 1)
      const ids = new Set(hook.received.map(({ headers }) => headers['webhook-id']))
      expect([ids.size, hook.received.length]).toEqual([1, 4])
      const times = hook.received.map(({ headers }) => Number(headers['webhook-timestamp']))
      expect((times[3] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(2_200)
    })

    test('a receiver that is gone disables it; a slow one is given up after its time', async () => {
      const { hook, id, run, publish, until, deliveries, webhooks, t } = await started(
        {},
        () => undefined,
        status(410),
      )
      await run()
      const publishing = publish()
      await publishing.sweep()
      await until(async () => (await deliveries('RETRYING')).length === 1)
      await t.jump('6s')
      await until(async () => (await deliveries('FAILED')).length === 1)
      expect(await webhooks.read(id)).toMatchObject({ disabledBecause: 'gone', lastStatus: 410 })
      await run()
      await publishing.sweep()
      expect([(await deliveries()).length, hook.received.length]).toEqual([1, 2])
      // A test is sent all the same, and a retry once it is enabled again.
      await submitTest(t.engine, id)
      await until(() => hook.received.length === 3)
      expect(JSON.parse(hook.received[2]?.body ?? '')).toMatchObject({
        type: 'dev.quillwork.webhook.test.v1',
      })
      await webhooks.change(id, { isDisabled: false })
      const [failed] = await deliveries('FAILED')
      await t.tasks.retry(failed?.id ?? '')
      await until(() => hook.received.length === 4)
    })

    test('an end that is not true any more is not delivered, nor one whose webhook is gone', async () => {
      const { hook, run, publish, until, deliveries, webhooks, t, id } = await started({}, status(500))
      const taskId = await run([{ do: 'failForGood', attempts: 1 }])
      await publish().sweep()
      await until(async () => (await deliveries('RETRYING')).length === 1)
      // Its second end is an event of its own, which is not taken at first.
      hook.replies.push(status(500), status(500))
      await t.tasks.retry(taskId)
      await t.advance('10s')
      await until(async () => (await deliveries('COMPLETED')).length === 1)
      const [outdated] = await deliveries('COMPLETED')
      expect(outdated?.result).toContain('outdated')
      await until(async () => hook.received.length === 3 && (await deliveries('RETRYING')).length === 1)
      await webhooks.remove(id)
      await t.jump('331s')
      await until(async () => (await deliveries('FAILED')).length === 1)
      expect(await webhooks.list()).toEqual([])
      await expect(webhooks.read(id)).rejects.toMatchObject({ code: 'WEBHOOK_NOT_FOUND' })
    })

    test('while a secret rotates both sign', async () => {
      const { hook, id, secret, webhooks, t, until } = await started()
      const rotated = await webhooks.rotate(id)
      expect(rotated.webhook.secrets).toEqual([
        { createdAt: expect.any(Number) },
        { createdAt: expect.any(Number), expiresAt: t.clock.now() + 86_400_000 },
      ])
      await submitTest(t.engine, id)
      await until(() => hook.received.length === 1)
      await t.jump('25h')
      await submitTest(t.engine, id)
      await until(() => hook.received.length === 2)
      const signed = hook.received.map(each => [isSigned(each, secret), isSigned(each, rotated.secret)])
      expect(signed).toEqual([
        [true, true],
        [false, true],
      ])
    })

    test('a secret whose key is lost is replaced at once', async () => {
      const { hook, id, secret, webhooks, t, until } = await started()
      plain.lost.add(secret)
      await expect(webhooks.target(id, true)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
      const rotated = await webhooks.rotate(id)
      await submitTest(t.engine, id)
      await until(() => hook.received.length === 1)
      expect(hook.received.map(each => isSigned(each, rotated.secret))).toEqual([true])
    })
  })
}
