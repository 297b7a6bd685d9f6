import { Queue, Worker } from 'bullmq'
import { idle, payload, sustained as sustainedLoad, WIDTH } from '../load.mjs'

const NAME = 'bench'

/** BullMQ with its defaults (completed jobs kept): one queue, one worker, one connection each, all in this process. */
function opener(redisPort) {
  return async ({ onStart, onEnd }) => {
    const connection = { host: '127.0.0.1', port: redisPort, maxRetriesPerRequest: null }
    const queue = new Queue(NAME, { connection })
    const worker = new Worker(NAME, async job => onStart(job.data.index), { connection, concurrency: WIDTH })
    worker.on('completed', onEnd)
    await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()])
    return {
      submit: index => queue.add(NAME, payload(index)),
      close: async () => {
        await worker.close()
        await queue.close()
      },
    }
  }
}

/** Throughput of BullMQ. */
export function sustained({ redisPort, count, warmUp }) {
  return sustainedLoad(opener(redisPort), { count, warmUp })
}

/** Idle latency of BullMQ. */
export function latency({ redisPort, samples, warmUp }) {
  return idle(opener(redisPort), { samples, warmUp })
}
