import { PerformanceObserver, performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { percentile } from './load.mjs'

const TICK_MS = 2

/**
 * How late ticks of 2 ms are, in ms, while something is done: at most, and below what 99 % of them stay. Ticks that a blocked loop swallowed count,
 * each from its own due time. `gcMs` is how much of the longest delay the garbage collector held.
 */
export async function latenessOf(work) {
  const collections = []
  const observer = new PerformanceObserver(list => collections.push(...list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  const late = [0]
  let worst = { from: 0, to: 0 }
  let last = performance.now()
  const tick = () => {
    const now = performance.now()
    for (let due = last + TICK_MS; due <= now; due += TICK_MS) late.push(now - due)
    if (now - last > worst.to - worst.from) worst = { from: last, to: now }
    last = now
  }
  const timer = setInterval(tick, TICK_MS)
  await work()
  await sleep(2 * TICK_MS)
  clearInterval(timer)
  tick()
  // The observer hears of a collection some time after it.
  await sleep(50)
  observer.disconnect()
  const within = collections.filter(
    ({ startTime, duration }) => startTime < worst.to && startTime + duration > worst.from,
  )
  const gcMs = within.reduce((sum, { duration }) => sum + duration, 0)
  return { lateMs: percentile(late, 1), p99Ms: percentile(late, 0.99), gcMs }
}
