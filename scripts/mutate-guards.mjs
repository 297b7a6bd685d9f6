// `npm run mutate`: removes one guard at a time from a copy of the repository and shows that a named test fails without it. A mutant
// that survives is a guard that no test holds: it is printed, and the exit code is 1. Not part of `npm test`: it takes an hour, most of it
// for the rows of faults of the distributed composition.
// `npm run mutate -- claim sync` runs the mutants whose name has one of the words; `--check` only sees that every guard still stands
// where the list says.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { distributedMutants } from './mutants-distributed.mjs'
import { embeddedMutants } from './mutants-embedded.mjs'
import { modelMutants } from './mutants-models.mjs'
import { root } from './setup.mjs'

const mutants = [...embeddedMutants, ...modelMutants, ...distributedMutants]

const leftOut = /(^|[/\\])(node_modules|\.git|dist|coverage)$/

/** A copy of the repository in which files may be broken; packages are shared with the original. */
function copyRepository() {
  const copy = mkdtempSync(join(tmpdir(), 'quillwork-mutants-'))
  cpSync(root, copy, { recursive: true, filter: source => !leftOut.test(source.replace(/[/\\]$/, '')) })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir')
  return copy
}

/** Milliseconds that tests may take. Rows wait long before they say that something does not come. */
const limits = { row: 480_000, other: 120_000 }

/**
 * Runs tests in the copy, by their files and, with `only`, by their names. Vitest reads `src/` itself; the child processes of rows
 * (`built`) run on `dist/`, so that is made of the sources as they are. Answers whether all passed, and the first that failed: none
 * did where the run itself could not be made, which proves nothing.
 */
function runTests(copy, { files, only, built = false }) {
  const build = built ? runNode(copy, [join('scripts', 'setup.mjs')], limits.other) : { ok: true }
  if (!build.ok) return build
  const named = only === undefined ? [] : ['-t', only]
  const flags = [
    ...(built ? [] : ['--project=main', '--project=units']),
    '--bail=1',
    '--typecheck.enabled=false',
    '--testTimeout=10000',
  ]
  const vitest = join('node_modules', 'vitest', 'vitest.mjs')
  const args = [vitest, 'run', ...files, ...named, ...flags]
  // Some rows are not part of the quick run.
  const run = runNode(copy, args, built ? limits.row : limits.other, built ? { TEST_SIZE: 'slow' } : {})
  return { ...run, failing: /^ FAIL .* > (.*)$/m.exec(run.output)?.[1] }
}

function runNode(cwd, args, timeout, more = {}) {
  // CI: a server that is missing is a failure, for tests that are skipped prove nothing.
  const env = { ...process.env, NO_COLOR: '1', CI: 'true', ...more }
  const options = { cwd, env, encoding: 'utf8', timeout, maxBuffer: 64 * 1_048_576 }
  const { status, stdout, stderr } = spawnSync(process.execPath, args, options)
  return { ok: status === 0, output: `${stdout}${stderr}` }
}

/** Runs the tests of all mutants before anything is removed. Answers the first that do not pass; undefined when all do. */
function firstFailure(copy, chosen) {
  const named = new Map(chosen.map(({ tests }) => [JSON.stringify(tests), tests]))
  const whole = [...named.values()].filter(({ only }) => only === undefined)
  const together = { files: [...new Set(whole.flatMap(({ files }) => files))] }
  const runs = [...named.values()].filter(({ only }) => only !== undefined)
  if (together.files.length > 0) runs.unshift(together)
  for (const tests of runs) {
    const result = runTests(copy, tests)
    if (!result.ok) return result
  }
  return undefined
}

/** How often the guard stands in its file; anything but once proves nothing. */
const timesIn = (text, { find }) => text.split(find).length - 1

/** Removes one guard, runs its tests, and puts the guard back. */
function run(copy, mutant) {
  const path = join(copy, mutant.file)
  const guarded = readFileSync(path, 'utf8')
  const began = performance.now()
  writeFileSync(
    path,
    guarded.replace(mutant.find, () => mutant.replace),
  )
  try {
    const { ok, failing, output } = runTests(copy, mutant.tests)
    const verdict = ok ? 'SURVIVED' : failing === undefined ? 'BROKEN' : 'caught'
    return { verdict, failing, output, seconds: (performance.now() - began) / 1_000 }
  } finally {
    writeFileSync(path, guarded)
  }
}

/** Runs the mutants one by one, prints a line each, and answers how many no test missed. */
function runAll(copy, chosen) {
  let missed = 0
  for (const mutant of chosen) {
    const { verdict, failing, output, seconds } = run(copy, mutant)
    if (verdict !== 'caught') missed += 1
    const time = `${seconds.toFixed(1).padStart(5)} s`
    console.log(`${verdict.padEnd(8)} ${time}  ${mutant.name.padEnd(46)} ${failing ?? ''}`)
    if (verdict === 'BROKEN') console.log(output)
  }
  return missed
}

/** Whether every guard stands where the list says; prints those that do not. */
function allStand(chosen) {
  const lost = chosen.filter(mutant => timesIn(readFileSync(join(root, mutant.file), 'utf8'), mutant) !== 1)
  for (const { name, file } of lost)
    console.error(`${name}: the guard does not stand in ${file} exactly once; bring the list up to date`)
  return lost.length === 0
}

/** Removes the guards one by one from a copy whose tests pass. Answers whether a test failed each time. */
function allCaught(chosen) {
  const copy = copyRepository()
  try {
    const failure = firstFailure(copy, chosen)
    if (failure !== undefined) {
      console.error(`The tests fail before any guard is removed:\n${failure.output}`)
      return false
    }
    const missed = runAll(copy, chosen)
    console.log(`\n${chosen.length} guards removed; ${missed} that no test missed`)
    return missed === 0 && chosen.length > 0
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

const words = process.argv.slice(2).filter(word => word !== '--check')
const onlyChecks = process.argv.includes('--check')
const chosen = mutants.filter(({ name }) => words.length === 0 || words.some(word => name.includes(word)))
process.exitCode = allStand(chosen) && (onlyChecks || allCaught(chosen)) ? 0 : 1
