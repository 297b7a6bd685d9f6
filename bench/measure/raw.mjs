import { join } from 'node:path'
import { idle, payload, sustained as sustainedLoad, WIDTH } from '../load.mjs'
import { openRawQueue } from '../raw-queue.mjs'

function opener(directory) {
  return async ({ onStart, onEnd }) => {
    const queue = openRawQueue(join(directory, 'raw.db'))
    const slot = async () => {
      for (;;) {
        const task = await queue.claim()
        await handle(JSON.parse(task.parameters), onStart)
        // Not awaited: the slot is free once its completion is queued, so that its next claim joins the same commit.
        void queue.complete(task.id).then(onEnd)
      }
    }
    for (let i = 0; i < WIDTH; i++) void slot()
    return { submit: index => queue.add(payload(index)), close: () => queue.close() }
  }
}

async function handle(parameters, onStart) {
  onStart(parameters.index)
}

/** Throughput of the raw loop. */
export function sustained({ directory, count, warmUp }) {
  return sustainedLoad(opener(directory), { count, warmUp })
}

/** Idle latency of the raw loop. */
export function latency({ directory, samples, warmUp }) {
  return idle(opener(directory), { samples, warmUp })
}
