// `npm run pack -- FOLDER`: packs the library and the server, as a release publishes them. The server is the bundled command line with what it
// reads beside it: the pages, the prompts and the samples.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { filesUnder, root, setUp } from './setup.mjs'

const readJson = path => JSON.parse(readFileSync(path, 'utf8'))

/** Packs the package of a folder. Ends the process where npm cannot. */
function pack(folder, into) {
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', into]
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) process.exit(1)
}

/** Writes the package of the server to a folder. The versions of what the library needs too are those of the library. */
function makeServer(folder) {
  const library = readJson(join(root, 'package.json'))
  const { dependencies, ...manifest } = readJson(join(root, 'packages', 'server', 'package.json'))
  const whole = {
    ...manifest,
    version: library.version,
    dependencies: { ...library.dependencies, ...dependencies },
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(whole, null, 2))
  cpSync(join(root, 'packages', 'server', 'quillwork.js'), join(folder, 'quillwork.js'))
  const prompts = filesUnder(join(root, 'dist', 'novel')).filter(path => path.endsWith('.md'))
  for (const path of ['LICENSE', 'samples', 'examples/starter', 'dist/program', 'dist/dashboard', ...prompts])
    cpSync(join(root, path), join(folder, path), { recursive: true })
}

setUp()
const into = resolve(process.argv[2] ?? '.')
mkdirSync(into, { recursive: true })
pack(root, into)
const aside = mkdtempSync(join(tmpdir(), 'quillwork-pack-'))
try {
  makeServer(aside)
  pack(aside, into)
} finally {
  rmSync(aside, { recursive: true, force: true })
}
