import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { chunks, familyTask, noopTask, openEngine } from '../engine.mjs'
import { idle, keepInFlight, payload, sustained as sustainedLoad, tally, WIDTH } from '../load.mjs'

/** A task counts as ended when its handle's `result()` has resolved: the strictest end that a user can see. */
function opener(directory, users) {
  return async ({ onStart, onEnd }) => {
    const noop = noopTask(onStart)
    const engine = await openEngine({ file: join(directory, 'quillwork.db'), tasks: [noop] })
    await engine.start()
    const submit = async index => {
      const handle = await engine.submit(noop, payload(index), { userId: `user-${index % users}` })
      void handle.result().then(onEnd)
    }
    return { submit, close: () => engine[Symbol.asyncDispose]() }
  }
}

/** Throughput through the public API; the tasks of `users` users are interleaved. */
export function sustained({ directory, count, warmUp, users }) {
  return sustainedLoad(opener(directory, users), { count, warmUp })
}

/**
 * Throughput of tasks as a writing product submits them: each with two tags and an idempotency key, while a page of the tasks of one user
 * is listed every half second, as an open page of the dashboard does.
 */
export function sustainedWritten({ directory, count, warmUp, users }) {
  return sustainedLoad(
    async ({ onStart, onEnd }) => {
      const noop = noopTask(onStart)
      const engine = await openEngine({ file: join(directory, 'quillwork.db'), tasks: [noop] })
      await engine.start()
      let run = 0
      const submit = async index => {
        run += 1
        const tags = [`novel:${index % 977}`, `scene:${index}`]
        const options = { userId: `user-${index % users}`, tags, idempotencyKey: `key-${run}` }
        const handle = await engine.submit(noop, payload(index), options)
        void handle.result().then(onEnd)
      }
      const page = setInterval(() => void engine.tasks.list({ userId: 'user-0' }, { pageSize: 50 }), 500)
      const close = async () => {
        clearInterval(page)
        await engine[Symbol.asyncDispose]()
      }
      return { submit, close }
    },
    { count, warmUp },
  )
}

/** Idle latency through the public API. */
export function latency({ directory, samples, warmUp }) {
  return idle(opener(directory, 1), { samples, warmUp })
}

/**
 * Milliseconds for `count` independent tasks, submitted in chunks while the engine runs, until the last one is completed. As with
 * a parent, nobody waits for each of them: when all handlers have run, the results of those that started last are awaited.
 */
export async function independent({ directory, count, warmUp }) {
  let current = tally(0)
  let order = []
  const noop = noopTask(index => {
    order.push(index)
    current.started(index)
    current.ended()
  })
  const engine = await openEngine({ file: join(directory, 'quillwork.db'), tasks: [noop] })
  const run = async size => {
    current = tally(size)
    order = []
    const handles = []
    const begin = performance.now()
    for (const items of chunks(size, index => ({ parameters: payload(index) }))) {
      for (const handle of await engine.submitMany(noop, items)) handles.push(handle)
    }
    await current.done
    await Promise.all(order.slice(-4 * WIDTH).map(index => handles[index].result()))
    const ms = performance.now() - begin
    current.check()
    await keepInFlight(size, WIDTH, index => handles[index].result())
    return { ms }
  }
  try {
    await engine.start()
    await run(warmUp)
    return await run(count)
  } finally {
    await engine[Symbol.asyncDispose]()
  }
}

/** Milliseconds from the submit of a parent with `count` children until the parent is completed. */
export async function parent({ directory, count, warmUp }) {
  let current = tally(0)
  const noop = noopTask(index => {
    current.started(index)
    current.ended()
  })
  const family = familyTask(noop)
  const engine = await openEngine({ file: join(directory, 'quillwork.db'), tasks: [noop, family] })
  const run = async size => {
    current = tally(size)
    const begin = performance.now()
    const handle = await engine.submit(family, { children: size })
    await handle.result()
    const ms = performance.now() - begin
    current.check()
    return { ms }
  }
  try {
    await engine.start()
    await run(warmUp)
    return await run(count)
  } finally {
    await engine[Symbol.asyncDispose]()
  }
}
