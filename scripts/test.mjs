// `npm test`: sets up what is missing (the process tests and the examples run on dist/), runs vitest, says where the time went, names what
// failed and why, and closes with one plain line `N passed, N failed, N skipped`. Arguments go to vitest: `npm test -- test/task`.
// Fails when a test fails, when none ran, and when vitest itself reports an error.
//
// --slow (`npm run test:slow`): what is long by nature, in its whole size.
// --faults (`npm run test:faults`): the rows of the acceptance matrix at full load, one after the other: they measure times, and share two
// servers. --row N runs one of them, --seed S makes a run again.
// --within S: ends after so many seconds. What had no time to run is named and counts as skipped: a slow machine proves less, and says so.
// --counts FILE, --failures FILE: append the closing line, and the list of what failed, to these files, for .ci/run.

import { spawnSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { relative } from 'node:path'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { root, setUp } from './setup.mjs'

/** Longest list of skipped tests that is printed; the count is always whole. */
const SKIPPED_SHOWN = 40
/** Files whose time is printed. */
const SLOWEST_SHOWN = 20
/** Lines of an error that are printed again at the end. */
const ERROR_LINES = 12

const [flag, text] = [{ type: 'boolean' }, { type: 'string' }]

/** Splits the arguments into those of this script and those of vitest. Ends the process where one makes no sense. */
function readArguments() {
  const own = { slow: flag, faults: flag, row: text, seed: text, within: text, counts: text, failures: text }
  const { values, tokens } = parseArgs({ options: own, strict: false, allowPositionals: true, tokens: true })
  for (const name of ['row', 'seed', 'within']) {
    if (values[name] === undefined || /^\d+$/.test(values[name])) continue
    console.error(`--${name} is ${JSON.stringify(values[name])}; give a whole number.`)
    process.exit(2)
  }
  const taken = new Set(
    tokens
      .filter(({ kind, name }) => kind === 'option' && name in own)
      .flatMap(({ index, value, inlineValue }) =>
        value === undefined || inlineValue ? [index] : [index, index + 1],
      ),
  )
  const rest = process.argv.slice(2).filter((_, index) => !taken.has(index))
  if (values.faults) rest.push('--no-file-parallelism', 'test/faults')
  if (values.row !== undefined) rest.push('-t', `row ${values.row}\\b`)
  return { ...values, rest }
}

/** Counts tests by outcome. A file that fails without a failed test of its own (it does not load) is one failure. */
function count(modules) {
  const totals = { passed: 0, failed: 0, skipped: [] }
  for (const module of modules) {
    const states = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      states[state] += 1
      if (state !== 'passed' && state !== 'failed') totals.skipped.push(`${nameOf(module)}: ${test.fullName}`)
    }
    totals.passed += states.passed
    totals.failed += states.failed
    if (module.state() === 'failed' && states.failed === 0) totals.failed += 1
  }
  return totals
}

const nameOf = module => relative(root, module.moduleId)

/** The file's folder below `test/`. */
const folderOf = module => nameOf(module).split('/').slice(0, 2).join('/')

/** Milliseconds that a file kept a worker: its start, its imports, its hooks and tests. */
function timeOf(module) {
  const { prepareDuration, environmentSetupDuration, setupDuration, collectDuration, duration } =
    module.diagnostic()
  return prepareDuration + environmentSetupDuration + setupDuration + collectDuration + duration
}

/** Says where the time went: by folder, and the slowest files. Files run beside each other; the sum is that of all workers. */
function printTimes(modules) {
  const folders = new Map()
  for (const module of modules) {
    const sum = folders.get(folderOf(module)) ?? { ms: 0, files: 0, tests: 0 }
    sum.ms += timeOf(module)
    sum.files += 1
    sum.tests += [...module.children.allTests()].length
    folders.set(folderOf(module), sum)
  }
  const seconds = ms => `${(ms / 1_000).toFixed(1).padStart(7)} s`
  console.log('\nTime by folder:')
  for (const [folder, { ms, files, tests }] of [...folders].sort(([, a], [, b]) => b.ms - a.ms))
    console.log(`${seconds(ms)}  ${folder} (${files} files, ${tests} tests)`)
  console.log(`The ${SLOWEST_SHOWN} slowest files:`)
  for (const module of modules.toSorted((a, b) => timeOf(b) - timeOf(a)).slice(0, SLOWEST_SHOWN))
    console.log(`${seconds(timeOf(module))}  ${nameOf(module)} (${module.project.name})`)
}

/**
 * Returns an error, or those that it holds: what a test failed with and what failed as its resources were given back (`SuppressedError`), and the
 * parts of an `AggregateError`, both of which may be without a message.
 */
function allOf(error) {
  const held = [error.suppressed, error.error, ...(error.errors ?? [])].filter(
    each => each?.message !== undefined,
  )
  return held.length > 0 ? held.flatMap(allOf) : [error]
}

/** Returns what failed as lines: the file, the test's full name and the beginning of each error; a file that does not load; what failed outside. */
function failuresOf(modules, outside) {
  const lines = []
  const add = (name, errors) => {
    lines.push(`  ${name}`)
    for (const { name: kind = 'Error', message, diff = '' } of errors.flatMap(allOf))
      lines.push(
        ...stripVTControlCharacters(`${message || kind}\n${diff}`.trimEnd())
          .split('\n')
          .slice(0, ERROR_LINES)
          .map(line => `      ${line}`),
      )
  }
  for (const module of modules) {
    const place = `${nameOf(module)} (${module.project.name})`
    if (module.errors().length > 0) add(place, module.errors())
    for (const suite of module.children.allSuites())
      if (suite.errors().length > 0) add(`${place} > ${suite.fullName}`, suite.errors())
    for (const test of module.children.allTests('failed'))
      add(`${place} > ${test.fullName}`, test.result().errors ?? [])
  }
  if (outside.length > 0) add('outside of any test', outside)
  return lines
}

/** Names what failed, so that the end of a log says it. */
function printFailures(lines, file) {
  if (lines.length === 0) return
  const text = `\nFAILED:\n${lines.join('\n')}`
  console.log(text)
  if (file !== undefined) appendFileSync(file, `${text}\n`)
}

function printSkipped(skipped) {
  console.log(`\nSKIPPED, not proven on this machine (${skipped.length}):`)
  for (const name of skipped.slice(0, SKIPPED_SHOWN)) console.log(`  ${name}`)
  if (skipped.length > SKIPPED_SHOWN) console.log(`  and ${skipped.length - SKIPPED_SHOWN} more`)
}

/** Prints the counts as the last line. */
function close(passed, failed, skipped, counts) {
  const line = `${passed} passed, ${failed} failed, ${skipped} skipped`
  if (counts !== undefined) appendFileSync(counts, `${line}\n`)
  console.log(`\n${line}`)
}

/** Ends what this process started, and what that started. The guards end by themselves: they clear away what else was left. */
function endAll() {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
  const all = [...(stdout ?? '').matchAll(/^ *(\d+) +(\d+) (.*)$/gm)].filter(
    ([, , , command]) => !command.includes('guard.mjs'),
  )
  const ours = new Set([String(process.pid)])
  for (let before = 0; before < ours.size; ) {
    before = ours.size
    for (const [, pid, parent] of all) if (ours.has(parent)) ours.add(pid)
  }
  ours.delete(String(process.pid))
  for (const pid of ours) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has ended meanwhile, as `ps` itself.
    }
  }
}

/** Says where it stood when somebody ended it, as a time limit does, and fails. */
function giveUp(vitest, { counts, failures }) {
  const modules = vitest.state.getTestModules()
  const { passed, failed } = count(modules)
  const left = modules.filter(module => !isFinished(module))
  const names = left.map(nameOf).join(', ') || 'nothing that began'
  const ended = `  The run was ended from outside. Not finished: ${names}`
  printFailures([...failuresOf(modules, []), ended], failures)
  close(passed, failed + 1, 0, counts)
  endAll()
  process.exit(1)
}

const isFinished = module => !['pending', 'queued'].includes(module.state())

/** Ends the run in time with what ran, and says what did not: it fails where a test did. Returns the timer. */
async function endWithin(vitest, { filter, within, counts, failures }) {
  const planned = await vitest.globTestSpecifications(filter)
  const end = () => {
    const modules = vitest.state.getTestModules()
    const { passed, failed, skipped } = count(modules)
    const finished = new Set(
      modules.filter(isFinished).map(({ project, moduleId }) => project.name + moduleId),
    )
    const left = planned.filter(({ project, moduleId }) => !finished.has(project.name + moduleId))
    printTimes(modules)
    console.log(
      `\nNOT RUN to the end within ${within} seconds, not proven by this run (${left.length} files):`,
    )
    for (const file of left) console.log(`  ${nameOf(file)}`)
    printFailures(failuresOf(modules, []), failures)
    close(passed, failed, skipped.length + left.length, counts)
    endAll()
    process.exit(failed > 0 ? 1 : 0)
  }
  return setTimeout(end, (Number(within) - process.uptime()) * 1_000)
}

/** Runs vitest in this process. Returns the files that ran, and what failed outside of any test. */
async function runVitest({ rest, counts, failures, within }) {
  const { createVitest, parseCLI } = await import('vitest/node')
  const { filter, options } = parseCLI(['vitest', 'run', ...rest])
  const vitest = await createVitest('test', { ...options, root, watch: false })
  process.on('SIGTERM', () => giveUp(vitest, { counts, failures }))
  const timer =
    within === undefined ? undefined : await endWithin(vitest, { filter, within, counts, failures })
  const outside = []
  try {
    await vitest.start(filter)
  } catch (error) {
    if (error.code !== 'VITEST_FILES_NOT_FOUND') outside.push(error)
  }
  clearTimeout(timer)
  await vitest.close()
  const { state } = vitest
  return { modules: state.getTestModules(), outside: [...outside, ...state.getUnhandledErrors()] }
}

const args = readArguments()
if (args.slow) process.env.TEST_SIZE = 'slow'
if (args.faults) process.env.TEST_SIZE = 'full'
if (args.seed !== undefined) process.env.QUILLWORK_SEED = args.seed
setUp()
const { modules, outside } = await runVitest(args)
const { passed, failed, skipped } = count(modules)
if (modules.length > 0) printTimes(modules)
// With a name filter every other test counts as skipped; nobody needs that list.
if (skipped.length > 0 && !args.rest.some(arg => arg === '-t' || arg.startsWith('--testNamePattern')))
  printSkipped(skipped)
printFailures(failuresOf(modules, outside), args.failures)
const unexplained = failed === 0 && outside.length > 0
if (!unexplained && passed + failed === 0) console.log('\nNo test ran.')
close(passed, failed + (unexplained ? 1 : 0), skipped.length, args.counts)
process.exit(unexplained || failed > 0 || passed === 0 ? 1 : 0)
