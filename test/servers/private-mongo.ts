import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { MongoClient } from 'mongodb'
import { findMongoProgram, type MongoProgram } from './mongo-program.ts'
import { freePort } from './ports.ts'
import { makeFolder, removeFolder, type ServerProcess, startProcess, tailOf } from './process.ts'
import { until } from './until.ts'

/** A MongoDB server that one test has for itself: it may be killed, stopped and started again on the same folder and port. */
export interface PrivateMongo extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** The id of the server's process; another one after each start. */
  readonly pid: number
  /** Sends a signal (SIGKILL unless given). After a signal that ends the process it resolves when the process has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Starts the server again after it has ended; resolves when it takes writes. */
  start(): Promise<void>
  /** Ends the server in order, and starts it again. */
  restart(): Promise<void>
  /** Ends the server for good and removes its folder, unless the folder was given. */
  stop(): Promise<void>
}

const replicaSet = 'quillwork'

/**
 * Starts a server. `port` and `dir` are chosen unless given; `durable: false` saves the sync of each write, where nobody kills the server.
 * Rejects with what to install where there is no server.
 */
export async function privateMongo(
  options: { port?: number; dir?: string; durable?: boolean } = {},
): Promise<PrivateMongo> {
  const program = await findMongoProgram()
  const port = options.port ?? (await freePort())
  const folder = options.dir ?? makeFolder('mongo')
  let server: ServerProcess | undefined

  async function start() {
    if (server?.running()) return
    server = await startServer(program, folder, port, options.durable ?? true)
  }
  async function kill(signal: NodeJS.Signals = 'SIGKILL') {
    await server?.kill(signal)
  }
  async function stop() {
    await kill('SIGCONT')
    await kill('SIGTERM')
    if (options.dir === undefined) removeFolder(folder)
  }

  await start()
  return {
    url: directTo(port),
    port,
    get pid() {
      return server?.pid ?? 0
    },
    kill,
    start,
    async restart() {
      await kill('SIGTERM')
      await start()
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function startServer(
  program: MongoProgram,
  folder: string,
  port: number,
  isDurable: boolean,
): Promise<ServerProcess> {
  const data = path.join(folder, 'data')
  mkdirSync(data, { recursive: true })
  const logFile = path.join(folder, 'server.log')
  const { command } = program
  const server = startProcess({ command, args: argumentsOf(program, data, port, isDurable), folder, logFile })
  try {
    await until(async () => !server.running() || (await isPrimary(port)), 'MongoDB server that takes writes')
  } catch (error) {
    await server.kill('SIGKILL')
    throw new Error(`${String(error)}\n${tailOf(logFile)}`)
  }
  if (!server.running()) throw new Error(`${command} ended at its start:\n${tailOf(logFile)}`)
  return server
}

/** The address of a server, whatever it believes of its replica set. */
function directTo(port: number): string {
  return `mongodb://127.0.0.1:${port}/?directConnection=true`
}

function argumentsOf({ kind }: MongoProgram, data: string, port: number, isDurable: boolean): string[] {
  if (kind === 'mongod')
    return ['--replSet', replicaSet, '--bind_ip', '127.0.0.1', '--port', `${port}`, '--dbpath', data]
  // Without --sync-on-commit a killed server loses what it acknowledged; without --log-file-max each log file has 2 GB.
  const limits = [
    '--log-file-max',
    '64MB',
    '--cache-size',
    '256M',
    ...(isDurable ? ['--sync-on-commit'] : []),
  ]
  return ['--host', '127.0.0.1', '--port', `${port}`, '--storage-path', data, ...limits]
}

/** Whether the server takes writes. A new `mongod` is made a replica set of one on the way: transactions need it. */
async function isPrimary(port: number): Promise<boolean> {
  const url = directTo(port)
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 500, connectTimeoutMS: 500 })
  try {
    const admin = client.db('admin')
    const hello = await admin.command({ hello: 1 })
    if (hello['isWritablePrimary'] === true) return true
    if (hello['setName'] === undefined) {
      const members = [{ _id: 0, host: `127.0.0.1:${port}` }]
      await admin.command({ replSetInitiate: { _id: replicaSet, members } })
    }
    return false
  } finally {
    await client.close()
  }
}
