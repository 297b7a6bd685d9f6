/**
 * The kit of the tests of the pages: a real server, a real browser.
 *
 * - `describePages(title, tests)` in place of `describe`; `await using opened = await open(`${server.url}/tasks`, { language: 'zh' })`.
 *   When a page is closed, the test fails if a program broke, the console had an error, or the content security policy refused something.
 * - `startServer()`: what `quillwork serve` starts, in this process, on a new data directory. `startProcess()`: the command itself, in a
 *   process that can be killed and started again on the same port (`server.kill()`, `server.startAgain()`). The pages are those of `dist/`.
 * - `engine-server.ts`: an API with the pages on an engine of the test's own, with tasks that obey (fail, wait, write, have 10,000 parts).
 * - Wait for what is to be seen (`page.getByRole(...).waitFor()`), never for time.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { resolveConfig } from '../../../src/server/config.ts'
import { startServer as startHere } from '../../../src/server/server.ts'
import { requireBuilt, serve, temporaryFolder } from '../../process/cli/quillwork.ts'

import { signIn } from './browser.ts'

export { describePages, type Look, move, type Opened, open, untilFocused, untilLoaded } from './browser.ts'

/** A server of the product, with its pages. */
export interface PageServer extends AsyncDisposable {
  readonly url: string
  /** Asks the API, and fails on what is no success. */
  ask<T>(path: string, init?: RequestInit): Promise<T>
  post<T>(path: string, body?: unknown): Promise<T>
  /** Uploads a text and imports it. Answers when the task has begun. */
  importText(text: string, fileName?: string): Promise<{ taskId: string; novelId: string }>
  /** Resolves with the task when it has ended. */
  ended(taskId: string): Promise<{ status: string }>
}

/** A server in a process of its own. */
export interface PageProcess extends PageServer {
  /** Ends the process at once, as a crash does. */
  kill(): Promise<void>
  /** Starts it again on the same data and the same port. */
  startAgain(): Promise<void>
}

/**
 * Starts a server on a new data directory. `env` and `flags` as for `quillwork serve`. Unless a token is set, pages that are opened there are
 * signed in.
 */
export async function startServer(
  env: Record<string, string> = {},
  flags: Record<string, string> = {},
): Promise<PageServer> {
  requirePages()
  const folder = temporaryFolder()
  const { config } = resolveConfig({
    env,
    flags: { data: path.join(`${folder}`, 'data'), port: '0', ...flags },
  })
  const server = await startHere({ config, logTo: { write() {} }, works: true, command: 'serve' })
  const { url = '', token } = server
  if (token !== undefined && config.token === undefined) signIn(url, token)
  return {
    url,
    ...askingOf(url, token),
    async [Symbol.asyncDispose]() {
      await server.stop({ grace: 0 })
      folder[Symbol.dispose]()
    },
  }
}

/** Starts `quillwork serve` on a new data directory. */
export async function startProcess(
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<PageProcess> {
  requirePages()
  const folder = temporaryFolder()
  const data = path.join(`${folder}`, 'data')
  let running = await serve(data, args, env)
  const { url } = running
  const { port } = new URL(url)
  return {
    url,
    ...askingOf(url),
    async kill() {
      running.child.kill('SIGKILL')
      await running.ended
    },
    async startAgain() {
      running = await serve(data, [...args, '--port', port], env)
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

function requirePages(): void {
  requireBuilt()
  if (!existsSync(new URL('../../../dist/dashboard/index.html', import.meta.url)))
    throw new Error('dist/dashboard is not there: the pages were not built.')
}

/** The requests of a test to an API. */
export function askingOf(
  url: string,
  token?: string,
): Pick<PageServer, 'ask' | 'post' | 'importText' | 'ended'> {
  const authorization: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` }
  async function ask<T>(place: string, init: RequestInit = {}): Promise<T> {
    const headers = { ...authorization, ...(init.headers as Record<string, string> | undefined) }
    const response = await fetch(`${url}${place}`, { ...init, headers })
    const text = await response.text()
    if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${place} answered ${response.status}: ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
  const post = <T>(place: string, body: unknown = {}) =>
    ask<T>(place, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  return {
    ask,
    post,
    async importText(text, fileName = 'book.txt') {
      const upload = await ask<{ id: string }>(`/v1/uploads?fileName=${encodeURIComponent(fileName)}`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: text,
      })
      return post(`/v1/uploads/${upload.id}:confirm`)
    },
    async ended(taskId) {
      const task = () => ask<{ status: string; done: boolean }>(`/v1/tasks/${taskId}`)
      // Most have ended by the time that anybody asks, and need no stream.
      const now = await task()
      if (now.done) return now
      const leaving = new AbortController()
      const following = { headers: authorization, signal: leaving.signal }
      const stream = await fetch(`${url}/v1/tasks/${taskId}/events`, following)
      const ends = /^event: task\.(completed|failed|cancelled|dead-lettered)\ndata: .*"taskId":"([^"]+)"/gm
      try {
        const before = await task()
        if (before.done) return before
        let text = ''
        for await (const part of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) {
          text += part
          if ([...text.matchAll(ends)].some(([, , id]) => id === taskId)) break
        }
        return await task()
      } finally {
        // A stream that is only left unread keeps its connection, and the server would wait for it.
        leaving.abort()
      }
    },
  }
}
