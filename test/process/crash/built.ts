import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

let isBuilt = false

/**
 * Makes sure that `dist/` is there and was built of these sources: the child processes run on it. Looks once in each process of tests;
 * throws with what the build said when it cannot be made.
 */
export function requireBuilt(): void {
  if (isBuilt) return
  const script = fileURLToPath(new URL('../../../scripts/setup.mjs', import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`dist/ is missing or stale and could not be built:\n${stderr}`)
  isBuilt = true
}
