// What a fresh clone needs before anything runs: the right Node, the packages of the lock file, `dist/`, the types of the API for the pages.
// Each step looks at what is there and does nothing when nothing is missing, so every command can call it.
// Plain Node only: this file runs before the first `npm ci`.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'

/** The repository's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url))

const readJson = path => JSON.parse(readFileSync(path, 'utf8'))
const say = line => console.error(`setup: ${line}`)

/** A step that cannot go on; the message says what the person at the keyboard should do. */
class SetupError extends Error {}

/** Refuses a Node that is older than the one in package.json "engines". */
function checkNode() {
  const wanted = readJson(join(root, 'package.json')).engines.node.replace('>=', '')
  if (compareVersions(process.versions.node, wanted) < 0) {
    throw new SetupError(
      `Node ${process.versions.node} is too old: Quillwork needs Node ${wanted} or newer. ` +
        'Install it (https://nodejs.org) and run the same command again.',
    )
  }
}

function compareVersions(a, b) {
  const [left, right] = [a, b].map(version => version.split('.').map(Number))
  const at = [0, 1, 2].find(i => left[i] !== right[i])
  return at === undefined ? 0 : left[at] - right[at]
}

/** Runs `npm ci` unless node_modules holds exactly what package-lock.json asks for. */
function installPackages() {
  const missing = missingPackages()
  if (missing !== undefined) {
    say(`installing packages (${missing})`)
    // --include=dev: the compiler is a development dependency, and NODE_ENV=production would leave it out.
    npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'])
  }
  if (!nativeDriverLoads()) {
    say('building better-sqlite3 for this Node')
    npm(['rebuild', 'better-sqlite3', '--loglevel=error'])
    if (!nativeDriverLoads()) {
      throw new SetupError(
        'better-sqlite3 does not load. Its install script must be allowed to run (npm config "ignore-scripts" ' +
          'off), and it needs either its prebuilt binary or a C++ compiler and Python 3. ' +
          'Then run: npm rebuild better-sqlite3',
      )
    }
  }
}

/** Why an install is needed, or undefined. npm leaves its own record of what it installed, written last. */
function missingPackages() {
  const record = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return 'none there'
  const installed = readJson(record).packages
  const wanted = Object.entries(readJson(join(root, 'package-lock.json')).packages)
  const stale = wanted.filter(
    ([path, { version, optional }]) => path !== '' && !optional && installed[path]?.version !== version,
  )
  if (stale.length > 0) return `${stale.length} differ from package-lock.json`
  return wanted.every(([path]) => path === '' || !installed[path] || existsSync(join(root, path)))
    ? undefined
    : 'some were removed'
}

/** Opens a database in memory in a process of its own: a wrong binary can end the process that loads it. */
function nativeDriverLoads() {
  const probe = "new (require('better-sqlite3'))(':memory:').close()"
  return spawnSync(process.execPath, ['-e', probe], { cwd: root, stdio: 'ignore' }).status === 0
}

function npm(args) {
  const cli = process.env.npm_execpath
  const viaNode = cli?.endsWith('.js')
  const [command, prefix] = viaNode ? [process.execPath, [cli]] : ['npm', []]
  const shell = !viaNode && process.platform === 'win32'
  // npm's talk goes to stderr: stdout belongs to the command that asked for the set-up.
  const { status, error } = spawnSync(command, [...prefix, ...args], {
    cwd: root,
    shell,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0)
    throw new SetupError(`npm ${args[0]} failed (${error?.message ?? `exit code ${status}`}).`)
}

/**
 * What `dist/` is made of: the compiled `src/`, and the pages of `dashboard/` in a folder of their own. Each part is made again when its
 * sources changed, and taken over from the `dist/` before otherwise.
 */
const parts = [
  {
    name: 'the server',
    folder: 'src',
    files: /\.(ts|md)$/,
    beside: [
      'tsconfig.json',
      'tsconfig.build.json',
      'src/client/tsconfig.json',
      'scripts/bundle-program.mjs',
      'scripts/entries.mjs',
      'package.json',
    ],
    build(dist) {
      compile(dist, 'tsconfig.build.json')
      makeApiTypes(dist)
      compile(dist, 'src/client/tsconfig.json')
      copyTexts(dist)
      run('scripts/entries.mjs', dist, 'the entries of the package cannot be made')
      run('scripts/bundle-program.mjs', dist, 'the command line cannot be bundled')
    },
  },
  {
    name: 'the pages',
    folder: 'dashboard',
    files: /\.(tsx?|json|css|html|svg)$/,
    beside: [],
    build: dist => buildPages(join(dist, pages)),
  },
]
const pages = 'dashboard'
const stampName = '.build.json'

/**
 * Makes the parts of `dist/` whose sources are not those that the stamp in it names. The new `dist/` is made aside and put in place whole:
 * nothing of a deleted source stays, a failed build leaves the old one, and two builds at once do not mix.
 */
function buildDist() {
  const dist = join(root, 'dist')
  const stamp = join(dist, stampName)
  const built = existsSync(stamp) ? readJson(stamp) : {}
  const hashes = Object.fromEntries(parts.map(part => [part.folder, sourceHash(part)]))
  const stale = parts.filter(({ folder }) => built[folder] !== hashes[folder])
  if (stale.length === 0) return
  say(`building ${stale.map(({ name }) => name).join(' and ')} into dist/`)
  const aside = mkdtempSync(join(root, '.build-'))
  try {
    const made = join(aside, 'dist')
    mkdirSync(made)
    // The compiled server reads its version there, when the types of its API are made.
    copyFileSync(join(root, 'package.json'), join(aside, 'package.json'))
    for (const part of stale) part.build(made)
    for (const part of parts) if (!stale.includes(part)) copyPart(part, dist, made)
    writeFileSync(join(made, stampName), JSON.stringify(hashes))
    replaceDist(aside)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}

/** Takes a part over that is still right; the `dist/` before stays whole until the new one takes its place. */
function copyPart({ folder }, from, to) {
  const isPages = folder === pages
  for (const name of readdirSync(from))
    if (name !== stampName && (name === pages) === isPages)
      cpSync(join(from, name), join(to, name), { recursive: true, preserveTimestamps: true })
}

/** Compiles the sources that a configuration names. The client comes after the server, whose document its types are made from. */
function compile(outDir, config) {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  const args = [tsc, '-p', config, '--outDir', outDir, '--noEmitOnError', '--pretty', 'false']
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new SetupError('the sources do not compile; see the lines above.')
}

/** Runs a script of the build on the compiled server. */
function run(script, dist, failure) {
  const { status } = spawnSync(process.execPath, [script, dist], { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new SetupError(`${failure}; see the lines above.`)
}

/** Bundles the pages, and puts what a browser takes compressed beside each file. */
function buildPages(outDir) {
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  const args = [vite, 'build', 'dashboard', '--outDir', outDir, '--emptyOutDir', '--logLevel', 'warn']
  // Whoever builds: with another NODE_ENV, such as that of a test run, the pages would get React's development build, half as fast.
  const env = { ...process.env, NODE_ENV: 'production' }
  const { status } = spawnSync(process.execPath, args, { cwd: root, env, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new SetupError('the pages cannot be built; see the lines above.')
  for (const name of readdirSync(outDir, { recursive: true })) {
    const path = join(outDir, name)
    // The page itself gets a nonce with every answer, so it is not sent as it lies there.
    if (!/\.(js|css|svg)$/.test(name)) continue
    const content = readFileSync(path)
    writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }))
    writeFileSync(`${path}.br`, brotliCompressSync(content))
  }
}

/** The prompts are read where the program is, so they are taken along as they are. */
function copyTexts(outDir) {
  for (const path of filesUnder(join(root, 'src')).filter(path => path.endsWith('.md'))) {
    const target = join(outDir, relative('src', path))
    mkdirSync(dirname(target), { recursive: true })
    copyFileSync(join(root, path), target)
  }
}

/** The types of the API, for the client and for the checks of the pages. Their first line names the sources that they were made of. */
const apiTypes = ['src/client/schema.ts', 'dashboard/src/api/schema.ts']

/** Makes the types of the API unless they are those of this server. The bundle of the pages needs none, so it is made without them. `dist`: the compiled server. */
function makeApiTypes(dist = join(root, 'dist')) {
  const makers = ['scripts/api-types.mjs', 'scripts/open-api.mjs']
  const [server] = parts
  const hash = sourceHash({ ...server, beside: [...server.beside, ...makers] })
  const files = apiTypes.map(path => join(root, path))
  const isMade = file => existsSync(file) && readFileSync(file, 'utf8').startsWith(`// ${hash}\n`)
  if (files.every(isMade)) return
  say(`making ${apiTypes.join(' and ')}`)
  const { status } = spawnSync(process.execPath, [makers[0], dist, hash, ...files], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) throw new SetupError('the types of the API cannot be made; see the lines above.')
}

/** Swaps dist/ for the one made aside. Another build may do the same meanwhile, so each step may have to look again. */
function replaceDist(aside) {
  const dist = join(root, 'dist')
  for (let turn = 0; ; turn += 1) {
    const old = join(aside, `old-${turn}`)
    mkdirSync(old)
    try {
      if (existsSync(dist)) renameSync(dist, join(old, 'dist'))
      renameSync(join(aside, 'dist'), dist)
      return
    } catch (error) {
      const raced = ['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code)
      if (!raced || turn === 9) throw error
    }
  }
}

/** One hash over the content of all that decides what a part of `dist/` holds. */
function sourceHash({ folder, files, beside }) {
  const sources = filesUnder(join(root, folder)).filter(path => files.test(path) && !apiTypes.includes(path))
  const hash = createHash('sha256')
  for (const path of ['package-lock.json', ...beside, ...sources]) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0')
  }
  return hash.digest('hex')
}

/** Every file under a folder of the repository: paths from the root, with '/', sorted. */
export function filesUnder(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry =>
      relative(root, join(entry.parentPath ?? entry.path, entry.name))
        .split(sep)
        .join('/'),
    )
    .sort()
}

/** Does all set-up that is missing. Prints to stderr only; ends the process with code 1 when it cannot. */
export function setUp({ build = true } = {}) {
  try {
    checkNode()
    installPackages()
    if (build) {
      buildDist()
      makeApiTypes()
    }
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    say(error.message)
    process.exit(1)
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) setUp()
