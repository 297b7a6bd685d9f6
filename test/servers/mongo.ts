/** The MongoDB server that all tests of a run share. Importing this file starts it, where it does not run yet. */
import { randomBytes } from 'node:crypto'
import { MongoClient } from 'mongodb'
import { askFor, describeWith } from './ask.ts'

const server = await askFor('mongo')

/** `describe` for tests that need MongoDB: skipped with a loud line where there is none, failing when CI=true. */
export const describeWithMongo = describeWith('MongoDB server', server)

/** Why there is no shared server, and how to get one; undefined where there is one. */
export const mongoIsMissing = 'missing' in server ? server.missing : undefined

/** The address of the shared server. It names no database. Throws where there is none. */
export function mongoUrl(): string {
  if ('missing' in server) throw new Error(server.missing)
  return server.url
}

/** A database that one test has for itself. */
export interface FreshDatabase extends AsyncDisposable {
  /** The server's address with the database's name in it. */
  readonly url: string
  readonly name: string
  /** Deletes the database. `await using` does it at the end of the test. One on a server of the test's own goes with that server. */
  drop(): Promise<void>
}

/** Names a database that is not there yet; the first write makes it. On the shared server unless another's address is given. */
export function freshDatabase(serverUrl = mongoUrl()): FreshDatabase {
  const name = `test_${randomBytes(6).toString('hex')}`
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  const isShared = 'url' in server && serverUrl === server.url
  const drop = async () => (isShared ? dropShared(name) : undefined)
  return { url: url.href, name, drop, [Symbol.asyncDispose]: drop }
}

let shared: MongoClient | undefined

/** Deletes a database of the shared server. Tests make hundreds: one client for all of them, which ends with the process. */
async function dropShared(name: string): Promise<void> {
  shared ??= new MongoClient(mongoUrl())
  await shared.db(name).dropDatabase()
}
