/** The composition root of the server: the engine of the configuration and its API, started and stopped in order. */
import { existsSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { assertSafeToListen, createApp, createHealthListener, type HttpOptions } from '../http/index.ts'
import { type Engine, systemClock } from '../index.ts'
import {
  keepSummaries,
  type NovelServices,
  scrubDeleted,
  sweepBinnedNovels,
  sweepBins,
  sweepDrafts,
  sweepUploads,
} from '../novel/index.ts'
import { createLog, logEvents } from '../observe/log.ts'
import type { Logger } from '../runtime/log.ts'
import { type Loop, startLoop } from '../runtime/loop.ts'
import { publishEnds } from '../webhooks/publish.ts'
import { closedText, closeToOthers } from './close-to-others.ts'
import { compositionOf, shownComposition } from './combinations.ts'
import type { Composed, ComposeOptions } from './compose.ts'
import { announce, keepToken, makeDataDirectory, newToken, proofOf, withdraw } from './data-directory.ts'
import { begin, listenOn, literalOf, reachable } from './listen.ts'
import type { Config } from './settings.ts'
import { createStop, type Stop } from './stop.ts'
import { describedBroker } from './topology.ts'

/** How a server is started. */
export interface ServerOptions {
  config: Config
  /** Where log lines go. */
  logTo: { write(line: string): void }
  /** Whether it works according to its roles and other commands can find it. Otherwise it only serves the API for one command. */
  works: boolean
  /** The command that was started, for people who find the data directory in use. */
  command: string
}

/** A running server. */
export interface RunningServer {
  /** Address of the API, such as `http://127.0.0.1:7420`; undefined for a process without the role `api`. */
  readonly url: string | undefined
  /** Address of health and metrics, where they have a port of their own. */
  readonly healthUrl: string | undefined
  /** Address of the web pages for a browser on this machine; undefined where they are not served, or were not built. */
  readonly pagesUrl: string | undefined
  readonly nodeId: string
  /** The token of this server for its user, undefined where requests need none. */
  readonly token: string | undefined
  /** Rejects once the disk has lost what the store took: nothing is taken any more, and the process has to end. */
  readonly damaged: Promise<never>
  readonly stop: Stop
}

/**
 * Opens the store and returns a server on it. Throws STORE_LOCKED when another process owns the file, CONFIG_INVALID for an invalid
 * configuration, SERVER_UNREACHABLE when the address is in use, and the errors of the store and the broker.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { config, logTo } = options
  // The token that the server makes is for this machine: beyond it, one has to be set.
  if (listensAnywhere(config) && config.oidc === undefined)
    assertSafeToListen({ host: config.host, token: config.token ?? [] })
  makeDataDirectory(config.data)
  const log = createLog({ level: config.logLevel, destination: logTo })
  const closed = closedText(closeToOthers({ data: config.data, allowOpenData: config.allowOpenData }))
  if (closed !== undefined) log.warn({}, closed)
  const composed = await compose({ config, log })
  try {
    return await runServer(options, composed, log)
  } catch (error) {
    await composed.engine.stop({ grace: 0 })
    throw error
  }
}

/** Serves a composition. The caller stops the engine where this fails. */
async function runServer(
  { config, works, command }: ServerOptions,
  { engine, services, models, webhooks }: Composed,
  log: ReturnType<typeof createLog>,
): Promise<RunningServer> {
  const asyncApi = await describedBroker(config)
  const ownToken = newToken()
  let announced: string | undefined
  const options = httpOptions(config, ownToken)
  const app = createApp({
    engine,
    models: models.catalogue,
    modelSettings: models,
    webhooks,
    asyncApi,
    log,
    samples: samplesFolder,
    pages: works ? pagesFolder : undefined,
    config: options,
    novels: services,
    prove: nonce => announced && proofOf(ownToken, { url: announced, nonce }),
  })
  const health = createHealthListener(app, options)
  const cleansUp = works && config.roles.includes('maintenance')
  const upkeep = cleansUp ? startUpkeep({ engine, services, config, log }) : undefined
  const follower = works ? models.follow() : undefined
  const publishing = works
    ? publishEnds({ engine, webhooks, log, clock: systemClock, sweeps: cleansUp })
    : undefined
  const stopLogging = works ? logEvents(engine, log) : () => undefined
  const nodeId = engine.settings.nodeId
  const damaged = damageOf(engine, log)

  const stop = createStop({
    grace: config.grace,
    async drainRequests() {
      health.close()
      await app.close()
    },
    dropRequests() {
      app.server.closeAllConnections()
      health.closeAllConnections()
    },
    stopLoops: () => Promise.all([upkeep?.stop(), follower?.stop(), publishing?.stop()]),
    async stopEngine(grace) {
      // A connection that has sent no request keeps its server, and so the process, alive.
      health.closeAllConnections()
      await engine.stop({ grace })
      stopLogging()
      // Until the store is closed, a command that finds it in use can read who owns it.
      withdraw(config.data, nodeId)
    },
  })

  try {
    const urls = await listen(app, health, config)
    if (works) {
      await engine.start()
      announced = urls.url && literalOf(app.server)
      if (announced !== undefined) {
        keepToken(config.data, ownToken)
        announceServer(config, { url: announced, nodeId, command })
      }
      log.info(described(config, engine), 'server started')
      for (const problem of new Set(models.catalogue.models().flatMap(model => model.problem?.message ?? [])))
        log.warn({}, problem)
    }
    const token = config.noToken ? undefined : ownToken
    return { ...urls, pagesUrl: works ? pagesUrlOf(urls.url) : undefined, nodeId, token, damaged, stop }
  } catch (error) {
    await stop({ grace: 0 })
    throw error
  }
}

function damageOf({ store }: Engine, log: Logger): Promise<never> {
  const damaged = new Promise<never>((_, reject) => {
    store.onDamage?.(error => {
      log.error({ err: error }, 'store damaged; the process ends')
      reject(error)
    })
  })
  // Not everybody who has a server looks at it.
  damaged.catch(() => undefined)
  return damaged
}

/** Returns the engine and its novels. Drivers load only with the composition that needs them. */
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
  { roles, host: wantedHost, port, healthPort }: Config,
): Promise<Pick<RunningServer, 'url' | 'healthUrl'>> {
  // The name stands for two addresses, and another program may have one of them.
  const host = wantedHost === 'localhost' ? '127.0.0.1' : wantedHost
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

function announceServer(
  config: Config,
  { url, nodeId, command }: { url: string; nodeId: string; command: string },
): void {
  const startedAt = new Date().toISOString()
  const worksOn = shownComposition(config)
  const needsToken = !config.noToken
  announce(config.data, { url, pid: process.pid, startedAt, nodeId, command, needsToken, ...worksOn })
}

/** Returns what the log shows of this process, without passwords. */
function described(config: Config, { settings }: Engine): object {
  return { nodeId: settings.nodeId, roles: config.roles.join(','), ...shownComposition(config) }
}

function listensAnywhere({ roles, healthPort }: Config): boolean {
  return roles.includes('api') || healthPort !== undefined
}

/** Returns the options of the API. Beside the tokens that are set, the server's own is valid: the commands of its user send it. */
function httpOptions(config: Config, ownToken: string): HttpOptions {
  const { allowedOrigins, trustedProxies, streams, streamsPerClient, uploadLimit } = config
  const { token, oidc, requestsPerMinute } = config
  // A process that listens on no port is not reachable, so its host does not matter.
  const listening = listensAnywhere(config) ? { host: config.host } : {}
  return {
    ...listening,
    token: config.noToken ? [] : [...(token ?? []), ownToken],
    oidc,
    requestsPerMinute,
    // A proxy in front passes on any name, and needs a token that was set, or an identity provider. Without one, only this machine asks.
    allowedHosts:
      (token ?? oidc) === undefined && config.allowedHosts.length === 0 ? ['localhost'] : config.allowedHosts,
    allowedOrigins,
    trustedProxies,
    streams,
    streamsPerClient,
    uploadLimit,
  }
}

/** The folder of the web pages, at the same place for the sources and for the build. Missing where only the server was built. */
const pagesFolder = new URL('../../dist/dashboard/', import.meta.url)

const samplesFolder = new URL('../../samples/', import.meta.url)

const cleanUpFailed = 'clean-up failed; will retry'

/** Deletes expired uploads and exports, the drafts of ended imports and what was long in the bin, overwrites what was deleted of them, and keeps summaries up to date, at once and then at an interval. Returns the loop. */
function startUpkeep(parts: {
  engine: Pick<Engine, 'store' | 'submit' | 'tasks'>
  services: NovelServices
  config: Pick<Config, 'cleanup' | 'keepSummaries'>
  log: Logger
}): Loop {
  const { engine, services, config, log } = parts
  const { cleanup: everyMs, keepSummaries: kept } = config
  async function step(): Promise<undefined> {
    const drafts = await tried(cleanUpFailed, () => sweepDrafts(services, engine))
    const uploads = await tried(cleanUpFailed, () => sweepUploads(engine, services))
    const bins = await tried(cleanUpFailed, () => sweepBins(services))
    const novels = await tried(cleanUpFailed, () => sweepBinnedNovels(engine, services))
    await tried(cleanUpFailed, () => scrubDeleted(engine, services))
    if ((drafts ?? 0) + (uploads ?? 0) + (bins ?? 0) + (novels ?? 0) > 0)
      log.info(
        { drafts, uploads, bins, novels },
        'clean-up deleted expired uploads, exports, drafts and bins',
      )
    const failed = 'update of summaries not submitted; will retry'
    if (kept !== undefined) await tried(failed, () => keepSummaries(engine, services, kept, log))
  }
  async function tried<T>(failed: string, run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run()
    } catch (error) {
      log.warn({ err: error }, failed)
      return undefined
    }
  }
  const loop = startLoop({ clock: systemClock, everyMs, step })
  loop.wake()
  return loop
}
