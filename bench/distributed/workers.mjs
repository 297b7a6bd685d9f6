import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { deferred, payload } from '../load.mjs'
import { openDistributed } from './engine.mjs'

const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url))

/**
 * `size` worker processes, and a client in this process that submits to them. A task counts as ended when its handle's `result()` has
 * resolved and its worker has told of its start.
 */
export async function openWorkers(options, size, { onStart, onEnd }) {
  const starts = new Map()
  const startOf = index => {
    if (!starts.has(index)) starts.set(index, deferred())
    return starts.get(index)
  }
  const onMessage = ({ started = [] }) => {
    for (const index of started) {
      onStart(index)
      startOf(index).resolve()
    }
  }
  const workers = await Promise.all(Array.from({ length: size }, () => startWorker(options, onMessage)))
  const { engine, noop, family } = await openDistributed(options, () => {})
  return {
    async submit(index) {
      const handle = await engine.submit(noop, payload(index))
      void Promise.all([handle.result(), startOf(index).promise]).then(() => {
        starts.delete(index)
        onEnd()
      })
    },
    /** Submits all at once; resolves when all have ended, and their workers have told of their starts. */
    async runAll(count, { isTree }) {
      const items = Array.from({ length: count }, (_, index) => ({ parameters: payload(index) }))
      const started = Promise.all(items.map((_, index) => startOf(index).promise))
      const handles = isTree
        ? [await engine.submit(family, { children: count })]
        : await engine.submitMany(noop, items)
      await Promise.all([started, ...handles.map(handle => handle.result())])
      return {}
    },
    counted: () => Promise.all(workers.map(askForCounts)),
    async close() {
      await Promise.all(workers.map(end))
      await engine[Symbol.asyncDispose]()
    },
  }
}

async function startWorker(options, onMessage) {
  const worker = fork(WORKER, [JSON.stringify(options)], { execArgv: [] })
  const ready = answer(worker, 'ready')
  worker.on('message', onMessage)
  await ready
  return worker
}

async function askForCounts(worker) {
  const counts = answer(worker, 'counted')
  worker.send('count')
  return counts
}

async function end(worker) {
  const ended = once(worker, 'exit')
  worker.send('stop')
  await ended
}

/** The next message of a worker that has the field; rejects when the worker ends instead. */
function answer(worker, field) {
  return new Promise((resolve, reject) => {
    const failed = () => reject(new Error('a worker process ended'))
    worker.once('exit', failed)
    worker.on('message', function listen(message) {
      if (message[field] === undefined) return
      worker.removeListener('message', listen)
      worker.removeListener('exit', failed)
      resolve(message[field])
    })
  })
}
