// Task types whose handlers run in threads, for `threads.test.ts`.
import { threadId } from 'node:worker_threads'
import { defineTask, PermanentError, SnoozeError } from 'quillwork'
import { z } from 'zod'

const here = { runIn: 'thread', module: import.meta.url }

/** Returns what it was given, and where it ran. */
export const report = defineTask({
  ...here,
  type: 'Report',
  parameters: z.object({ at: z.date(), big: z.bigint(), times: z.number().default(3) }),
  result: z.object({
    at: z.date(),
    big: z.bigint(),
    times: z.number(),
    threadId: z.number(),
    facts: z.array(z.any()),
  }),
  progress: z.object({ done: z.number() }),
  execute(ctx) {
    for (let done = 1; done <= 100_000; done++) ctx.updateProgress({ done })
    ctx.logInfo('reported', { times: ctx.parameters.times })
    ctx.write('some ')
    ctx.write('text')
    return { ...ctx.parameters, threadId, facts: [ctx.taskId, ctx.attempt, ctx.userId, ctx.tags] }
  },
})

/** Never ends, and never yields, where it is told to. */
export const spin = defineTask({
  ...here,
  type: 'Spin',
  attemptTimeout: '1m',
  retry: { maxAttempts: 2, backoff: ['1s'] },
  parameters: z.object({ attempts: z.number(), listens: z.boolean().default(false) }),
  result: z.number(),
  progress: z.literal('spinning'),
  execute(ctx) {
    ctx.updateProgress('spinning')
    while (ctx.attempt <= ctx.parameters.attempts) if (ctx.parameters.listens) ctx.signal.throwIfAborted()
    return threadId
  },
})

class OwnError extends Error {
  name = 'OwnError'
  secret = () => undefined
}

const endings = {
  permanent: () => {
    throw new PermanentError('cannot be mended', { code: 'BROKEN', cause: new Error('the cause') })
  },
  snooze: ctx => {
    if (ctx.attempt === 1) throw new SnoozeError(Date.UTC(2026, 0, 1, 1), 'an hour later')
    return 'snoozed'
  },
  status: () => {
    throw Object.assign(new Error('refused'), { status: 422 })
  },
  text: () => {
    throw 'only a text'
  },
  caught: async ctx => {
    const error = new OwnError('mine')
    const same = await ctx
      .checkpoint('fails', () => {
        throw error
      })
      .catch(caught => caught === error)
    const coded = await ctx.checkpoint('', () => 1).catch(caught => caught.code)
    return `${same} ${coded}`
  },
  uncaught: ctx => {
    if (ctx.attempt > 1) return 'again'
    setImmediate(() => {
      throw new OwnError('out of band')
    })
    return new Promise(() => undefined)
  },
  exit: ctx => (ctx.attempt > 1 ? 'again' : process.exit(3)),
  memory: ctx => {
    const kept = []
    while (ctx.attempt === 1) kept.push(new Array(10_000).fill(kept.length))
    return 'again'
  },
  unawaited: ctx => {
    void ctx.checkpoint('', () => 1)
    ctx.logError('failed', { err: new Error('the disk'), count: 1n })
    return new Promise(resolve => setTimeout(resolve, 50, 'went on'))
  },
  repeated: async ctx => {
    const ran = await ctx.checkpoint('paid', () => ctx.attempt)
    if (ctx.attempt === 1) throw Object.assign(new Error('for good'), { status: 400 })
    return [ran, ctx.checkpointKey('paid'), ctx.checkpointKey('other')]
  },
  services: ctx => ctx.services,
  sleep: ctx => ctx.sleep('1h'),
  function: () => ({ not: () => undefined }),
}

/** Ends in the way that its parameters name. */
export const end = defineTask({
  ...here,
  type: 'End',
  retry: { maxAttempts: 2, backoff: ['1s'] },
  parameters: z.enum(Object.keys(endings)),
  result: z.any(),
  execute: ctx => endings[ctx.parameters](ctx),
})

/** Fails after its first step, once. */
export const step = defineTask({
  ...here,
  type: 'Step',
  retry: { backoff: ['1s'] },
  parameters: z.null(),
  result: z.array(z.number()),
  async execute(ctx) {
    const first = await ctx.checkpoint('first', () => ctx.attempt)
    if (ctx.attempt === 1) throw new Error('after the step')
    return [first, await ctx.checkpoint('second', () => ctx.attempt)]
  },
})

/** Has sub-tasks, and adds them up in a thread as well. */
export const sum = defineTask({
  ...here,
  type: 'Sum',
  parameters: z.number(),
  result: z.object({ sum: z.number(), threads: z.number() }),
  async execute(ctx) {
    const items = Array.from({ length: ctx.parameters }, (_, at) => ({
      key: `${at}`,
      parameters: { attempts: 0 },
    }))
    await ctx.submitSubTasks(spin, items)
  },
  async onSubTasksSettled(ctx) {
    let found = 0
    for await (const { result } of ctx.subTasks(spin)) found += result > 0 ? 1 : 0
    return { sum: found, threads: threadId > 0 ? 1 : 0 }
  },
})

const hidden = { parameters: z.null(), result: z.null(), retry: { maxAttempts: 1 }, execute: () => null }
/** Not one of what this module exports. */
const notExported = defineTask({ ...here, ...hidden, type: 'NotExported' })
const noModule = defineTask({
  ...hidden,
  type: 'NoModule',
  runIn: 'thread',
  module: new URL('missing.mjs', import.meta.url),
})
const makesEngine = defineTask({
  ...hidden,
  type: 'MakesEngine',
  runIn: 'thread',
  module: new URL('engine.mjs', import.meta.url),
})
export const late = defineTask({
  ...hidden,
  type: 'Late',
  runIn: 'thread',
  retry: { backoff: ['1s'] },
  module: new URL('late.mjs', import.meta.url),
})
export const unusable = { notExported, noModule, makesEngine }
