import { createServer, type Server } from 'node:http'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { validatorCompiler } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import type { ModelCatalogue } from '../ai/catalogue.ts'
import type { ModelSettings } from '../ai/model-settings.ts'
import type { Engine } from '../engine/engine.ts'
import type { NovelServices } from '../novel/services.ts'
import { createMetrics } from '../observe/metrics.ts'
import { requestTracer } from '../observe/trace-requests.ts'
import { guardLog, type Logger, silentLog } from '../runtime/log.ts'
import { version } from '../runtime/version.ts'
import type { QuillworkError } from '../task/errors.ts'
import { messageOf } from '../task/thrown.ts'
import { assertSafeToListen } from './auth.ts'
import { addAuthorMessages } from './author-messages/author-messages.ts'
import { methodNotAllowed, refuseSocket, routeNotFound, sendProblem } from './errors.ts'
import { addGuards } from './guards.ts'
import { checked, WrittenPage, writePages } from './listing.ts'
import { describeApi } from './openapi.ts'
import { createPages, type Pages } from './pages/pages.ts'
import type { ApiContext } from './route.ts'
import { addRoutes } from './routes/routes.ts'
import { type HttpOptions, type HttpSettings, resolveHttpSettings } from './settings.ts'
import { limitConnections } from './sockets.ts'
import { StreamHub } from './streams/hub.ts'
import { addTraces, requestNames } from './trace.ts'

/** The parts of the API. */
export interface AppOptions {
  /** The engine, started or not: the API only submits to it and reads from it. The app does not stop it. */
  engine: Engine
  config?: HttpOptions
  /** The models that `GET /v1/capabilities` lists. */
  models?: ModelCatalogue
  /** Models that may be set up over the API. Default none. */
  modelSettings?: ModelSettings
  /** The services of the novel tasks. Default none: then there are no novels and no uploads. */
  novels?: NovelServices
  /** The AsyncAPI document of the broker (`asyncApiOf`), for `GET /v1/asyncapi.json`. Default none: then tasks stay within the process. */
  asyncApi?: object | undefined
  /** The folder of the built web pages, read when the app is made. They are served at every address outside the API. Default none. */
  pages?: URL | string | undefined
  /** The folder of the texts that `GET /v1/samples` lists. Default none. */
  samples?: URL | string | undefined
  /** Returns the proof that this is the server of a data directory, for the command that sent the nonce; undefined before it has one. Default none. */
  prove?: ((nonce: string) => string | undefined) | undefined
  /** Default: silent. */
  log?: Logger
}

/**
 * Returns the HTTP API of an engine, for one user or for those who trust each other: it does not separate users. It does not listen; `app.listen({ host, port })` does, with the host of `config`. Throws
 * CONFIG_INVALID for settings that are invalid or would let anybody on the network in, and for a folder that cannot hold the pages.
 */
export function createApp(options: AppOptions): FastifyInstance {
  const settings = resolveHttpSettings(options.config)
  assertSafeToListen(options.config ?? {})
  const { engine, models, modelSettings, novels, asyncApi, samples, prove } = options
  const log = guardLog(options.log ?? silentLog, messageOf)
  const app = createFastify(settings)
  const pages = options.pages === undefined ? undefined : createPages(options.pages)
  const hub = new StreamHub(engine, settings, log)
  const metrics = createMetrics({ engine, streams: () => hub.places.counts, version })
  const context: ApiContext = {
    ...{ engine, settings, hub, metrics, models, modelSettings, novels, asyncApi, samples, prove, log },
  }
  addTraces(app)
  answerErrors(app, log, pages)
  addGuards(app, settings, pages)
  addAuthorMessages(app)
  writePages(app)
  listenAndStopInOrder(app, { hub, metrics })
  describeApi(app, context, () => createFastify(settings))
  app.register(async scope => addRoutes(scope, context))
  return app
}

/** Checks and writes by zod. Without compilers of its own, Fastify would load those of JSON Schema, in whose types it asks for them. */
const compilersFactory = {
  buildValidator: () => validatorCompiler as never,
  buildSerializer:
    () =>
    ({ schema, method, url }: { schema?: unknown; method: string; url: string }) =>
    (data: unknown) =>
      data instanceof WrittenPage
        ? data.text
        : JSON.stringify(checked(schema as z.ZodType, data, { method, url })),
}

function createFastify(settings: HttpSettings): FastifyInstance {
  return Fastify({
    logger: false,
    schemaController: { compilersFactory },
    bodyLimit: settings.bodyLimit,
    // An upload may take long as long as bytes arrive. The body of any other request has a timer of its own.
    requestTimeout: 0,
    keepAliveTimeout: settings.idleTimeoutMs,
    http: headerLimits(settings),
    genReqId: requestNames(requestTracer()),
    requestIdHeader: false,
    trustProxy: [...settings.trustedProxies],
    return503OnClosing: false,
    routerOptions: { maxParamLength: 500 },
    clientErrorHandler: (error, socket) => refuseSocket(error, socket),
    frameworkErrors: (error, request, reply) => sendProblem(silentLog, error, request, reply),
  })
}

/** Returns how long the headers of a request may take, and how large they may be. */
function headerLimits({ headersTimeoutMs }: HttpSettings) {
  return {
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: Math.min(2_000, headersTimeoutMs),
    maxHeaderSize: 16_384,
  }
}

/** Handles errors, and serves the pages at addresses that no route has. */
function answerErrors(app: FastifyInstance, log: Logger, pages: Pages | undefined): void {
  const missing = watchRoutes(app)
  app.setErrorHandler((error, request, reply) => sendProblem(log, error, request, reply))
  app.setNotFoundHandler((request, reply) => {
    if (pages?.answersFor(request.url) === true) return pages.answer(request, reply)
    throw missing(request)
  })
}

/**
 * Subscribes to the events of other processes once the app listens, so a process without an API, such as a worker, does not receive them.
 * Ends the streams first when the app closes, so that it does not wait for clients that only listen.
 */
function listenAndStopInOrder(
  app: FastifyInstance,
  parts: { hub: StreamHub; metrics: ApiContext['metrics'] },
): void {
  app.addHook('onListen', async () => parts.hub.begin())
  app.addHook('preClose', async () => parts.hub.close())
  app.addHook('onClose', async () => parts.metrics.close())
}

/** Returns the error for a request that no route takes: ROUTE_NOT_FOUND, or METHOD_NOT_ALLOWED where the address takes another method. */
function watchRoutes(app: FastifyInstance): (request: FastifyRequest) => QuillworkError {
  const routes = new Map<string, { pattern: RegExp; methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    const route = routes.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() }
    for (const each of [method].flat()) route.methods.add(each)
    routes.set(url, route)
  })
  return request => {
    const path = request.url.split('?', 1)[0] ?? ''
    const methods = [...routes.values()]
      .filter(({ pattern }) => pattern.test(path))
      .flatMap(({ methods }) => [...methods])
    return methods.length === 0 ? routeNotFound() : methodNotAllowed([...new Set(methods)].sort().join(', '))
  }
}

/** Returns the router's pattern as a regular expression: `:name`, `:name([^:]+)`, `:name(.+)` where it may have colons, and `::` for a colon. */
function patternOf(url: string): RegExp {
  const source = url
    .replaceAll('.', '\\.')
    .replace(/::|:\w+(\(\[\^:\]\+\)|\(\\\.\+\))?/g, part =>
      part === '::' ? ':' : part.endsWith('.+)') ? '[^/]+' : '[^/:]+',
    )
  return new RegExp(`^${source}$`)
}

const paths = new Set(['/healthz', '/readyz', '/metrics'])

/**
 * Returns a second server, for health and metrics only: for probes on a port of their own, and for processes without an API. It does not
 * listen; `listen` does. The app must be ready. `config`: that of the app, for the limits of connections. Throws CONFIG_INVALID.
 */
export function createHealthListener(app: FastifyInstance, config: HttpOptions = {}): Server {
  const settings = resolveHttpSettings(config)
  const times = { keepAliveTimeout: settings.idleTimeoutMs, ...headerLimits(settings) }
  const server = createServer(times, (request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1)
    if (paths.has(path)) app.routing(request, response)
    else response.writeHead(404, { 'content-length': 0 }).end()
  })
  limitConnections(server, settings)
  return server
}
