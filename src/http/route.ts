/** How a route is declared: its address, the schemas of what it takes and sends, the codes that it refuses with, and what it does. */
import type {
  FastifyContextConfig,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RouteHandlerMethod,
} from 'fastify'
import { z } from 'zod'
import type { ModelCatalogue } from '../ai/catalogue.ts'
import type { ModelSettings } from '../ai/model-settings.ts'
import type { Engine } from '../engine/engine.ts'
import type { NovelServices } from '../novel/services.ts'
import type { ActivityReader } from '../observe/activity/overview.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Logger } from '../runtime/log.ts'
import { defined } from '../task/defined.ts'
import type { ErrorCode } from '../task/errors.ts'
import type { Webhooks } from '../webhooks/webhooks.ts'
import type { ApiKeys } from './api-keys.ts'
import type { Authenticator } from './authenticate.ts'
import { type Identity, type Need, needOf, nobody } from './identity.ts'
import type { Oidc } from './oidc/oidc.ts'
import type { Sent } from './schemas/fields.ts'
import { bodyProblems, problems } from './schemas/problem.ts'
import { requireTask } from './scope.ts'
import type { HttpSettings } from './settings.ts'
import type { StreamHub } from './streams/hub.ts'

/** What all routes share. */
export interface ApiContext {
  readonly engine: Engine
  readonly settings: HttpSettings
  readonly hub: StreamHub
  readonly metrics: Metrics
  readonly activity: ActivityReader
  readonly models: ModelCatalogue | undefined
  readonly modelSettings: ModelSettings | undefined
  readonly webhooks: Webhooks | undefined
  readonly novels: NovelServices | undefined
  /** The AsyncAPI document of the broker, undefined where there is no broker between processes. */
  readonly asyncApi: object | undefined
  /** The folder of the samples, where there is one. */
  readonly samples: URL | string | undefined
  /** Returns the proof that this is the server of a data directory, where it has one. */
  readonly prove: ((nonce: string) => string | undefined) | undefined
  readonly keys: ApiKeys
  /** The identity provider, where one is set. */
  readonly oidc: Oidc | undefined
  readonly authenticator: Authenticator
  readonly log: Logger
}

/** Who sends a request: for routes that are open to everybody, nobody. */
export interface Asker {
  readonly identity: Identity
  /** The user for whom the request acts, to whom the novels belong that it sees. */
  readonly userId: string
}

/** What all routes of novels share. */
export type NovelContext = ApiContext & { readonly novels: NovelServices }

/** Adds a route to an app. */
export type AddRoute<C extends ApiContext = ApiContext> = (app: FastifyInstance, context: C) => void

/** The schemas of the data of the events of a stream, by the names of the events; each has a name in the OpenAPI document. */
export type EventSchemas = Readonly<Record<string, z.ZodType>>

/** A response that is not JSON, or comes in several types. */
interface OtherResponse {
  description: string
  content: Record<string, { schema: z.ZodType; events?: EventSchemas }>
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
  /** What the route needs of who asks; default `read` for GET and HEAD, else `write`. */
  needs?: Need
  config?: FastifyContextConfig
  /** Whether HEAD is answered too; default true for GET. */
  exposeHeadRoute?: boolean
  handle(
    context: C & Asker,
    request: FastifyRequest<{ Params: P; Querystring: Q; Headers: H; Body: B }>,
    reply: FastifyReply,
  ): Answer<R[keyof R]> | Promise<Answer<R[keyof R]>>
}

/** Returns whether what a route sends is a stream of events: always, or where that is asked for; undefined: never. */
function eventsOf(sends: Record<number, z.ZodType | OtherResponse>): 'always' | 'asked' | undefined {
  const types = Object.values(sends).flatMap(each => ('content' in each ? Object.keys(each.content) : []))
  if (!types.includes('text/event-stream')) return undefined
  return types.length === 1 ? 'always' : 'asked'
}

/** Returns what declares the routes of one tag of the OpenAPI document, by method. */
export function routesOf<C extends ApiContext = ApiContext>(tag: string) {
  const declare =
    (method: string) =>
    <P, Q, H, B, R extends Record<number, z.ZodType | OtherResponse>>(
      url: string,
      {
        config: given,
        needs = needOf(method),
        exposeHeadRoute,
        handle,
        sends,
        refuses = [],
        ...schema
      }: Route<C, P, Q, H, B, R>,
    ): AddRoute<C> => {
      const { params, querystring, body } = schema
      const config = { ...given, needs, events: eventsOf(sends) }
      const general: readonly ErrorCode[] =
        body !== undefined && config?.streams !== true
          ? bodyProblems
          : params !== undefined || querystring !== undefined
            ? ['REQUEST_INVALID']
            : []
      // Whatever is written may find the disk full.
      const ofWrites: readonly ErrorCode[] = method === 'GET' ? [] : ['STORE_FULL']
      const response = { ...sends, ...problems(...general, ...refuses, ...ofWrites) }
      const check = params instanceof z.ZodObject && 'taskId' in params.shape ? { needs, refuses } : undefined
      return (app, context) =>
        void app.route({
          method,
          url,
          schema: { tags: [tag], ...schema, response },
          config,
          ...defined({ exposeHeadRoute }),
          handler: ((request, reply) => {
            const identity = request.identity ?? nobody
            const run = () =>
              handle({ ...context, identity, userId: identity.userId }, request as never, reply)
            // A task that the identity may not see, or not act on, is none for any route that names it.
            const refusing =
              check && requireTask(context.engine, identity, { ...check, params: request.params })
            return refusing === undefined ? run() : refusing.then(run)
          }) as RouteHandlerMethod,
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
