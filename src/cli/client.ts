import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Problem } from '../http/index.ts'
import { type ErrorCode, errorCatalogue, QuillworkError } from '../index.ts'

/** Values of a query; a list is repeated, undefined is left out. */
export type Query = Record<string, string | number | boolean | readonly string[] | undefined>

/** The API of a server, as the commands use it. Throws QuillworkError with the code of the problem, or SERVER_UNREACHABLE. */
export interface Client {
  readonly url: string
  get<T>(path: string, query?: Query): Promise<T>
  post<T>(path: string, body?: object, headers?: Readonly<Record<string, string>>): Promise<T>
  /** Sends a file as the body. */
  upload<T>(path: string, file: SentFile, query: Query): Promise<T>
  put<T>(path: string, body: object): Promise<T>
  remove<T = void>(path: string): Promise<T>
  /** Server-sent events, after the one with that id, until the stream ends or breaks off. `onOpen`: it has begun, and may be silent for long. */
  events(path: string, lastEventId?: string, onOpen?: () => void): AsyncIterable<ServerEvent>
}

/** A request after the end takes no longer, milliseconds. */
const lateMs = 2_000

/** Makes a client. `signal` ends every request that runs. */
export function createClient(
  server: { url: string; token?: string | undefined },
  signal?: AbortSignal,
): Client {
  const { url, token } = server
  const authorization: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` }

  /** The error for a request that failed; the reason of the signal where that ended it. */
  function unreachable(cause: unknown): QuillworkError {
    signal?.throwIfAborted()
    return new QuillworkError('SERVER_UNREACHABLE', `The server at ${url} does not answer.`, { cause })
  }

  async function answer<T>(asking: () => Promise<{ status: number; text: string }>): Promise<T> {
    let given: { status: number; text: string }
    try {
      given = await asking()
    } catch (cause) {
      throw cause instanceof QuillworkError ? cause : unreachable(cause)
    }
    if (given.status < 200 || given.status > 299) throw problemError(given.text, given.status, url)
    return (given.text === '' ? undefined : JSON.parse(given.text)) as T
  }

  const ask = <T>(path: string, init: RequestInit): Promise<T> =>
    answer(async () => {
      const headers = { ...authorization, ...(init.headers as Record<string, string> | undefined) }
      const response = await fetch(url + path, {
        ...(signal === undefined ? {} : { signal }),
        ...init,
        headers,
      })
      return { status: response.status, text: await response.text() }
    })

  return {
    url,
    remove(path) {
      // What is cleaned up after the signal is still to be asked for.
      const late = signal?.aborted === true ? { signal: AbortSignal.timeout(lateMs) } : {}
      return ask(path, { method: 'DELETE', ...late })
    },
    put: (path, body) =>
      ask(path, {
        method: 'PUT',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    get: (path, query = {}) => ask(path + queryText(query), {}),
    post: (path, body, headers = {}) =>
      ask(path, {
        method: 'POST',
        ...(body === undefined
          ? { headers }
          : { body: JSON.stringify(body), headers: { ...headers, 'content-type': 'application/json' } }),
      }),
    async *events(path, lastEventId, onOpen) {
      const resumed: Record<string, string> =
        lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
      const headers = { ...authorization, ...resumed, accept: 'text/event-stream' }
      const init = signal === undefined ? { headers } : { headers, signal }
      const response = await fetch(url + path, init).catch(cause => Promise.reject(unreachable(cause)))
      if (!response.ok) throw problemError(await response.text(), response.status, url)
      onOpen?.()
      try {
        if (response.body !== null) yield* readEvents(response.body)
      } catch (cause) {
        throw unreachable(cause)
      }
    },
    upload: (path, file, query) =>
      answer(() => sendFile(url + path + queryText(query), file, { headers: authorization, signal })),
  }
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
  if (problem === undefined)
    return new QuillworkError(
      'SERVER_UNREACHABLE',
      `What answers at ${url} is not Quillwork (HTTP ${status}).`,
    )
  const places = (problem.errors ?? [])
    .filter(({ detail }) => !problem.detail.includes(detail))
    .map(({ pointer, detail }) => `${pointer}: ${detail}`)
  return new QuillworkError(problem.code as ErrorCode, [problem.detail, ...places].join(' '), {
    details: { status: problem.status, retryable: problem.retryable },
  })
}

function problemOf(text: string): Problem | undefined {
  try {
    const problem = JSON.parse(text) as Problem
    return Object.hasOwn(errorCatalogue, problem.code) ? problem : undefined
  } catch {
    return undefined
  }
}

/** A file that is sent. */
export interface SentFile {
  path: string
  bytes: number
  /** Bytes on their way so far. */
  onBytes?: (sent: number) => void
}

/** Read at a time. */
const pieceBytes = 256 * 1_024

/**
 * Posts a file as it is. Only a piece of it is in memory at a time: the fetch of Node holds far more of a large one. Rejects when the
 * connection ends before an answer, and with FILE_UNREADABLE.
 */
export async function sendFile(
  url: string,
  file: SentFile,
  { headers, signal }: { headers: Record<string, string>; signal?: AbortSignal | undefined },
): Promise<{ status: number; text: string }> {
  const opened = await open(file.path).catch(cause => Promise.reject(unreadable(file.path, cause)))
  const request = new URL(url).protocol === 'https:' ? secureRequest : plainRequest
  const sending = request(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/octet-stream', 'content-length': file.bytes },
    ...(signal === undefined ? {} : { signal }),
  })
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>
  // The server may refuse before it has read everything; then its answer counts, not the broken pipe.
  const sent = pipeline(opened.createReadStream({ highWaterMark: pieceBytes }), counted(file), sending)
  for (const each of [answered, sent]) each.catch(() => undefined)
  const [response] = await Promise.race([answered, sent.then(() => answered)])
  let text = ''
  for await (const piece of response.setEncoding('utf8')) text += piece
  return { status: response.statusCode ?? 0, text }
}

/** The error of a file that is not there, or may not be read. */
export function unreadable(path: string, cause: unknown): QuillworkError {
  const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : 'cannot be read'
  return new QuillworkError('FILE_UNREADABLE', `${path} ${reason}.`, { cause })
}

function counted({ onBytes }: SentFile): Transform {
  let sent = 0
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      sent += piece.length
      onBytes?.(sent)
      done(null, piece)
    },
  })
}

/** One event of a stream of server-sent events. */
export interface ServerEvent {
  /** The last id that the stream gave; empty before the first. */
  id: string
  event: string
  /** JSON text. */
  data: string
}

/** Reads server-sent events (WHATWG HTML, section 9.2), as this API writes them: each ends with an empty line. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let text = ''
  let id = ''
  for await (const bytes of body) {
    text += decoder.decode(bytes, { stream: true })
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = fieldsOf(block)
      id = fields.get('id') ?? id
      const data = fields.get('data')
      if (data !== undefined) yield { id, event: fields.get('event') ?? 'message', data }
    }
  }
}

function fieldsOf(block: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const value = line.slice(colon + 1)
    fields.set(line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value)
  }
  return fields
}
