import { copyFileSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { chunks, noopTask, openEngine } from '../engine.mjs'
import { deferred, median, payload } from '../load.mjs'

const USERS = 1_000
/** Tasks that start before the clock does, and tasks that are timed. The small backlog has both, and so falls from 10,000. */
const WARM_UP = 2_000
const TIMED = 8_000
const SMALL = 12_000

/** The user of a task, by the order in which `queued` tasks were submitted. */
const USER_OF = {
  'one-user': () => 'user-0',
  distinct: index => `user-${index}`,
  interleaved: index => `user-${index % USERS}`,
  blocks: (index, queued) => `user-${Math.floor((index * USERS) / queued)}`,
}

/** Writes a database with `queued` tasks that wait, through an engine that is not started. */
export async function fill({ directory, queued, shape }) {
  await fillFile(join(directory, 'backlog.db'), queued, shape)
  return {}
}

async function fillFile(file, queued, shape) {
  const noop = noopTask(() => {})
  const engine = await openEngine({ file, tasks: [noop] })
  const userOf = USER_OF[shape]
  const item = index => ({ parameters: payload(index), userId: userOf(index, queued) })
  for (const items of chunks(queued, item)) await engine.submitMany(noop, items)
  await engine[Symbol.asyncDispose]()
}

/** Tasks claimed (and settled) per second of the first 10,000 after an engine is opened on the file: the median of `windows`. */
export async function claims({ directory, prepared, windows }) {
  const file = join(directory, 'backlog.db')
  copyFileSync(join(prepared, 'backlog.db'), file)
  const rates = []
  for (let i = 0; i < windows; i++) rates.push(await timeWindow(file))
  return { claimsPerSecond: median(rates) }
}

/** The same with a new file of 12,000 tasks for each window: the clock starts when 10,000 of them are left. */
export async function claimsAtTenThousand({ directory, windows, shape }) {
  const rates = []
  for (let i = 0; i < windows; i++) {
    const file = join(directory, `backlog-${i}.db`)
    await fillFile(file, SMALL, shape)
    rates.push(await timeWindow(file))
    rmSync(file)
  }
  return { claimsPerSecond: median(rates) }
}

async function timeWindow(file) {
  let begin = 0
  let started = 0
  const reached = deferred()
  const noop = noopTask(() => {
    started += 1
    if (started === WARM_UP) begin = performance.now()
    if (started === WARM_UP + TIMED) reached.resolve((TIMED / (performance.now() - begin)) * 1000)
  })
  const engine = await openEngine({ file, tasks: [noop] })
  await engine.start()
  const rate = await reached.promise
  await engine[Symbol.asyncDispose]()
  return rate
}

/**
 * Opens an engine on the waiting tasks: milliseconds from `createEngine` to the first handler (modules loaded, nothing warmed
 * up), resident memory then, and its peak after 10,000 tasks.
 */
export async function open({ directory, prepared }) {
  const file = join(directory, 'backlog.db')
  copyFileSync(join(prepared, 'backlog.db'), file)
  const figures = {}
  let started = 0
  const reached = deferred()
  const begin = performance.now()
  const noop = noopTask(() => {
    started += 1
    if (started === 1) {
      figures.firstHandlerMs = performance.now() - begin
      figures.openedMb = process.memoryUsage.rss() / 1e6
    }
    if (started === WARM_UP + TIMED) reached.resolve()
  })
  const engine = await openEngine({ file, tasks: [noop] })
  await engine.start()
  await reached.promise
  figures.residentMb = peakResidentMb()
  await engine[Symbol.asyncDispose]()
  return figures
}

/** The high-water mark of the process; where the system has no such file, the present value. */
function peakResidentMb() {
  try {
    return (Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024) / 1e6
  } catch {
    return process.memoryUsage.rss() / 1e6
  }
}
