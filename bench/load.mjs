import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** How many submits are under way and how many handlers run at once, for every system measured. */
export const WIDTH = 50

const FILLER = 'The rain had stopped before the ferry reached the far bank, and nobody spoke of the letter.'

/** Parameters of the no-op task: about 200 bytes as JSON. `index` is what the exactly-once check counts. */
export function payload(index) {
  return { index, novelId: `novel-${index % 977}`, sceneId: `scene-${index}`, style: 'plain', text: FILLER }
}

/** Runs `submit(0) .. submit(count - 1)` with at most `width` of them under way. */
export async function keepInFlight(count, width, submit) {
  let next = 0
  const submitter = async () => {
    while (next < count) await submit(next++)
  }
  await Promise.all(Array.from({ length: width }, submitter))
}

/** The value below which the share `p` (0 to 1) of the samples lies. */
export function percentile(samples, p) {
  const sorted = Float64Array.from(samples).sort()
  return sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)]
}

/** The middle value; of an even number of samples the mean of the two in the middle. */
export function median(samples) {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * Counts handler starts and ends of `count` tasks.
 * `done` resolves with the time (ms) of the last end; `check` throws unless each task ran exactly once.
 */
export function tally(count) {
  const runs = new Uint8Array(count)
  const { promise: done, resolve } = deferred()
  let ended = 0
  return {
    done,
    started: index => {
      runs[index] += 1
    },
    ended: () => {
      if (++ended === count) resolve(performance.now())
    },
    check: () => {
      const wrong = runs.findIndex(times => times !== 1)
      if (wrong >= 0) throw new Error(`task ${wrong} of ${count} ran ${runs[wrong]} times`)
      if (ended !== count) throw new Error(`${ended} ends were reported for ${count} tasks`)
    },
  }
}

/**
 * Durable tasks per second from submit to COMPLETED, while submitting.
 *
 * `open({ onStart, onEnd })` gives `{ submit(index), close() }`. `onStart(index)` belongs in the handler, `onEnd()` where the
 * system tells its user that the task is completed. The clock runs from the first submit to the last end. `around` is called with
 * the timed part and answers what it made of its figures.
 */
export async function sustained(open, { count, warmUp, around = work => work() }) {
  let current = tally(0)
  const subject = await open({ onStart: index => current.started(index), onEnd: () => current.ended() })
  const run = async size => {
    current = tally(size)
    const begin = performance.now()
    await keepInFlight(size, WIDTH, subject.submit)
    const submitted = performance.now() - begin
    const completed = (await current.done) - begin
    current.check()
    return { tasksPerSecond: (size / completed) * 1000, submitsPerSecond: (size / submitted) * 1000 }
  }
  try {
    await run(warmUp)
    return await around(() => run(count))
  } finally {
    await subject.close()
  }
}

/** Milliseconds from submit to handler start, one task at a time on an idle queue. `open` and `around` as in `sustained`. */
export async function idle(open, { samples, warmUp, around = work => work() }) {
  let startedAt = 0
  let ended = deferred()
  const onStart = () => {
    startedAt = performance.now()
  }
  const subject = await open({ onStart, onEnd: () => ended.resolve() })
  const one = async index => {
    ended = deferred()
    const begin = performance.now()
    await Promise.all([subject.submit(index), ended.promise])
    // A pause of uneven length, so that no system can profit from a poll that happens to be in step.
    await sleep(2 + (index % 4))
    return startedAt - begin
  }
  const timed = async () => {
    const latencies = []
    for (let i = 0; i < samples; i++) latencies.push(await one(i))
    return { medianMs: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) }
  }
  try {
    for (let i = 0; i < warmUp; i++) await one(i)
    return await around(timed)
  } finally {
    await subject.close()
  }
}

/** A promise with its `resolve` beside it. */
export function deferred() {
  let resolve
  const promise = new Promise(done => {
    resolve = done
  })
  return { promise, resolve }
}
