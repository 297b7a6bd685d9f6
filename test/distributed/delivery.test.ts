import { scriptedTasks } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { rabbitmq } from '../../src/broker/rabbitmq/index.ts'
import { createEngine, defineTask } from '../../src/index.ts'
import { mongodb } from '../../src/store/mongodb/index.ts'
import { until } from '../servers/until.ts'
import { describeDistributed, installation } from './installation.ts'

const second = 1_000

/** A task that tells when its attempts began, and fails so often. */
function failingTask(failures: number, backoff: readonly string[], maxAttempts = failures + 1) {
  const starts: number[] = []
  const task = defineTask({
    type: 'Failing',
    parameters: z.string(),
    result: z.string(),
    retry: { maxAttempts, backoff: backoff as readonly '1s'[], jitter: 0 },
    execute(ctx) {
      starts.push(Date.now())
      if (ctx.attempt <= failures) throw new Error('told to fail')
      return ctx.parameters
    },
  })
  return { task, starts }
}

describeDistributed('delivery', () => {
  it('A1, A2: the n-th retry starts when the policy says, once', async () => {
    await using home = installation()
    const { task, starts } = failingTask(2, ['1s', '2500ms'])
    const engine = await home.engine({ tasks: [task] })
    const due: number[] = []
    engine.events.on('retrying', ({ nextAttemptTimestamp }) => due.push(nextAttemptTimestamp))
    const handle = await engine.submit(task, 'text')
    expect(await handle.result()).toBe('text')
    expect(starts).toHaveLength(3)
    expect(due).toHaveLength(2)
    // Never early, by as much as the clocks may differ. How late it is depends on the machine: the tests of faults measure that.
    for (const [index, wait] of [second, 2.5 * second].entries()) {
      const [before = 0, next = 0] = starts.slice(index)
      expect((due[index] ?? 0) - before).toBeGreaterThan(wait - 0.05 * second)
      expect(next - (due[index] ?? 0)).toBeGreaterThan(-0.05 * second)
    }
  })

  it('a parent that is tried again waits for the sub-tasks that it had submitted, also where nobody has counted them', async () => {
    await using home = installation()
    let isCounting = false
    const child = defineTask({
      type: 'Child',
      parameters: z.string(),
      result: z.null(),
      execute: () => null,
    })
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.unknown(),
      retry: { maxAttempts: 2, backoff: ['10ms'], jitter: 0 },
      async execute(ctx) {
        const items = ['a', 'b', 'c'].map(key => ({ key, parameters: key }))
        isCounting = ctx.attempt > 1
        await ctx.submitSubTasks(child, items)
        if (ctx.attempt === 1) throw new Error('cut off')
        return null
      },
    })
    await using engine = await createEngine({
      tasks: [child, parent],
      store: mongodb({
        url: home.databaseUrl,
        faults: {
          before(operation) {
            if (operation === 'aggregate sub-tasks' && !isCounting) throw new Error('not now')
          },
        },
      }),
      broker: rabbitmq({ url: home.brokerUrl, prefix: home.prefix }),
    })
    await engine.start()
    const { taskId } = await engine.submit(parent, null)
    await until(async () => (await engine.tasks.get(taskId)).completedAt !== undefined, 'end of the parent')
    expect(await engine.tasks.get(taskId)).toMatchObject({
      status: 'COMPLETED',
      attempt: 2,
      subTaskStatusSummary: { COMPLETED: 3 },
    })
  })

  it('goes on while no sub-task can be counted', async () => {
    await using home = installation()
    const { task } = failingTask(0, ['1s'])
    const parent = defineTask({
      type: 'Parent',
      parameters: z.null(),
      result: z.unknown(),
      execute: async ctx => void (await ctx.submitSubTasks(task, [{ key: 'one', parameters: 'text' }])),
    })
    let isCounting = false
    let release: () => void = () => undefined
    const released = new Promise<void>(resolve => {
      release = resolve
    })
    await using engine = await createEngine({
      tasks: [task, parent],
      store: mongodb({
        url: home.databaseUrl,
        faults: {
          before(operation) {
            if (operation !== 'aggregate sub-tasks') return
            isCounting = true
            return released
          },
        },
      }),
      broker: rabbitmq({ url: home.brokerUrl, prefix: home.prefix }),
    })
    await engine.start()
    try {
      await engine.submit(parent, null)
      await until(() => isCounting, 'count that hangs')
      // Nobody sends it but the relay.
      const handle = await engine.submit(task, 'text', { delay: '200ms' })
      expect(await handle.result()).toBe('text')
    } finally {
      release()
    }
  })

  it('A3, A24: messages that name no task, or another one, are filed with their bytes, once, and touch nothing', async () => {
    await using home = installation()
    const { scripted, journal } = scriptedTasks()
    const engine = await home.engine({ tasks: [scripted] })
    const channel = await home.channel()
    const exchange = `${home.prefix}tasks.exchange`
    const live = await engine.submit(scripted, { orders: [{ do: 'hang', attempts: 1 }] })
    await until(() => journal.some(entry => entry.taskId === live.taskId), 'attempt')
    const odd = [
      'no json at all',
      '{"half":',
      JSON.stringify({ taskType: 'Scripted', attempt: 0, lane: 'default' }),
      JSON.stringify({ taskId: 'nobody', taskType: 'Scripted', attempt: 0, lane: 'default' }),
    ]
    for (const body of odd)
      channel.publish(exchange, 'task.default.Scripted', Buffer.from(body), { persistent: true })
    const mismatched = { taskId: live.taskId, taskType: 'Scripted', attempt: 0, lane: 'default' }
    channel.publish(exchange, 'task.default.Scripted', Buffer.from(JSON.stringify(mismatched)), {
      headers: { 'x-task-id': 'somebody-else' },
    })
    await channel.waitForConfirms()
    const filed = async () => (await engine.store.unparsable.list({ pageSize: 50 })).items
    await until(async () => (await filed()).length >= 5, 'five filed messages')
    const contents = (await filed()).map(stray => stray.content)
    expect(contents.some(content => content.includes('no json at all'))).toBe(true)
    expect(contents.some(content => content.includes('nobody'))).toBe(true)
    expect(new Set((await filed()).map(stray => stray.id)).size).toBe((await filed()).length)
    expect(await engine.tasks.get(live.taskId)).toMatchObject({ status: 'RUNNING', attempt: 1 })
  })

  it('A4: exhausted attempts end in a dead letter that others learn of, with the broker’s story', async () => {
    await using home = installation()
    const { task } = failingTask(9, ['1ms'], 1)
    const engine = await home.engine({ tasks: [task] })
    const { taskId } = await engine.submit(task, 'text')
    await until(async () => (await engine.tasks.get(taskId)).deadLetter?.story, 'story of the broker')
    expect(await engine.tasks.get(taskId)).toMatchObject({
      status: 'DEAD_LETTER',
      deadLetter: { reason: 'attempts-exhausted', attempt: 1 },
    })
  })

  it('A9: what a submitter left behind before it sent anything is sent by another process', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const client = await home.engine({ tasks: [scripted], start: false })
    const [record] = await client.store.tasks.create(
      [
        {
          id: 'left-behind',
          taskType: 'Scripted',
          userId: 'ann',
          lane: 'default',
          priority: 'normal',
          tags: [],
          parameters: JSON.stringify({ orders: [{ do: 'succeed', value: 'found' }] }),
          parametersVersion: 1,
          send: true,
        },
      ],
      {},
    )
    expect(record?.outcome).toBe('created')
    const worker = await home.engine({ tasks: [scripted] })
    const handle = await worker.find(scripted, 'left-behind')
    expect(await handle?.result({ timeout: '60s' })).toBe('found')
  })

  it('A12, A19: a delivery that comes five times, also after the end, runs its task once', async () => {
    await using home = installation()
    const { scripted, journal } = scriptedTasks()
    const engine = await home.engine({ tasks: [scripted] })
    const channel = await home.channel()
    const handles = await Promise.all(
      Array.from({ length: 20 }, () => engine.submit(scripted, { orders: [{ do: 'succeed', value: 1 }] })),
    )
    const again = () => {
      for (const { taskId } of handles) {
        const body = { taskId, taskType: 'Scripted', attempt: 0, lane: 'default' }
        channel.publish(
          `${home.prefix}tasks.exchange`,
          'task.default.Scripted',
          Buffer.from(JSON.stringify(body)),
          { persistent: true, headers: { 'x-task-id': taskId } },
        )
      }
    }
    for (let times = 0; times < 4; times++) again()
    await Promise.all(handles.map(handle => handle.result()))
    again()
    await channel.waitForConfirms()
    await until(
      async () => (await channel.checkQueue(`${home.prefix}tasks.queue`)).messageCount === 0,
      'empty queue',
    )
    for (const { taskId } of handles)
      expect(journal.filter(entry => entry.taskId === taskId && entry.did === 'start')).toHaveLength(1)
  })

  it('A8, A10: a purged queue loses nothing', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const client = await home.engine({ tasks: [scripted], roles: [] })
    const handles = await Promise.all(
      Array.from({ length: 10 }, () => client.submit(scripted, { orders: [{ do: 'succeed', value: 1 }] })),
    )
    const channel = await home.channel()
    await until(
      async () => (await channel.checkQueue(`${home.prefix}tasks.queue`)).messageCount > 0,
      'message in the queue',
    )
    await channel.purgeQueue(`${home.prefix}tasks.queue`)
    await home.engine({ tasks: [scripted] })
    const results = await Promise.all(handles.map(handle => handle.result({ timeout: '60s' })))
    expect(results).toEqual(handles.map(() => 1))
  }, 70_000)

  it('cancel reaches an attempt in another process long before its next heartbeat', async () => {
    await using home = installation()
    const { scripted, journal } = scriptedTasks()
    const times = { lease: '1h', sweepInterval: '300ms', grace: '200ms', abortGrace: '500ms' } as const
    const client = await home.engine({ tasks: [scripted], start: false, times })
    await home.engine({ tasks: [scripted], times })
    const handle = await client.submit(scripted, { orders: [{ do: 'hang' }] })
    await until(() => journal.some(entry => entry.did === 'start'), 'attempt')
    await handle.cancel()
    await until(async () => (await handle.state()).status === 'CANCELLED', 'end of the cancelled task')
  })

  it('a client that is not started waits for the result of what another process runs', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const client = await home.engine({ tasks: [scripted], start: false })
    await home.engine({ tasks: [scripted] })
    const handle = await client.submit(scripted, { orders: [{ do: 'succeed', value: 'there' }] })
    expect(await handle.result({ timeout: '60s' })).toBe('there')
  })

  it('a client that loads no handler submits what a worker would: with the lane, version and deadline of the type', async () => {
    await using home = installation({ lanes: ['batch'] })
    const schemas = { parameters: z.object({ of: z.string() }), result: z.string() }
    const type = { type: 'Story', ...schemas, lane: 'batch', parametersVersion: 2, deadline: '1h' } as const
    const task = defineTask({
      ...type,
      upgradeParameters: () => ({ of: 'an older version' }),
      execute: ctx => `story of ${ctx.parameters.of}`,
    })
    const client = await home.engine({ tasks: [], start: false })
    const worker = await home.engine({ tasks: [task] })
    const { taskId } = await client.submit(type, { of: 'a village' })
    const record = await worker.tasks.get(taskId)
    expect(record).toMatchObject({ lane: 'batch', parametersVersion: 2 })
    expect(record.deadline).toBe(record.createdAt + 3_600_000)
    expect(await (await worker.find(task, taskId))?.result({ timeout: '60s' })).toBe('story of a village')
    await expect(client.submit({ ...type, lane: 'no lane' }, { of: '' })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
    await expect(client.submit(type, { of: '' }, { lane: 'elsewhere' })).rejects.toMatchObject({
      code: 'LANE_UNKNOWN',
    })
  })

  it('every process hears of every task, in order and without a gap', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const watcher = await home.engine({ tasks: [scripted], start: false })
    const seen: { taskId: string; name: string; sequence?: number }[] = []
    watcher.live.onAny(event => seen.push(event))
    const worker = await home.engine({ tasks: [scripted] })
    const handle = await worker.submit(scripted, {
      orders: [
        { do: 'progress', value: 0.5 },
        { do: 'succeed', value: 1 },
      ],
    })
    await handle.result()
    const numbered = () => [
      ...new Map(
        seen
          .filter(event => event.taskId === handle.taskId && event.sequence !== undefined)
          .map(event => [event.sequence, event.name]),
      ),
    ]
    await until(() => numbered().some(([, name]) => name === 'completed'), 'event of the end')
    expect(numbered()).toEqual([
      [1, 'submitted'],
      [2, 'started'],
      [3, 'completed'],
    ])
  })
})
