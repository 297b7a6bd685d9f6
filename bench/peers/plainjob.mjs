import { join } from 'node:path'
import Database from 'better-sqlite3'
import { better, defineQueue, defineWorker } from 'plainjob'
import { idle, payload, sustained as sustainedLoad, WIDTH } from '../load.mjs'

const TYPE = 'noop'
const SILENT = { debug: () => {}, info: () => {}, warn: console.warn, error: console.error }

/**
 * plainjob with synchronous=FULL. It sets NORMAL whenever a queue is defined, so FULL is set after that and read back.
 * Its poll interval is 1 s as shipped; 10 ms is its best case here. While it drains, its workers yield to promises only, so
 * nothing in this file may wait for a timer until the queue is empty.
 */
function opener(directory) {
  return async ({ onStart, onEnd }) => {
    const db = new Database(join(directory, 'plainjob.db'))
    const queue = defineQueue({ connection: better(db), logger: SILENT })
    db.pragma('synchronous = FULL')
    if (db.pragma('synchronous', { simple: true }) !== 2) throw new Error('synchronous is not FULL')
    const handler = async job => onStart(JSON.parse(job.data).index)
    const options = { queue, logger: SILENT, pollIntervall: 10, onCompleted: onEnd }
    const workers = Array.from({ length: WIDTH }, () => defineWorker(TYPE, handler, options))
    const running = workers.map(worker => worker.start())
    return {
      submit: async index => {
        queue.add(TYPE, payload(index))
      },
      close: async () => {
        await Promise.all(workers.map(worker => worker.stop()))
        await Promise.all(running)
        queue.close()
      },
    }
  }
}

/** Throughput of plainjob with 50 workers. */
export function sustained({ directory, count, warmUp }) {
  return sustainedLoad(opener(directory), { count, warmUp })
}

/** Idle latency of plainjob with 50 workers that poll every 10 ms. */
export function latency({ directory, samples, warmUp }) {
  return idle(opener(directory), { samples, warmUp })
}
