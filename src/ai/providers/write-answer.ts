import type { LanguageModelV3 } from '@ai-sdk/provider'
import type { Clock } from '../../runtime/clock.ts'
import type { TextAnswer, TextRequest, WriteOptions } from '../model.ts'
import { ModelError, type ModelErrorCode } from '../model-error.ts'
import { type Deadlines, watchDeadlines } from './deadlines.ts'
import { type Heard, hear, nothingHeard } from './heard.ts'
import { judge } from './judge.ts'
import { messageFor } from './messages.ts'
import { echoes, modelErrorOf } from './model-error-of.ts'
import type { Connection } from './sdk.ts'
import { usageOf } from './usage.ts'

/** The model that is asked. */
export interface Asked {
  readonly id: string
  readonly connection: Connection
  readonly clock: Clock
  load(): Promise<LanguageModelV3>
}

/** One call on its way. */
interface Call {
  readonly asked: Asked
  readonly request: TextRequest
  readonly options: WriteOptions
  readonly heard: Heard
  readonly deadlines: Deadlines
  /** Ends the connection. */
  readonly stop: AbortController
}

/** Asks once and listens until the end. What does not end as a whole answer is an error, and what it used is told first. */
export async function writeAnswer(
  asked: Asked,
  request: TextRequest,
  options: WriteOptions = {},
): Promise<TextAnswer> {
  const { signal } = options
  signal?.throwIfAborted()
  const model = await asked.load()
  const stop = new AbortController()
  // Without a reason: with one, the SDK takes the abort for an error of the connection.
  const close = () => stop.abort()
  const deadlines = watchDeadlines(asked.connection.config.timeouts, asked.clock, close)
  const call: Call = { asked, request, options, heard: nothingHeard(), deadlines, stop }
  signal?.addEventListener('abort', close, { once: true })
  if (signal?.aborted) close()
  try {
    const failure = await listen(call, model)
    if (failure === undefined) return answerOf(call)
    tellPartialUsage(call, failure.is)
    throw failure.is
  } finally {
    deadlines.end()
    signal?.removeEventListener('abort', close)
    close()
  }
}

/** Listens until the stream ends; answers what went wrong, if anything. */
async function listen(call: Call, model: LanguageModelV3): Promise<{ is: unknown } | undefined> {
  const { heard, options, deadlines } = call
  let listener: { is: unknown } | undefined
  let broken: { is: unknown } | undefined
  try {
    for await (const part of await stream(call, model)) {
      if (options.signal?.aborted) break
      const before = heard.thoughts.length
      const text = hear(heard, part)
      if (text !== undefined || heard.thoughts.length > before) deadlines.heard()
      if (heard.error !== undefined || isTooLong(call)) break
      if (text === undefined) continue
      try {
        options.onText?.(text)
      } catch (error) {
        listener = { is: error }
        break
      }
    }
  } catch (error) {
    broken = { is: error }
  }
  return listener ?? failureOf(call, broken)
}

async function stream(call: Call, model: LanguageModelV3) {
  const { streamText } = await import('ai')
  // Its warnings go to the console otherwise.
  globalThis.AI_SDK_LOG_WARNINGS = false
  const { system, prompt } = call.request
  const { maxOutputTokens, temperature } = parametersOf(call)
  return streamText({
    model,
    prompt,
    ...(system === undefined ? {} : { system }),
    maxOutputTokens,
    ...(temperature === undefined ? {} : { temperature }),
    maxRetries: 0,
    abortSignal: call.stop.signal,
    includeRawChunks: true,
    // Errors come as parts too; without a listener the SDK prints them, with the prompt.
    onError: () => undefined,
  }).fullStream
}

/** An abort comes before all that it may have caused; then the waits, then what the connection or the stream says. */
function failureOf(call: Call, broken: { is: unknown } | undefined): { is: unknown } | undefined {
  const { asked, heard, deadlines, options } = call
  const { id, clock, connection } = asked
  if (options.signal?.aborted) return { is: options.signal.reason }
  if (deadlines.missed !== undefined) return { is: stalled(call, deadlines.missed) }
  if (isTooLong(call)) return { is: tooLong(id) }
  const error = broken ?? heard.error
  const finished = heard.finish !== undefined && heard.finish.reason !== 'error'
  if (error !== undefined && !finished) {
    const failed = { model: id, key: connection.key, answered: heard.messages > 0, now: clock.now() }
    return { is: modelErrorOf(error.is, failed) }
  }
  const judged = judge(heard, id)
  return judged === undefined ? undefined : { is: judged }
}

function stalled({ asked }: Call, wait: keyof Connection['config']['timeouts']): ModelError {
  const { timeouts } = asked.connection.config
  const message = messageFor('MODEL_STALLED', { model: asked.id })
  return new ModelError('MODEL_STALLED', `${message} It had ${timeouts[wait]} ms (timeouts.${wait}).`, {
    details: { model: asked.id, wait, ms: timeouts[wait] },
  })
}

/** Characters that an answer may have beyond its tokens: far more than any model makes of one. */
const charactersPerToken = 32
const spareCharacters = 100_000

function isTooLong(call: Call): boolean {
  return call.heard.characters > spareCharacters + parametersOf(call).maxOutputTokens * charactersPerToken
}

function tooLong(model: string): ModelError {
  const message = messageFor('MODEL_ANSWER_MALFORMED', { model })
  return new ModelError(
    'MODEL_ANSWER_MALFORMED',
    `${message} It was far longer than maxOutputTokens allows.`,
    {
      details: { model },
    },
  )
}

function parametersOf({ asked, request }: Call) {
  const { config } = asked.connection
  const temperature = request.temperature ?? config.temperature
  return {
    maxOutputTokens: Math.min(request.maxOutputTokens, config.maxOutputTokens),
    ...(temperature === undefined ? {} : { temperature }),
  }
}

function answerOf(call: Call): TextAnswer {
  const { asked, heard, request } = call
  const { config, key } = asked.connection
  const named = heard.providerModel
  const isName = named !== undefined && /^[\w.:/@+-]{1,200}$/u.test(named) && !echoes(named, key)
  return {
    text: heard.texts.join(''),
    finishReason: heard.finish?.raw ?? 'stop',
    usage: usageOf({ id: asked.id, price: config.price }, request, heard),
    parameters: { providerModel: isName ? named : config.model, ...parametersOf(call) },
  }
}

/** Failures of a request that the provider did not take up: nothing is paid for them. */
const free: ReadonlySet<ModelErrorCode> = new Set([
  'MODEL_RATE_LIMITED',
  'MODEL_UNAVAILABLE',
  'MODEL_CONTEXT_EXCEEDED',
  'MODEL_QUOTA_EXHAUSTED',
  'MODEL_KEY_REJECTED',
  'MODEL_UNKNOWN',
  'MODEL_REQUEST_REFUSED',
  'MODEL_ADDRESS_FORBIDDEN',
])

function tellPartialUsage({ asked, heard, request, options }: Call, failure: unknown): void {
  if (heard.messages === 0 && failure instanceof ModelError && free.has(failure.code)) return
  options.onPartialUsage?.(usageOf({ id: asked.id, price: asked.connection.config.price }, request, heard))
}
