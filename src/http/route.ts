/** How a route is declared: its address, the schemas of what it takes and sends, the codes that it refuses with, and what it does. */
import type {
  FastifyContextConfig,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RouteHandlerMethod,
} from 'fastify'
import type { z } from 'zod'
import type { ModelCatalogue } from '../ai/catalogue.ts'
import type { ModelSettings } from '../ai/model-settings.ts'
import type { Engine } from '../engine/engine.ts'
import type { NovelServices } from '../novel/services.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Logger } from '../runtime/log.ts'
import { defined } from '../task/defined.ts'
import type { ErrorCode } from '../task/errors.ts'
import type { Sent } from './schemas/fields.ts'
import { bodyProblems, problems } from './schemas/problem.ts'
import type { HttpSettings } from './settings.ts'
import type { StreamHub } from './streams/hub.ts'

/** What all routes share. */
export interface ApiContext {
  readonly engine: Engine
  readonly settings: HttpSettings
  readonly hub: StreamHub
  readonly metrics: Metrics
  readonly models: ModelCatalogue | undefined
  readonly modelSettings: ModelSettings | undefined
  readonly novels: NovelServices | undefined
  /** The AsyncAPI document of the broker, undefined where there is no broker between processes. */
  readonly asyncApi: object | undefined
  /** The folder of the samples, where there is one. */
  readonly samples: URL | string | undefined
  /** Returns the proof that this is the server of a data directory, where it has one. */
  readonly prove: ((nonce: string) => string | undefined) | undefined
  readonly log: Logger
}

/** What all routes of novels share. */
export type NovelContext = ApiContext & { readonly novels: NovelServices }

/** Adds a route to an app. */
export type AddRoute<C extends ApiContext = ApiContext> = (app: FastifyInstance, context: C) => void

/** A response that is not JSON, or comes in several types. */
interface OtherResponse {
  description: string
  content: Record<string, { schema: z.ZodType }>
}

/** What a handler sends: a body of one of the schemas, anything for another media type, or the response that it has sent itself. */
type Answer<S> = FastifyReply | (S extends z.ZodType ? Sent<z.input<S>> : unknown)

interface Route<C, P, Q, H, B, R extends Record<number, z.ZodType | OtherResponse>> {
  summary: string
  description?: string
  /** Media types of the body; default JSON. */
  consumes?: string[]
  params?: z.ZodType<P>
  querystring?: z.ZodType<Q>
  headers?: z.ZodType<H>
  body?: z.ZodType<B>
  /** The responses by status. */
  sends: R
  /** Codes of errors beside those that any request, path, query or JSON body may get. */
  refuses?: readonly ErrorCode[]
  config?: FastifyContextConfig
  /** Whether HEAD is answered too; default true for GET. */
  exposeHeadRoute?: boolean
  handle(
    context: C,
    request: FastifyRequest<{ Params: P; Querystring: Q; Headers: H; Body: B }>,
    reply: FastifyReply,
  ): Answer<R[keyof R]> | Promise<Answer<R[keyof R]>>
}

/** Returns what declares the routes of one tag of the OpenAPI document, by method. */
export function routesOf<C extends ApiContext = ApiContext>(tag: string) {
  const declare =
    (method: string) =>
    <P, Q, H, B, R extends Record<number, z.ZodType | OtherResponse>>(
      url: string,
      { config, exposeHeadRoute, handle, sends, refuses = [], ...schema }: Route<C, P, Q, H, B, R>,
    ): AddRoute<C> => {
      const { params, querystring, body } = schema
      const general: readonly ErrorCode[] =
        body !== undefined && config?.streams !== true
          ? bodyProblems
          : params !== undefined || querystring !== undefined
            ? ['REQUEST_INVALID']
            : []
      // Whatever is written may find the disk full.
      const ofWrites: readonly ErrorCode[] = method === 'GET' ? [] : ['STORE_FULL']
      const response = { ...sends, ...problems(...general, ...refuses, ...ofWrites) }
      return (app, context) =>
        void app.route({
          method,
          url,
          schema: { tags: [tag], ...schema, response },
          ...defined({ config, exposeHeadRoute }),
          handler: ((request, reply) => handle(context, request as never, reply)) as RouteHandlerMethod,
        })
    }
  return {
    get: declare('GET'),
    post: declare('POST'),
    put: declare('PUT'),
    patch: declare('PATCH'),
    delete: declare('DELETE'),
  }
}
