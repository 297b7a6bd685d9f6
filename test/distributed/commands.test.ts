/** What a task costs does not grow with the processes: counted as the commands that their drivers send to MongoDB. */
import { MongoClient } from 'mongodb'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineTask } from '../../src/index.ts'
import { describeDistributed, installation } from './installation.ts'

/** Milliseconds in which processes that start share the partitions. */
const settleMs = 2_500
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

/** Returns the commands of so many processes for each task, or each sub-task of one parent. */
async function commandsPerTask(processes: number, count: number, isTree: boolean): Promise<number> {
  const home = installation()
  let commands = 0
  const clients = Array.from({ length: processes }, () => {
    const client = new MongoClient(home.databaseUrl, { monitorCommands: true })
    client.on('commandStarted', ({ commandName }) => {
      if (!upkeep.has(commandName)) commands += 1
    })
    return client
  })
  try {
    const lanes = { default: { slots: 10 } }
    const engines = await Promise.all(
      clients.map(client => home.engine({ tasks: [piece, whole], lanes, client, times: {} })),
    )
    await new Promise(resolve => setTimeout(resolve, settleMs))
    const [engine] = engines
    if (engine === undefined) throw new RangeError('no process')
    commands = 0
    const items = Array.from({ length: count }, (_, index) => ({ parameters: index }))
    const handles = isTree ? [await engine.submit(whole, count)] : await engine.submitMany(piece, items)
    await Promise.all(handles.map(handle => handle.result()))
    return commands / count
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
    const client = new MongoClient(home.databaseUrl, { monitorCommands: true })
    try {
      let commands = 0
      client.on('commandStarted', ({ commandName }) => {
        if (!upkeep.has(commandName)) commands += 1
      })
      await home.engine({ tasks: [piece], client, times: {} })
      await new Promise(resolve => setTimeout(resolve, settleMs))
      commands = 0
      await new Promise(resolve => setTimeout(resolve, 10_000))
      expect(commands).toBeLessThanOrEqual(20)
    } finally {
      await home[Symbol.asyncDispose]()
      await client.close()
    }
  })
})
