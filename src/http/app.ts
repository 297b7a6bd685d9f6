import { createServer, type Server } from 'node:http'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import type { ModelCatalogue } from '../ai/catalogue.ts'
import type { Engine } from '../engine/engine.ts'
import type { NovelServices } from '../novel/services.ts'
import { createMetrics } from '../observe/metrics.ts'
import { requestTracer } from '../observe/trace-requests.ts'
import type { Logger } from '../runtime/log.ts'
import { QuillworkError } from '../task/errors.ts'
import { assertSafeToListen } from './auth.ts'
import { addAuthorMessages } from './author-messages/author-messages.ts'
import type { ApiContext, App } from './context.ts'
import { refuseSocket, sendProblem } from './errors.ts'
import { addGuards } from './guards.ts'
import { describeApi } from './openapi.ts'
import { createPages, type Pages } from './pages/pages.ts'
import { addRoutes } from './routes/routes.ts'
import { type HttpOptions, type HttpSettings, resolveHttpSettings } from './settings.ts'
import { StreamHub } from './streams/hub.ts'
import { addTraces, requestNames } from './trace.ts'
import { version } from './version.ts'

/** What the API is made of. */
export interface AppOptions {
  /** Started or not: the API only submits to it and asks it. The app does not stop it. */
  engine: Engine
  config?: HttpOptions
  /** The models that `GET /v1/capabilities` tells of. */
  models?: ModelCatalogue
  /** What the novel tasks of the engine are run with. Default none: then there are no novels and no uploads. */
  novels?: NovelServices
  /**
   * The AsyncAPI document of the broker (`asyncApiOf`), for `GET /v1/asyncapi.json`. Default none: then tasks stay within the process.
   */
  asyncApi?: object | undefined
  /**
   * The folder of the built web pages, read when the app is made: they are answered at every address that is not of the API. Default
   * none: then there is the API alone.
   */
  pages?: URL | string | undefined
  /** The folder of the texts that `GET /v1/samples` tells of. Default none. */
  samples?: URL | string | undefined
  /** Default: silent. */
  log?: Logger
}

const silent: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined }

/**
 * Makes the HTTP API of an engine. It does not listen; `app.listen({ host, port })` does, with the host of `config`. Throws
 * CONFIG_INVALID for settings that cannot be used, or that would let anybody on the network in, and for a folder that cannot be the pages.
 */
export function createApp(options: AppOptions): FastifyInstance {
  const settings = resolveHttpSettings(options.config)
  assertSafeToListen(settings)
  const { engine, log = silent, models, novels, asyncApi, samples } = options
  const app = createFastify(settings)
  const pages = options.pages === undefined ? undefined : createPages(options.pages)
  const hub = new StreamHub(engine, settings)
  const metrics = createMetrics({ engine, streams: () => hub.places.counts, version })
  const context: ApiContext = { engine, settings, hub, metrics, models, novels, asyncApi, samples, log }
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  addTraces(app)
  answerErrors(app, log, pages)
  addGuards(app, settings, pages)
  addAuthorMessages(app)
  listenAndStopInOrder(app, { hub, metrics })
  describeApi(app, engine, settings)
  app.register(async scope => addRoutes(scope as unknown as App, context))
  return app
}

function createFastify(settings: HttpSettings): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: settings.bodyLimit,
    // Uploads may take as long as they move; the body of any other request has a timer of its own.
    requestTimeout: 0,
    http: {
      headersTimeout: settings.headersTimeoutMs,
      connectionsCheckingInterval: Math.min(2_000, settings.headersTimeoutMs),
      maxHeaderSize: 16_384,
    },
    genReqId: requestNames(requestTracer()),
    requestIdHeader: false,
    trustProxy: [...settings.trustedProxies],
    return503OnClosing: false,
    routerOptions: { maxParamLength: 500 },
    clientErrorHandler: (error, socket) => refuseSocket(error, socket),
    frameworkErrors: (error, request, reply) => sendProblem(silent, error, request, reply),
  })
  app.server.maxConnections = settings.maxConnections
  return app
}

/** What no route answers, the pages do, where there are any. */
function answerErrors(app: FastifyInstance, log: Logger, pages: Pages | undefined): void {
  const missing = watchRoutes(app)
  app.setErrorHandler((error, request, reply) => sendProblem(log, error, request, reply))
  app.setNotFoundHandler((request, reply) => {
    if (pages?.answersFor(request.url) === true) return pages.answer(request, reply)
    throw missing(request)
  })
}

/**
 * The events of other processes are heard once it listens: a process that answers nobody, such as a worker, is spared them. Streams end first,
 * so that a server that stops does not wait for clients that only listen. */
function listenAndStopInOrder(
  app: FastifyInstance,
  parts: { hub: StreamHub; metrics: ApiContext['metrics'] },
): void {
  app.addHook('onListen', async () => parts.hub.begin())
  app.addHook('preClose', async () => parts.hub.close())
  app.addHook('onClose', async () => parts.metrics.close())
}

/** Tells an address that does not exist from one that exists with another method. Returns the handler for both. */
export function watchRoutes(app: FastifyInstance): (request: FastifyRequest) => QuillworkError {
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
    if (methods.length === 0)
      return new QuillworkError(
        'ROUTE_NOT_FOUND',
        'There is no such address; see /v1/openapi.json for those that exist.',
      )
    const allow = [...new Set(methods)].sort().join(', ')
    return new QuillworkError('METHOD_NOT_ALLOWED', `This address takes ${allow}.`, { details: { allow } })
  }
}

/** The router's pattern as a regular expression: `:name`, `:name([^:]+)`, and `::` for a colon. */
function patternOf(url: string): RegExp {
  const source = url
    .replaceAll('.', '\\.')
    .replace(/::|:\w+(\(\[\^:\]\+\))?/g, part => (part === '::' ? ':' : '[^/:]+'))
  return new RegExp(`^${source}$`)
}

const paths = new Set(['/healthz', '/readyz', '/metrics'])

/**
 * A second listener that answers health and metrics as the app does, and nothing else: for probes on a port of their own, and for
 * processes that answer nothing else. It does not listen; `listen` does. The app must be ready.
 */
export function createHealthListener(app: FastifyInstance): Server {
  return createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1)
    if (paths.has(path)) app.routing(request, response)
    else response.writeHead(404, { 'content-length': 0 }).end()
  })
}
