import type { Problem } from '../http/index.ts'
import { type ErrorCode, errorCatalogue, QuillworkError } from '../index.ts'
import { readEvents, type ServerEvent } from './read-events.ts'
import { type SentFile, sendFile } from './send-file.ts'

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
