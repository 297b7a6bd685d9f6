/** The composition root of the server: the engine of the configuration and its API, started and stopped in order. */
import { existsSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { assertSafeToListen, createApp, createHealthListener } from '../http/index.ts'
import { type Duration, type Engine, systemClock } from '../index.ts'
import { type NovelServices, sweepDrafts, sweepUploads } from '../novel/index.ts'
import { createLog, logEvents } from '../observe/log.ts'
import type { Logger } from '../runtime/log.ts'
import { type Loop, startLoop } from '../runtime/loop.ts'
import { durationMs } from '../task/duration.ts'
import { compositionOf, shownComposition } from './combinations.ts'
import type { Composed, ComposeOptions } from './compose.ts'
import { announce, makeDataDirectory, withdraw } from './data-directory.ts'
import { begin, listenOn, reachable } from './listen.ts'
import type { Config } from './settings.ts'
import { describedBroker } from './topology.ts'

/** How a server is started. */
export interface ServerOptions {
  config: Config
  /** Where log lines go. */
  logTo: { write(line: string): void }
  /** Whether it does what its roles say and tells other commands of itself. Otherwise it only answers: what it was started for takes a moment. */
  works: boolean
  /** What was started, for people who find the data directory in use. */
  command: string
}

/** A server that runs. */
export interface RunningServer {
  /** Of the API, such as `http://127.0.0.1:7420`; undefined for a process that does not answer it. */
  readonly url: string | undefined
  /** Of health and metrics, where they have a port of their own. */
  readonly healthUrl: string | undefined
  /** Of the web pages, for a browser of this machine; undefined where they are not answered, or were not built. */
  readonly pagesUrl: string | undefined
  readonly nodeId: string
  readonly stop: Stop
}

/**
 * Opens the store and serves it. Throws STORE_LOCKED when another process owns the file, CONFIG_INVALID for a configuration that
 * cannot be served, SERVER_UNREACHABLE when the address is in use, and what the store and the broker throw.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { config, logTo } = options
  if (listensAnywhere(config)) assertSafeToListen(withToken(config))
  makeDataDirectory(config.data)
  const log = createLog({ level: config.logLevel, destination: logTo })
  const composed = await compose({ config, log })
  try {
    return await runServer(options, composed, log)
  } catch (error) {
    await composed.engine.stop({ grace: 0 })
    throw error
  }
}

/** Serves what was composed. The caller stops the engine where this fails. */
async function runServer(
  { config, works, command }: ServerOptions,
  { engine, services, models }: Composed,
  log: ReturnType<typeof createLog>,
): Promise<RunningServer> {
  const asyncApi = await describedBroker(config)
  const app = createApp({
    ...{ engine, models, asyncApi, log, samples: samplesFolder },
    pages: works ? pagesFolder : undefined,
    config: httpOptions(config),
    novels: services,
  })
  const health = createHealthListener(app)
  const keepsUp = works && config.roles.includes('maintenance')
  const upkeep = keepsUp ? startUpkeep({ engine, services, everyMs: config.cleanup, log }) : undefined
  const stopLogging = works ? logEvents(engine, log) : () => undefined
  const nodeId = engine.settings.nodeId

  const stop = createStop({
    grace: config.grace,
    async quiet() {
      health.close()
      await Promise.all([app.close(), upkeep?.stop()])
    },
    hangUp() {
      app.server.closeAllConnections()
      health.closeAllConnections()
    },
    async end(grace) {
      await engine.stop({ grace })
      stopLogging()
      // Until the store is closed, whoever finds it in use can read here whose it is.
      withdraw(config.data, nodeId)
    },
  })

  try {
    const urls = await listen(app, health, config)
    if (works) {
      await engine.start()
      tellOfItself(config, { url: urls.url, nodeId, command })
      log.info(described(config, engine), 'server started')
      for (const problem of new Set(models.models().flatMap(model => model.problem?.message ?? [])))
        log.warn({}, problem)
    }
    return { ...urls, pagesUrl: works ? pagesUrlOf(urls.url) : undefined, nodeId, stop }
  } catch (error) {
    await stop({ grace: 0 })
    throw error
  }
}

/** The engine and its novels. Drivers load with the composition that needs them. */
async function compose(options: ComposeOptions): Promise<Composed> {
  const composition = compositionOf(options.config)
  if (composition.kind === 'embedded') {
    const { composeEmbedded } = await import('./compose-embedded.ts')
    return composeEmbedded(composition.file, options)
  }
  const { composeDistributed } = await import('./compose-distributed.ts')
  return composeDistributed(composition, options)
}

async function listen(
  app: FastifyInstance,
  health: ReturnType<typeof createHealthListener>,
  { roles, host, port, healthPort }: Config,
): Promise<Pick<RunningServer, 'url' | 'healthUrl'>> {
  await app.ready()
  const url = roles.includes('api')
    ? await listenOn(app.server, { host, port, option: '--port' }, () => app.listen({ host, port }))
    : undefined
  if (healthPort === undefined) return { url, healthUrl: undefined }
  const place = { host, port: healthPort, option: '--health-port' } as const
  return { url, healthUrl: await listenOn(health, place, () => begin(health, place)) }
}

function pagesUrlOf(url: string | undefined): string | undefined {
  if (url === undefined || !existsSync(new URL('index.html', pagesFolder))) return undefined
  return reachable(url)
}

function tellOfItself(
  config: Config,
  { url, nodeId, command }: { url: string | undefined; nodeId: string; command: string },
): void {
  if (url === undefined) return
  const { data, token } = config
  const startedAt = new Date().toISOString()
  const secret = token === undefined ? {} : { token }
  const worksOn = shownComposition(config)
  announce(data, { url: reachable(url), pid: process.pid, startedAt, nodeId, command, ...worksOn, ...secret })
}

/** What this process is, without what opens its store and broker. */
function described(config: Config, { settings }: Engine): object {
  return { nodeId: settings.nodeId, roles: config.roles.join(','), ...shownComposition(config) }
}

/** Whether it answers anything, be it its health alone. */
function listensAnywhere({ roles, healthPort }: Config): boolean {
  return roles.includes('api') || healthPort !== undefined
}

function withToken({ host, token }: Config) {
  return token === undefined ? { host } : { host, token }
}

function httpOptions(config: Config) {
  const { allowedHosts, allowedOrigins, trustedProxies, streams, streamsPerClient, uploadLimit } = config
  // Nobody reaches a process that listens nowhere, whatever its host would be.
  const listening = listensAnywhere(config) ? withToken(config) : {}
  return {
    ...listening,
    ...{ allowedHosts, allowedOrigins, trustedProxies, streams, streamsPerClient, uploadLimit },
  }
}

/** Folders that come with the package: at the same place for the sources and for the build. */

/** The web pages, which the build makes; not there in a checkout where only the server was built. */
export const pagesFolder = new URL('../../dist/dashboard/', import.meta.url)

/** The sample: short stories of our own. */
export const samplesFolder = new URL('../../samples/', import.meta.url)

/** Deletes now and then what nobody needs any more: uploads that expired, drafts of imports that ended. The first time at once. */
export function startUpkeep(parts: {
  engine: Pick<Engine, 'tasks'>
  services: NovelServices
  everyMs: number
  log: Logger
}): Loop {
  const { engine, services, everyMs, log } = parts
  async function step(): Promise<undefined> {
    try {
      const [drafts, uploads] = [await sweepDrafts(services, engine), await sweepUploads(services)]
      if (drafts + uploads > 0) log.info({ drafts, uploads }, 'cleaned up')
    } catch (error) {
      log.warn({ err: error }, 'the clean-up could not finish; it will be tried again')
    }
  }
  const loop = startLoop({ clock: systemClock, everyMs, step })
  loop.wake()
  return loop
}

/** Takes no more requests, lets running attempts end within the grace time, closes the store. A second call with grace 0 hurries the first. */
export type Stop = (options?: { grace?: Duration }) => Promise<void>

/** Requests that were taken before the stop have this long to be answered. */
const answerMs = 5_000

/** What a stop consists of. */
export interface StopSteps {
  grace: number
  /** Takes nothing new; resolves when every request that was taken is answered. */
  quiet(): Promise<void>
  /** Drops the requests that are not. */
  hangUp(): void
  /** Lets running attempts end; called again with 0, at once. */
  end(grace: number): Promise<void>
}

/** The stop of a server: first the requests, then the tasks, then the store that both need. Whoever hurries, hurries what runs. */
export function createStop(steps: StopSteps): Stop {
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
