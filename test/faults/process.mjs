// A child program: one process of the distributed composition. It runs tasks, or only submits them, and does what its parent tells it
// on standard input, one JSON line per order. It dies where it is told to.
import { createInterface } from 'node:readline'
import { MongoNetworkError } from 'mongodb'
import { createEngine } from 'quillwork'
import { rabbitmq } from 'quillwork/rabbitmq'
import { createMongoStore } from '../../dist/store/mongodb/store.js'
import { deathAt } from '../process/crash/death.mjs'
import { openLedger } from '../process/crash/ledger.mjs'
import { optionsOf, say, stopBySignal } from '../process/crash/program.mjs'
import { planned } from './plan.mjs'
import { faultTasks } from './tasks.mjs'

const {
  mongoUrl,
  rabbitUrl,
  prefix,
  ledgerFile,
  boot,
  kill,
  /** Point at which the process stops itself, once, until it gets SIGCONT. */
  stop,
  /** Operation of the store that this process begins and never sends. */
  hold,
  /** Operations of the store that always fail in this process. */
  refuse = [],
  /** Milliseconds by which this process takes the time for later than it is. */
  aheadMs,
  /** Share of operations, by name, whose answer is lost after they were executed. */
  lostAnswers = {},
  roles = ['worker', 'maintenance'],
  start = true,
  slots = 8,
  times = { lease: '3s', sweepInterval: '1s', grace: '5s' },
  retry = { maxAttempts: 50, backoff: [200] },
  brokerOptions = {},
  resendAfter = {},
  /** It knows a task type, and parameters of another, that an older process does not. */
  newer = false,
  /** It serves the HTTP API. */
  api = false,
} = optionsOf()

const raw = openLedger(ledgerFile)
const ledger = {
  note: entry => raw.note({ ...entry, ms: Date.now() }),
  effect: entry => raw.effect({ ...entry, ms: Date.now() }),
}
const die = deathAt(kill, ledger)
let stopAt = stop
const pass = point => {
  die(point)
  if (point !== stopAt) return
  stopAt = undefined
  ledger.note({ is: 'stopped', at: point, boot })
  process.kill(process.pid, 'SIGSTOP')
}
ledger.note({ is: 'boot', boot })

const storeOptions = {
  url: mongoUrl,
  ...(aheadMs === undefined ? {} : { now: () => Date.now() + aheadMs }),
  faults: {
    before(operation) {
      pass(`before-${operation}`)
      if (refuse.includes(operation)) {
        ledger.note({ is: 'fault', name: `${operation} was refused` })
        throw new Error('refused on purpose')
      }
      if (operation !== hold) return
      ledger.note({ is: 'held', at: operation, boot })
      return new Promise(() => undefined)
    },
    after(operation) {
      pass(`after-${operation}`)
      if (Math.random() >= (lostAnswers[operation] ?? lostAnswers.every ?? 0)) return
      ledger.note({ is: 'fault', name: `the answer of ${operation} was lost`, boot })
      throw new MongoNetworkError('the answer was lost on purpose')
    },
  },
}
const store = createMongoStore(storeOptions, { resendAfter })
const broker = rabbitmq({ url: rabbitUrl, prefix, ...brokerOptions })
const types = faultTasks({ ledger, boot, pass, retry, newer })
const engine = await createEngine({
  tasks: Object.values(types),
  store,
  broker,
  lanes: { default: { slots } },
  times,
  roles,
  log: logTo(ledger),
})
engine.events.onAny(event => {
  const { name, taskId, attempt, nextAttemptTimestamp } = event
  if (['completed', 'failed', 'cancelled', 'deadLettered'].includes(name))
    ledger.note({ is: 'ended', taskId, attempt, name, boot })
  if (['retrying', 'waiting', 'givenBack'].includes(name))
    ledger.note({ is: 'attempt-over', taskId, attempt, name, boot, notBefore: nextAttemptTimestamp })
})
// Loaded where it is served: it takes longer to load than all else.
const { createApp } = api ? await import('quillwork/http') : {}
const app = createApp?.({ engine })
stopBySignal({ stop: stopInOrder }, times.grace ?? '5s')
if (start) await engine.start()
const url = await app?.listen({ host: '127.0.0.1', port: 0 })
say('started', { pid: process.pid, url })

/** First the requests, then the tasks, as the server does it. */
async function stopInOrder(options) {
  await app?.close()
  await engine.stop(options)
}

const orders = {
  /** Submits tasks of the plan, a few at a time, each until it is acknowledged. */
  async submit({ plan, from, count, seed, key = '', wave = 16, pending = [] }) {
    const wanted = [...pending]
    for (let index = from; index < from + count; index++) wanted.push({ index, key: `${key}${index}` })
    const next = wanted.entries()
    let room
    await Promise.all(
      Array.from({ length: wave }, async () => {
        for (const [nth, { index, key: ofTask }] of next) {
          if (nth % 25 === 0) room = roomForMore()
          await room
          await submitOne(planned(plan, index, ofTask, seed))
        }
      }),
    )
  },
  async cancel({ taskId }) {
    ledger.note({ is: 'cancel-asked', taskId })
    const isAccepted = await engine.tasks.cancel(taskId).then(
      () => true,
      error => {
        // It was quicker.
        if (error.code !== 'TASK_ALREADY_ENDED') throw error
        return false
      },
    )
    if (isAccepted) ledger.note({ is: 'cancel-accepted', taskId })
  },
  async retry({ taskId }) {
    await engine.tasks.retry(taskId)
  },
}

createInterface({ input: process.stdin })
  .on('line', line => {
    const { order, number, ...options } = JSON.parse(line)
    orders[order](options).then(
      () => say(`done ${number}`),
      // The test sees the end of the process, and why.
      error => {
        process.stderr.write(`${order} failed: ${error.code} ${error}\n`)
        process.exit(4)
      },
    )
  })
  // The test is gone.
  .on('close', () => process.exit(3))

/** Tasks that wait at once: the database of the tests sorts all of them whenever the next ones are looked for. */
const mostWaiting = 300

/** Milliseconds after which more come although none of these went: nobody runs them. */
const patienceMs = 5_000

/** Resolves when less than that wait. Whoever cannot be asked is not waited for. */
async function roomForMore() {
  let least = Number.POSITIVE_INFINITY
  let since = Date.now()
  for (;;) {
    const { QUEUED } = await engine.tasks.counts().catch(() => ({ QUEUED: 0 }))
    if (QUEUED < least) [least, since] = [QUEUED, Date.now()]
    if (QUEUED < mostWaiting || Date.now() - since > patienceMs) return
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}

/** Asks until it is acknowledged, always under the same key. */
async function submitOne({ type, parameters, index, key, options }) {
  ledger.note({ is: 'asked', key, index, cancelled: false })
  for (;;) {
    try {
      const { taskId } = await engine.submit(types[type], parameters, { idempotencyKey: key, ...options })
      ledger.note({ is: 'accepted', key, taskId })
      return
    } catch (error) {
      ledger.note({ is: 'unheard', key, code: error.code ?? String(error) })
      await new Promise(resolve => setTimeout(resolve, 250))
    }
  }
}

/** Warnings and errors are counted by what they say; what the broker's counters say is noted when it changes. */
function logTo({ note }) {
  const write = level => (fields, message) =>
    note({
      is: 'logged',
      level,
      message,
      boot,
      error: fields.err === undefined ? undefined : String(fields.err),
    })
  return { info: () => undefined, warn: write('warn'), error: write('error') }
}

let told = ''
setInterval(() => {
  const health = broker.remote.health()
  const now = JSON.stringify(health)
  if (now !== told) ledger.note({ is: 'broker', boot, ...health })
  told = now
}, 100).unref()
