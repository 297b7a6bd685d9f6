// A provider that allows two calls at a time, whatever the number of worker slots. A minute is any 60 seconds.
import { setTimeout as sleep } from 'node:timers/promises'
import { createEngine, defineTask } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { z } from 'zod'

let calling = 0
let most = 0

const ask = defineTask({
  type: 'Ask',
  parameters: z.object({ question: z.string() }),
  result: z.object({ answer: z.string() }),
  lane: 'models',
  async execute(ctx) {
    // The estimate is 100 tokens. A wait of more than two seconds would end the attempt and free the slot; no retry is spent.
    const permit = await ctx.acquire('example/model', 100)
    calling += 1
    most = Math.max(most, calling)
    await sleep(20, undefined, { signal: ctx.signal })
    calling -= 1
    permit.commit(60)
    return { answer: ctx.parameters.question.toUpperCase() }
  },
})

const engine = await createEngine({
  tasks: [ask],
  store: sqlite({ file: 'limits.db' }),
  // Few more slots than calls that may run at a time: the others would only wait in them.
  lanes: { models: { slots: 4 } },
  limits: { 'example/model': { concurrency: 2, requestsPerMinute: 600, tokensPerMinute: 100_000 } },
})
await engine.start()
const questions = Array.from({ length: 10 }, (_, n) => ({ parameters: { question: `question ${n}` } }))
const tasks = await engine.submitMany(ask, questions)
await Promise.all(tasks.map(task => task.result()))
console.log(`${tasks.length} calls, at most ${most} at a time`)
console.log(engine.limiter.describe().map(({ key, requests, tokens }) => ({ key, requests, tokens })))
await engine.stop()
