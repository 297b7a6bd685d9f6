import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { defineTask } from '../../dist/index.js'
import { noopTask, openEngine } from '../engine.mjs'
import { latenessOf } from '../lateness.mjs'
import { keepInFlight, payload } from '../load.mjs'

const THIS = fileURLToPath(import.meta.url)

/**
 * Seconds until all tasks have ended whose process was killed while it ran them, from the start of the next engine. `taskSeconds` is how
 * long each takes.
 */
export async function oneKill({ directory, tasks, taskSeconds }) {
  return afterKill('running', { file: join(directory, 'recovery.db'), tasks, taskSeconds })
}

/**
 * Seconds until all tasks have ended that call under a limit on concurrency, from the start of the next engine. Their process was killed when
 * all but few had been told to wait. `callSeconds` is how long each call takes.
 */
export async function limitAfterRestart({ directory, tasks, concurrency, callSeconds }) {
  return afterKill('waiting', { file: join(directory, 'limit.db'), tasks, concurrency, callSeconds })
}

/**
 * How late the event loop is, in ms, while tasks with large parameters and results fill the log of the file many times over, and while one
 * handler checkpoints many large steps at once.
 */
export async function checkpointLateness({ directory, tasks, kilobytes, steps, stepKilobytes }) {
  const text = 'x'.repeat(kilobytes * 1_024)
  const step = 'x'.repeat(stepKilobytes * 1_024)
  const copy = defineTask({
    type: 'Copy',
    parameters: z.object({ text: z.string() }),
    result: z.string(),
    execute: ctx => ctx.parameters.text,
  })
  const stepwise = defineTask({
    type: 'Stepwise',
    parameters: z.object({}),
    result: z.null(),
    async execute(ctx) {
      await Promise.all(
        Array.from({ length: steps }, (_, index) => ctx.checkpoint(`step-${index}`, () => step)),
      )
      return null
    },
  })
  const engine = await openEngine({ file: join(directory, 'large.db'), tasks: [copy, stepwise] })
  await engine.start()
  const runOne = async () => (await engine.submit(copy, { text })).result()
  await keepInFlight(20, 4, runOne)
  const { lateMs, p99Ms } = await latenessOf(() => keepInFlight(tasks, 4, runOne))
  const atSteps = await latenessOf(async () => (await engine.submit(stepwise, {})).result())
  await engine[Symbol.asyncDispose]()
  return { lateMs, p99Ms, stepsMs: atSteps.lateMs, stepsP99Ms: atSteps.p99Ms }
}

/** Kills a process once it says `at`, and returns how long the next one needs for the rest. */
async function afterKill(at, options) {
  // Its calls do not end: it is killed while the first of them run.
  const itsOptions = { at, ...options, callSeconds: 600 }
  const victim = fork(THIS, [JSON.stringify(itsOptions)], { execArgv: [] })
  await once(victim, 'message')
  victim.kill('SIGKILL')
  await once(victim, 'close')
  const { engine } = await open(options)
  const { COMPLETED: before } = await engine.tasks.counts()
  let ended = before
  const all = new Promise(resolve => {
    engine.events.onAny(({ name }) => {
      if (name === 'completed' && ++ended === options.tasks) resolve()
    })
  })
  const begin = performance.now()
  await engine.start()
  await all
  const seconds = (performance.now() - begin) / 1_000
  await engine[Symbol.asyncDispose]()
  return { seconds }
}

async function open({ file, concurrency, taskSeconds, callSeconds }, onStart = () => {}) {
  const task = concurrency === undefined ? noopTask(onStart, taskSeconds * 1_000) : callTask(callSeconds)
  const limits = concurrency === undefined ? {} : { model: { concurrency } }
  return { task, engine: await openEngine({ file, tasks: [task], limits }) }
}

function callTask(callSeconds) {
  return defineTask({
    type: 'Call',
    parameters: z.object({ index: z.number() }),
    result: z.null(),
    async execute(ctx) {
      const permit = await ctx.acquire('model')
      await sleep(callSeconds * 1_000)
      permit.commit()
      return null
    },
  })
}

/** The process that is killed: says so when all its tasks run, or nine of ten were told to wait. */
async function runUntilKilled({ at, ...options }) {
  let started = 0
  const say = () => process.send(at)
  const { engine, task } = await open(options, () => {
    if (++started === options.tasks) say()
  })
  let waiting = 0
  if (at === 'waiting')
    engine.events.onAny(({ name }) => {
      if (name === 'retrying' && ++waiting === Math.floor(options.tasks * 0.9)) say()
    })
  const items = Array.from({ length: options.tasks }, (_, index) => ({ parameters: payload(index) }))
  await engine.submitMany(task, items)
  await engine.start()
}

if (process.argv[1] === THIS) await runUntilKilled(JSON.parse(process.argv[2]))
