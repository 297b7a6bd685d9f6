import { fork } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:http'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { createApp } from '../../dist/http/index.js'
import { noopTask, openEngine } from '../engine.mjs'
import { latenessOf } from '../lateness.mjs'
import { keepInFlight, payload, tally, WIDTH } from '../load.mjs'

const SCRIPT = fileURLToPath(import.meta.url)
/** What each task tells: it was created, it started, it ended. */
const EVENTS_PER_TASK = 3

/**
 * Tasks that do nothing run through while `watchers` clients, in a process of their own, follow the events of all tasks. `p99Ms`, `lateMs`: how late the
 * event loop of the server is. Throws where a watcher misses an event.
 */
export async function watchers({ directory, count, warmUp, watchers: clients }) {
  let runs = tally(warmUp)
  const noop = noopTask(index => runs.started(index))
  const engine = await openEngine({ file: join(directory, 'quillwork.db'), tasks: [noop] })
  engine.events.on('completed', () => runs.ended())
  const app = createApp({ engine, config: { streams: clients, streamsPerClient: clients } })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  await engine.start()
  const runAll = async number => {
    runs = tally(number)
    await keepInFlight(number, WIDTH, index => engine.submit(noop, payload(index), { userId: 'user-0' }))
    await runs.done
    runs.check()
  }
  const alone = await secondsOf(() => runAll(warmUp))
  const reader = fork(SCRIPT, ['read', url, String(clients)], { execArgv: [] })
  await once(reader, 'message')
  let seconds = 0
  const { p99Ms, lateMs } = await latenessOf(async () => {
    seconds = await secondsOf(() => runAll(count))
  })
  const wanted = clients * count * EVENTS_PER_TASK
  reader.send(wanted)
  const [{ events, megabytes }] = await once(reader, 'message')
  if (events !== wanted) throw new Error(`${events} events arrived at the watchers, not ${wanted}`)
  await app.close()
  await engine.stop()
  return {
    ...{ p99Ms, lateMs, events, megabytes },
    perSecond: count / seconds,
    perSecondAlone: warmUp / alone,
    eventsPerSecond: events / seconds,
  }
}

async function secondsOf(work) {
  const from = performance.now()
  await work()
  return (performance.now() - from) / 1_000
}

/** The process of the watchers: opens all streams, says so, and tells how many events came once there are as many as it is told. */
async function read(url, clients) {
  const counts = { events: 0, bytes: 0, open: 0 }
  let wanted = Number.POSITIVE_INFINITY
  const tellOnceThere = () => {
    if (counts.events < wanted && counts.open === clients) return
    const { events, bytes } = counts
    process.send({ events, megabytes: bytes / 1e6 }, () => process.exit(0))
  }
  const streams = Array.from({ length: clients }, async () => {
    const [response] = await once(get(`${url}/v1/events`, { agent: false }), 'response')
    counts.open += 1
    let rest = Buffer.alloc(0)
    response.on('data', piece => {
      counts.bytes += piece.length
      // A name may be cut in two by the border of two pieces.
      counts.events += newEvents(Buffer.concat([rest, piece.subarray(0, border)])) + newEvents(piece)
      rest = Buffer.concat([rest, piece.subarray(-border)]).subarray(-border)
    })
    response.on('close', () => {
      counts.open -= 1
    })
    await once(response, 'data')
  })
  await Promise.all(streams)
  process.on('message', number => {
    wanted = number
    setInterval(tellOnceThere, 20)
  })
  process.send('open')
}

const NEW_EVENT = Buffer.from('\nevent: ')
/** Bytes of a name that one piece may have without the whole: with as many of the next one, no whole name is counted twice. */
const border = NEW_EVENT.length - 1

/** Returns how many events begin in a piece. */
function newEvents(piece) {
  let count = 0
  for (let at = piece.indexOf(NEW_EVENT); at !== -1; at = piece.indexOf(NEW_EVENT, at + 1)) count += 1
  return count
}

if (process.argv[2] === 'read') await read(process.argv[3], Number(process.argv[4]))
