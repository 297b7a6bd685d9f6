import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { watchOthers } from '../machine.mjs'
import { measureInChild } from '../run.mjs'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const RAW = 'distributed/measure/raw.mjs'
const QUILLWORK = 'distributed/measure/quillwork.mjs'
const DOCUMENTS = 'distributed/measure/documents.mjs'

const throughput = (name, script, options = {}, measure = 'sustained') => ({
  name,
  script,
  measure,
  options,
  full: { count: 2_000, warmUp: 200 },
  quick: { count: 500, warmUp: 100 },
})

/** As tasks that call a model: each waits, so that the slots of a worker are what there is least of. */
const waiting = (name, workers) => ({
  ...throughput(name, QUILLWORK, { events: true, workers, slots: 10, waitMs: 100 }, 'throughWorkers'),
  full: { count: 1_000, warmUp: 100 },
  quick: { count: 200, warmUp: 50 },
})

/** The same work by one process or several, each with the slots of a process. */
const over = (workers, isTree) => ({
  ...throughput(
    `quillwork/${isTree ? 'family' : 'tasks'}-over-${workers}`,
    QUILLWORK,
    { events: true, workers, slots: isTree ? 12 : 16, isTree },
    'overProcesses',
  ),
  full: { count: 600 },
  quick: { count: 300 },
})

const idle = (name, script, options = {}) => ({
  name,
  script,
  measure: 'latency',
  options,
  full: { samples: 300, warmUp: 50 },
  quick: { samples: 60, warmUp: 20 },
})

/** Every measurement, in the order of a round. `events`: whether the engine tells other processes and services what happens. */
export const ENTRIES = [
  throughput('raw/sustained', RAW),
  throughput('quillwork/sustained', QUILLWORK, { events: false }),
  throughput('quillwork/sustained-events', QUILLWORK, { events: true }),
  throughput('quillwork/one-worker', QUILLWORK, { events: true, workers: 1 }, 'throughWorkers'),
  throughput('quillwork/two-workers', QUILLWORK, { events: true, workers: 2 }, 'throughWorkers'),
  waiting('quillwork/one-waiting-worker', 1),
  waiting('quillwork/two-waiting-workers', 2),
  ...[1, 4, 8].map(workers => over(workers, false)),
  ...[1, 6].map(workers => over(workers, true)),
  idle('raw/idle', RAW),
  idle('quillwork/idle', QUILLWORK, { events: false }),
  idle('quillwork/idle-events', QUILLWORK, { events: true }),
  {
    name: 'quillwork/at-rest',
    script: QUILLWORK,
    measure: 'atRest',
    options: { events: true },
    full: { seconds: 20, settleSeconds: 3 },
    quick: { seconds: 5, settleSeconds: 2 },
  },
  {
    name: 'quillwork/documents',
    script: DOCUMENTS,
    measure: 'documents',
    options: { events: true, slots: 1, waitMs: 1_000 },
    full: {},
    quick: {},
  },
]

/** The entries whose name contains one of the words; all of them where none is given. Throws when the engine was not built. */
export function choose(words) {
  const unknown = words.filter(word => !ENTRIES.some(entry => entry.name.includes(word)))
  if (unknown.length > 0) throw new Error(`no measurement is named ${unknown.join(', ')}; see --list`)
  const chosen = ENTRIES.filter(entry => words.length === 0 || words.some(word => entry.name.includes(word)))
  if (chosen.some(entry => entry.script !== RAW) && !existsSync(join(REPOSITORY, 'dist/index.js')))
    throw new Error('dist/index.js is missing: npm run build')
  return chosen
}

/** One round of one entry: its figures, what was said to the servers by name, and the share of the cores that others used. */
export async function measureOnce(entry, size, { mongoUrl, rabbitUrl, pids }) {
  const others = watchOthers(pids)
  const options = { ...entry.options, ...size, mongoUrl, rabbitUrl }
  const measured = await measureInChild({ script: entry.script, measure: entry.measure, options })
  return { ...measured, others: others() }
}
