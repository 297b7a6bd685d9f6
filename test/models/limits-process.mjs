// A child program: one of several processes that call models under shared limits. Asked for it, it tells how long a wait held a slot, and
// how long the machine kept the process from its timers.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { createEngine, defineTask } from 'quillwork'
import { mongodb } from 'quillwork/mongodb'
import { rabbitmq } from 'quillwork/rabbitmq'
import { z } from 'zod'
import { optionsOf, say, stopBySignal } from '../process/crash/program.mjs'
import { openModel } from './open-model.mjs'
import { granted, timedLimiter } from './timed-limiter.mjs'

const { mongoUrl, rabbitUrl, prefix, modelUrl, limits, slots } = optionsOf()

const models = new Map(Object.keys(limits).map(key => [key, openModel({ id: key, url: modelUrl, key })]))
const byModel = Object.fromEntries([...models].map(([key, model]) => [model.limit, limits[key]]))

let longestWait = 0

const call = defineTask({
  type: 'Call',
  parameters: z.object({ key: z.string(), prompt: z.string() }),
  result: z.object({ text: z.string() }),
  async execute(ctx) {
    const { key, prompt } = ctx.parameters
    const model = models.get(key)
    const estimate = model.countTokens(prompt) + model.maxOutputTokens
    await model.prepare()
    const permit = await waitFor(ctx.acquire(model.limit, estimate))
    // The test looks how long the way to the server was.
    const { from, to } = granted.get(ctx.taskId)
    const request = {
      prompt: `${prompt}, granted at ${from} to ${to}`,
      maxOutputTokens: model.maxOutputTokens,
    }
    // A call that failed was counted at the provider: its estimate stands.
    const { text, usage } = await model.write(request, { signal: ctx.signal })
    permit.commit(usage.inputTokens + usage.outputTokens)
    await ctx.addUsage(usage)
    return { text }
  },
})

const store = mongodb({ url: mongoUrl })
const engine = await createEngine({
  tasks: [call],
  store,
  broker: rabbitmq({ url: rabbitUrl, prefix }),
  lanes: { default: { slots } },
  times: { lease: '10s', sweepInterval: '1s', grace: '1s' },
  limits: timedLimiter({ limits: byModel, states: store.states }),
})
stopBySignal(engine, '1s')
await engine.start()
const lateness = monitorEventLoopDelay({ resolution: 10 })
lateness.enable()
say('started')

/** How long a slot is held by a wait, granted or not. */
async function waitFor(permit) {
  const begin = performance.now()
  try {
    return await permit
  } finally {
    longestWait = Math.max(longestWait, performance.now() - begin)
  }
}

createInterface({ input: process.stdin })
  .on('line', () => say('longest', { ms: longestWait, lateMs: lateness.max / 1e6 }))
  // The test is gone.
  .on('close', () => process.exit(3))
