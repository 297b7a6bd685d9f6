// One process of an upgrade: `node run-upgrade.mjs BUILD NAME ROLES`. BUILD is the folder of the build that it runs, NAME what its results say.
// A worker ends at SIGTERM; a client submits so many tasks of a type for each line `TYPE COUNT` that it reads, and says when they are stored.
import path from 'node:path'
import readline from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'

const [, , build, name, roles] = process.argv
const load = file => import(pathToFileURL(path.join(build, 'dist', file)).href)
const { createEngine, defineTask } = await load('index.js')
const { mongodb } = await load('store/mongodb/index.js')
const { rabbitmq } = await load('broker/rabbitmq/index.js')

const echo = defineTask({
  type: 'Echo',
  parameters: z.number(),
  result: z.string(),
  async execute() {
    await sleep(20)
    return name
  },
})
const tree = defineTask({
  type: 'Tree',
  parameters: z.number(),
  result: z.number(),
  async execute(ctx) {
    const items = Array.from({ length: 4 }, (_, at) => ({ key: `part ${at}`, parameters: at }))
    await ctx.checkpoint('before', () => name)
    await ctx.submitSubTasks(echo, items)
  },
  async onSubTasksSettled(ctx) {
    let completed = 0
    for await (const { status } of ctx.subTasks(echo)) if (status === 'COMPLETED') completed += 1
    return completed
  },
})
/** Only the new build has this one. */
const added = defineTask({ type: 'Added', parameters: z.number(), result: z.string(), execute: () => name })
const tasks = name === 'old' ? [echo, tree] : [echo, tree, added]

const { STORE_URL: url, BROKER_URL: brokerUrl, BROKER_PREFIX: prefix } = process.env
const engine = await createEngine({
  tasks,
  store: mongodb({ url }),
  broker: rabbitmq({ url: brokerUrl, prefix }),
  lanes: { default: { slots: 2 } },
  times: { lease: '3s' },
  roles: roles === '' ? [] : roles.split(','),
})
await engine.start()
process.once('SIGTERM', () => void engine.stop().then(() => process.exit(0)))
process.stdout.write('ready\n')
for await (const line of readline.createInterface({ input: process.stdin })) {
  const [type, count] = line.split(' ')
  const items = Array.from({ length: Number(count) }, (_, at) => ({ parameters: at }))
  await engine.submitMany(
    tasks.find(task => task.type === type),
    items,
  )
  process.stdout.write(`stored ${type}\n`)
}
