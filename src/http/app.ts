import { createServer, type Server } from 'node:http'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { validatorCompiler } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import type { ModelCatalogue } from '../ai/catalogue.ts'
import type { ModelSettings } from '../ai/model-settings.ts'
import type { Engine } from '../engine/engine.ts'
import type { NovelServices } from '../novel/services.ts'
import { createActivityReader } from '../observe/activity/overview.ts'
import { createRecorder, type Recorder } from '../observe/activity/recorder.ts'
import { createMetrics } from '../observe/metrics.ts'
import { requestTracer } from '../observe/trace-requests.ts'
import { guardLog, type Logger, silentLog } from '../runtime/log.ts'
import { version } from '../runtime/version.ts'
import { QuillworkError } from '../task/errors.ts'
import { isA, messageOf, textIn } from '../task/thrown.ts'
import type { Webhooks } from '../webhooks/webhooks.ts'
import { createApiKeys } from './api-keys.ts'
import { addAudit } from './audit/audit.ts'
import { assertSafeToListen } from './auth.ts'
import { type Authenticate, type Authorize, createAuthenticator } from './authenticate.ts'
import { addAuthorMessages } from './author-messages/author-messages.ts'
import { compressAnswers } from './compress.ts'
import { methodNotAllowed, refuseSocket, routeNotFound, sendProblem } from './errors.ts'
import { addGuards } from './guards.ts'
import { checked, WrittenPage, writePages } from './listing.ts'
import { createOidc } from './oidc/oidc.ts'
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
  /** Webhooks that may be set up over the API. Default none. */
  webhooks?: Webhooks
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
  /**
   * Returns who sends a request that has no token of `config` and no API key; undefined where it does not know, which is answered with 401. What it throws
   * is answered with 500, unless it is a QuillworkError. It is asked for every request, and again while a stream is open. Default none.
   */
  authenticate?: Authenticate
  /** Returns whether an identity may do what its role allows; false is answered with 403. It allows nothing more. Default: true. */
  authorize?: Authorize
  /** Default: silent. */
  log?: Logger
}

/**
 * Returns the HTTP API of an engine. Who sends a request is known by a token of `config`, an API key or `authenticate`. It does not listen; `app.listen({ host, port })` does, with the host of `config`. Throws
 * CONFIG_INVALID for settings that are invalid or would let anybody on the network in, and for a folder that cannot hold the pages.
 */
export function createApp(options: AppOptions): FastifyInstance {
  const settings = resolveHttpSettings(options.config)
  const { engine, models, modelSettings, webhooks, novels, asyncApi, samples, prove } = options
  const { authenticate, authorize } = options
  if (authenticate === undefined && settings.oidc === undefined) assertSafeToListen(options.config ?? {})
  const log = guardLog(options.log ?? silentLog, messageOf)
  const app = createFastify(settings)
  const pages = options.pages === undefined ? undefined : createPages(options.pages, settings.oidc)
  const hub = new StreamHub(engine, settings, log)
  const metrics = createMetrics({ engine, streams: () => hub.places.counts, version })
  const now = () => engine.store.tasks.now()
  const keys = createApiKeys(engine.store.apiKeys, now, log)
  const oidc = settings.oidc && createOidc({ settings: settings.oidc, now, log })
  const authenticator = createAuthenticator({ settings, keys, oidc, authenticate, authorize, log })
  const recorder = createRecorder({ engine, log })
  const activity = createActivityReader(engine, recorder)
  const context: ApiContext = {
    ...{ engine, settings, hub, metrics, models, modelSettings, webhooks, novels, asyncApi, samples, prove },
    ...{ log, activity, keys, oidc, authenticator },
  }
  addTraces(app)
  answerErrors(app, log, pages)
  addGuards(app, { settings, authenticator }, pages)
  addAudit(app, { store: engine.store.audit, now, log })
  addAuthorMessages(app)
  writePages(app)
  compressAnswers(app)
  listenAndStopInOrder(app, { hub, metrics, recorder })
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
  app.setErrorHandler((error, request, reply) => {
    // `GET /v1/tasks/ID:cancel` is no reading of a task with an odd id: the address takes another method.
    const isOddPath = textIn(error, 'validationContext') === 'params' && request.url.includes(':')
    // What the framework refuses before it says that there is no route: QUERY without a type of its body.
    const isOfNoRoute = request.is404 && !isA(error, QuillworkError)
    const refusal = isOddPath || isOfNoRoute ? missing(request) : undefined
    sendProblem(log, refusal?.code === 'METHOD_NOT_ALLOWED' ? refusal : error, request, reply)
  })
  app.setNotFoundHandler((request, reply) => {
    if (pages?.answersFor(request.url) === true) return pages.answer(request, reply)
    const refusal = missing(request)
    const allow = request.method === 'OPTIONS' ? refusal.details?.['allow'] : undefined
    if (allow === undefined) throw refusal
    reply.code(204).header('allow', `${allow}, OPTIONS`).send()
  })
}

/**
 * Subscribes to the events of other processes once the app listens, so a process without an API, such as a worker, does not receive them.
 * Ends the streams first when the app closes, so that it does not wait for clients that only listen.
 */
function listenAndStopInOrder(
  app: FastifyInstance,
  parts: { hub: StreamHub; metrics: ApiContext['metrics']; recorder: Recorder },
): void {
  // Also in a process that runs tasks and has no API.
  app.addHook('onReady', async () => parts.recorder.begin())
  app.addHook('onListen', async () => parts.hub.begin())
  app.addHook('preClose', async () => parts.hub.close())
  app.addHook('onClose', async () => {
    parts.metrics.close()
    await parts.recorder.close()
  })
}

/** Returns the error for a request that no route takes: ROUTE_NOT_FOUND, or METHOD_NOT_ALLOWED where the address takes another method. */
function watchRoutes(app: FastifyInstance): (request: FastifyRequest) => QuillworkError {
  const routes = new Map<string, { pattern: RegExp; isAction: boolean; methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    const isAction = /::\w+$/.test(url)
    const route = routes.get(url) ?? { pattern: patternOf(url), isAction, methods: new Set<string>() }
    for (const each of [method].flat()) route.methods.add(each)
    routes.set(url, route)
  })
  return request => {
    const path = request.url.split('?', 1)[0] ?? ''
    const matching = [...routes.values()].filter(({ pattern }) => pattern.test(path))
    // `ID:run` is the action, though a schedule might be named so.
    const actions = matching.filter(({ isAction }) => isAction)
    const methods = (actions.length > 0 ? actions : matching).flatMap(({ methods }) => [...methods])
    if (methods.length === 0) return routeNotFound()
    if (methods.includes(request.method))
      return new QuillworkError('REQUEST_INVALID', 'A part of the path is too long, or holds what no id has.')
    return methodNotAllowed([...new Set(methods)].sort().join(', '))
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
