import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { LanguageModel, TextAnswer, TextRequest, WriteOptions } from '../../../src/ai/model.ts'
import type { ModelConfig } from '../../../src/ai/providers/config.ts'
import type { Usage } from '../../../src/task/paid-call.ts'

/** A key that is looked for in everything that leaves a call. */
export const secret = 'sk-S3CRET-mark-8f1d77c0ffee'

/** A model on a server of the test. */
export function configFor(url: string, changes: Partial<ModelConfig> = {}): ModelConfig {
  return {
    provider: 'openai-compatible',
    model: 'scripted',
    uses: ['prose'],
    baseUrl: url,
    account: 'main',
    privateNetwork: true,
    contextTokens: 100_000,
    maxOutputTokens: 4_000,
    fallbacks: [],
    timeouts: { first: 10_000, idle: 10_000, total: 20_000 },
    ...changes,
  }
}

/** What one call led to. */
export interface Outcome {
  readonly answer?: TextAnswer
  readonly error?: unknown
  /** All that `onText` was told. */
  readonly text: string
  readonly partial: readonly Usage[]
  /** With each of them, whether some of an answer had arrived. */
  readonly answered: readonly boolean[]
}

/** Asks once and tells everything that came of it. */
export async function outcomeOf(
  model: LanguageModel,
  request: Partial<TextRequest> = {},
  options: WriteOptions = {},
): Promise<Outcome> {
  const partial: Usage[] = []
  const answered: boolean[] = []
  let text = ''
  const listening: WriteOptions = {
    ...options,
    onText(stretch) {
      text += stretch
      options.onText?.(stretch)
    },
    onPartialUsage(usage, isAnswered) {
      partial.push(usage)
      answered.push(isAnswered)
    },
  }
  try {
    const answer = await model.write(
      { prompt: 'Tell of the ferry.', maxOutputTokens: 1_000, ...request },
      listening,
    )
    return { answer, text, partial, answered }
  } catch (error) {
    return { error, text, partial, answered }
  }
}

/** An HTTP server with one handler. `await using` closes it, with all its connections. */
export async function serving(
  handler: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): Promise<AsyncDisposable & { readonly url: string; readonly port: number }> {
  const server = createServer((request, response) => {
    // A request whose client left before its end is nobody's.
    void text(request).then(
      body => handler(request, response, body),
      () => undefined,
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1`,
    port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** Events of a stream, as they go over the line. */
export function events(...messages: readonly unknown[]): string {
  return messages
    .map(message => `data: ${typeof message === 'string' ? message : JSON.stringify(message)}\n\n`)
    .join('')
}

/** A message of a chat stream. */
export function chunk(delta: object, finish: string | null = null): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'scripted-2026',
    choices: [{ index: 0, delta, finish_reason: finish }],
  }
}

/** A promise that is resolved from outside. */
export function later(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = () => {}
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve: () => resolve() }
}
