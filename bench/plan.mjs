import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { missingNode24 } from './node-24/runtime.mjs'

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))
const BOOK = join(REPOSITORY, '../shared/data/sanguo-yanyi.txt')
const BACKLOG = 'measure/backlog.mjs'
const QUILLWORK = 'measure/quillwork.mjs'

const MODELS = 'measure/models.mjs'
const PAGES = 'measure/pages.mjs'

/** How many users the queued tasks belong to, and in what order their tasks were submitted. */
const SHAPES = ['one-user', 'distinct', 'interleaved', 'blocks']

const throughput = (name, script, full, needs, options) => ({
  name,
  script,
  measure: 'sustained',
  needs,
  options,
  full,
  quick: { count: Math.ceil(full.count / 5), warmUp: Math.ceil(full.warmUp / 5) },
})

const idle = (name, script, needs) => ({
  name,
  script,
  measure: 'latency',
  needs,
  full: { samples: 300, warmUp: 100 },
  quick: { samples: 100, warmUp: 30 },
})

const children = (measure, name, count) => ({
  name: `children/${measure}-${name}`,
  script: QUILLWORK,
  measure,
  needs: 'engine',
  full: { count, warmUp: 2_000 },
  quick: { count: count / 5, warmUp: 1_000 },
})

const models = (name, measure) => ({
  name: `models/${name}`,
  script: MODELS,
  measure,
  needs: 'engine',
  full: { scenes: 1_000, warmUp: 100 },
  quick: { scenes: 200, warmUp: 50 },
})

const backlog = (name, measure, shape, prepared) => ({
  name: `backlog/${name}`,
  script: BACKLOG,
  measure,
  needs: 'engine',
  options: { shape },
  full: { queued: 1_000_000, windows: 5 },
  quick: { queued: 100_000, windows: 3 },
  prepared: prepared && { key: shape, script: BACKLOG, measure: 'fill', options: { shape } },
})

const pages = (name, measure, full, prepared) => ({
  name: `pages/${name}`,
  script: PAGES,
  measure,
  needs: 'browser',
  full: { samples: 5, ...full },
  quick: { samples: 2, ...full, ...(full.queued && { queued: full.queued / 10 }) },
  prepared: prepared && { key: prepared, script: BACKLOG, measure: 'fill', options: { shape: prepared } },
})

/** Every measurement, in the order of a round. `full` and `quick` are the sizes; `prepared` names a file that is made once. */
export const ENTRIES = [
  throughput('raw/sustained', 'measure/raw.mjs', { count: 100_000, warmUp: 10_000 }),
  throughput('quillwork/sustained', QUILLWORK, { count: 100_000, warmUp: 10_000 }, 'engine', { users: 1 }),
  throughput('quillwork/sustained-50-users', QUILLWORK, { count: 100_000, warmUp: 10_000 }, 'engine', {
    users: 50,
  }),
  {
    ...throughput('quillwork/sustained-written', QUILLWORK, { count: 100_000, warmUp: 10_000 }, 'engine', {
      users: 50,
    }),
    measure: 'sustainedWritten',
  },
  {
    ...throughput('node-24/sustained', QUILLWORK, { count: 100_000, warmUp: 10_000 }, 'engine', { users: 1 }),
    node: 24,
  },
  throughput('bullmq/sustained', 'peers/bullmq.mjs', { count: 20_000, warmUp: 5_000 }, 'redis'),
  throughput('plainjob/sustained', 'peers/plainjob.mjs', { count: 10_000, warmUp: 1_000 }, 'peers'),
  idle('raw/idle', 'measure/raw.mjs'),
  idle('quillwork/idle', QUILLWORK, 'engine'),
  idle('bullmq/idle', 'peers/bullmq.mjs', 'redis'),
  idle('plainjob/idle', 'peers/plainjob.mjs', 'peers'),
  children('independent', '10k', 10_000),
  children('parent', '10k', 10_000),
  children('independent', '100k', 100_000),
  children('parent', '100k', 100_000),
  ...SHAPES.flatMap(shape => [
    backlog(`${shape}-10k`, 'claimsAtTenThousand', shape, false),
    backlog(`${shape}-1m`, 'claims', shape, true),
  ]),
  backlog('open-1m', 'open', 'one-user', true),
  {
    name: 'slow-disk/lateness',
    script: 'measure/slow-disk.mjs',
    measure: 'lateness',
    needs: 'engine',
    options: { syncDelayMs: 10, tasksPerSecond: 500 },
    full: { seconds: 10, warmUpSeconds: 2 },
    quick: { seconds: 3, warmUpSeconds: 1 },
  },
  {
    name: 'slow-disk/beside-work',
    script: 'measure/slow-disk.mjs',
    measure: 'besideWork',
    needs: 'book',
    options: { book: BOOK, syncDelayMs: 10, tasksPerSecond: 500, listed: 20_000, kilobytes: 100 },
    full: { seconds: 10 },
    quick: { seconds: 3 },
  },
  {
    name: 'recovery/one-kill',
    script: 'measure/recovery.mjs',
    measure: 'oneKill',
    needs: 'engine',
    full: { tasks: 10, taskSeconds: 4 },
    quick: { tasks: 10, taskSeconds: 1 },
  },
  {
    name: 'recovery/limit-after-restart',
    script: 'measure/recovery.mjs',
    measure: 'limitAfterRestart',
    needs: 'engine',
    full: { tasks: 600, concurrency: 2, callSeconds: 0.1 },
    quick: { tasks: 100, concurrency: 2, callSeconds: 0.1 },
  },
  {
    name: 'recovery/loop',
    script: 'measure/loop.mjs',
    measure: 'loopLateness',
    needs: 'engine',
    full: { tasks: 100_000 },
    quick: { tasks: 20_000 },
  },
  {
    name: 'recovery/usage-report',
    script: 'measure/usage.mjs',
    measure: 'usageReport',
    needs: 'engine',
    full: { calls: 1_000_000, rolledUp: 100_000 },
    quick: { calls: 100_000, rolledUp: 20_000 },
  },
  {
    name: 'recovery/checkpoint',
    script: 'measure/recovery.mjs',
    measure: 'checkpointLateness',
    needs: 'engine',
    options: { kilobytes: 100, steps: 400, stepKilobytes: 512 },
    full: { tasks: 2_000 },
    quick: { tasks: 600 },
  },
  {
    name: 'recovery/results',
    script: 'measure/loop.mjs',
    measure: 'awaitedResults',
    needs: 'engine',
    full: { tasks: 100_000, seconds: 12 },
    quick: { tasks: 20_000, seconds: 6 },
  },
  {
    name: 'recovery/watchers',
    script: 'measure/watchers.mjs',
    measure: 'watchers',
    needs: 'engine',
    full: { count: 50_000, warmUp: 2_000, watchers: 200 },
    quick: { count: 5_000, warmUp: 1_000, watchers: 200 },
  },
  {
    name: 'recovery/preview',
    script: 'measure/loop.mjs',
    measure: 'previewLateness',
    needs: 'engine',
    full: { headings: 50_000 },
    quick: { headings: 10_000 },
  },
  {
    name: 'budgets/reserve',
    script: 'measure/reserve.mjs',
    measure: 'reserve',
    needs: 'engine',
    full: { trees: 10_000, samples: 300 },
    quick: { trees: 2_000, samples: 100 },
  },
  models('instant', 'instant'),
  models('http', 'overHttp'),
  pages('first-load', 'firstLoad', {}),
  pages('million-tasks', 'millionTasks', { queued: 1_000_000 }, 'one-user'),
  pages('tree', 'tree', { count: 10_000 }),
  {
    name: 'novel/sanguo',
    script: 'measure/novel.mjs',
    measure: 'importNovel',
    needs: 'book',
    options: { book: BOOK, repository: REPOSITORY },
    full: {},
    quick: {},
  },
]

/** Why an entry cannot be measured here, or undefined. */
export function missing(entry) {
  const built = existsSync(join(REPOSITORY, 'dist/index.js'))
  if (['engine', 'book', 'browser'].includes(entry.needs) && !built)
    return 'dist/index.js is missing: npm run build'
  if (entry.needs === 'browser' && !onPath('chromium') && process.env['CHROMIUM_PATH'] === undefined)
    return 'chromium is not on the PATH, and CHROMIUM_PATH is not set'
  if (entry.needs === 'book' && !existsSync(BOOK)) return `${BOOK} is missing`
  if (entry.needs === 'redis' && !onPath('redis-server')) return 'redis-server is not on the PATH'
  return entry.node === 24 ? missingNode24() : undefined
}

function onPath(program) {
  return (process.env['PATH'] ?? '').split(delimiter).some(folder => existsSync(join(folder, program)))
}

/** The entries whose name contains one of the words; all of them where none is given. */
export function choose(words) {
  if (words.length === 0) return ENTRIES
  const unknown = words.filter(word => !ENTRIES.some(entry => entry.name.includes(word)))
  if (unknown.length > 0) throw new Error(`no measurement is named ${unknown.join(', ')}; see --list`)
  return ENTRIES.filter(entry => words.some(word => entry.name.includes(word)))
}
