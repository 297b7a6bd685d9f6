// `npm run test:faults`: the rows of the acceptance matrix at full load. `--row N` runs one of them, `--seed S` makes a run again.
// Each row prints its counts; one that observed no fault fails.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root, setUp } from './setup.mjs'

const { values } = parseArgs({ options: { row: { type: 'string' }, seed: { type: 'string' } } })
for (const [name, value] of Object.entries(values)) {
  if (/^\d+$/.test(value)) continue
  console.error(`--${name} is ${JSON.stringify(value)}; give a whole number.`)
  process.exit(2)
}

setUp()
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
// One file after the other: the rows measure times, and share two servers.
const args = [vitest, 'run', '--project=main', '--no-file-parallelism', 'test/faults']
if (values.row !== undefined) args.push('-t', `row ${values.row}\\b`)
const env = { ...process.env, QUILLWORK_FAULTS: 'full' }
if (values.seed !== undefined) env.QUILLWORK_FAULTS_SEED = values.seed
const { status } = spawnSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' })
process.exitCode = status ?? 1
