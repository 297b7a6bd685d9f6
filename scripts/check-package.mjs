// The package of the library as a release packs it. What `npm install quillwork` brings for the library on SQLite: at most so many packages and
// megabytes, beside better-sqlite3 and what that brings. Packages that only a part of the product needs are optional peers; `packages/server` has
// them all. publint and are-the-types-wrong find nothing in it: every entry is there for ESM, `require`, `node16`, `nodenext` and bundlers, with its types.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { root } from './setup.mjs'

const bars = { packages: 12, megabytes: 20 }
const apart = 'better-sqlite3'

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))

/** Returns the packages that are installed with some. All of them lie side by side. */
function installedWith(names) {
  const found = new Set(names)
  for (const name of found)
    for (const each of Object.keys(packages[`node_modules/${name}`].dependencies ?? {})) found.add(each)
  return [...found]
}

function bytesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath ?? entry.path, entry.name)).size, 0)
}

/** Packs the library aside, as a release does, and returns the archive and how large it is unpacked. */
function packed() {
  const folder = mkdtempSync(join(tmpdir(), 'quillwork-package-'))
  try {
    const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder]
    const { stdout, stderr, status } = spawnSync('npm', args, {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    })
    if (status !== 0) throw new Error(`npm pack failed: ${stderr}`)
    const said = JSON.parse(stdout)
    const [{ unpackedSize, filename }] = Array.isArray(said) ? said : Object.values(said)
    return { unpackedSize, archive: new Uint8Array(readFileSync(join(folder, filename))) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Returns what is wrong with the size of an installation. */
function sizeProblems(unpackedSize) {
  const direct = Object.keys(packages[''].dependencies).filter(name => name !== apart)
  const beside = installedWith(direct)
  const bytes = beside.reduce((sum, name) => sum + bytesOf(join(root, 'node_modules', name)), unpackedSize)
  const megabytes = bytes / 2 ** 20
  console.log(`${beside.length} packages (${beside.join(', ')}), ${megabytes.toFixed(1)} MB`)
  return beside.length > bars.packages || megabytes > bars.megabytes
    ? [`more than ${bars.packages} packages or ${bars.megabytes} MB beside ${apart}`]
    : []
}

/** Returns what publint finds in the manifest and the files that it names, suggestions too. */
async function manifestProblems(archive) {
  const { messages, pkg } = await publint({ pack: { tarball: archive.slice().buffer }, strict: true })
  return messages.map(message => `publint: ${formatMessage(message, pkg, { color: false })}`)
}

/** Returns the entries whose types are not those of the module that an import or `require` loads, or that a compiler does not find. */
async function typeProblems(archive) {
  const { problems } = await checkPackage(createPackageFromTarballData(archive))
  return problems
    .filter(problem => !isOfOlderNode(problem))
    .map(({ kind, entrypoint, resolutionKind }) =>
      ['are-the-types-wrong:', kind, entrypoint, resolutionKind].filter(Boolean).join(' '),
    )
}

/**
 * The package is made of ES modules, which `require` loads in every Node that `engines` lets in, and TypeScript knows it by `nodenext`. The resolution
 * `node10` reads no `exports`, and no such Node resolves so.
 */
function isOfOlderNode({ kind, resolutionKind }) {
  return resolutionKind === 'node10' || (kind === 'CJSResolvesToESM' && resolutionKind === 'node16-cjs')
}

const { unpackedSize, archive } = packed()
const problems = [
  ...sizeProblems(unpackedSize),
  ...(await manifestProblems(archive)),
  ...(await typeProblems(archive)),
]
for (const problem of problems) console.log(problem)
if (problems.length > 0) process.exitCode = 1
