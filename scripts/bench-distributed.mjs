// Runs the benchmark of the engine on MongoDB and RabbitMQ: node scripts/bench-distributed.mjs [name...] [--quick] [--json FILE] [--doc FILE] ...
import { rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { choose, ENTRIES, measureOnce } from '../bench/distributed/plan.mjs'
import { commandTable } from '../bench/distributed/report.mjs'
import { ROWS } from '../bench/distributed/rows.mjs'
import { startServers } from '../bench/distributed/servers.mjs'
import { describeMachine, makeWorkFolder } from '../bench/machine.mjs'
import { barTable, entryTable, fillDocument, summarise } from '../bench/report.mjs'
import { measureRounds } from '../bench/rounds.mjs'

const USAGE = `usage: npm run bench:distributed -- [name...] [options]

  name            measurements whose name contains it (default: all)
  --rounds N      rounds over all of them, interleaved (default 3; with --quick 1)
  --max-rounds N  go on until each has N quiet rounds as set by --rounds, at most this often (default: --rounds)
  --quick         smaller sizes: to see that it runs, not to compare
  --json FILE     every run with its figures and its commands by name
  --doc FILE      puts the tables between the markers <!-- distributed --> and <!-- /distributed --> of a Markdown file
  --list          the names

MONGODB_URL and RABBITMQ_URL name the servers; without them private ones are started and ended.
Ends with 1 when a measured row misses its bar or a measurement failed.`

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    'max-rounds': { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    doc: { type: 'string' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (flags.help) console.log(USAGE)
else if (flags.list) for (const entry of ENTRIES) console.log(entry.name)
else process.exit(await main())

async function main() {
  const rounds = count(flags.rounds, flags.quick ? 1 : 3, '--rounds')
  const maxRounds = Math.max(rounds, count(flags['max-rounds'], rounds, '--max-rounds'))
  const entries = choose(positionals)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))
  const servers = await startServers()
  try {
    const introduction = introduce(servers, rounds)
    console.log(`${introduction}\n`)
    const measure = entry => measureOnce(entry, flags.quick ? entry.quick : entry.full, servers)
    const measured = await measureRounds(entries, { rounds, maxRounds, measure })
    return report({ ...measured, introduction, rounds })
  } finally {
    await servers.stop()
  }
}

function count(text, fallback, option) {
  const number = text === undefined ? fallback : Number(text)
  if (!Number.isInteger(number) || number < 1) throw new Error(`${option} takes a whole number above 0`)
  return number
}

function introduce({ mongodb, rabbitmq, pids }, rounds) {
  const folder = makeWorkFolder(REPOSITORY)
  const machine = describeMachine(folder)
  rmSync(folder, { recursive: true })
  const size = flags.quick ? 'quick sizes: smaller than the rows say, not for comparison' : 'full sizes'
  const place = pids.length === 2 ? 'both started for this run' : 'given from outside'
  return [
    `${machine.processors}, ${machine.memoryGb} GB, ${machine.platform}, Node ${machine.node}`,
    `${mongodb}; ${rabbitmq}; ${place}`,
    `append of 4 KB with fsync: ${machine.fsyncMs.toFixed(2)} ms; ${rounds} rounds, ${size}`,
  ].join('\n')
}

function report({ runs, failures, introduction, rounds }) {
  const measured = [...runs].filter(([, ofEntry]) => ofEntry.length > 0)
  const summaries = new Map(measured.map(([name, ofEntry]) => [name, summarise(ofEntry, rounds)]))
  const { results, text } = barTable(ROWS, summaries, new Set(runs.keys()))
  const tables = [text, entryTable(summaries), commandTable(summaries)]
  const date = new Date().toISOString()
  console.log(`\n${tables.join('\n\n')}`)
  if (flags.json) {
    const record = { date, introduction, quick: flags.quick, rounds, rows: results, failures }
    const kept = { ...record, entries: Object.fromEntries(summaries) }
    writeFileSync(flags.json, `${JSON.stringify(kept, null, 2)}\n`)
  }
  if (flags.doc)
    fillDocument(flags.doc, 'distributed', [`Measured ${date.slice(0, 10)}: ${introduction}`, ...tables])
  return failures.length > 0 || results.some(result => result.verdict === 'FAIL') ? 1 : 0
}
