/** One installation for one test: a database and broker names of its own, and any number of server processes. */
import path from 'node:path'
import { describeWithMongo, freshDatabase } from '../../servers/mongo.ts'
import { describeWithRabbit, freshPrefix } from '../../servers/rabbit.ts'
import { until } from '../../servers/until.ts'
import { call, type Ended, type Running, run, start, temporaryFolder } from '../cli/quillwork.ts'

/** `describe` for tests that need both servers. */
export function describeDistributed(title: string, tests: () => void): void {
  describeWithMongo(title, () => describeWithRabbit('on RabbitMQ and MongoDB', tests))
}

/** A server process with the address of its API, or of its health where it has no API. */
export type Server = Running & { readonly url: string }

/** Servers that share a database and a broker. */
export interface Installation extends AsyncDisposable {
  /** The environment of every process. */
  readonly env: Readonly<Record<string, string>>
  /** Starts `quillwork serve` with these roles, on a data directory of its own, and waits until it runs. */
  serve(roles: string, args?: readonly string[]): Promise<Server>
  /** Runs a command to its end. */
  run(args: readonly string[], env?: Record<string, string>): Promise<Ended>
  /** Runs a command to its end in this process; see `call`. */
  call(args: readonly string[], env?: Record<string, string>): Promise<Ended>
}

/** Short times: what takes half a minute in production takes seconds here. */
const times = { QUILLWORK_LEASE: '3s', QUILLWORK_SWEEP_INTERVAL: '500ms', QUILLWORK_GRACE: '1s' }

/** Makes an installation. `urls` name servers other than the shared ones; `more` is added to the environment of every process. */
export function installation(
  urls: { broker?: string; store?: string } = {},
  more: Readonly<Record<string, string>> = {},
): Installation {
  const folder = temporaryFolder()
  const database = freshDatabase(urls.store)
  const names = urls.broker === undefined ? freshPrefix(['batch']) : undefined
  const running: Running[] = []
  const env = {
    ...times,
    ...more,
    QUILLWORK_STORE: database.url,
    QUILLWORK_BROKER: urls.broker ?? names?.url ?? '',
    QUILLWORK_BROKER_PREFIX: names?.prefix ?? '',
  }
  const ofCommand = (more = {}) => ({
    env: { ...env, QUILLWORK_DATA: path.join(`${folder}`, 'none'), ...more },
  })
  return {
    env,
    async serve(roles, args = []) {
      const data = path.join(`${folder}`, `data-${running.length}`)
      const ports = roles.includes('api') ? ['--port', '0'] : ['--health-port', '0']
      const server = start(['serve', '--data', data, '--roles', roles, '--no-token', ...ports, ...args], {
        env,
      })
      running.push(server)
      const [, url = ''] = await server.says(/^(?:listening|health) on (http:\/\/\S+)$/m)
      return { ...server, url, [Symbol.asyncDispose]: server[Symbol.asyncDispose] }
    },
    run: (args, more) => run(args, ofCommand(more)),
    call: (args, more) => call(args, ofCommand(more)),
    async [Symbol.asyncDispose]() {
      await Promise.all(running.map(server => server[Symbol.asyncDispose]()))
      await names?.deleteAll()
      await database.drop()
      folder[Symbol.dispose]()
    },
  }
}

/** Asks the API of a server. */
export async function ask<T>(url: string, path: string): Promise<T> {
  const response = await fetch(url + path)
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

/** What `GET /readyz` says, with the HTTP status. */
export interface Ready {
  http: number
  status?: string
  reasons?: string[]
  detail?: string
  code?: string
}

/** Asks a server how ready it is. */
export async function readyz(url: string): Promise<Ready> {
  const response = await fetch(`${url}/readyz`)
  return { ...((await response.json()) as Omit<Ready, 'http'>), http: response.status }
}

/** Waits until a server's readiness is as wanted, and answers it. */
export async function untilReady(
  url: string,
  what: string,
  wanted: (ready: Ready) => boolean,
): Promise<Ready> {
  let last: Ready | undefined
  try {
    return await until(async () => {
      last = await readyz(url)
      return wanted(last) ? last : undefined
    }, what)
  } catch (error) {
    throw new Error(`${String(error)} The last answer was ${JSON.stringify(last)}.`)
  }
}
