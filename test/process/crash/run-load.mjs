// A child program: runs the load on one file, and dies where it is told to.
import { createEngine } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { deathAt } from './death.mjs'
import { openLedger } from './ledger.mjs'
import { loadTasks, planned } from './load.mjs'
import { endWithParent, optionsOf, say, stopBySignal } from './program.mjs'

const {
  file,
  ledgerFile,
  boot,
  fresh = 0,
  pending = [],
  toCancel = [],
  kill,
  slots = 8,
  wave = 4,
  start = true,
} = optionsOf()
endWithParent()
const ledger = openLedger(ledgerFile)
const pass = deathAt(kill, ledger)
ledger.note({ is: 'boot', boot })

const store = sqlite({
  file,
  faults: { beforeCommit: () => pass('before-commit'), afterCommit: () => pass('after-commit') },
})
// Registered before the engine's own listener: the write is made, and nobody has been woken.
store.outbox.onDue(() => pass('before-wake-up'))
const tasks = loadTasks({ ledger, boot, pass })
const engine = await createEngine({
  tasks: Object.values(tasks),
  store,
  lanes: { default: { slots } },
  times: { lease: '20s', sweepInterval: '100ms', grace: '10s' },
})
engine.events.onAny(({ name, taskId, attempt }) => {
  if (['completed', 'failed', 'cancelled', 'deadLettered'].includes(name))
    ledger.note({ is: 'ended', taskId, attempt, name, boot })
})
stopBySignal(engine, '10s')
if (start) await engine.start()
say('started')

// What earlier processes asked for and never heard of is asked for again, under the same key.
const cancels = toCancel.map(cancel)
for (let from = 0; from < pending.length; from += 50)
  await Promise.all(pending.slice(from, from + 50).map(({ index, key }) => submit(index, key)))
for (let from = 0; from < fresh; from += wave) {
  const size = Math.min(wave, fresh - from)
  const submitted = Array.from({ length: size }, (_, at) => submit(from + at, `b${boot}-${from + at}`))
  // Joins the same commit, behind the submissions: dying here is dying with half of the commit's statements run.
  await Promise.resolve()
  await Promise.resolve()
  await Promise.all([...submitted, store.database.write(() => pass('within-commit'))])
}
await Promise.all(cancels)
say('submitted')

if (start) {
  for (;;) {
    const counts = await engine.tasks.counts()
    if (counts.QUEUED + counts.RUNNING + counts.RETRYING === 0) break
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
say('idle')
if (!start) process.exit(0)

async function submit(index, key) {
  const { type, parameters, cancelled = false } = planned(tasks, index, key)
  ledger.note({ is: 'asked', key, index, cancelled })
  const { taskId } = await engine.submit(type, parameters, {
    idempotencyKey: key,
    userId: `user-${index % 3}`,
  })
  ledger.note({ is: 'accepted', key, taskId })
  if (cancelled) cancels.push(cancel(taskId))
}

/** Comes a little later than the submission: what is cancelled has begun, or has sub-tasks, or waits. */
async function cancel(taskId) {
  await new Promise(resolve => setTimeout(resolve, taskId.charCodeAt(taskId.length - 1) % 16))
  ledger.note({ is: 'cancel-asked', taskId })
  await engine.tasks.cancel(taskId)
  ledger.note({ is: 'cancel-accepted', taskId })
}
