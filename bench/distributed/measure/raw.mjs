import { idle, sustained as sustainedLoad } from '../../load.mjs'
import { countingPerTask } from '../counting.mjs'
import { withFreshName } from '../fresh.mjs'
import { openRawLoop, removeQueue } from '../raw.mjs'
import { counted } from '../wire.mjs'

/** Throughput of the raw loop. */
export function sustained({ count, warmUp, ...servers }) {
  return measure(servers, count, (open, around) => sustainedLoad(open, { count, warmUp, around }))
}

/** Idle latency of the raw loop. */
export function latency({ samples, warmUp, ...servers }) {
  return measure(servers, samples, (open, around) => idle(open, { samples, warmUp, around }))
}

function measure(servers, tasks, load) {
  return withFreshName(servers, removeQueue, name =>
    load(
      listeners => openRawLoop({ ...servers, name }, listeners),
      work => countingPerTask(counted, tasks, work),
    ),
  )
}
