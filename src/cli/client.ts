import { once } from 'node:events'
import { open } from 'node:fs/promises'
import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  request as plainRequest,
  type RequestOptions,
} from 'node:http'
import { request as secureRequest } from 'node:https'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createParser } from 'eventsource-parser'
import type { Problem } from '../http/index.ts'
import { type ErrorCode, errorCatalogue, QuillworkError } from '../index.ts'
import { defined } from '../task/defined.ts'

/** Values of a query. A list is sent as a repeated parameter, an undefined value is left out. */
export type Query = Record<string, string | number | boolean | readonly string[] | undefined>

/** The API of a server, as the commands use it. Its methods throw QuillworkError with the code of the problem, or SERVER_UNREACHABLE. */
export interface Client {
  readonly url: string
  get<T>(path: string, query?: Query): Promise<T>
  post<T>(path: string, body?: object, headers?: Readonly<Record<string, string>>): Promise<T>
  /** Sends a file as the body. */
  upload<T>(path: string, file: SentFile, query: Query): Promise<T>
  put<T>(path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<T>
  patch<T>(path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<T>
  remove<T = void>(path: string, headers?: Readonly<Record<string, string>>): Promise<T>
  /** Returns the bytes of a file as they arrive. Reading them throws SERVER_UNREACHABLE when the connection ends before the file does. */
  download(path: string, query?: Query): Promise<AsyncIterable<Uint8Array>>
  /** Reads server-sent events after the one with that id, until the stream ends or breaks. Calls `onOpen` when the server accepts the request. */
  events(path: string, lastEventId?: string, onOpen?: () => void): AsyncIterable<ServerEvent>
}

/** A response before it is read as JSON. */
interface RawResponse {
  readonly status: number
  readonly text: string
}

/** Returns the path of a task, which a person may have typed. */
export function taskPath(taskId: string): string {
  return `/v1/tasks/${encodeURIComponent(taskId)}`
}

interface ServerEvent {
  /** The last id that the stream gave; empty before the first. */
  readonly id: string
  readonly event: string
  /** JSON text. */
  readonly data: string
}

/** Longest clean-up request after the signal has fired, milliseconds. */
const cleanUpMs = 2_000

/** A server, and how it is spoken to. */
export interface Server {
  url: string
  token?: string | undefined
  /** Its connections; default: those of the process. */
  agent?: Agent
}

/** Returns a client of the server, which follows no redirects. `signal` ends every request that runs. */
export function createClient({ url, token, agent }: Server, signal?: AbortSignal): Client {
  const authorization: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` }

  /** Returns the error for a request that failed. Throws the reason of the signal where that ended the request. */
  function unreachable(cause: unknown): QuillworkError {
    signal?.throwIfAborted()
    return new QuillworkError('SERVER_UNREACHABLE', `The server at ${url} does not answer.`, { cause })
  }

  async function parsed<T>(request: () => Promise<RawResponse>): Promise<T> {
    let response: RawResponse
    try {
      response = await request()
    } catch (cause) {
      throw cause instanceof QuillworkError ? cause : unreachable(cause)
    }
    const { status, text } = response
    if (!isSuccess({ statusCode: status })) throw problemError(text, status, url)
    return (text === '' ? undefined : jsonIn(response, url)) as T
  }

  /** Begins a request, which the signal and silence end. */
  function begin(path: string, { headers, ...options }: RequestOptions): ClientRequest {
    const all = { ...defined({ signal, agent }), ...options, headers: { ...authorization, ...headers } }
    const request = (url.startsWith('https:') ? secureRequest : plainRequest)(url + path, all)
    return request.setTimeout(silenceMs, () => request.destroy(new Error(`Silent for ${silenceMs} ms.`)))
  }

  const send = <T>(path: string, { body, ...options }: RequestOptions & { body?: string }): Promise<T> =>
    parsed(async () => textOf(await responseTo(begin(path, options).end(body))))

  /** Returns a response that is read as it arrives. */
  async function opened(
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<IncomingMessage> {
    const response = await responseTo(begin(path, { headers }).end()).catch(cause =>
      Promise.reject(unreachable(cause)),
    )
    if (isSuccess(response)) return response
    const { text, status } = await textOf(response)
    throw problemError(text, status, url)
  }

  return {
    url,
    remove(path, headers = {}) {
      // A command that was interrupted still deletes what it left on the server.
      const cleanUp = signal?.aborted === true ? { signal: AbortSignal.timeout(cleanUpMs) } : {}
      return send(path, { method: 'DELETE', headers, ...cleanUp })
    },
    put: (path, body, headers) => send(path, { method: 'PUT', ...jsonBody(body, headers) }),
    patch: (path, body, headers) => send(path, { method: 'PATCH', ...jsonBody(body, headers) }),
    get: (path, query = {}) => send(path + queryText(query), {}),
    post: (path, body, headers = {}) =>
      send(path, { method: 'POST', ...(body === undefined ? { headers } : jsonBody(body, headers)) }),
    async *events(path, lastEventId, onOpen) {
      const resumed: Record<string, string> =
        lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
      const response = await opened(path, { ...resumed, accept: 'text/event-stream' })
      onOpen?.()
      try {
        yield* readEvents(response)
      } catch (cause) {
        throw unreachable(cause)
      }
    },
    download: async (path, query = {}) => arriving(await opened(path + queryText(query)), unreachable),
    upload: (path, file, query) =>
      parsed(() => sendFile(file, headers => begin(path + queryText(query), { method: 'POST', headers }))),
  }
}

/** Yields the bytes of a response. Throws what `asUnreachable` makes of the error of a connection that ends before it. */
async function* arriving(
  response: IncomingMessage,
  asUnreachable: (cause: unknown) => QuillworkError,
): AsyncGenerator<Uint8Array> {
  try {
    yield* response
  } catch (cause) {
    throw asUnreachable(cause)
  }
}

function jsonIn({ text, status }: RawResponse, url: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw problemError(text, status, url)
  }
}

/** Longest time without a byte in either direction, milliseconds. Streams of events have heartbeats. */
const silenceMs = 300_000

/** Returns the response once it begins. */
async function responseTo(request: ClientRequest): Promise<IncomingMessage> {
  // What ends the request later, whoever reads the response is told.
  request.on('error', () => undefined)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response
}

async function textOf(response: IncomingMessage): Promise<RawResponse> {
  let text = ''
  for await (const piece of response.setEncoding('utf8')) text += piece
  return { status: response.statusCode ?? 0, text }
}

function isSuccess({ statusCode = 0 }: { statusCode?: number | undefined }): boolean {
  return statusCode >= 200 && statusCode < 300
}

function jsonBody(body: object, headers: Readonly<Record<string, string>> = {}) {
  return { body: JSON.stringify(body), headers: { ...headers, 'content-type': 'application/json' } }
}

function queryText(query: Query): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const item of Array.isArray(value) ? value : [value])
      if (item !== undefined) search.append(name, String(item))
  }
  const text = search.toString()
  return text === '' ? '' : `?${text}`
}

function problemError(text: string, status: number, url: string): QuillworkError {
  const problem = problemOf(text)
  if (problem === undefined && status >= 300 && status < 400)
    return new QuillworkError(
      'SERVER_UNREACHABLE',
      `The program at ${url} redirects (HTTP ${status}), which is not followed. Give the address where it leads, if that is your server.`,
    )
  if (problem === undefined)
    return new QuillworkError(
      'SERVER_UNREACHABLE',
      `The program that answers at ${url} is not Quillwork (HTTP ${status}).`,
    )
  if (problem.code === 'UNAUTHENTICATED') return tokenMissing(url, problem.detail)
  const places = (problem.errors ?? [])
    .filter(({ detail }) => !problem.detail.includes(detail))
    .map(({ pointer, detail }) => `${pointer}: ${detail}`)
  return new QuillworkError(problem.code as ErrorCode, [problem.detail, ...places].join(' '), {
    details: { status: problem.status, retryable: problem.retryable },
  })
}

/** In the terms of commands, which take a token and no header. `detail` says where a key was revoked or has expired. */
function tokenMissing(url: string, detail: string): QuillworkError {
  return new QuillworkError(
    'UNAUTHENTICATED',
    `The server at ${url} takes no request without its token: give it, or an API key, as QUILLWORK_TOKEN, or in the configuration file. ` +
      `A server of your own data directory is found, with its token, where no address is given. It says: ${detail}`,
  )
}

function problemOf(text: string): Problem | undefined {
  try {
    const problem = JSON.parse(text) as Problem
    return Object.hasOwn(errorCatalogue, problem.code) ? problem : undefined
  } catch {
    return undefined
  }
}

async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  const events: ServerEvent[] = []
  let lastId = ''
  const parser = createParser({
    onEvent({ id = lastId, event = 'message', data }) {
      lastId = id
      events.push({ id, event, data })
    },
  })
  for await (const bytes of body) {
    parser.feed(decoder.decode(bytes, { stream: true }))
    yield* events.splice(0)
  }
}

/** A file to send. */
export interface SentFile {
  path: string
  bytes: number
  /** Called with the number of bytes sent so far. */
  onBytes(sent: number): void
}

/** Bytes read from the file at a time. */
const pieceBytes = 256 * 1_024

/**
 * Sends a file as it is and returns the response. Only a piece of the file is in memory at a time. Rejects when the connection ends before a
 * response, and with FILE_UNREADABLE.
 */
async function sendFile(
  file: SentFile,
  begin: (headers: NonNullable<RequestOptions['headers']>) => ClientRequest,
): Promise<RawResponse> {
  const opened = await open(file.path).catch(cause => Promise.reject(unreadable(file.path, cause)))
  const sending = begin({ 'content-type': 'application/octet-stream', 'content-length': file.bytes })
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>
  // The server may refuse before it has read everything. Then its response counts, not the broken pipe.
  const sent = pipeline(opened.createReadStream({ highWaterMark: pieceBytes }), counted(file), sending)
  for (const each of [answered, sent]) each.catch(() => undefined)
  const [response] = await Promise.race([answered, sent.then(() => answered)])
  return textOf(response)
}

/** Returns the error for a file that does not exist or cannot be read. */
export function unreadable(path: string, cause: unknown): QuillworkError {
  const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read'
  return new QuillworkError('FILE_UNREADABLE', `${path} ${reason}.`, { cause })
}

function counted({ onBytes }: SentFile): Transform {
  let sent = 0
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      sent += piece.length
      onBytes(sent)
      done(null, piece)
    },
  })
}
