/** Somebody with an account of the broker, and none of the store, publishes what is not true. */
import { createApp } from 'quillwork/http'
import { createGate, type Order, scriptedTasks } from 'quillwork/testing'
import { expect, it, vi } from 'vitest'
import { z } from 'zod'
import { eventMessage } from '../../src/broker/cloud-events.ts'
import { controlMessage, type OutgoingMessage } from '../../src/broker/messages.ts'
import { defineTask, type Engine, type TaskEvent } from '../../src/index.ts'
import type { SequencedEvent } from '../../src/task/events.ts'
import { endedStatuses } from '../../src/task/status.ts'
import { askingOf } from '../http/api.ts'
import { EventClient } from '../http/event-client.ts'
import { until } from '../servers/until.ts'
import { describeDistributed, type Installation, installation } from './installation.ts'

const hang: Order = { do: 'hang' }

/** Publishes messages in order, on one channel. */
async function stranger(home: Installation) {
  const channel = await home.channel()
  const publish = async (exchange: string, key: string, { content, ...properties }: OutgoingMessage) => {
    channel.publish(`${home.prefix}tasks.${exchange}.exchange`, key, Buffer.from(content), properties)
    await channel.waitForConfirms()
  }
  const say = (event: object, change: (content: string) => string = content => content) => {
    const said = event as SequencedEvent
    const message = eventMessage(said)
    return publish('events', `task.event.${said.name}`, { ...message, content: change(message.content) })
  }
  return {
    say,
    /** Says an event with other data, of whatever form. */
    sayWith: (event: object, data: object) =>
      say(event, content => {
        const message = JSON.parse(content)
        return JSON.stringify({ ...message, data: { ...message.data, ...data } })
      }),
    cancel: (taskId: string, attempt: number) =>
      publish('control', '', controlMessage({ kind: 'cancel', taskId, attempt }, 'false')),
  }
}

const isRunning = (engine: Engine, taskId: string) =>
  until(async () => (await engine.tasks.get(taskId)).status === 'RUNNING', `attempt of ${taskId}`)

/** Ends when the test says so. */
function gatedTask() {
  const gate = createGate()
  const begun = new Set<string>()
  const task = defineTask({
    type: 'Gated',
    parameters: z.object({}),
    result: z.string(),
    async execute(ctx) {
      begun.add(ctx.taskId)
      await gate.opened
      return 'the true result'
    },
  })
  return { task, gate, begun }
}

/** What is shown of tasks: by the API as server-sent events, and by the library. */
async function followers(engine: Engine) {
  const app = createApp({ engine })
  const { url } = await askingOf(app)
  const client = new EventClient(`${url}/v1/events`)
  expect(await client.connect()).toBe(200)
  const live: TaskEvent[] = []
  engine.live.onAny(event => live.push(event))
  const names: Record<string, string> = {
    'task.completed': 'completed',
    'task.failed': 'failed',
    'task.cancelled': 'cancelled',
    'task.dead-lettered': 'deadLettered',
  }
  const ended: readonly string[] = endedStatuses
  return {
    client,
    live,
    has: (taskId: string, name: string) =>
      live.some(event => event.taskId === taskId && event.name === name) &&
      client.events.some(({ data }) => data['taskId'] === taskId && data['event'] === name),
    /** Everything that was shown as an end, by either. */
    endsOf(taskId: string): string[] {
      const streamed = client.events.flatMap(({ event, data }) =>
        data['taskId'] === taskId && (event in names || ended.includes(String(data['status'])))
          ? [`stream ${String(data['event'])} ${String(data['status'])}`]
          : [],
      )
      const emitted = live.flatMap(event => {
        const status = 'status' in event ? event.status : undefined
        const isEnd = Object.values(names).includes(event.name) || ended.includes(String(status))
        return event.taskId === taskId && isEnd ? [`live ${event.name} ${String(status)}`] : []
      })
      return [...streamed, ...emitted].sort()
    },
    async [Symbol.asyncDispose]() {
      client.cut()
      await app.close()
    },
  }
}

describeDistributed('somebody who may write to the broker alone', () => {
  it('cancels no running task by control messages; a true cancel arrives by one', async () => {
    await using home = installation()
    const { scripted, journal } = scriptedTasks()
    // The heartbeat, which learns of a cancel too, comes only every twenty minutes.
    const worker = await home.engine({ tasks: [scripted], times: { lease: '1h', grace: '200ms' } })
    const client = await home.engine({ tasks: [scripted], start: false })
    const [kept, cancelled] = await client.submitMany(
      scripted,
      [1, 2].map(() => ({ parameters: { orders: [hang] } })),
    )
    if (kept === undefined || cancelled === undefined) throw new Error('Nothing was submitted.')
    for (const { taskId } of [kept, cancelled]) await isRunning(worker, taskId)
    await until(() => journal.filter(({ did }) => did === 'start').length === 2, 'running handlers')
    const attacker = await stranger(home)
    await cancelled.cancel()
    // The worker may not listen yet. Whoever says it once more, the record says the same.
    const isCancelled = async ({ taskId }: { taskId: string }) =>
      (await worker.tasks.get(taskId)).status === 'CANCELLED'
    await until(async () => {
      await attacker.cancel(cancelled.taskId, 1)
      return isCancelled(cancelled)
    }, 'true cancel')
    for (let times = 0; times < 20; times += 1) await attacker.cancel(kept.taskId, 1)
    const [after] = await client.submitMany(scripted, [{ parameters: { orders: [hang] } }])
    if (after === undefined) throw new Error('Nothing was submitted.')
    await isRunning(worker, after.taskId)
    await after.cancel()
    await until(() => isCancelled(after), 'cancel by a message')
    expect(await worker.tasks.get(kept.taskId)).toMatchObject({ status: 'RUNNING', attempt: 1 })
    await kept.cancel()
    await until(() => isCancelled(kept), 'last cancel')
  })

  it('shows nobody a false end, and hides no true one', async () => {
    await using home = installation()
    const { task, gate, begun } = gatedTask()
    const worker = await home.engine({ tasks: [task] })
    const watching = await home.engine({ tasks: [task], roles: ['maintenance'] })
    await using shown = await followers(watching)
    const attacker = await stranger(home)
    // What ended before the queue of a process was there is not heard: the first one shows that it is.
    const handle = await until(async () => {
      const submitted = await watching.submit(task, {})
      await until(() => begun.has(submitted.taskId), 'handler')
      await until(() => shown.has(submitted.taskId, 'started'), 'start', 1_000).catch(() => undefined)
      return shown.has(submitted.taskId, 'started') ? submitted : undefined
    }, 'a task that is followed')
    const { taskId } = handle
    let isDone = false
    const result = handle.result().finally(() => {
      isDone = true
    })
    result.catch(() => undefined)
    const record = await watching.tasks.get(taskId)
    const { taskType, userId, lane, rootTaskId } = record
    const base = { taskId, taskType, userId, lane, rootTaskId, attempt: 1, at: Date.now() }
    const errorInfo = { code: 'FALSE', message: 'false', retryable: false, errorClass: 'permanent' }
    const next = { ...base, version: record.version + 1 }
    for (const sequence of [2, 3, 4, 1_000_000, undefined]) {
      await attacker.say({ ...next, name: 'completed', status: 'COMPLETED', sequence })
      await attacker.say({ ...next, name: 'failed', errorInfo, sequence })
      await attacker.say({ ...next, name: 'cancelled', sequence })
      await attacker.say({ ...next, name: 'deadLettered', errorInfo, ranMs: 1, sequence })
      await attacker.say({ ...next, name: 'started', status: 'FAILED', executionNodeId: 'x', sequence })
    }
    await attacker.say({ ...next, name: 'progress', progress: 1, status: 'COMPLETED' })
    // Of a task that is not there, in the tree of one that is followed.
    await attacker.say({ ...next, name: 'failed', errorInfo, taskId: `${taskId}x`, sequence: 1 })
    // Neither numbers far ahead nor those that come next keep the true end from being shown.
    const ahead = { ...base, name: 'started', executionNodeId: 'x', waitedMs: 1 }
    await attacker.say({ ...ahead, version: 1_000_000, sequence: 1_000_000 })
    await attacker.say({ ...ahead, version: 1_000_000, sequence: 1_000_000, sequenceFrom: 1 })
    for (const sequence of [3, 4, 5, 6])
      await attacker.say({ ...ahead, version: record.version + 1, sequence })
    await attacker.say({ ...next, name: 'progress', progress: 'all was said' })
    const isLast = ({ data }: { data: Record<string, unknown> }) => data['progress'] === 'all was said'
    await until(() => shown.client.events.some(isLast), 'last message')
    expect(shown.endsOf(taskId)).toEqual([])
    expect(shown.endsOf(`${taskId}x`)).toEqual([])
    expect(shown.live.filter(({ version }) => version === 1_000_000)).toEqual([])
    expect(isDone).toBe(false)
    gate.open()
    expect(await result).toBe('the true result')
    const ends = ['live completed COMPLETED', 'stream completed COMPLETED']
    await until(() => shown.endsOf(taskId).length === ends.length, 'true end')
    // Nor does it end once more, or run again.
    const ended = await worker.tasks.get(taskId)
    for (const sequence of [1, 2, 3, 4]) {
      const said = { ...base, version: ended.version + sequence, sequence }
      await attacker.say({ ...said, name: 'failed', errorInfo })
      await attacker.say({ ...said, name: 'reopened', status: 'QUEUED' })
      await attacker.say({ ...said, name: 'started', executionNodeId: 'later', waitedMs: 1 })
    }
    const last = await watching.submit(task, {})
    expect(await last.result()).toBe('the true result')
    await until(() => shown.endsOf(last.taskId).length === ends.length, 'end of another task')
    expect(shown.endsOf(taskId)).toEqual(ends)
    expect((await watching.health()).counts.unconfirmedEvents).toBeGreaterThan(0)
    expect(shown.has(taskId, 'reopened')).toBe(false)
    expect(shown.live.some(event => 'executionNodeId' in event && event.executionNodeId === 'later')).toBe(
      false,
    )
  })

  it('keeps no event of a live task from being shown by numbers that it takes', async () => {
    await using home = installation()
    const gate = createGate()
    const task = defineTask({
      type: 'Retried',
      parameters: z.object({}),
      result: z.string(),
      retry: { maxAttempts: 2, backoff: ['1h'] },
      async execute() {
        await gate.opened
        throw new Error('once more')
      },
    })
    await home.engine({ tasks: [task] })
    const watching = await home.engine({ tasks: [task], roles: ['maintenance'] })
    await using shown = await followers(watching)
    const attacker = await stranger(home)
    const handle = await watching.submit(task, {})
    const { taskId } = handle
    await isRunning(watching, taskId)
    const { taskType, userId, lane, rootTaskId, version } = await watching.tasks.get(taskId)
    const base = { taskId, taskType, userId, lane, rootTaskId, attempt: 1, at: 0, version: version + 1 }
    const started = { ...base, name: 'started', executionNodeId: 'false', waitedMs: 1 }
    await until(async () => {
      for (const sequence of [1, 2, 3, 4, 5, 6]) await attacker.say({ ...started, sequence })
      return shown.client.events.some(({ data }) => data['executionNodeId'] === 'false')
    }, 'false events')
    gate.open()
    await until(() => shown.has(taskId, 'retrying'), 'true event')
    await handle.cancel()
    await until(() => shown.has(taskId, 'cancelled'), 'true end')
  })

  it('ends no stream and no connection by events that have not the form of ours', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const watching = await home.engine({ tasks: [scripted], roles: ['maintenance'] })
    await using shown = await followers(watching)
    const attacker = await stranger(home)
    const base = { taskType: 'Scripted', userId: 'local', lane: 'default', attempt: 1, version: 1, at: 0 }
    const of = (taskId: string) => ({ ...base, taskId, rootTaskId: taskId })
    const heard = (taskId: string) =>
      shown.client.events.some(({ data }) => data['taskId'] === taskId && data['progress'] === 'heard')
    await until(async () => {
      await attacker.say({ ...of('first'), name: 'progress', progress: 'heard' })
      return heard('first')
    }, 'queue of the process')
    const { broker: before } = await watching.health()
    // One at the start tells of what came before the queue.
    const resets = () => shown.client.events.filter(({ event }) => event === 'reset').length
    const resetsBefore = resets()
    const progress = { ...of('a'), name: 'progress', progress: 'DEEP' }
    const wrong = [
      { errorInfo: null },
      { parentTaskId: { $gt: '' } },
      { userId: { $gt: '' } },
      { nextAttemptTimestamp: {} },
    ]
    for (const data of wrong) {
      await attacker.sayWith({ ...of('a'), name: 'submitted', sequence: 1 }, data)
      await attacker.sayWith(progress, data)
    }
    for (const levels of [1_000, 3_000, 100_000])
      await attacker.say(progress, content =>
        content.replace('"DEEP"', '['.repeat(levels) + ']'.repeat(levels)),
      )
    await attacker.sayWith(progress, { sequence: 'x', progress: 'heard' })
    await attacker.say({ ...of('last'), name: 'progress', progress: 'heard' })
    await until(() => heard('last'), 'last message')
    expect(heard('a')).toBe(true)
    expect(shown.live.filter(({ taskId }) => taskId === 'a')).toEqual([
      { ...of('a'), name: 'progress', progress: 'heard' },
    ])
    const { broker } = await watching.health()
    expect(broker?.reconnects).toBe(before?.reconnects)
    expect(broker?.rejected).toEqual({ delivery: 0, control: 0, event: 2 * wrong.length + 3 })
    expect([resets(), shown.client.isClosed]).toEqual([resetsBefore, false])
  })

  it('costs no read of the store but for ends, which are read together, and again after an error', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const worker = await home.engine({ tasks: [scripted] })
    const watching = await home.engine({ tasks: [scripted], roles: ['maintenance'] })
    await using shown = await followers(watching)
    const { events } = watching.store
    if (events === undefined) throw new Error('The store keeps no events.')
    const ends = ({ taskId }: { taskId: string }) => shown.endsOf(taskId).length === 2
    await until(async () => {
      const first = await worker.submit(scripted, { orders: [] })
      await first.result()
      return until(() => ends(first), 'end', 1_000).catch(() => undefined)
    }, 'a task that is followed')
    const reads = vi.spyOn(events, 'lastOf').mockRejectedValueOnce(new Error('away'))
    const order: Order = { do: 'progress', value: 1 }
    const items = Array.from({ length: 40 }, () => ({ parameters: { orders: [order] } }))
    const tasks = await worker.submitMany(scripted, items)
    await until(() => tasks.every(ends), 'all ends')
    const read = reads.mock.calls.slice(1).flatMap(([ids]) => ids)
    expect(read.toSorted()).toEqual(tasks.map(({ taskId }) => taskId).toSorted())
    expect(shown.live.some(({ name }) => name === 'progress')).toBe(true)
    expect(await watching.health()).toMatchObject({ counts: { unconfirmedEvents: 0 } })
  })

  it('fills no memory while the store is away: what is dropped then leaves a gap', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const worker = await home.engine({ tasks: [scripted] })
    const watching = await home.engine({ tasks: [scripted], roles: ['maintenance'] })
    await using shown = await followers(watching)
    const { events } = watching.store
    if (events === undefined) throw new Error('The store keeps no events.')
    const submitOne = async () => {
      const task = await worker.submit(scripted, { orders: [] })
      await task.result()
      return until(() => shown.endsOf(task.taskId).length === 2, 'end', 1_000).catch(() => undefined)
    }
    await until(submitOne, 'a task that is followed')
    let gaps = 0
    watching.onGap(() => {
      gaps += 1
    })
    const gate = createGate()
    const read = events.lastOf
    const reads = vi.spyOn(events, 'lastOf').mockImplementationOnce(async ids => {
      await gate.opened
      return read(ids)
    })
    const attacker = await stranger(home)
    const base = { taskType: 'Scripted', userId: 'local', lane: 'default', attempt: 1, version: 1, at: 0 }
    const errorInfo = {
      code: 'FALSE',
      message: 'x'.repeat(1_000_000),
      retryable: false,
      errorClass: 'permanent',
    }
    for (const taskId of Array.from({ length: 12 }, (_, index) => `false-${index}`))
      await attacker.say({ ...base, name: 'failed', taskId, rootTaskId: taskId, sequence: 1, errorInfo })
    const last = { ...base, name: 'progress', taskId: 'last', rootTaskId: 'last', progress: 1 }
    await attacker.say(last)
    await until(() => shown.live.some(({ taskId }) => taskId === 'last'), 'last message')
    expect(gaps).toBe(0)
    gate.open()
    await until(() => gaps === 1, 'gap')
    // Those that there was room for were asked for, and no more.
    const asked = new Set(reads.mock.calls.flatMap(([ids]) => ids))
    expect(asked.size).toBeGreaterThan(0)
    expect(asked.size).toBeLessThan(12)
    await until(submitOne, 'end of another task')
  })

  it('is told of as a gap also where tasks go on ending, so that something always waits for the store', async () => {
    await using home = installation()
    const watching = await home.engine({ tasks: [], roles: ['maintenance'] })
    await using shown = await followers(watching)
    const { events } = watching.store
    if (events === undefined) throw new Error('The store keeps no events.')
    const attacker = await stranger(home)
    const base = { taskType: 'Scripted', userId: 'local', lane: 'default', attempt: 1, version: 1, at: 0 }
    const isShown = (id: string) => shown.live.some(({ taskId }) => taskId === id)
    const showNow = (taskId: string) =>
      attacker.say({ ...base, name: 'progress', taskId, rootTaskId: taskId, progress: 1 })
    const end = (taskId: string, message: string) => {
      const errorInfo = { code: 'FALSE', message, retryable: false, errorClass: 'permanent' }
      return attacker.say({ ...base, name: 'failed', taskId, rootTaskId: taskId, sequence: 1, errorInfo })
    }
    await until(async () => {
      await showNow('first')
      return isShown('first')
    }, 'queue of the process')
    let gaps = 0
    watching.onGap(() => {
      gaps += 1
    })
    const gate = createGate()
    const read = events.lastOf
    let rounds = 0
    let isSteady = true
    vi.spyOn(events, 'lastOf').mockImplementation(async ids => {
      await gate.opened
      rounds += 1
      const round = `round-${rounds}`
      if (isSteady) {
        // An end that is held before those of this read are not any more.
        await end(round, 'false')
        await showNow(`${round}-held`)
        await until(() => isShown(`${round}-held`), 'end that is held')
      }
      return read(ids)
    })
    for (const taskId of Array.from({ length: 12 }, (_, index) => `false-${index}`))
      await end(taskId, 'x'.repeat(1_000_000))
    await showNow('last')
    await until(() => isShown('last'), 'last message')
    expect(gaps).toBe(0)
    gate.open()
    await until(() => gaps === 1, 'gap')
    const then = rounds
    await until(() => rounds > then + 2, 'further rounds')
    expect(gaps).toBe(1)
    isSteady = false
  })

  it('is not heard at all where the processes have a secret; nothing that is dropped loses a task', {
    timeout: 90_000,
  }, async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const [secret, former] = ['s'.repeat(32), 'f'.repeat(32)]
    const worker = await home.engine({ tasks: [scripted], secret: [secret, former] })
    const watching = await home.engine({
      tasks: [scripted],
      roles: ['maintenance'],
      secret: [former, secret],
    })
    await using shown = await followers(watching)
    // Both secrets are good at a time, so that the processes can be given another one after the other.
    const handle = await until(async () => {
      const task = await watching.submit(scripted, { orders: [] })
      await task.result()
      return until(() => shown.has(task.taskId, 'completed'), 'end', 1_000).then(
        () => task,
        () => undefined,
      )
    }, 'a task that is followed')
    const attacker = await stranger(home)
    const { id, taskType, userId, lane, rootTaskId } = await watching.tasks.get(handle.taskId)
    const base = { taskId: 'false', taskType, userId, lane, rootTaskId, attempt: 1, version: 1, at: 0 }
    await attacker.say({ ...base, name: 'progress', progress: 'false' })
    await attacker.cancel(id, 1)
    const rejected = async (engine: Engine) => (await engine.health()).broker?.rejected
    await until(async () => (await rejected(watching))?.event === 1, 'dropped event')
    await until(async () => (await rejected(worker))?.control === 1, 'dropped control message')
    expect(shown.live.some(event => event.taskId === 'false')).toBe(false)
    // A process that has no secret yet: the delivery that it sends is dropped, and the task is sent once more.
    const old = await home.engine({ tasks: [scripted], start: false })
    const late = await old.submit(scripted, { orders: [{ do: 'succeed', value: 'all the same' }] })
    await until(async () => ((await rejected(worker))?.delivery ?? 0) > 0, 'dropped delivery')
    expect(await late.result()).toBe('all the same')
    expect(await watching.tasks.get(late.taskId)).toMatchObject({ status: 'COMPLETED', attempt: 1 })
  })

  it('a process without the secret is heard where the others accept it for a while', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const worker = await home.engine({ tasks: [scripted], secret: ['s'.repeat(32), 'unsigned'] })
    const old = await home.engine({ tasks: [scripted], start: false })
    expect(await (await old.submit(scripted, { orders: [{ do: 'succeed', value: 1 }] })).result()).toBe(1)
    expect((await worker.health()).broker?.rejected).toEqual({ delivery: 0, control: 0, event: 0 })
    for (const secret of ['short', ['unsigned'], ['unsigned', 's'.repeat(32)]])
      await expect(async () => home.engine({ tasks: [], secret })).rejects.toMatchObject({
        code: 'OPTION_INVALID',
      })
  })
})
