// A child program: runs tasks that misbehave in one way each, beside healthy ones.
import { setTimeout as sleep } from 'node:timers/promises'
import { createEngine, defineTask } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { z } from 'zod'
import { dieNow } from './death.mjs'
import { openLedger } from './ledger.mjs'
import { endWithParent, optionsOf, say, stopBySignal } from './program.mjs'

const {
  file,
  ledgerFile,
  boot,
  submit = [],
  slots = 8,
  lease = '20s',
  sweepInterval = '100ms',
  grace = '10s',
  faults,
} = optionsOf()
endWithParent()
const ledger = openLedger(ledgerFile)
ledger.note({ is: 'boot', boot })

const behaviours = {
  /** Takes its time, and obeys its signal. */
  work: ({ ms }, ctx) => sleep(ms, undefined, { signal: ctx.signal }),
  /** Takes its time, whatever its signal says. */
  deaf: ({ ms }) => sleep(ms),
  abort: () => process.abort(),
  exit: () => process.exit(1),
  kill: () => dieNow(),
  /** In its first attempt holds the event loop, then works on; later attempts do neither. */
  async block({ ms, after }, ctx) {
    if (ctx.attempt > 1) return
    say('blocking')
    const until = performance.now() + ms
    while (performance.now() < until);
    await comeLate(ctx, after)
  },
  /** In its first attempt works on once the process was paused and goes on; later attempts do not. */
  async pause({ after }, ctx) {
    if (ctx.attempt > 1) return
    const goesOn = new Promise(resolve => process.once('SIGCONT', resolve))
    say('pausing')
    await goesOn
    await comeLate(ctx, after)
  },
}

const parameters = z.object({
  key: z.string(),
  kind: z.enum(Object.keys(behaviours)),
  ms: z.number().default(0),
  after: z.number().default(0),
  /** Whether it says that it works. */
  tells: z.boolean().default(false),
})
const task = defineTask({
  type: 'Task',
  parameters,
  result: z.object({ key: z.string(), attempt: z.number() }),
  retry: { maxAttempts: 5, backoff: [20] },
  async execute(ctx) {
    const { taskId, attempt } = ctx
    const { key, kind, tells } = ctx.parameters
    ledger.note({ is: 'started', taskId, attempt, boot })
    if (tells) say('working')
    await behaviours[kind](ctx.parameters, ctx)
    ctx.signal.throwIfAborted()
    ledger.effect({ is: 'effect', taskId, attempt, effectKey: key, boot })
    return { key, attempt }
  },
})

/** What an attempt tries that comes too late, and what it is told. */
async function comeLate(ctx, ms) {
  await sleep(ms)
  const codeOf = write =>
    write.then(
      () => 'applied',
      error => error.code,
    )
  const checkpoint = await codeOf(ctx.checkpoint('late', () => 'value'))
  const subTask = await codeOf(ctx.submitSubTask(task, { key: 'late', kind: 'work' }, { key: 'late' }))
  say('returning', { attempt: ctx.attempt, aborted: ctx.signal.aborted, checkpoint, subTask })
}

let store
try {
  store = sqlite({ file, faults })
} catch (error) {
  say('refused', { code: error.code, message: error.message })
  process.exit(5)
}
say('opened')
const stale = []
const log = {
  info: () => undefined,
  warn: (fields, message) => stale.push({ ...fields, message }),
  error: (fields, message) => process.stderr.write(`${message} ${String(fields.err ?? '')}\n`),
}
const engine = await createEngine({
  tasks: [task],
  store,
  lanes: { default: { slots } },
  times: { lease, sweepInterval, grace },
  log,
})
engine.events.onAny(({ name, taskId, attempt }) => {
  if (['completed', 'failed', 'cancelled', 'deadLettered'].includes(name))
    ledger.note({ is: 'ended', taskId, attempt, name, boot })
})
stopBySignal(engine, grace)
await Promise.all(
  submit.map(async ({ key, ...rest }) => {
    ledger.note({ is: 'asked', key, index: 0, cancelled: false })
    const { taskId } = await engine.submit(task, { key, ...rest }, { idempotencyKey: key })
    ledger.note({ is: 'accepted', key, taskId })
  }),
)
say('submitted')
await engine.start()
say('started')
for (;;) {
  const counts = await engine.tasks.counts()
  if (counts.QUEUED + counts.RUNNING + counts.RETRYING === 0) break
  await sleep(10)
}
say('idle', { warnings: stale })
