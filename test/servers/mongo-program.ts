import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** Stands in for MongoDB where no `mongod` is installed. The newest release whose package carries the server `secantusd-rs`. */
const standIn = { name: 'SecantusDB', version: '0.6.0b17' }

/** A program that speaks MongoDB's protocol: `mongod` itself, or the stand-in with the Python that starts it. */
export interface MongoProgram {
  kind: 'mongod' | 'stand-in'
  command: string
}

/** What to do where neither is there and the stand-in cannot be installed. */
const howToGet =
  'Set MONGODB_URL to a replica set that the tests may use, or put `mongod` on PATH, ' +
  `or let Python 3.10 to 3.13 with venv and pip install ${standIn.name} ${standIn.version} (Linux, x86-64)`

let found: Promise<MongoProgram> | undefined

/** Finds the program, installing the stand-in when there is none. Rejects with how to get one. */
export function findMongoProgram(): Promise<MongoProgram> {
  found ??= find()
  return found
}

async function find(): Promise<MongoProgram> {
  if (spawnSync('mongod', ['--version']).status === 0) return { kind: 'mongod', command: 'mongod' }
  return { kind: 'stand-in', command: await installStandIn() }
}

/** Installs the stand-in once per clone, and answers the path of its server. */
async function installStandIn(): Promise<string> {
  const cache = fileURLToPath(new URL('../../node_modules/.cache/quillwork', import.meta.url))
  const folder = path.join(cache, `${standIn.name}-${standIn.version}`)
  const server = path.join(folder, 'secantusdb.scripts', 'secantusd-rs')
  if (existsSync(server)) return server
  mkdirSync(cache, { recursive: true })
  // Made aside and put in place whole: two runs at once, or one that is interrupted, leave no half of it.
  const aside = mkdtempSync(path.join(cache, 'install-'))
  try {
    const python = path.join(aside, 'venv', 'bin', 'python')
    await run('python3', ['-m', 'venv', path.join(aside, 'venv')])
    const target = path.join(aside, 'packages')
    // --no-deps: the server is one program, and needs none of the Python packages.
    const install = ['install', '--quiet', '--disable-pip-version-check', '--no-deps', '--target', target]
    await run(python, ['-m', 'pip', ...install, `${standIn.name}==${standIn.version}`])
    if (!existsSync(folder)) renameSync(target, folder)
  } catch (error) {
    if (!existsSync(server)) throw new Error(`${howToGet}. The installation failed: ${String(error)}`)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
  return server
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece: Buffer) => {
      output += piece.toString()
    })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ${args.slice(0, 2).join(' ')}: ${output.slice(-500).trim()}`)
}
