import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { defined } from '../../../src/task/defined.ts'
import { ApiError, errorOf, requestHeaders } from '../api/client.ts'
import { currentToken, tokenWasRefused } from '../api/token.ts'

/** How a stream of server-sent events is read. */
export interface StreamOptions {
  /** Path and query. */
  path: string
  /** Asked before each connection: where to go on. */
  lastEventId: () => string | undefined
  signal: AbortSignal
  onEvent: (event: EventSourceMessage) => void
  /** The connection stands (true), or is lost and will be made again (false). */
  onState?: (isOpen: boolean) => void
  /** The server, or something before it, refuses the stream (4xx); it is asked for again. Where this is not given, a refusal ends it. */
  onRefused?: () => void
}

/** Longest silence before a connection counts as broken; the server gives a sign of life every 15 s. */
const silenceMs = 40_000
const firstPauseMs = 1_000
const longestPauseMs = 20_000

/**
 * Reads a stream until the signal fires or the server says that there is nothing more (204), and goes on where it was after every break.
 * `fetch` and not EventSource, which can send no token. Rejects with ApiError where the server refuses (4xx), unless `onRefused` is given.
 */
export async function readStream(options: StreamOptions): Promise<void> {
  const { signal, onState, onRefused } = options
  for (let pause = firstPauseMs; !signal.aborted; ) {
    const began = performance.now()
    let isRefused = false
    try {
      if ((await readOnce(options)) === 'over') return
    } catch (error) {
      if (signal.aborted) return
      isRefused = error instanceof ApiError && isRefusal(error.status)
      if (isRefused && onRefused === undefined) throw error
    }
    if (isRefused) onRefused?.()
    else onState?.(false)
    // A connection that held for a while was good: the next one may come at once.
    pause = performance.now() - began > silenceMs ? firstPauseMs : Math.min(pause * 1.7, longestPauseMs)
    await sleep(pause * (0.7 + 0.6 * Math.random()), signal)
  }
}

/** 429: the places are taken for the moment. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 429
}

async function readOnce({
  path,
  lastEventId,
  signal,
  onEvent,
  onState,
}: StreamOptions): Promise<'over' | 'broken'> {
  const silence = new AbortController()
  const id = lastEventId()
  const token = currentToken()
  const response = await fetch(path, {
    headers: {
      ...requestHeaders(),
      accept: 'text/event-stream',
      ...defined({ 'last-event-id': id }),
    },
    cache: 'no-store',
    signal: AbortSignal.any([signal, silence.signal]),
  })
  if (response.status === 204) return 'over'
  if (!response.ok || response.body === null) {
    const answer: unknown = await response.json().catch(() => undefined)
    if (response.status === 401) tokenWasRefused(token, answer)
    throw errorOf(response.status, answer)
  }
  onState?.(true)
  const parser = createParser({ onEvent })
  const text = response.body.pipeThrough(new TextDecoderStream())
  let timer = setTimeout(() => silence.abort(), silenceMs)
  try {
    const reader = text.getReader()
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), silenceMs)
      parser.feed(part.value)
    }
  } finally {
    clearTimeout(timer)
  }
  return 'broken'
}

/** Resolves after the time, at once when the signal fires, and early when the browser says that it is online again. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      window.removeEventListener('online', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    window.addEventListener('online', done)
  })
}
