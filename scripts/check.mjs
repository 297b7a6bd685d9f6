// `npm run check`: every gate, one line each with its time; a failing gate's output follows its line.
// All gates run whatever fails; the exit code is 1 when any did. `npm run check -- bars types` runs these alone.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root, setUp } from './setup.mjs'

const bin = path => join(root, 'node_modules', path)

/** Name, what it guards, and the arguments for node. Gates that need `dist/` or the types of the API come after the build. */
const gates = [
  [
    'format',
    'formatting and lint',
    [
      bin('@biomejs/biome/bin/biome'),
      'check',
      '--error-on-warnings',
      '--colors=off',
      '--reporter=concise',
      '--max-diagnostics=200',
    ],
  ],
  ['bars', 'sizes, suppressions, documented exports', ['scripts/bars.mjs']],
  [
    'guards',
    'what npm run mutate removes stands where its list says',
    ['scripts/mutate-guards.mjs', '--check'],
  ],
  ['build', 'dist/ and the types of the API can be made', ['scripts/setup.mjs']],
  [
    'types',
    'types of src, tests, examples and benchmarks',
    [bin('typescript/bin/tsc'), '--noEmit', '--pretty', 'false'],
  ],
  [
    'pages',
    'types of the pages',
    [bin('typescript/bin/tsc'), '--noEmit', '--pretty', 'false', '-p', 'dashboard'],
  ],
  [
    'page-tests',
    'types of the tests of the pages',
    [bin('typescript/bin/tsc'), '--noEmit', '--pretty', 'false', '-p', 'test/pages'],
  ],
  ['boundaries', 'imports point inward, no cycles', ['scripts/boundaries.mjs']],
  [
    'unused',
    'no unused file, export or dependency',
    [bin('knip/bin/knip.js'), '--no-progress', '--no-config-hints'],
  ],
  ['package', 'size, entries and types of the library as packed', ['scripts/check-package.mjs']],
  ['docs', 'generated documents are in date', ['scripts/generate-docs.mjs', '--check']],
]

/** A gate runs for seconds, of which V8's optimiser would take a fifth. */
const shortLived = '--interrupt-budget=300000'

/** Runs one gate, prints its line, and returns whether it holds. */
function holds([name, what, args]) {
  const start = performance.now()
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [shortLived, ...args], {
    cwd: root,
    encoding: 'utf8',
  })
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const ok = status === 0
  console.log(`${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(10)} ${seconds.padStart(5)} s  ${what}`)
  if (!ok) console.log(`${stdout ?? ''}${stderr ?? ''}${error ?? ''}`.trim().replace(/^/gm, '      '))
  return ok
}

setUp({ build: false })
const asked = process.argv.slice(2)
const names = gates.map(([name]) => name)
const unknown = asked.filter(name => !names.includes(name))
if (unknown.length > 0) {
  console.error(`No gate named ${unknown.join(', ')}. Gates: ${names.join(', ')}`)
  process.exit(2)
}
const needBuild = names.slice(names.indexOf('build'))
const wanted = asked.some(name => needBuild.includes(name)) ? [...asked, 'build'] : asked
const failing = gates
  .filter(([name]) => wanted.length === 0 || wanted.includes(name))
  .filter(gate => !holds(gate))
console.log(
  failing.length === 0 ? '\nEvery gate holds.' : `\nDo not hold: ${failing.map(([name]) => name).join(', ')}`,
)
process.exitCode = failing.length === 0 ? 0 : 1
