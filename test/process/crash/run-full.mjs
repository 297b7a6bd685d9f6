// A child program: submits large tasks until the store refuses them, and goes on when the test says that there is space.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { createEngine, defineTask } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { z } from 'zod'
import { openLedger } from './ledger.mjs'
import { optionsOf, say, stopBySignal } from './program.mjs'

const { file, ledgerFile, boot } = optionsOf()
const lines = createInterface({ input: process.stdin })
lines.on('close', () => process.exit(3))
const ledger = openLedger(ledgerFile)
ledger.note({ is: 'boot', boot })

const opened = {}
const gate = new Promise(resolve => {
  opened.resolve = resolve
})
const task = defineTask({
  type: 'Large',
  parameters: z.object({ key: z.string(), holds: z.boolean(), text: z.string() }),
  result: z.object({ key: z.string(), attempt: z.number() }),
  async execute(ctx) {
    const { taskId, attempt } = ctx
    const { key, holds } = ctx.parameters
    ledger.note({ is: 'started', taskId, attempt, boot })
    if (holds) await gate
    ledger.effect({ is: 'effect', taskId, attempt, effectKey: key, boot })
    return { key, attempt }
  },
})
const errors = new Set()
const log = {
  info: () => undefined,
  warn: () => undefined,
  error: (fields, message) => errors.add(`${fields.err?.code}: ${message}`),
}
const engine = await createEngine({
  tasks: [task],
  store: sqlite({ file }),
  lanes: { default: { slots: 4 } },
  times: { lease: '30s', sweepInterval: '100ms', grace: '10s' },
  log,
})
engine.events.onAny(({ name, taskId, attempt }) => {
  if (['completed', 'failed', 'cancelled', 'deadLettered'].includes(name))
    ledger.note({ is: 'ended', taskId, attempt, name, boot })
})
stopBySignal(engine, '10s')
await engine.start()
let number = 0

/** Answers 'accepted', or the code that a submission was refused with. */
async function submit({ holds = false, text = 'x'.repeat(30_000) } = {}) {
  number += 1
  const key = `large-${number}`
  try {
    const { taskId } = await engine.submit(task, { key, holds, text }, { idempotencyKey: key })
    ledger.note({ is: 'accepted', key, taskId })
    return 'accepted'
  } catch (error) {
    return error.code ?? String(error)
  }
}

await submit({ holds: true })
let said = 'accepted'
while (said === 'accepted') said = await submit()
say('full', { code: said, accepted: number - 1 })

// The attempt ends while nothing can be written: its outcome waits.
opened.resolve()
const refused = []
for (let n = 0; n < 5; n++) refused.push(await submit())
say('still-full', { refused })

await once(lines, 'line')
let waits = 0
while ((await submit({ text: 'small' })) !== 'accepted') {
  waits += 1
  if (waits > 1_000) process.exit(6)
  await new Promise(resolve => setTimeout(resolve, 10))
}
for (let n = 0; n < 5; n++) await submit()
for (;;) {
  const counts = await engine.tasks.counts()
  if (counts.QUEUED + counts.RUNNING + counts.RETRYING === 0) break
  await new Promise(resolve => setTimeout(resolve, 10))
}
say('idle', { errors: [...errors] })
