import { copyFileSync, existsSync } from 'node:fs'
import type { Agent } from 'node:http'
import { QuillworkError } from '../index.ts'
import { compositionOf, shownComposition } from '../server/combinations.ts'
import type { ResolvedConfig } from '../server/config.ts'
import { type Announcement, announced, isAlive, placesOf, readToken } from '../server/data-directory.ts'
import type { RunningServer } from '../server/server.ts'
import type { Config } from '../server/settings.ts'
import { defined } from '../task/defined.ts'
import { type Client, createClient } from './client.ts'
import { isOwnServer, privateConnections } from './foreign-server.ts'
import { ProvenConnections } from './proof.ts'
import { untilWritten } from './unmade-store.ts'

/** The server that a command uses. */
export interface Connection {
  readonly client: Client
  /** Whether this command alone can run tasks: it started the server in its own process, because no other process owns the file of the store. */
  readonly isOwn: boolean
  /** Returns the server that owns the data directory now: a restarted server may listen on another port. */
  renew(): Promise<Client | undefined>
  /** Stops what this command started. The server of another process keeps running. */
  close(): Promise<void>
}

/** How to connect. */
export interface ConnectOptions {
  /** The command needs tasks to run: a server that it starts on a file runs them, and other commands find it. A shared store has workers elsewhere. */
  works?: boolean
  /** What to call this command where it owns the data directory. */
  command: string
  /** Ends the requests. */
  signal?: AbortSignal
}

/** How long to wait until another command has released the data directory, milliseconds. Most take a moment. */
const lockWaitMs = 5_000
/** How long a server may take to answer, milliseconds. */
const answerMs = 3_000

/**
 * Connects to the API that is configured, else to the server of the data directory; where there is none, starts one in this process on
 * a free port. Where nothing was ever stored, a command that only reads leaves nothing behind. Throws SERVER_UNREACHABLE when the owner of the data directory does not answer, STORE_LOCKED when the owner cannot be
 * found, CONFIG_INVALID when it uses another store than the given one.
 */
export async function connect(resolved: ResolvedConfig, options: ConnectOptions): Promise<Connection> {
  const { config } = resolved
  if (config.url !== undefined) return configured(config.url, config, options)
  const mayStayUnmade = options.works !== true && hasNoStore(config)
  if (!mayStayUnmade || (await findServer(config)) !== undefined) return connectStored(resolved, options)
  return untilWritten({
    empty: data => startOwn(inFolder(config, data), options),
    stored: () => connectStored(resolved, options),
    isOwn: compositionOf(config).kind === 'embedded',
  })
}

/** Returns whether nothing was ever stored where the configuration points. Of a server or a shared database this is not known, so false. */
export function hasNoStore(config: Config): boolean {
  if (config.url !== undefined) return false
  const composition = compositionOf(config)
  return composition.kind === 'embedded' && !existsSync(composition.file)
}

/** Returns a configuration with its store in another folder, which has the keys of models too. */
function inFolder(config: Config, data: string): Config {
  const [from, to] = [placesOf(config.data), placesOf(data)]
  for (const name of ['keys', 'modelKey'] as const)
    if (existsSync(from[name])) copyFileSync(from[name], to[name])
  return { ...config, data, store: undefined }
}

async function connectStored(resolved: ResolvedConfig, options: ConnectOptions): Promise<Connection> {
  const { config } = resolved
  const until = performance.now() + lockWaitMs
  for (;;) {
    const server = await findServer(config)
    if (server !== undefined) {
      refuseOtherStore(resolved, server)
      const { signal } = options
      return joined(createClient(server, signal), async () => {
        const next = await findServer(config)
        return next && createClient(next, signal)
      })
    }
    try {
      return await startOwn(config, options)
    } catch (error) {
      if (!isLocked(error)) throw error
      if (performance.now() > until) throw silentOwner(config) ?? lockedError(config)
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }
}

/** Returns the connection to a server of another process. */
function joined(client: Client, renew: Connection['renew']): Connection {
  return { client, isOwn: false, renew, close: async () => undefined }
}

function configured(url: string, { token: tokens }: Config, { signal }: ConnectOptions): Connection {
  const [token] = tokens ?? []
  const server = { url, token, ...defined({ agent: privateConnections(url) }) }
  const client = createClient(server, signal)
  return joined(client, () => {
    const probe = createClient(server, AbortSignal.timeout(answerMs))
    return probe.get('/healthz').then(
      () => client,
      () => undefined,
    )
  })
}

/** Throws CONFIG_INVALID for a server that uses another store or broker than the given one: the command would act on that. */
function refuseOtherStore({ config, origins }: ResolvedConfig, server: Announcement): void {
  if (origins.store === 'default') return
  const wanted = shownComposition(config)
  for (const name of ['store', 'broker'] as const) {
    const its = server[name]
    if (its === undefined || its === wanted[name]) continue
    throw new QuillworkError(
      'CONFIG_INVALID',
      `The ${name} is ${wanted[name]}, but the server of the data directory ${config.data} (process ${server.pid}) ` +
        `uses ${its}. Leave the ${name} out to use that server, or name another data directory with --data.`,
    )
  }
}

/** The server of a data directory, with the token that it takes and the connections to it. */
export type FoundServer = Announcement & { readonly token: string; readonly agent: Agent }

/** Returns the server that was announced in the data directory, if it is alive, one of this user, and has proved that it has the token there. */
export async function findServer({
  data,
  allowOpenData,
}: Pick<Config, 'data' | 'allowOpenData'>): Promise<FoundServer | undefined> {
  const found = announced(data)
  const token = readToken(data)
  if (found === undefined || token === undefined || !isAlive(found.pid)) return undefined
  // On a volume that any user may write, any user may serve.
  if (!isOwnServer(found, { ofAnyUser: allowOpenData })) return undefined
  const server = { ...found, token, agent: new ProvenConnections({ url: found.url, token }) }
  const answers = createClient(server, AbortSignal.timeout(answerMs)).get('/healthz')
  return answers.then(
    () => server,
    () => undefined,
  )
}

async function startOwn(config: Config, options: ConnectOptions): Promise<Connection> {
  // The server and its drivers load only where they are needed.
  const { startServer } = await import('../server/server.ts')
  const { command, signal } = options
  const isOwn = compositionOf(config).kind === 'embedded'
  const works = isOwn && options.works === true
  const server: RunningServer = await startServer({
    config: ownConfig(config, works),
    works,
    command,
    logTo: { write: () => undefined },
  })
  return {
    client: createClient({ url: urlOf(server), token: server.token }, signal),
    isOwn,
    renew: async () => undefined,
    // What other commands submitted runs here too. Its model calls are paid, so they may end; a signal cuts them off.
    close() {
      const cutOff = () => server.stop({ grace: 0 })
      signal?.addEventListener('abort', () => void cutOff().catch(() => undefined), { once: true })
      return signal?.aborted === true ? cutOff() : server.stop()
    },
  }
}

/** Returns the configuration of a server within a command: on the loopback, on a free port, without a log. */
function ownConfig(config: Config, works: boolean): Config {
  return {
    ...config,
    roles: works ? ['api', ...config.roles.filter(role => role !== 'api')] : ['api'],
    host: '127.0.0.1',
    port: 0,
    noToken: false,
    healthPort: undefined,
    logLevel: 'silent',
  }
}

/** Returns the address of a server with the role `api`. */
export function urlOf({ url }: RunningServer): string {
  if (url !== undefined) return url
  throw new QuillworkError(
    'SERVER_UNREACHABLE',
    'This process does not serve the API, because it does not have the role api.',
  )
}

/** Returns the error for an owner that is alive and does not answer. */
export function silentOwner({ data }: Config): QuillworkError | undefined {
  const owner = announced(data)
  if (owner === undefined || !isAlive(owner.pid)) return undefined
  return new QuillworkError(
    'SERVER_UNREACHABLE',
    `Process ${owner.pid} (${owner.command}) owns the data directory ${data}, but does not answer at ${owner.url}, or cannot prove that it has ` +
      `the token in ${placesOf(data).token}. Wait for it, or restart it; no task is lost.`,
    { details: { pid: owner.pid, url: owner.url } },
  )
}

/** Returns whether an error says that another process owns the data directory. */
export function isLocked(error: unknown): boolean {
  return error instanceof QuillworkError && error.code === 'STORE_LOCKED'
}

/** Returns the error for a data directory that another process owns, with that process where it is known. */
export function lockedError(config: Config): QuillworkError {
  const { data } = config
  const owner = announced(data)
  if (owner === undefined || !isAlive(owner.pid)) {
    return new QuillworkError(
      'STORE_LOCKED',
      `Another process owns ${fileOf(config)}. Stop it, or name another data directory with --data.`,
    )
  }
  const { pid, command, url, startedAt } = owner
  return new QuillworkError(
    'STORE_LOCKED',
    `The data directory ${data} is in use by process ${pid} (${command}, at ${url} since ${startedAt}). ` +
      'Use that server, stop it, or name another data directory with --data.',
    { details: { pid, url, startedAt } },
  )
}

function fileOf(config: Config): string {
  const composition = compositionOf(config)
  return composition.kind === 'embedded' ? composition.file : config.data
}
