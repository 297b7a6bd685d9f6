/** What a task costs does not grow with the processes: counted as the commands that their drivers send to MongoDB. */
import { type CommandStartedEvent, MongoClient } from 'mongodb'
import { createManualClock } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineTask } from '../../src/index.ts'
import { until } from '../servers/until.ts'
import { describeDistributed, installation } from './installation.ts'

/** What the drivers say on their own account. */
const upkeep = new Set(['hello', 'isMaster', 'endSessions'])

const piece = defineTask({
  type: 'Piece',
  parameters: z.number(),
  result: z.number(),
  execute: ctx => ctx.parameters,
})

const whole = defineTask({
  type: 'Whole',
  parameters: z.number(),
  result: z.null(),
  async execute(ctx) {
    const items = Array.from({ length: ctx.parameters }, (_, key) => ({ key: `${key}`, parameters: key }))
    await ctx.submitSubTasks(piece, items)
  },
  onSubTasksSettled: () => null,
})

/** Counts the commands of one process. */
class CountingClient extends MongoClient {
  sent = 0
  /** Looks for what may be due that have been answered. */
  polls = 0
  /** Those without an answer yet. */
  readonly #open = new Map<number, CommandStartedEvent>()

  constructor(url: string) {
    super(url, { monitorCommands: true })
    this.on('commandStarted', event => {
      if (upkeep.has(event.commandName)) return
      this.sent += 1
      this.#open.set(event.requestId, event)
    })
    this.on('commandSucceeded', ({ requestId }) => this.#answered(requestId))
    this.on('commandFailed', ({ requestId }) => this.#answered(requestId))
  }

  get isBusy(): boolean {
    return this.#open.size > 0
  }

  #answered(requestId: number): void {
    if (this.#open.get(requestId)?.command['aggregate'] === 'task_relays') this.polls += 1
    this.#open.delete(requestId)
  }
}

/** Resolves when each process has seen the leases of all: from then on they share the partitions. */
async function untilShared(clients: readonly CountingClient[]): Promise<void> {
  const leases = () =>
    clients[0]
      ?.db()
      .collection('task_relays')
      .countDocuments({ until: { $exists: true } })
  await until(async () => (await leases()) === clients.length, 'lease of each process')
  // One may have been asked for before.
  const seen = clients.map(({ polls }) => polls + 2)
  await until(
    () => clients.every(({ polls }, index) => polls >= (seen[index] ?? 0)),
    'polls of all processes',
  )
}

/** Returns the commands of so many processes for each task, or each sub-task of one parent. */
async function commandsPerTask(processes: number, count: number, isTree: boolean): Promise<number> {
  const home = installation()
  const clients = Array.from({ length: processes }, () => new CountingClient(home.databaseUrl))
  try {
    const lanes = { default: { slots: 10 } }
    const [engine] = await Promise.all(
      clients.map(client => home.engine({ tasks: [piece, whole], lanes, client, times: {} })),
    )
    if (engine === undefined) throw new RangeError('no process')
    await untilShared(clients)
    for (const client of clients) client.sent = 0
    const items = Array.from({ length: count }, (_, index) => ({ parameters: index }))
    const handles = isTree ? [await engine.submit(whole, count)] : await engine.submitMany(piece, items)
    await Promise.all(handles.map(handle => handle.result()))
    return clients.reduce((sum, { sent }) => sum + sent, 0) / count
  } finally {
    await home[Symbol.asyncDispose]()
    await Promise.all(clients.map(client => client.close()))
  }
}

describeDistributed('commands to MongoDB', () => {
  it.each([
    ['a task', false],
    ['a sub-task of one parent', true],
  ])('for %s: four processes send at most half as many more than one does', async (_, isTree) => {
    const one = await commandsPerTask(1, 300, isTree)
    const four = await commandsPerTask(4, 300, isTree)
    expect(four).toBeLessThan(1.5 * one)
  })

  it('a process at rest sends at most two in a second', async () => {
    const home = installation()
    const client = new CountingClient(home.databaseUrl)
    const clock = createManualClock({ isBusy: () => client.isBusy })
    try {
      await home.engine({ tasks: [piece], client, clock, times: {} })
      await clock.advance('10s')
      client.sent = 0
      await clock.advance('60s')
      expect(client.sent).toBeLessThanOrEqual(120)
      expect(client.sent, 'it looks once a second').toBeGreaterThanOrEqual(60)
    } finally {
      await home[Symbol.asyncDispose]()
      await client.close()
    }
  })
})
