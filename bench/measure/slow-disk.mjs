import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import http from 'node:http'
import { basename, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { createModelCatalogue } from '../../dist/ai/catalogue.js'
import { extractiveModel } from '../../dist/ai/extractive/extractive.js'
import { createApp } from '../../dist/http/index.js'
import { createEngine, defineTask } from '../../dist/index.js'
import { folderUploads, novelTasks, sqliteLibrary } from '../../dist/novel/index.js'
import { sqlite } from '../../dist/store/sqlite/index.js'
import { chunks, noopTask, openEngine } from '../engine.mjs'
import { payload, percentile, WIDTH } from '../load.mjs'

const TICK_MS = 2
const PAGE = 200
const AGENT = new http.Agent({ keepAlive: true })

/** How late a timer of this process fires, in ms, while tasks come in steadily and every fsync takes longer. */
export async function lateness({ directory, syncDelayMs, tasksPerSecond, seconds, warmUpSeconds }) {
  const noop = noopTask(() => {})
  const faults = { syncDelayMs }
  const engine = await openEngine({ file: join(directory, 'slow.db'), tasks: [noop], faults })
  await engine.start()
  const submit = submitter(engine, noop)
  await checkDelay(submit.one, syncDelayMs)
  await everyTick(within(warmUpSeconds), tasksPerSecond, submit.another)
  const late = await everyTick(within(seconds), tasksPerSecond, submit.another)
  await submit.ended()
  await engine[Symbol.asyncDispose]()
  return figuresOf(late)
}

/**
 * The same of a server, while a client lists many tasks by page, tasks with large parameters make its file longer, so that its log is
 * checkpointed about once a second, and books are imported: all of it until the last import that began in time has ended.
 */
export async function besideWork({
  directory,
  book,
  syncDelayMs,
  tasksPerSecond,
  listed,
  seconds,
  kilobytes,
}) {
  const noop = noopTask(() => {})
  const copy = copyTask()
  const file = join(directory, 'beside.db')
  const server = await openServer({ directory, file, tasks: [noop, copy], faults: { syncDelayMs } })
  const { engine, url } = server
  for (const items of chunks(listed, index => ({ parameters: payload(index), delay: '1h' })))
    await engine.submitMany(noop, items)
  await engine.start()
  const submit = submitter(engine, noop)
  await checkDelay(submit.one, syncDelayMs)
  // The first use of a client loads it.
  await answerOf(`${url}/v1/tasks?pageSize=1`)
  const bytesBefore = statSync(file).size
  const inTime = within(seconds)
  let isOver = false
  const done = { imports: 0, listings: 0 }
  const imports = repeat(
    () => importBook(url, book),
    inTime,
    () => done.imports++,
  )
  imports
    .catch(() => {})
    .then(() => {
      isOver = true
    })
  const text = 'x'.repeat(kilobytes * 1_024)
  const goesOn = () => !isOver
  const works = [
    imports,
    repeat(
      () => listTasks(url, listed),
      goesOn,
      () => done.listings++,
    ),
    repeat(async () => (await engine.submit(copy, { text })).result(), goesOn),
  ]
  const late = await everyTick(goesOn, tasksPerSecond, submit.another)
  await Promise.all([...works, submit.ended()])
  const checkpointedMb = (statSync(file).size - bytesBefore) / 1e6
  await server.close()
  // The file grows by checkpoints alone.
  if (checkpointedMb < 10) throw new Error(`the checkpoints wrote ${checkpointedMb} MB only`)
  return { ...figuresOf(late), ...done, checkpointedMb }
}

/** An engine with the tasks of novels, and its API. */
async function openServer({ directory, file, tasks, faults }) {
  const store = sqlite({ file, faults })
  const models = createModelCatalogue({ summary: [extractiveModel()] })
  const uploads = folderUploads(join(directory, 'uploads'))
  const novels = { library: sqliteLibrary(store.database), uploads, models }
  const engine = await createEngine({
    tasks: [...tasks, ...novelTasks],
    store,
    services: novels,
    lanes: { default: { slots: WIDTH } },
  })
  const app = createApp({ engine, novels, models })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const close = async () => {
    await app.close()
    await engine[Symbol.asyncDispose]()
  }
  return { engine, url, close }
}

/** A task that returns its parameters. */
function copyTask() {
  return defineTask({
    type: 'Copy',
    parameters: z.object({ text: z.string() }),
    result: z.string(),
    execute: ctx => ctx.parameters.text,
  })
}

/** Imports a book as a client does, and waits until it is summarised and indexed. */
async function importBook(url, book) {
  const headers = { 'content-type': 'text/plain' }
  const request = { method: 'POST', headers, body: readFileSync(book) }
  const upload = await answerOf(`${url}/v1/uploads?fileName=${encodeURIComponent(basename(book))}`, request)
  await answerOf(`${url}/v1/uploads/${upload.id}`)
  const { taskId } = await answerOf(`${url}/v1/uploads/${upload.id}:confirm`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  for (;;) {
    const { status } = await answerOf(`${url}/v1/tasks/${taskId}`)
    if (status === 'COMPLETED') return
    if (status !== 'RUNNING' && status !== 'QUEUED') throw new Error(`the import is ${status}`)
    await sleep(50)
  }
}

/** Lists that many tasks, page by page. The pages are not parsed: that would hold the event loop of the server. */
async function listTasks(url, count) {
  let pageToken
  for (let listed = 0; listed < count; ) {
    const token = pageToken === undefined ? '' : `&pageToken=${encodeURIComponent(pageToken)}`
    const end = await endOf(`${url}/v1/tasks?pageSize=${PAGE}${token}`)
    pageToken = /"nextPageToken":"([^"]+)"}$/.exec(end)?.[1]
    listed += PAGE
    if (pageToken === undefined && listed < count) throw new Error(`the listing ended before ${listed} tasks`)
  }
}

/** Reads an answer without keeping it; returns its end. */
async function endOf(address) {
  const [answer] = await once(http.get(address, { agent: AGENT }), 'response')
  if (answer.statusCode !== 200) throw new Error(`${address}: ${answer.statusCode}`)
  let end = Buffer.alloc(0)
  for await (const piece of answer) end = Buffer.concat([end, piece]).subarray(-1_000)
  return end.toString()
}

async function answerOf(address, request) {
  const answer = await fetch(address, request)
  if (!answer.ok) throw new Error(`${address}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

/** Submits tasks, and waits for their ends. */
function submitter(engine, task) {
  const ended = []
  let index = 0
  const one = async () => (await engine.submit(task, payload(index++))).result()
  return { one, another: () => ended.push(one()), ended: () => Promise.all(ended) }
}

/** A delay that is not in force would make a good figure out of nothing: one task alone must take at least as long. */
async function checkDelay(submitOne, syncDelayMs) {
  const begin = performance.now()
  await submitOne()
  const took = performance.now() - begin
  if (took < syncDelayMs)
    throw new Error(`a task took ${took} ms though every fsync is to take ${syncDelayMs} ms longer`)
}

async function repeat(work, goesOn, done = () => {}) {
  do {
    await work()
    done()
  } while (goesOn())
}

/** Returns whether the next seconds are not over. */
function within(seconds) {
  const end = performance.now() + seconds * 1_000
  return () => performance.now() < end
}

/**
 * Calls `submit` at a steady rate and gives back how late each tick of 2 ms was. Ticks that a blocked loop swallowed count too,
 * each from its own due time, as a request that came in then would have waited.
 */
async function everyTick(goesOn, perSecond, submit) {
  const begin = performance.now()
  const late = []
  let submitted = 0
  while (goesOn()) {
    const dueIn = begin + late.length * TICK_MS - performance.now()
    if (dueIn > 0) await sleep(dueIn)
    const now = performance.now()
    for (let due = begin + late.length * TICK_MS; due <= now; due += TICK_MS) late.push(now - due)
    for (; submitted < ((now - begin) / 1000) * perSecond; submitted++) submit()
  }
  return late
}

function figuresOf(late) {
  return { medianMs: percentile(late, 0.5), p99Ms: percentile(late, 0.99), maxMs: percentile(late, 1) }
}
