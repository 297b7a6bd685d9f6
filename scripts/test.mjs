// `npm test`: sets up what is missing (the process tests and the examples run on dist/), runs vitest, and closes
// with one plain line `N passed, N failed, N skipped`. Arguments go to vitest: `npm test -- test/task`.
// Fails when a test fails, when none ran, and when vitest itself reports an error.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { root, setUp } from './setup.mjs'

/** Longest list of skipped tests that is printed; the count is always whole. */
const SKIPPED_SHOWN = 40

/** Runs vitest and returns its exit code and its JSON report, undefined where it wrote none. */
function runVitest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'quillwork-report-'))
  const file = join(folder, 'report.json')
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  try {
    const { status } = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...args], {
      cwd: root,
      stdio: 'inherit',
    })
    return {
      exitCode: status ?? 1,
      report: existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Counts tests by outcome. A file that fails without a failed test of its own (it does not load) is one failure. */
function count(report) {
  const totals = { passed: 0, failed: 0, skipped: [] }
  for (const file of report?.testResults ?? []) {
    const states = file.assertionResults.map(test => test.status)
    totals.passed += states.filter(state => state === 'passed').length
    totals.failed += states.filter(state => state === 'failed').length
    if (file.status === 'failed' && !states.includes('failed')) totals.failed += 1
    for (const test of file.assertionResults) {
      if (test.status === 'passed' || test.status === 'failed') continue
      totals.skipped.push(`${relative(root, file.name)}: ${test.fullName}`)
    }
  }
  return totals
}

setUp()
const args = process.argv.slice(2)
const { exitCode, report } = runVitest(args)
const { passed, failed, skipped } = count(report)

// With a name filter every other test counts as skipped; nobody needs that list.
if (skipped.length > 0 && !args.some(arg => arg === '-t' || arg.startsWith('--testNamePattern'))) {
  console.log(`\nSKIPPED, not proven on this machine (${skipped.length}):`)
  for (const name of skipped.slice(0, SKIPPED_SHOWN)) console.log(`  ${name}`)
  if (skipped.length > SKIPPED_SHOWN) console.log(`  and ${skipped.length - SKIPPED_SHOWN} more`)
}
const unexplained = exitCode !== 0 && failed === 0
if (unexplained) console.log(`\nvitest ended with exit code ${exitCode}, outside any test; see above.`)
else if (passed + failed === 0) console.log('\nNo test ran.')
console.log(`\n${passed} passed, ${failed + (unexplained ? 1 : 0)} failed, ${skipped.length} skipped`)
process.exitCode = exitCode !== 0 || failed > 0 || passed === 0 ? 1 : 0
