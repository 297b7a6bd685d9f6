/** Nothing waits for RabbitMQ: while it is away, what the store holds starts in the processes that have free slots. */
import { MongoClient } from 'mongodb'
import { createManualClock } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineTask, type Engine } from '../../src/index.ts'
import { startProxy } from '../faults/proxy.ts'
import { rabbitUrl } from '../servers/rabbit.ts'
import { until } from '../servers/until.ts'
import { describeDistributed, installation } from './installation.ts'

/** Tasks that count how often each began; a piece takes some milliseconds. */
function countingTasks() {
  const runs = new Map<string, number>()
  const began = (id: string) => runs.set(id, (runs.get(id) ?? 0) + 1)
  const piece = defineTask({
    type: 'Piece',
    parameters: z.number(),
    result: z.null(),
    async execute(ctx) {
      began(ctx.taskId)
      await new Promise(resolve => setTimeout(resolve, ctx.parameters))
      return null
    },
  })
  const whole = defineTask({
    type: 'Whole',
    parameters: z.number(),
    result: z.null(),
    async execute(ctx) {
      began(ctx.taskId)
      const items = Array.from({ length: ctx.parameters }, (_, key) => ({ key: `${key}`, parameters: 5 }))
      await ctx.submitSubTasks(piece, items)
    },
    onSubTasksSettled: () => null,
  })
  const failing = defineTask({
    type: 'Failing',
    parameters: z.null(),
    result: z.null(),
    retry: { maxAttempts: 2, backoff: ['1s'], jitter: 0 },
    execute(ctx) {
      if (ctx.attempt === 1) throw new Error('told to fail')
      return null
    },
  })
  return { runs, piece, whole, failing }
}

const manyOf = (count: number, ms: number) => Array.from({ length: count }, () => ({ parameters: ms }))

/** An installation whose broker can be taken away from its processes. */
async function withBrokerAway() {
  const proxy = await startProxy(rabbitUrl())
  const home = installation()
  const client = new MongoClient(home.databaseUrl, { monitorCommands: true })
  return {
    home,
    /** For a process whose commands are counted. */
    client,
    brokerUrl: proxy.through(rabbitUrl()),
    away() {
      proxy.refuse(true)
      proxy.reset()
    },
    back: () => proxy.refuse(false),
    async [Symbol.asyncDispose]() {
      await home[Symbol.asyncDispose]()
      await client.close()
      await proxy.close()
    },
  }
}

/** What tasks wait for until it is opened, at the latest when the test ends. */
function createGate() {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open, [Symbol.dispose]: open }
}

/** Counts the writes by which a client takes the right to send what stands in line. */
function countRights(client: MongoClient): () => number {
  let rights = 0
  client.on('commandStarted', ({ commandName, command }) => {
    const [update] = commandName === 'update' ? (command['updates'] ?? []) : []
    if (update?.q?.ready !== undefined) rights += 1
  })
  return () => rights
}

const isConnected = async (engine: Engine) => (await engine.health()).broker?.connected === true

describeDistributed('a broker that is away', () => {
  it('keeps nothing from starting: what waited in its queues, what is submitted, sub-tasks and retries', async () => {
    await using parts = await withBrokerAway()
    const { home, brokerUrl } = parts
    const { runs, piece, whole, failing } = countingTasks()
    const tasks = [piece, whole, failing]
    const options = { tasks, lanes: { default: { slots: 2 } }, brokerUrl }
    const [one, two] = await Promise.all([home.engine(options), home.engine(options)])
    const all = [...(await one.submitMany(piece, manyOf(60, 20)))]
    await until(() => runs.size > 4, 'tasks that run')
    parts.away()
    await until(async () => !(await isConnected(one)) && !(await isConnected(two)), 'the broker to be away')
    expect(runs.size, 'tasks that had begun').toBeLessThan(60)
    all.push(...(await two.submitMany(piece, manyOf(20, 5))))
    const others = [await one.submit(whole, 6), await two.submit(failing, null)]
    await Promise.all([...all, ...others].map(handle => handle.result()))
    expect(await isConnected(one)).toBe(false)
    parts.back()
    await until(async () => (await isConnected(one)) && (await isConnected(two)), 'the broker to be back')
    const later = await one.submitMany(piece, manyOf(20, 5))
    await Promise.all(later.map(handle => handle.result()))
    expect([...runs.values()].filter(times => times !== 1)).toEqual([])
    expect(runs.size).toBe(60 + 20 + 20 + 7)
  })

  it('of one process: it goes on by itself, and the others take over what it has no slot for', async () => {
    await using parts = await withBrokerAway()
    const { home, brokerUrl } = parts
    const { runs, piece } = countingTasks()
    const options = { tasks: [piece], lanes: { default: { slots: 1 } } }
    const cut = await home.engine({ ...options, brokerUrl })
    await home.engine(options)
    parts.away()
    await until(async () => !(await isConnected(cut)), 'the broker to be away')
    const long = await cut.submit(piece, 60_000)
    await until(() => runs.has(long.taskId), 'the long one to begin')
    const users = Array.from({ length: 30 }, (_, user) => ({ parameters: 5, userId: `user-${user}` }))
    const handles = await cut.submitMany(piece, users)
    await Promise.all(handles.map(handle => handle.result()))
    expect([...runs.values()].filter(times => times !== 1)).toEqual([])
    await long.cancel()
  })

  it('has a process take several short tasks at once, and put back in line what finds no slot in half a second', async () => {
    await using parts = await withBrokerAway()
    parts.away()
    const { home, brokerUrl, client } = parts
    const rights = countRights(client)
    const { runs, piece } = countingTasks()
    using gate = createGate()
    const gated = defineTask({
      type: 'Gated',
      parameters: z.number(),
      result: z.null(),
      async execute(ctx) {
        runs.set(ctx.taskId, (runs.get(ctx.taskId) ?? 0) + 1)
        await gate.opened
        return null
      },
    })
    const clock = createManualClock()
    const options = { tasks: [piece, gated], client, clock, lanes: { default: { slots: 2 } }, brokerUrl }
    const engine = await home.engine(options)
    const short = await engine.submitMany(piece, manyOf(60, 5))
    await Promise.all(short.map(handle => handle.result()))
    expect(rights(), 'writes that took the right to start a task, or several').toBeLessThanOrEqual(20)
    const tasks = client.db().collection('background_tasks')
    const counted = (field: string) => tasks.countDocuments({ [field]: { $exists: true } })
    const long = await engine.submitMany(gated, manyOf(8, 0))
    await until(
      async () => runs.size === 62 && (await counted('sent')) === 4,
      'two that run, and four that wait beside them',
    )
    await clock.advance(500)
    await until(async () => (await counted('ready')) === 6, 'those four to be in line again')
    gate.open()
    await Promise.all(long.map(handle => handle.result()))
    expect([...runs.values()].filter(times => times !== 1)).toEqual([])
    expect(runs.size).toBe(68)
  })
})
