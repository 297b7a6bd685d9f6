import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, realpath, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { version } from '../../runtime/version.ts'
import { usageError } from '../exit-codes.ts'
import { quoted } from '../hints.ts'
import { print, type Register, type Run } from '../run.ts'

/** The clone, or the package of the server. */
const home = fileURLToPath(new URL('../../../', import.meta.url))
/** The project that is copied. */
const starter = path.join(home, 'examples', 'starter')
/** The name of the library, which is that of the clone. */
const library = 'quillwork'
/** What the project makes of itself, where somebody tried it in its place. */
const made = ['node_modules', 'out', 'data', 'package-lock.json']
const isOfProject = (file: string) => !made.includes(path.basename(file))
/** npm publishes no file of the name that git reads. */
const ignored = { packed: 'gitignore', named: '.gitignore' }

/** Adds `quillwork init`. */
export function addInit(program: Command, register: Register): void {
  program
    .command('init')
    .description('Make a TypeScript project of your own: one task type, its test, and a program that runs it')
    .argument('[folder]', 'where; nothing that is there is overwritten', '.')
    .action(register(init))
}

async function init(run: Run): Promise<void> {
  const [given = '.'] = run.arguments
  const folder = path.resolve(given)
  const files = (await readdir(starter)).filter(isOfProject)
  await requireNone(folder, given, files)
  await mkdir(folder, { recursive: true })
  await cp(starter, folder, { recursive: true, errorOnExist: true, force: false, filter: isOfProject })
  await rename(path.join(folder, ignored.packed), path.join(folder, ignored.named))
  await fillManifest(folder)
  print(run, { folder }, () => [
    `Made a project in ${folder}.`,
    'Next:',
    ...(folder === process.cwd() ? [] : [`  cd ${quoted(given)}`]),
    '  npm install',
    '  npm test',
    '  npm start',
  ])
}

/** Throws USAGE_INVALID where a file of the project would take the place of one that is there. */
async function requireNone(folder: string, given: string, files: readonly string[]): Promise<void> {
  const there = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw usageError(`${given} cannot be read as a folder: ${error.message}`)
  })
  const inTheWay = [...files, ignored.named].filter(name => there.includes(name))
  if (inTheWay.length === 0) return
  throw usageError(
    `${given} has ${inTheWay.join(', ')} already, and nothing was written. Name a folder that is not there yet: quillwork init my-tasks`,
  )
}

/** What is written of a `package.json`. */
interface Manifest {
  name: string
  dependencies: Record<string, string>
}

/** Names the project after its folder, and Quillwork by the version that made it, or by the clone. */
async function fillManifest(folder: string): Promise<void> {
  const read = async (file: string) => JSON.parse(await readFile(file, 'utf8')) as Manifest
  const file = path.join(folder, 'package.json')
  const manifest = await read(file)
  // The image of the server has the name, too.
  const isClone =
    existsSync(path.join(home, 'src')) && (await read(path.join(home, 'package.json'))).name === library
  const name = path
    .basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|-+$/g, '')
  if (name !== '') manifest.name = name
  manifest.dependencies[library] = isClone ? `file:${path.relative(await realpath(folder), home)}` : version
  await writeFile(file, `${JSON.stringify(manifest, null, 2)}\n`)
}
