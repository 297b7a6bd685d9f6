import { MongoClient } from 'mongodb'
import { createGate, scriptedTasks } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineTask, PermanentError, schedule } from '../../src/index.ts'
import { mongodb } from '../../src/store/mongodb/index.ts'
import { cancelRequested } from '../../src/task/transition.ts'
import { until } from '../servers/until.ts'
import { unreadable } from '../task/hostile.ts'
import { describeDistributed, installation } from './installation.ts'

describeDistributed('state over several processes', () => {
  it('B1: a cancelled task stays cancelled, whatever its handler does later', async () => {
    await using home = installation()
    const { scripted, journal } = scriptedTasks()
    const client = await home.engine({ tasks: [scripted], start: false })
    await home.engine({ tasks: [scripted] })
    const handle = await client.submit(scripted, { orders: [{ do: 'ignoreSignal' }] })
    await until(() => journal.some(entry => entry.did === 'start'), 'attempt')
    await handle.cancel()
    await until(async () => (await handle.state()).done, 'end')
    expect(await client.tasks.get(handle.taskId)).toMatchObject({ status: 'CANCELLED', attempt: 1 })
    await expect(handle.cancel()).resolves.toBeUndefined()
  })

  it('A13, B2: an attempt that lost its lease can settle nothing', async () => {
    await using home = installation()
    const gate = createGate()
    const attempts: number[] = []
    const task = defineTask({
      type: 'Slow',
      parameters: z.string(),
      result: z.number(),
      async execute(ctx) {
        attempts.push(ctx.attempt)
        if (ctx.attempt === 1) await gate.opened
        return ctx.attempt
      },
    })
    const engine = await home.engine({ tasks: [task] })
    const handle = await engine.submit(task, 'text')
    await until(() => attempts.length === 1, 'first attempt')
    const client = new MongoClient(home.databaseUrl)
    try {
      // The lease is given to somebody else, as after a pause that was too long.
      await client
        .db()
        .collection<{ _id: string }>('background_tasks')
        .updateOne({ _id: handle.taskId }, { $set: { leaseUntil: new Date(0), claimToken: 'another' } })
      expect(await handle.result({ timeout: '60s' })).toBe(2)
      gate.open()
      expect(await handle.result()).toBe(2)
      expect(await engine.tasks.get(handle.taskId)).toMatchObject({ status: 'COMPLETED', attempt: 2 })
    } finally {
      await client.close()
    }
  })

  it('a task submitted in the caller’s transaction comes to be when it commits, and not when it does not', async () => {
    await using home = installation()
    const { scripted } = scriptedTasks()
    const client = new MongoClient(home.databaseUrl)
    const engine = await home.engine({ tasks: [scripted], client })
    try {
      const orders = client.db().collection('orders')
      await orders.insertOne({ made: 'before' })
      const submit = (commit: boolean) =>
        client.withSession(async session => {
          session.startTransaction()
          await orders.insertOne({ made: 'within' }, { session })
          const handle = await engine.submit(
            scripted,
            { orders: [{ do: 'succeed', value: 'paid' }] },
            { transaction: session as never },
          )
          if (commit) await session.commitTransaction()
          else await session.abortTransaction()
          return handle
        })
      const committed = await submit(true)
      expect(await committed.result({ timeout: '60s' })).toBe('paid')
      const aborted = await submit(false)
      await expect(aborted.state()).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' })
      expect(await orders.countDocuments({ made: 'within' })).toBe(1)
    } finally {
      await engine.stop({ grace: 0 })
      await client.close()
    }
  })

  it('what is read comes from the primary, whatever the connection string says', async () => {
    const store = mongodb({ url: 'mongodb://127.0.0.1:9/x?readPreference=secondaryPreferred' })
    expect(store.database.collection('tasks').readPreference?.mode).toBe('primary')
    await store.tasks.close()
  })

  it('a connection string that weakens the promises is refused, with the reason', async () => {
    await using home = installation()
    const weak = (options: string) =>
      mongodb({ url: `${home.databaseUrl}${home.databaseUrl.includes('?') ? '&' : '?'}${options}` })
    for (const options of ['w=1', 'journal=false']) {
      const store = weak(options)
      await expect(store.open?.()).rejects.toMatchObject({ code: 'STORE_UNSUITABLE' })
      await store.tasks.close()
    }
  })

  it('a deployment that rolls: a type that this process does not know waits for one that does', async () => {
    await using home = installation()
    const { scripted, parent } = scriptedTasks()
    const client = await home.engine({ tasks: [scripted, parent], roles: [] })
    const old = await home.engine({ tasks: [parent] })
    const handle = await client.submit(scripted, { orders: [{ do: 'succeed', value: 'new' }] })
    await until(
      async () => (await client.tasks.get(handle.taskId)).status === 'RETRYING',
      'wait for a process that knows it',
    )
    expect(await client.tasks.get(handle.taskId)).toMatchObject({
      status: 'RETRYING',
      errorInfo: { code: 'TASK_TYPE_UNKNOWN' },
      retryCount: 0,
    })
    await old.stop({ grace: 0 })
  })

  it('a deployment that rolls: where one of many workers can run a task, it runs it at once, and no attempt begins elsewhere', async () => {
    await using home = installation()
    const { scripted, parent } = scriptedTasks()
    const versioned = (parametersVersion: number) =>
      defineTask({
        type: 'Versioned',
        parameters: z.number(),
        result: z.string(),
        parametersVersion,
        execute: ctx => `${ctx.parameters} by ${parametersVersion}`,
      })
    for (let n = 0; n < 5; n++) await home.engine({ tasks: [parent, versioned(1)] })
    const current = await home.engine({ tasks: [parent, scripted, versioned(2)] })
    const client = await home.engine({ tasks: [scripted, versioned(2)], roles: [] })
    await until(async () => ((await client.store.nodes?.list()) ?? []).length === 7, 'reports of all')
    const unknown = await client.submitMany(
      scripted,
      Array.from({ length: 20 }, () => ({ parameters: { orders: [{ do: 'succeed' as const }] } })),
    )
    const newer = await client.submitMany(
      versioned(2),
      Array.from({ length: 20 }, (_, at) => ({ parameters: at })),
    )
    for (const [at, handle] of newer.entries()) expect(await handle.result()).toBe(`${at} by 2`)
    for (const { taskId } of [...unknown, ...newer]) {
      await until(async () => (await client.tasks.get(taskId)).status === 'COMPLETED', 'end of the task')
      const record = await client.tasks.get(taskId)
      expect(record).toMatchObject({ attempt: 1, executionNodeId: current.settings.nodeId })
    }
  })

  it('a process that was not started, or has no slot in the lane, is none that a task waits for', async () => {
    await using home = installation()
    const { scripted, parent } = scriptedTasks()
    const client = await home.engine({ tasks: [scripted], start: false })
    const without = { lanes: { default: { slots: 0 }, other: { slots: 1 } } }
    await home.engine({ tasks: [scripted], ...without })
    await home.engine({ tasks: [parent], roles: ['worker'] })
    await until(async () => ((await client.store.nodes?.list()) ?? []).length === 3, 'reports of all')
    const { taskId } = await client.submit(scripted, { orders: [] })
    await until(async () => (await client.tasks.get(taskId)).status === 'RETRYING', 'wait for a process')
    expect(await client.tasks.get(taskId)).toMatchObject({ errorInfo: { code: 'TASK_TYPE_UNKNOWN' } })
  })

  it('an attempt that fails ends cancelled where its process has not heard yet that it was asked to stop', async () => {
    await using home = installation()
    const gate = createGate()
    const task = defineTask({
      type: 'Failing',
      parameters: z.null(),
      result: z.null(),
      async execute() {
        await gate.opened
        throw new PermanentError('What it worked on is gone.')
      },
    })
    const engine = await home.engine({ tasks: [task] })
    const { taskId } = await engine.submit(task, null)
    await until(async () => (await engine.tasks.get(taskId)).status === 'RUNNING', 'attempt')
    // As another process asks whose message is lost.
    const { tasks } = engine.store
    await tasks.apply([cancelRequested(await engine.tasks.get(taskId), tasks.now())])
    gate.open(undefined)
    await until(async () => (await engine.tasks.get(taskId)).completedAt !== undefined, 'end')
    expect(await engine.tasks.get(taskId)).toMatchObject({ status: 'CANCELLED' })
  })

  it('an error that cannot be read ends its attempt; the slot takes the next delivery', async () => {
    await using home = installation()
    const task = defineTask({
      type: 'Hostile',
      parameters: z.boolean(),
      result: z.null(),
      retry: { maxAttempts: 1 },
      execute(ctx) {
        if (ctx.parameters) throw unreadable(new Error('x'))
        return null
      },
    })
    const engine = await home.engine({ tasks: [task], lanes: { default: { slots: 1 } } })
    const hostile = await engine.submit(task, true)
    const fine = await engine.submit(task, false)
    const message = expect.stringContaining('The error cannot be read.')
    await expect(hostile.result({ timeout: '60s' })).rejects.toMatchObject({ code: 'TASK_FAILED', message })
    expect(await fine.result({ timeout: '60s' })).toBeNull()
    expect(await engine.deadLetters.get(hostile.taskId)).toMatchObject({ status: 'DEAD_LETTER' })
  })

  it('slots that are set in one process hold in another at once, and a schedule that is made there ticks here', async () => {
    await using home = installation()
    const gate = createGate()
    const running = new Set<string>()
    const task = defineTask({
      type: 'Wait',
      parameters: z.string(),
      result: z.null(),
      async execute(ctx) {
        running.add(ctx.taskId)
        await gate.opened
        return null
      },
    })
    const lanes = { default: { slots: 1 } }
    const client = await home.engine({ tasks: [task], start: false, lanes })
    const worker = await home.engine({ tasks: [task], lanes })
    for (let each = 0; each < 4; each++) await client.submit(task, `task ${each}`)
    await until(() => running.size === 1, 'one task in the one slot')
    await client.lanes.setSlots('default', 3)
    await until(() => running.size === 3, 'three tasks, without a restart')
    expect(worker.lanes.slots()).toEqual([{ lane: 'default', slots: 3 }])
    await client.schedules.create({ id: 's', cron: '@every 1s', taskType: 'Wait', parameters: 'ticked' })
    gate.open()
    const ticked = async () =>
      (await client.tasks.list({ tag: 'schedule:s' }, { pageSize: 5 })).items.length > 1
    await until(ticked, 'two ticks')
    await client.schedules.remove('s')
    await client.lanes.setSlots('default', undefined)
    await until(() => worker.lanes.slots()[0]?.slots === 1, 'the slots of the setting')
  })

  it('a schedule of one process tells its tick to the worker of another, in a lane that only that one has', async () => {
    await using home = installation({ lanes: ['far'] })
    const type = { type: 'Far', parameters: z.string(), result: z.null(), lane: 'far' }
    const told: (Date | undefined)[] = []
    const task = defineTask({
      ...type,
      execute(ctx) {
        told.push(ctx.scheduledFor)
        return null
      },
    })
    const base = { id: 's', cron: '* * * * * *', task: type, parameters: 'x' }
    const [right, wrong] = [schedule(base), schedule({ ...base, lane: 'nowhere' })]
    await home.engine({ tasks: [task], roles: ['worker'] })
    await expect(home.engine({ tasks: [], schedules: [wrong] })).rejects.toMatchObject({
      code: 'SCHEDULE_INVALID',
      message: expect.stringContaining('There is no lane "nowhere"'),
    })
    const before = Date.now()
    await home.engine({ tasks: [], roles: ['maintenance'], schedules: [right] })
    await until(() => told.length > 1, 'two ticks')
    for (const tick of told) {
      expect(tick?.getMilliseconds()).toBe(0)
      expect(Math.abs((tick?.getTime() ?? 0) - before)).toBeLessThan(60_000)
    }
    expect(new Set(told.map(Number)).size).toBe(told.length)
  })
})
