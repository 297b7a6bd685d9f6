// Runs the benchmark: node scripts/bench.mjs [name...] [--rounds N] [--max-rounds N] [--quick] [--json FILE] [--doc FILE] [--list]
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { describeMachine, makeWorkFolder } from '../bench/machine.mjs'
import { installNode24 } from '../bench/node-24/runtime.mjs'
import { choose, ENTRIES, missing } from '../bench/plan.mjs'
import { barTable, entryTable, fillDocument, summarise } from '../bench/report.mjs'
import { measureRounds } from '../bench/rounds.mjs'
import { ROWS } from '../bench/rows.mjs'
import { measureOnce } from '../bench/run.mjs'

const USAGE = `usage: npm run bench -- [name...] [options]

  name            measurements whose name contains it (default: all)
  --rounds N      rounds over all of them, interleaved (default 3; with --quick 1)
  --max-rounds N  go on until each has N quiet rounds as set by --rounds, at most this often (default: --rounds)
  --quick         smaller sizes: to see that it runs, not to compare
  --json FILE     every run with its figures
  --doc FILE      puts the tables between the markers <!-- figures --> and <!-- /figures --> of a Markdown file
  --list          the names

Ends with 1 when a measured row misses its bar or a measurement failed.`

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))
const PEERS = fileURLToPath(new URL('../bench/peers', import.meta.url))

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
else process.exitCode = await main()

async function main() {
  const rounds = count(flags.rounds, flags.quick ? 1 : 3, '--rounds')
  const maxRounds = Math.max(rounds, count(flags['max-rounds'], rounds, '--max-rounds'))
  const chosen = choose(positionals)
  const entries = chosen.filter(measurable)
  installPeers(entries)
  if (entries.some(entry => entry.node === 24)) installNode24()
  const folder = makeWorkFolder(REPOSITORY)
  const cleanUp = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', cleanUp)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))
  const machine = describeMachine(folder)
  console.log(`${introduction(machine, rounds)}\n`)
  const measure = entry => measureOnce(entry, flags.quick ? entry.quick : entry.full, folder)
  const { runs, failures } = await measureRounds(entries, { rounds, maxRounds, measure })
  return report({ chosen, runs, failures, machine, rounds })
}

/** Leaves out what cannot run here, and says so. */
function measurable(entry) {
  const reason = missing(entry)
  if (reason) console.warn(`SKIPPED ${entry.name}: ${reason}`)
  return reason === undefined
}

function count(text, fallback, option) {
  const number = text === undefined ? fallback : Number(text)
  if (!Number.isInteger(number) || number < 1) throw new Error(`${option} takes a whole number above 0`)
  return number
}

/** The peers have a package of their own, so that nobody installs them who does not measure them. */
function installPeers(entries) {
  const wanted = entries.some(entry => entry.script.startsWith('peers/'))
  if (!wanted || existsSync(`${PEERS}/node_modules/.package-lock.json`)) return
  console.log('installing the peers in bench/peers')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { status } = spawnSync(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: PEERS,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error('the peers could not be installed in bench/peers')
}

function introduction(machine, rounds) {
  const size = flags.quick ? 'quick sizes: smaller than the rows say, not for comparison' : 'full sizes'
  return [
    `${machine.processors}, ${machine.memoryGb} GB, ${machine.platform}, Node ${machine.node}`,
    `append of 4 KB with fsync: ${machine.fsyncMs.toFixed(2)} ms; ${rounds} rounds, ${size}`,
  ].join('\n')
}

function report({ chosen, runs, failures, machine, rounds }) {
  const measured = [...runs].filter(([, ofEntry]) => ofEntry.length > 0)
  const summaries = new Map(measured.map(([name, ofEntry]) => [name, summarise(ofEntry, rounds)]))
  const { results, text } = barTable(ROWS, summaries, new Set(chosen.map(entry => entry.name)))
  const tables = [text, entryTable(summaries)]
  const date = new Date().toISOString()
  console.log(`\n${tables.join('\n\n')}`)
  if (flags.json) {
    const record = { date, machine, quick: flags.quick, rounds, rows: results, failures }
    const kept = { ...record, entries: Object.fromEntries(summaries) }
    writeFileSync(flags.json, `${JSON.stringify(kept, null, 2)}\n`)
  }
  if (flags.doc)
    fillDocument(flags.doc, 'figures', [
      `Measured ${date.slice(0, 10)}: ${introduction(machine, rounds)}`,
      ...tables,
    ])
  return failures.length > 0 || results.some(result => result.verdict === 'FAIL') ? 1 : 0
}
