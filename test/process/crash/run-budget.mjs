// A child program: one of several workers that share the budget of a tree. It writes down each call before it is made and after it was.
// While a file named by the test exists, it pays for three calls, and each call after them hangs.
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createEngine, defineTask } from 'quillwork'
import { mongodb } from 'quillwork/mongodb'
import { rabbitmq } from 'quillwork/rabbitmq'
import { z } from 'zod'
import { openLedger } from './ledger.mjs'
import { endWithParent, optionsOf, say, stopBySignal } from './program.mjs'

const { mongoUrl, rabbitUrl, prefix, ledgerFile, boot, estimate, real, slots, callMs, holdFile } = optionsOf()
endWithParent()
const ledger = openLedger(ledgerFile)
let paid = 0
const note = entry => ledger.note({ ...entry, boot, ms: Date.now() })

const scene = defineTask({
  type: 'Scene',
  parameters: z.number(),
  result: z.number(),
  retry: { maxAttempts: 20, backoff: [50] },
  async execute(ctx) {
    const hold = await ctx.reserve({ tokens: estimate })
    note({ is: 'call', taskId: ctx.taskId, attempt: ctx.attempt })
    await sleep(callMs)
    while (paid >= 3 && existsSync(holdFile)) await sleep(20)
    paid += 1
    note({ is: 'paid', taskId: ctx.taskId, attempt: ctx.attempt })
    await hold.commit({ tokens: real })
    return ctx.parameters
  },
})
const book = defineTask({
  type: 'Book',
  parameters: z.number(),
  result: z.unknown(),
  async execute(ctx) {
    const items = Array.from({ length: ctx.parameters }, (_, index) => ({
      key: `${index}`,
      parameters: index,
    }))
    await ctx.submitSubTasks(scene, items)
  },
})

const engine = await createEngine({
  tasks: [scene, book],
  store: mongodb({ url: mongoUrl }),
  broker: rabbitmq({ url: rabbitUrl, prefix }),
  lanes: { default: { slots } },
  times: { lease: '8s', sweepInterval: '300ms', grace: '1s' },
})
stopBySignal(engine, '1s')
await engine.start()
say('started')
