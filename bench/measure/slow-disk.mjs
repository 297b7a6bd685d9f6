import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { noopTask, openEngine } from '../engine.mjs'
import { payload, percentile } from '../load.mjs'

const TICK_MS = 2

/** How late a timer of this process fires, in ms, while tasks come in steadily and every fsync takes longer. */
export async function lateness({ directory, syncDelayMs, tasksPerSecond, seconds, warmUpSeconds }) {
  const noop = noopTask(() => {})
  const faults = { syncDelayMs }
  const engine = await openEngine({ file: join(directory, 'slow.db'), tasks: [noop], faults })
  await engine.start()
  const ended = []
  let index = 0
  const submitOne = async () => {
    const handle = await engine.submit(noop, payload(index++))
    await handle.result()
  }
  await checkDelay(submitOne, syncDelayMs)
  await everyTick(warmUpSeconds, tasksPerSecond, () => ended.push(submitOne()))
  const late = await everyTick(seconds, tasksPerSecond, () => ended.push(submitOne()))
  await Promise.all(ended)
  await engine[Symbol.asyncDispose]()
  return { medianMs: percentile(late, 0.5), p99Ms: percentile(late, 0.99), maxMs: percentile(late, 1) }
}

/** A delay that is not in force would make a good figure out of nothing: one task alone must take at least as long. */
async function checkDelay(submitOne, syncDelayMs) {
  const begin = performance.now()
  await submitOne()
  const took = performance.now() - begin
  if (took < syncDelayMs)
    throw new Error(`a task took ${took} ms though every fsync is to take ${syncDelayMs} ms longer`)
}

/**
 * Calls `submit` at a steady rate and gives back how late each tick of 2 ms was. Ticks that a blocked loop swallowed count too,
 * each from its own due time, as a request that came in then would have waited.
 */
async function everyTick(seconds, perSecond, submit) {
  const begin = performance.now()
  const ticks = Math.round((seconds * 1000) / TICK_MS)
  const late = []
  let submitted = 0
  while (late.length < ticks) {
    const dueIn = begin + late.length * TICK_MS - performance.now()
    if (dueIn > 0) await sleep(dueIn)
    const now = performance.now()
    for (let due = begin + late.length * TICK_MS; due <= now && late.length < ticks; due += TICK_MS)
      late.push(now - due)
    for (; submitted < ((now - begin) / 1000) * perSecond; submitted++) submit()
  }
  return late
}
