// Simulates many processes against a store and a broker that count: npm run bench:simulation [-- --doc docs/performance.md] [--json]
// Needs neither servers nor a quiet machine: its time is virtual, and each run gives the same figures.
import { register } from 'node:module'
import { parseArgs } from 'node:util'
import { fillDocument, table } from '../report.mjs'
import { formatNumber } from '../rows.mjs'

register(new URL('typescript.mjs', import.meta.url))
const { atOnce, atRest, steadily, withADeath } = await import('./simulation/run.ts')

const { values: flags } = parseArgs({
  options: { doc: { type: 'string' }, json: { type: 'boolean', default: false } },
})

const sizes = [1, 8, 32, 100]
const users = 1_000
/** What the stand-in for MongoDB, which executes one command at a time, took for each of those of `tasks-over-1`: 1.76 s for 516. */
const executeMs = 3.4
/** Figures, the digits with which they are shown, and their names. */
const columns = {
  commandsPerTask: [2, 'commands per task'],
  refusedPerTask: [2, 'refused writes per task'],
  commandsPerSecond: [1, 'commands per second'],
  medianMs: [0, 'to dispatch, median ms'],
  p99Ms: [0, 'p99 ms'],
  longestMs: [0, 'longest ms'],
}
const ofLoad = ['commandsPerTask', 'refusedPerTask', 'commandsPerSecond', 'medianMs', 'p99Ms']

/** Runs each of the rows, and returns their table. `rows`: names with what runs. */
async function tableOf(title, shown, rows) {
  const cells = []
  for (const [name, run] of rows) {
    const figures = await run()
    if (flags.json) console.log(JSON.stringify({ title, name, ...figures }))
    cells.push([name, ...shown.map(key => formatNumber(figures[key], columns[key][0]))])
  }
  return table([title, ...shown.map(key => columns[key][1])], cells)
}

/** A row for each number of processes with partitions, and for several without. */
const compared = (counts, without, run) =>
  counts.flatMap(processes => {
    const row = (name, sharesPartitions) => [name, () => run({ processes, sharesPartitions, users })]
    const alone = row(nameOf(processes), true)
    return without.includes(processes)
      ? [alone, row(`${nameOf(processes)}, without partitions`, false)]
      : [alone]
  })
const nameOf = processes => (processes === 1 ? '1 process' : `${processes} processes`)

const begin = performance.now()
const tables = [
  await tableOf(
    'as the entry of the benchmark',
    ['commandsPerTask'],
    [
      ...[1, 4, 8].map(processes => [
        `quillwork/tasks-over-${processes}`,
        () => atOnce({ processes, tasks: 600, executeMs }),
      ]),
      [
        'quillwork/one-waiting-worker',
        () => atOnce({ processes: 1, slots: 10, tasks: 1_000, submitters: 50, runsMs: 100, executeMs }),
      ],
    ],
  ),
  await tableOf(
    '100 tasks per process at once',
    ofLoad,
    compared(sizes, [8, 32, 100], options => atOnce({ ...options, tasks: 100 * options.processes })),
  ),
  await tableOf(
    '50 tasks of 200 ms per second and process, 3 s',
    ofLoad,
    compared(sizes, [], options =>
      steadily({ ...options, perSecond: 50 * options.processes, seconds: 3, runsMs: 200 }),
    ),
  ),
  await tableOf(
    '5,000 tasks of 200 ms per second, 3 s, in 1,600 slots',
    ofLoad,
    [10, 25].map(processes => [
      `${nameOf(processes)} with ${1_600 / processes} slots each`,
      () =>
        steadily({ processes, slots: 1_600 / processes, users, perSecond: 5_000, seconds: 3, runsMs: 200 }),
    ]),
  ),
  await tableOf(
    '100 tasks of 200 ms per second and process, 3 s: more than the slots take',
    ofLoad,
    compared(sizes, [8, 32], options =>
      steadily({ ...options, perSecond: 100 * options.processes, seconds: 3, runsMs: 200 }),
    ),
  ),
  await tableOf(
    'at rest, 60 s',
    ['commandsPerSecond'],
    sizes.map(processes => [nameOf(processes), () => atRest({ processes, seconds: 60 })]),
  ),
  await tableOf(
    '20 tasks per second come in line, 30 s; a process that holds partitions is killed',
    ['medianMs', 'p99Ms', 'longestMs'],
    [
      ...[8, 32, 100].map(processes => [
        nameOf(processes),
        () => withADeath({ processes, users, perSecond: 20, seconds: 30, runsMs: 10 }),
      ]),
    ],
  ),
]
console.log(`\n${tables.join('\n\n')}\n\n${((performance.now() - begin) / 1_000).toFixed(0)} s`)
if (flags.doc !== undefined) fillDocument(flags.doc, 'simulation', tables)
