import { once } from 'node:events'
import http from 'node:http'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { createModelCatalogue } from '../../dist/ai/catalogue.js'
import { createApp } from '../../dist/http/index.js'
import { createEngine } from '../../dist/index.js'
import { folderUploads, novelTasks, sqliteLibrary } from '../../dist/novel/index.js'
import { sqlite } from '../../dist/store/sqlite/index.js'
import { noopTask, openEngine } from '../engine.mjs'
import { latenessOf } from '../lateness.mjs'
import { payload } from '../load.mjs'

/**
 * How late the event loop is while one process submits many tasks in one turn, lists them page by page, and runs them while it waits for the
 * results of all. The turns in which the caller submits, and asks for the results, are the caller's: they are told apart.
 */
export async function loopLateness({ directory, tasks }) {
  const noop = noopTask(() => {})
  const engine = await openEngine({ file: join(directory, 'loop.db'), tasks: [noop] })
  const handles = []
  const [submitTurnMs, submits] = turnOf(() =>
    Array.from({ length: tasks }, (_, index) => engine.submit(noop, payload(index))),
  )
  const submit = await latenessOf(async () => {
    for (const handle of await Promise.all(submits)) handles.push(handle)
  })
  const list = await latenessOf(async () => {
    for (let pageToken; ; ) {
      const page = await engine.tasks.list({}, { pageSize: 200, ...(pageToken && { pageToken }) })
      pageToken = page.nextPageToken
      if (pageToken === undefined) return
    }
  })
  const [resultTurnMs, results] = turnOf(() => handles.map(handle => handle.result()))
  await setImmediate()
  const run = await latenessOf(async () => {
    await engine.start()
    await Promise.all(results)
  })
  await engine[Symbol.asyncDispose]()
  return {
    ...{ submitMs: submit.lateMs, submitP99Ms: submit.p99Ms, submitGcMs: submit.gcMs, submitTurnMs },
    ...{ listMs: list.lateMs, listP99Ms: list.p99Ms },
    ...{ runMs: run.lateMs, runP99Ms: run.p99Ms, runGcMs: run.gcMs, resultTurnMs },
  }
}

/** How late the event loop is, and what share of a core is used, while the results of many tasks are awaited that wait for their time. */
export async function awaitedResults({ directory, tasks, seconds }) {
  const noop = noopTask(() => {})
  const engine = await openEngine({ file: join(directory, 'results.db'), tasks: [noop] })
  const submits = Array.from({ length: tasks }, (_, index) =>
    engine.submit(noop, payload(index), { delay: '1h' }),
  )
  const stopped = (await Promise.all(submits)).map(handle => handle.result().catch(error => error.code))
  await setImmediate()
  await engine.start()
  const before = process.cpuUsage()
  const begin = performance.now()
  const { lateMs, p99Ms, gcMs } = await latenessOf(() => sleep(seconds * 1_000))
  const { user, system } = process.cpuUsage(before)
  const cpuShare = (user + system) / 1_000 / (performance.now() - begin)
  await engine[Symbol.asyncDispose]()
  const codes = new Set(await Promise.all(stopped))
  if (codes.size !== 1) throw new Error(`the waits ended with ${[...codes].join(', ')}`)
  return { lateMs, p99Ms, gcMs, cpuShare }
}

/** How late the event loop of a server is while it makes the preview of a book of many headings and sends it. */
export async function previewLateness({ directory, headings }) {
  const store = sqlite({ file: join(directory, 'preview.db') })
  const models = createModelCatalogue({})
  const novels = {
    library: sqliteLibrary(store.database),
    uploads: folderUploads(join(directory, 'uploads')),
    models,
  }
  const engine = await createEngine({ tasks: novelTasks, store, services: novels })
  const app = createApp({ engine, novels, models })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const body = Array.from({ length: headings }, (_, index) => chapter(index)).join('\n\n')
  const received = await fetch(`${url}/v1/uploads?fileName=book.txt`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body,
  })
  const { id } = await received.json()
  const begin = performance.now()
  let bytes = 0
  const late = await latenessOf(async () => {
    bytes = await sizeOf(`${url}/v1/uploads/${id}`)
  })
  const seconds = (performance.now() - begin) / 1_000
  const { lateMs: againMs } = await latenessOf(() => sizeOf(`${url}/v1/uploads/${id}`))
  await app.close()
  await engine[Symbol.asyncDispose]()
  if (bytes < headings * 20)
    throw new Error(`the preview has ${bytes} bytes: too few for ${headings} chapters`)
  return { ...late, againMs, seconds }
}

function chapter(index) {
  return `第${index + 1}章 风雨${index}\n\n雨停了，渡船靠了岸。没有人提起那封信。`
}

/** Reads an answer without keeping it. */
async function sizeOf(address) {
  const [answer] = await once(http.get(address), 'response')
  let bytes = 0
  for await (const piece of answer) bytes += piece.length
  return bytes
}

/** Does something in the turn of its caller. Returns how long that took in ms, and what came of it. */
function turnOf(work) {
  const begin = performance.now()
  const value = work()
  return [performance.now() - begin, value]
}
