/** The composition root of the server: store, library, models, engine and API of one data directory, started and stopped in order. */
import { createModelCatalogue } from '../ai/catalogue.ts'
import { extractiveModel } from '../ai/extractive/extractive.ts'
import { assertSafeToListen, createApp } from '../http/index.ts'
import { createEngine, type Duration, type Engine, QuillworkError } from '../index.ts'
import { folderUploads, type NovelServices, novelTasks, sqliteLibrary } from '../novel/index.ts'
import { createLog, logEvents } from '../observe/log.ts'
import { sqlite } from '../store/sqlite/index.ts'
import { durationMs } from '../task/duration.ts'
import { announce, makeDataDirectory, placesOf, withdraw } from './data-directory.ts'
import type { Config } from './settings.ts'
import { startUpkeep } from './upkeep.ts'

/** How a server is started. */
export interface ServerOptions {
  config: Config
  /** Where log lines go. */
  logTo: { write(line: string): void }
  /** Whether it runs tasks and tells other commands of itself. Otherwise it only answers: what it was started for takes a moment. */
  works: boolean
  /** What was started, for people who find the data directory in use. */
  command: string
}

/** A server that listens. */
export interface RunningServer {
  /** Such as `http://127.0.0.1:7420`. */
  readonly url: string
  readonly nodeId: string
  /** Takes no more requests, lets running attempts end within the grace time, closes the store. A second call with grace 0 hurries the first. */
  stop(options?: { grace?: Duration }): Promise<void>
}

/**
 * Opens the data directory and serves it. Throws STORE_LOCKED when another process owns it, CONFIG_INVALID for a configuration that
 * cannot be served, SERVER_UNREACHABLE when the address is in use.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { config, works, command } = options
  assertSafeToListen(withToken(config))
  makeDataDirectory(config.data)
  const log = createLog({ level: config.logLevel, destination: options.logTo })
  const { engine, services, models } = await compose(config, log)
  const app = createApp({ engine, config: httpOptions(config), models, novels: services, log })
  const upkeep = works ? startUpkeep({ engine, services, everyMs: config.cleanup, log }) : undefined
  const stopLogging = works ? logEvents(engine, log) : () => undefined
  const nodeId = engine.settings.nodeId

  const stop = createStop({
    grace: config.grace,
    async quiet() {
      await Promise.all([app.close(), upkeep?.stop()])
    },
    hangUp: () => app.server.closeAllConnections(),
    async end(grace) {
      await engine.stop({ grace })
      stopLogging()
      // Until the store is closed, whoever finds it in use can read here whose it is.
      withdraw(config.data, nodeId)
    },
  })

  try {
    const url = await listen(app, config)
    if (works) {
      await engine.start()
      const token = config.token === undefined ? {} : { token: config.token }
      const startedAt = new Date().toISOString()
      announce(config.data, { url: reachable(url), pid: process.pid, startedAt, nodeId, command, ...token })
    }
    return { url, nodeId, stop }
  } catch (error) {
    await stop({ grace: 0 })
    throw error
  }
}

/** Requests that were taken before the stop have this long to be answered. */
const answerMs = 5_000

interface StopSteps {
  grace: number
  /** Takes nothing new; resolves when every request that was taken is answered. */
  quiet(): Promise<void>
  /** Drops the requests that are not. */
  hangUp(): void
  /** Lets running attempts end; called again with 0, at once. */
  end(grace: number): Promise<void>
}

/** The stop of a server: first the requests, then the tasks, then the store that both need. Whoever hurries, hurries what runs. */
function createStop(steps: StopSteps): RunningServer['stop'] {
  let stopping: Promise<void> | undefined
  let grace = steps.grace
  let isEnding = false

  async function stopOnce(): Promise<void> {
    const timer = setTimeout(steps.hangUp, Math.min(grace, answerMs))
    await steps.quiet()
    clearTimeout(timer)
    isEnding = true
    await steps.end(grace)
  }

  return async options => {
    grace = Math.min(grace, options?.grace === undefined ? grace : durationMs(options.grace, 'grace'))
    if (stopping !== undefined && grace === 0) {
      steps.hangUp()
      if (isEnding) await steps.end(0)
    }
    stopping ??= stopOnce()
    await stopping
  }
}

async function compose(config: Config, log: ReturnType<typeof createLog>) {
  const places = placesOf(config.data)
  const store = sqlite({ file: places.database })
  try {
    const models = createModelCatalogue({ summary: [extractiveModel()] })
    const services: NovelServices = {
      library: sqliteLibrary(store.database),
      models,
      uploads: folderUploads(places.uploads),
    }
    const engine = await createEngine({
      tasks: novelTasks,
      services,
      store,
      lanes: { ...config.lanes },
      limits: { ...config.limits } as NonNullable<Parameters<typeof createEngine>[0]['limits']>,
      admission: admissionOf(config),
      retention: { ...config.retention },
      times: { lease: config.lease, sweep: config.sweep, grace: config.grace, obey: config.obey },
      log,
    })
    return { engine: engine as Engine, services, models }
  } catch (error) {
    await store.tasks.close()
    throw error
  }
}

function admissionOf({ waiting: { perUser, perLane } }: Config) {
  return {
    ...(perUser === undefined ? {} : { waitingPerUser: perUser }),
    ...(perLane === undefined ? {} : { waitingPerLane: perLane }),
  }
}

function withToken({ host, token }: Config) {
  return token === undefined ? { host } : { host, token }
}

function httpOptions(config: Config) {
  const { allowedHosts, allowedOrigins, uploadLimit } = config
  return { ...withToken(config), allowedHosts, allowedOrigins, uploadLimit }
}

async function listen(app: ReturnType<typeof createApp>, { host, port }: Config): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    throw new QuillworkError('SERVER_UNREACHABLE', whyNot(code, host, port), { cause })
  }
  const address = app.server.address()
  const actual = typeof address === 'object' && address !== null ? address.port : port
  return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${actual}`
}

/** The address for programs of this machine: that of a server which listens on all addresses is the loopback's. */
function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}

function whyNot(code: string, host: string, port: number): string {
  if (code === 'EADDRINUSE')
    return `Port ${port} of ${host} is in use by another program. Choose another one with --port, or any free one with --port 0.`
  if (code === 'EACCES')
    return `This user may not listen on port ${port} of ${host}. Choose one above 1023 with --port.`
  return `The server cannot listen on ${host}:${port} (${code}). Is it an address of this machine?`
}
