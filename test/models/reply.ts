import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from './ledger.ts'
import type { Answer } from './script.ts'
import { quartersOf, stretchesOf, tokensOf } from './texts.ts'

/** How an answer goes out over HTTP: whole, or as a stream of events. */

/** What is written, and to what. */
export interface Reply {
  readonly response: ServerResponse
  readonly call: Call
  readonly answer: Answer
  /** What is answered where the script says no text. */
  readonly text: string
  /** Whether the client asked for tokens at the end of a stream. */
  readonly wantsUsage: boolean
  /** Aborted when the connection is gone. */
  readonly gone: AbortSignal
  /** Resolves when a text that is held may go on. */
  readonly released: () => Promise<void>
}

/** An error as a provider tells it. */
interface Refusal {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}

/** Answers a request as scripted, and notes in the call what was sent. */
export async function reply(it: Reply): Promise<void> {
  const { answer, gone } = it
  if (answer.firstMs !== undefined) await pause(answer.firstMs, gone)
  const refusal = refusalFor(answer, it.call)
  if (refusal !== undefined) return refuse(it, refusal)
  if (answer.is === 'redirect') {
    it.call.status = 302
    it.response.writeHead(302, { location: answer.to }).end()
    return
  }
  if (answer.is === 'stalled' && answer.after === 0) return forever(gone)
  return it.call.streamed ? stream(it) : whole(it)
}

function refusalFor(answer: Answer, { model, inputTokens }: Call): Refusal | undefined {
  switch (answer.is) {
    case 'rate-limited': {
      const { retryAfter, headers = {} } = answer
      const told = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
      return problem(429, 'rate_limit_exceeded', 'Rate limit reached. Please slow down.', {
        ...told,
        ...headers,
      })
    }
    case 'quota-gone':
      return problem(
        429,
        'insufficient_quota',
        'You exceeded your current quota; check your plan and billing.',
      )
    case 'failed':
      return {
        status: answer.status ?? 500,
        headers: { 'content-type': 'text/html' },
        body: '<html><body><h1>Something broke</h1></body></html>',
      }
    case 'wrong-key':
      return problem(401, 'invalid_api_key', 'Incorrect API key provided.')
    case 'unknown-model':
      return problem(
        404,
        'model_not_found',
        `The model ${model} does not exist or you do not have access to it.`,
      )
    case 'context-exceeded':
      return problem(
        400,
        'context_length_exceeded',
        `This model's maximum context length is ${answer.limit ?? 100} tokens. However, your messages resulted in ${inputTokens} tokens.`,
      )
    case 'bad-request':
      return problem(400, 'invalid_request_error', 'Unrecognised request argument supplied: temperature.')
    default:
      return undefined
  }
}

function problem(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Refusal {
  return { status, headers, body: { error: { message, type: 'error', param: null, code } } }
}

function refuse({ response, call }: Reply, { status, headers = {}, body }: Refusal): void {
  call.status = status
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

/** The text of an answer and why it ends. */
function contentOf({ call, answer, text: own }: Reply): { text: string; finish: string } {
  const text = 'text' in answer && answer.text !== undefined ? answer.text : own
  switch (answer.is) {
    case 'text':
      return { text, finish: answer.finish ?? 'stop' }
    case 'empty':
      return { text: '', finish: 'stop' }
    case 'filtered':
      return { text: answer.text ?? '', finish: 'content_filter' }
    case 'truncated':
      return { text, finish: 'length' }
    case 'huge':
      return { text: call.streamed ? '' : hugeStretches(answer.bytes).join(''), finish: 'stop' }
    default:
      return { text, finish: 'stop' }
  }
}

/** Stretches of 4,000 bytes. */
function hugeStretches(bytes = 10_000_000): readonly string[] {
  return Array.from({ length: Math.ceil(bytes / 4_000) }, () =>
    'All work and no play. '.repeat(182).slice(0, 4_000),
  )
}

/** What a model says that declines. */
const refusal = 'I am sorry, but I cannot help with that.'

async function whole(it: Reply): Promise<void> {
  const { response, call, answer, gone } = it
  if (answer.is === 'stalled') return forever(gone)
  if (answer.is === 'cut') return cut(response, '{"id":"chatcmpl-1","choices":[')
  const { text, finish } = contentOf(it)
  call.text = answer.is === 'refused' ? refusal : text
  call.outputTokens = tokensOf(call.text)
  const message =
    answer.is === 'refused'
      ? { role: 'assistant', content: null, refusal }
      : { role: 'assistant', content: answer.is === 'filtered' ? (answer.text ?? null) : text }
  const body = JSON.stringify({
    ...envelope(call, 'chat.completion'),
    choices: [{ index: 0, message, finish_reason: finish }],
    ...(answer.is === 'text' && answer.usage === false ? {} : { usage: usageOf(call, answer) }),
  })
  response.writeHead(200, { 'content-type': 'application/json' })
  if (answer.is === 'garbage') response.end('{"this is":"not an answer"}')
  else if (answer.is === 'half-json') response.end(body.slice(0, body.length / 2))
  else await finished(response, call, body)
}

async function stream(it: Reply): Promise<void> {
  const { response, call, answer, gone } = it
  const { text, finish } = contentOf(it)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  if (answer.is === 'garbage')
    return void response.end('data: {"this is":"not an answer"}\n\ndata: [DONE]\n\n')
  const send = (event: object) => write(it, `data: ${JSON.stringify(event)}\n\n`)
  const delta = (change: object, reason: string | null = null) =>
    send({
      ...envelope(call, 'chat.completion.chunk'),
      choices: [{ index: 0, delta: change, finish_reason: reason }],
    })
  await delta({ role: 'assistant', content: '' })
  if (answer.is === 'refused') {
    call.text = refusal
    call.outputTokens = tokensOf(refusal)
    await delta({ refusal })
  } else {
    const last = await sendText(it, text, delta)
    if (last !== 'sent') return last === 'stalled' ? forever(gone) : cut(response, 'data: {"id":"chat')
  }
  if (answer.is === 'half-json') return void response.end('data: {"id":"chatcmpl-1","choices":[{"ind\n\n')
  if (answer.is === 'error-event')
    return send({ error: { message: 'The server had an error.', type: 'server_error', code: null } }).then(
      () => void response.end(),
    )
  if (answer.is === 'no-finish') return void response.end()
  await delta({}, finish)
  if (it.wantsUsage && !(answer.is === 'text' && answer.usage === false))
    await send({ ...envelope(call, 'chat.completion.chunk'), choices: [], usage: usageOf(call, answer) })
  await finished(response, call, 'data: [DONE]\n\n')
}

/** Streams the text; tells how that ended. */
async function sendText(
  { call, answer, gone, released }: Reply,
  text: string,
  delta: (change: object) => Promise<void>,
): Promise<'sent' | 'stalled' | 'cut'> {
  const stretches = answer.is === 'huge' ? hugeStretches(answer.bytes) : stretchesOf(text)
  let quarters = 0
  for (const [at, content] of stretches.entries()) {
    if ((answer.is === 'stalled' || answer.is === 'cut') && at >= (answer.after ?? 2)) return answer.is
    if (answer.chunkMs !== undefined) await pause(answer.chunkMs, gone)
    if (answer.heldAt?.includes(at) === true) await Promise.race([released(), forever(gone)])
    gone.throwIfAborted()
    await delta({ content })
    call.text += content
    quarters += quartersOf(content)
    call.outputTokens = Math.ceil(quarters / 4)
  }
  return 'sent'
}

async function write({ response, answer, gone }: Reply, text: string): Promise<void> {
  const bytes = Buffer.from(text)
  const size = answer.is === 'text' && answer.torn === true ? 7 : bytes.length
  for (let at = 0; at < bytes.length; at += size) {
    gone.throwIfAborted()
    const isTaken = response.write(bytes.subarray(at, at + size))
    if (size < bytes.length) await sleep(0)
    else if (!isTaken) await drained(response, gone)
  }
}

function drained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(gone.reason)
    gone.addEventListener('abort', leave, { once: true })
    response.once('drain', () => {
      gone.removeEventListener('abort', leave)
      resolve()
    })
  })
}

function finished(response: ServerResponse, call: Call, end: string): Promise<void> {
  return new Promise(resolve => {
    response.once('close', resolve)
    response.end(end, () => {
      call.whole = true
      resolve()
    })
  })
}

/** Half of something, and then nothing. */
function cut(response: ServerResponse, half: string): void {
  if (!response.headersSent)
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 10_000 })
  response.write(half, () => response.destroy())
}

function forever(gone: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    gone.addEventListener('abort', () => reject(gone.reason), { once: true })
  })
}

async function pause(ms: number, gone: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: gone })
}

function envelope({ id, model, startedAt }: Call, object: string) {
  return { id: `chatcmpl-${id}`, object, created: Math.floor(startedAt / 1_000), model }
}

function usageOf({ inputTokens, outputTokens }: Call, answer: Answer) {
  const told = answer.is === 'text' && typeof answer.usage === 'number' ? answer.usage : inputTokens
  return {
    prompt_tokens: told,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    ...(answer.is === 'text' && answer.cached !== undefined && cachedOf(answer.cached)),
  }
}

function cachedOf({ tokens, as }: { readonly tokens: number; readonly as?: 'hit' }) {
  return as === 'hit'
    ? { prompt_cache_hit_tokens: tokens }
    : { prompt_tokens_details: { cached_tokens: tokens } }
}
