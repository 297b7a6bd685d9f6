import { isIP } from 'node:net'
import { defined } from '../task/defined.ts'
import { QuillworkError } from '../task/errors.ts'
import { defaultUser } from '../task/task.ts'
import { type OidcOptions, type OidcSettings, oidcSchema } from './oidc/settings.ts'

/** Options of the HTTP API. Sizes are bytes, times are milliseconds. */
export interface HttpOptions {
  /** The address that the server will listen on; default `127.0.0.1`. It decides which `Host` headers are allowed. */
  host?: string
  /**
   * Bearer token that requests carry, if not an API key, at least 16 characters. It is an admin. Of several, any of them, so that one can replace another. Default none;
   * needed for any address but the loopback.
   */
  token?: string | readonly string[]
  /** An identity provider whose tokens are taken too, and by which the pages may sign people in. Default none. */
  oidc?: OidcOptions | undefined
  /**
   * Requests that an identity may send in a minute, at once or spread; one more is refused with 429. Streams of events and files of the pages do not count, nor does who has the
   * token of `token`, or needs none. Counted by each process. Default: no limit.
   */
  requestsPerMinute?: number | undefined
  /** Host names, without port and in any case, that requests may name beside the loopback's; default none. With a token and none given: any. */
  allowedHosts?: readonly string[]
  /**
   * Origins, such as `https://studio.example` and `tauri://localhost`, whose pages may read and change data (CORS; with the token, where there is one); default only the API's
   * own.
   */
  allowedOrigins?: readonly string[]
  /**
   * Addresses and networks (`10.0.0.0/8`) of the proxies in front, whose `X-Forwarded-For` names the client; default none: the header of
   * anybody else is ignored. Hosts and origins are always those of the request itself.
   */
  trustedProxies?: readonly string[]
  /**
   * The user for whom requests with the token act, and those that need none; default `local`. They see the novels of that user, and the tasks of all.
   */
  userId?: string
  /** Largest JSON body; default 1 MB. */
  bodyLimit?: number
  /** Deepest nesting of a JSON body; default 100. */
  bodyDepth?: number
  /** Largest upload; default 200 MB. */
  uploadLimit?: number
  /** Uploads of one user that were not imported; default 100. */
  uploadsPerUser?: number
  /** Bytes of these uploads; default 5 GB, or four times `uploadLimit` where that is more. */
  uploadBytesPerUser?: number
  /** Bytes a second that an upload must bring at least, in each `bodyTimeoutMs`; default 1,000. */
  uploadRate?: number
  /** Longest time of an upload; default 2 h. */
  uploadTimeoutMs?: number
  /** Time for the headers of a request; default 10 s. */
  headersTimeoutMs?: number
  /** Time for the body of a request; of an upload, and of the file of an export: longest time without a byte. Default 60 s. */
  bodyTimeoutMs?: number
  /** Open connections; see `limitConnections` for which one gives way to one more. Default 1,000, or twice `streams` where that is more. */
  maxConnections?: number
  /** Open connections of one address that is no trusted proxy; default 100, or twice `streamsPerClient` where that is more. */
  connectionsPerClient?: number
  /** Time that a connection may stay silent after an answer as long as none of its requests was authenticated; default 5 s. */
  idleTimeoutMs?: number
  /** Event streams per client address, with those of tabs that show a text as it grows; default 24. */
  streamsPerClient?: number
  /** Event streams of the process; default 500. */
  streams?: number
  /** Events kept for clients that reconnect; default 10,000. */
  keptEvents?: number
  /** Bytes that these take in memory at most, about: the oldest are dropped; default 32 MB. */
  keptBytes?: number
  /** How far a stream may fall behind when its client stops reading; default 1 MB. */
  streamBacklog?: number
  /** Time between two heartbeats on a stream; default 15 s. */
  heartbeatMs?: number
  /** Longest life of a stream, minus up to a fifth at random; default 15 minutes. The client reconnects by itself. */
  streamLifeMs?: number
}

/** The settings as the API uses them: defaults filled in. */
export type HttpSettings = Readonly<
  Required<Omit<HttpOptions, 'token' | 'oidc' | 'requestsPerMinute'>> & {
    /** One of them has to come with each request; none: requests need no token. */
    tokens: readonly string[]
    oidc?: OidcSettings
    requestsPerMinute?: number
  }
>

const shortestToken = 16

/** Returns the options with the defaults filled in. Throws CONFIG_INVALID, naming the option. */
export function resolveHttpSettings({ token = [], oidc, ...options }: HttpOptions = {}): HttpSettings {
  const settings: HttpSettings = Object.freeze({
    tokens: [token].flat(),
    host: '127.0.0.1',
    allowedHosts: [],
    allowedOrigins: [],
    trustedProxies: [],
    userId: defaultUser,
    bodyLimit: 1_048_576,
    bodyDepth: 100,
    uploadLimit: 200 * 1_048_576,
    uploadsPerUser: 100,
    uploadBytesPerUser: Math.max(5_000_000_000, 4 * (options.uploadLimit ?? 0)),
    uploadRate: 1_000,
    uploadTimeoutMs: 7_200_000,
    headersTimeoutMs: 10_000,
    bodyTimeoutMs: 60_000,
    maxConnections: Math.max(1_000, 2 * (options.streams ?? 0)),
    connectionsPerClient: Math.max(100, 2 * (options.streamsPerClient ?? 0)),
    idleTimeoutMs: 5_000,
    streamsPerClient: 24,
    streams: 500,
    keptEvents: 10_000,
    keptBytes: 32 * 1_048_576,
    streamBacklog: 1_048_576,
    heartbeatMs: 15_000,
    streamLifeMs: 900_000,
    ...defined({
      ...options,
      oidc: oidc && resolveOidc(oidc),
      allowedHosts: options.allowedHosts?.map(host => host.toLowerCase()),
    }),
  })
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value === 'number' && !(Number.isFinite(value) && value > 0))
      throw invalid(`http.${name} is ${value}; give a number above 0.`)
  }
  const { requestsPerMinute = 1 } = settings
  if (!Number.isInteger(requestsPerMinute))
    throw invalid(`http.requestsPerMinute is ${requestsPerMinute}; give a whole number.`)
  const noHost = settings.allowedHosts.find(host => !isHostName(host))
  if (noHost !== undefined)
    throw invalid(
      `http.allowedHosts has ${JSON.stringify(noHost)}; give names such as studio.example, without scheme, port and wildcards.`,
    )
  const noNetwork = settings.trustedProxies.find(proxy => !isNetwork(proxy))
  if (noNetwork !== undefined)
    throw invalid(
      `http.trustedProxies has ${JSON.stringify(noNetwork)}; give addresses, or networks such as 10.0.0.0/8.`,
    )
  const noOrigin = settings.allowedOrigins.find(origin => !isOrigin(origin))
  if (noOrigin !== undefined)
    throw invalid(
      `http.allowedOrigins has ${JSON.stringify(noOrigin)}; give origins as browsers send them, such as https://studio.example, without a path.`,
    )
  if (settings.tokens.some(each => each.length < shortestToken))
    throw invalid(`The token is shorter than ${shortestToken} characters; use a long random one.`)
  return settings
}

function resolveOidc(options: OidcOptions): OidcSettings {
  const { data, error } = oidcSchema.safeParse(options)
  if (data !== undefined) return data
  const [first] = error.issues
  throw invalid(`http.oidc.${first?.path.join('.')}: ${first?.message}`)
}

function invalid(message: string): QuillworkError {
  return new QuillworkError('CONFIG_INVALID', message)
}

/** Returns whether a text is a name, or an address, as a `Host` header has it before its port. */
export function isHostName(text: string): boolean {
  return /^(\[[\da-f:.]+\]|[^\s:/@*[\]]+)$/i.test(text)
}

/**
 * Returns whether a text is an origin as browsers send it: a scheme and a host, with the port where it is not the usual one. Those of
 * extensions and desktop programs have schemes of their own, such as `tauri://localhost`.
 */
export function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { origin, protocol, host } = new URL(text)
  return text === (origin === 'null' && host !== '' ? `${protocol}//${host}` : origin)
}

/** Returns whether a text is an IP address, or a network such as `10.0.0.0/8`. False for a network that holds every address. */
export function isNetwork(text: string): boolean {
  const [, address = '', prefix = '1'] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? []
  const version = isIP(address)
  return version !== 0 && Number(prefix) >= 1 && Number(prefix) <= (version === 4 ? 32 : 128)
}
