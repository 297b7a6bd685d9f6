import { setTimeout as sleep } from 'node:timers/promises'
import { idle, sustained as sustainedLoad } from '../../load.mjs'
import { countingPerSecond, countingPerTask } from '../counting.mjs'
import { openDistributed, openSubject, removeTopology } from '../engine.mjs'
import { withFreshName } from '../fresh.mjs'
import { addCounts, counted, perEach, total } from '../wire.mjs'
import { openWorkers } from '../workers.mjs'

/** Throughput through the public API, everything in one process. */
export function sustained({ count, warmUp, ...options }) {
  return measure(options, count, (open, around) => sustainedLoad(open, { count, warmUp, around }))
}

/** Idle latency through the public API. */
export function latency({ samples, warmUp, ...options }) {
  return measure(options, samples, (open, around) => idle(open, { samples, warmUp, around }))
}

function measure(options, tasks, load) {
  return withFreshName(options, removeTopology, name =>
    load(
      listeners => openSubject({ ...options, name }, listeners),
      work => countingPerTask(counted, tasks, work),
    ),
  )
}

/** Throughput with a process that submits and waits for results, and `workers` processes that run the tasks. */
export function throughWorkers({ count, warmUp, workers: size, ...options }) {
  return withFreshName(options, removeTopology, async name => {
    let workers
    const open = async listeners => {
      workers = await openWorkers({ ...options, name }, size, listeners)
      return workers
    }
    const everyCount = async () => addCounts([counted(), ...(await workers.counted())])
    const around = work => countingPerTask(everyCount, count, work)
    return await sustainedLoad(open, { count, warmUp, around })
  })
}

/** What a started engine without tasks says to its servers, and the processor time it takes, per second. */
export function atRest({ seconds, settleSeconds, ...options }) {
  return withFreshName(options, removeTopology, async name => {
    const { engine } = await openDistributed({ ...options, name }, () => {})
    await engine.start()
    await sleep(settleSeconds * 1000)
    const measured = await countingPerSecond(counted, seconds)
    await engine[Symbol.asyncDispose]()
    return measured
  })
}

/**
 * What `workers` processes with `slots` slots each say for `count` tasks that are submitted at once, or for the sub-tasks of one parent
 * with `isTree`: the same work, whatever the number of processes.
 */
export function overProcesses({ count, workers: size, slots, isTree, ...options }) {
  return withFreshName(options, removeTopology, async name => {
    const workers = await openWorkers({ ...options, name, slots }, size, noListeners)
    const everyCount = async () => addCounts([counted(), ...(await workers.counted())])
    try {
      await sleep(settleMs)
      const before = await everyCount()
      const begin = performance.now()
      await workers.runAll(count, { isTree })
      const seconds = (performance.now() - begin) / 1_000
      await sleep(afterMs)
      const commands = perEach(before, await everyCount(), count)
      return { figures: { mongoCommands: total(commands.mongodb), seconds }, commands }
    } finally {
      await workers.close()
    }
  })
}

/** Milliseconds in which processes that start together share the work. */
const settleMs = 3_000
/** Milliseconds for what follows the end of the last task. Not until all is still: processes at rest ask once a second. */
const afterMs = 1_000
const noListeners = { onStart: () => undefined, onEnd: () => undefined }
