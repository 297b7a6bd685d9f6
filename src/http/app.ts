import Fastify, { type FastifyInstance } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import type { ModelCatalogue } from '../ai/catalogue.ts'
import type { Engine } from '../engine/engine.ts'
import type { NovelServices } from '../novel/services.ts'
import { createMetrics } from '../observe/metrics.ts'
import { requestTracer } from '../observe/trace-requests.ts'
import type { Logger } from '../runtime/log.ts'
import { assertSafeToListen } from './auth.ts'
import { addAuthorMessages } from './author-messages/hook.ts'
import type { ApiContext, App } from './context.ts'
import { refuseSocket, sendProblem } from './errors.ts'
import { addGuards } from './guards.ts'
import { watchRoutes } from './not-found.ts'
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
  const app = createServer(settings)
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

function createServer(settings: HttpSettings): FastifyInstance {
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
