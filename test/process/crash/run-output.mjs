// A child program: writes a long text, scene by scene, for others to follow, and serves it. It is killed in the middle.
import { setTimeout as sleep } from 'node:timers/promises'
import { createEngine, defineTask } from 'quillwork'
import { createApp } from 'quillwork/http'
import { mongodb } from 'quillwork/mongodb'
import { rabbitmq } from 'quillwork/rabbitmq'
import { sqlite } from 'quillwork/sqlite'
import { z } from 'zod'
import { endWithParent, optionsOf, say, stopBySignal } from './program.mjs'

const {
  /** The file of a store of its own; else both servers are shared. */
  file,
  mongoUrl,
  rabbitUrl,
  prefix,
  roles = ['worker', 'maintenance'],
  /** Whether it serves the API. */
  api = false,
  port = 0,
  /** Whether it submits the task. */
  submits = false,
  scenes = 60,
} = optionsOf()
endWithParent()

const wordsPerScene = 20
const msPerWord = 10

/** A finished scene comes back as it was written: each word says by which attempt. */
const task = defineTask({
  type: 'Novel',
  parameters: z.object({ scenes: z.number() }),
  result: z.string(),
  retry: { maxAttempts: 100, backoff: [20] },
  async execute(ctx) {
    let text = ''
    for (let scene = 1; scene <= ctx.parameters.scenes; scene++) {
      let isWritten = false
      const written = await ctx.checkpoint(`scene ${scene}`, async () => {
        isWritten = true
        let fresh = ''
        for (let word = 1; word <= wordsPerScene; word++) {
          const next = `${scene}.${word}由${ctx.attempt} `
          ctx.write(next)
          fresh += next
          await sleep(msPerWord, undefined, { signal: ctx.signal })
        }
        return fresh
      })
      if (!isWritten) ctx.write(written)
      else say('scene', { scene, attempt: ctx.attempt })
      text += written
    }
    return text
  },
})

const shared = file === undefined
const engine = await createEngine({
  tasks: [task],
  store: shared ? mongodb({ url: mongoUrl }) : sqlite({ file }),
  ...(shared ? { broker: rabbitmq({ url: rabbitUrl, prefix }) } : {}),
  lanes: { default: { slots: 1 } },
  times: { lease: '1s', sweepInterval: '100ms', grace: '1s' },
  roles,
})
stopBySignal(engine, '1s')
const app = api ? createApp({ engine }) : undefined
const url = await app?.listen({ host: '127.0.0.1', port })
await engine.start()
const taskId = submits ? (await engine.submit(task, { scenes }, { idempotencyKey: 'one' })).taskId : undefined
say('started', { url, taskId })
