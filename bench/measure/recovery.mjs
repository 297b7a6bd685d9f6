import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { noopTask, openEngine } from '../engine.mjs'
import { payload } from '../load.mjs'

const THIS = fileURLToPath(import.meta.url)

/**
 * Seconds until all tasks have ended whose process was killed while it ran them, from the start of the next engine. `taskSeconds` is how
 * long each takes.
 */
export async function oneKill({ directory, tasks, taskSeconds }) {
  const file = join(directory, 'recovery.db')
  const victim = fork(THIS, [JSON.stringify({ file, tasks, taskSeconds })], { execArgv: [] })
  await once(victim, 'message')
  victim.kill('SIGKILL')
  await once(victim, 'close')

  const engine = await openEngine({ file, tasks: [noopTask(() => {}, taskSeconds * 1_000)] })
  let ended = 0
  const all = new Promise(resolve => {
    engine.events.onAny(({ name }) => {
      if (name === 'completed' && ++ended === tasks) resolve()
    })
  })
  const begin = performance.now()
  await engine.start()
  await all
  const seconds = (performance.now() - begin) / 1_000
  await engine[Symbol.asyncDispose]()
  return { seconds }
}

/** The process that is killed: says so when all its tasks run. */
async function runUntilKilled({ file, tasks, taskSeconds }) {
  let started = 0
  const task = noopTask(() => {
    if (++started === tasks) process.send('running')
  }, taskSeconds * 1_000)
  const engine = await openEngine({ file, tasks: [task] })
  await engine.submitMany(
    task,
    Array.from({ length: tasks }, (_, index) => ({ parameters: payload(index) })),
  )
  await engine.start()
}

if (process.argv[1] === THIS) await runUntilKilled(JSON.parse(process.argv[2]))
