import type { LanguageModelV3 } from '@ai-sdk/provider'
import type { TextStreamPart, ToolSet } from 'ai'
import { type Clock, systemClock } from '../../runtime/clock.ts'
import { defined } from '../../task/defined.ts'
import type { Usage } from '../../task/paid-call.ts'
import type { LanguageModel, TextAnswer, TextRequest, WriteOptions } from '../model.ts'
import { ModelError, type ModelErrorCode } from '../model-error.ts'
import { type Accumulator, accumulate, accumulateEnd, emptyAccumulator, usageOf } from './accumulator.ts'
import { type Access, limitKeyOf, type ModelConfig, timeoutsFor } from './config.ts'
import { plainError } from './messages.ts'
import { isFree, modelErrorOf } from './model-error-of.ts'
import { type Connection, connectionTo, loadForCalls, loadLanguageModel } from './sdk.ts'
import { type CachePrice, costAt, countTokens, promptTokens } from './tokens.ts'
import { Window } from './window.ts'
import { type Waits, withinWaits } from './within-waits.ts'

/**
 * A language model of a provider. The SDK loads with the first call. Throws `PROVIDER_NOT_CONFIGURED` where the address or the key that
 * its provider needs is missing or cannot be used.
 */
export function createLanguageModel(
  id: string,
  config: ModelConfig,
  access: Access & { readonly clock?: Clock },
): LanguageModel {
  const connection = connectionTo(id, config, access)
  let loading: Promise<LanguageModelV3> | undefined
  const load = () => {
    loading ??= loadLanguageModel(connection)
    return loading
  }
  const asked: Asked = { id, connection, clock: access.clock ?? systemClock, load }
  const window = new Window(connection)
  return {
    id,
    limit: limitKeyOf(config),
    get contextTokens() {
      return window.tokens
    },
    maxOutputTokens: config.maxOutputTokens,
    ...defined({ thinkingTokens: config.thinkingTokens, price: config.price }),
    fallbacks: config.fallbacks,
    countTokens,
    costOf: tokens => costAt(priceOf(config), tokens),
    prepare: async () => {
      await Promise.all([loadForCalls(connection, load), window.read()])
    },
    async write(request, options) {
      try {
        return await writeAnswer(asked, request, options)
      } catch (error) {
        const named = windowIn(error)
        if (named !== undefined) window.refusedAbove(named)
        throw error
      }
    },
  }
}

/** Returns the window that a provider names where it refuses a request as too long. */
function windowIn(error: unknown): number | undefined {
  if (!(error instanceof ModelError) || error.code !== 'MODEL_CONTEXT_EXCEEDED') return undefined
  const limit = error.details?.['limit']
  return typeof limit === 'number' ? limit : undefined
}

/** The model that is asked. */
interface Asked {
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
  readonly accumulator: Accumulator
}

/** Asks once and listens until the end. What does not end as a whole answer is an error, and what it used is reported first. */
async function writeAnswer(
  asked: Asked,
  request: TextRequest,
  options: WriteOptions = {},
): Promise<TextAnswer> {
  const call: Call = { asked, request, options, accumulator: emptyAccumulator() }
  const timeouts = timeoutsFor(asked.connection.config.timeouts, promptTokens({ countTokens }, request))
  try {
    await withinWaits({ model: asked.id, timeouts, clock: asked.clock, signal: options.signal }, waits =>
      listen(call, waits),
    )
    return answerOf(call)
  } catch (error) {
    reportPartialUsage(call, error)
    throw error
  }
}

/** Listens until the stream ends. Throws what makes the answer none. */
async function listen(call: Call, waits: Waits): Promise<void> {
  const { asked, accumulator, options } = call
  const model = await asked.load()
  // Text that arrives after the end of its call is dropped.
  const notify = (text: string | undefined) => {
    if (text !== undefined && !waits.stop.aborted) options.onText?.(text)
  }
  for await (const part of readable(call, await open(call, model, waits.stop))) {
    const before = accumulator.characters
    const text = accumulate(accumulator, part)
    if (accumulator.characters > before) waits.arrived()
    if (accumulator.error !== undefined) throw errorOf(call, accumulator.error.is)
    if (isTooLong(call)) throw plainError('MODEL_ANSWER_MALFORMED', asked.id, tooLong)
    notify(text)
  }
  notify(accumulateEnd(accumulator))
  const fault = faultIn(accumulator)
  if (fault !== undefined) throw plainError(fault, asked.id)
}

async function open(call: Call, model: LanguageModelV3, stop: AbortSignal) {
  const { asked } = call
  const { streamText } = await import('ai')
  stop.throwIfAborted()
  // Its warnings go to the console otherwise.
  globalThis.AI_SDK_LOG_WARNINGS = false
  call.accumulator.asked = true
  return streamText({
    model,
    ...asMessages(asked.connection.config, call.request),
    ...parametersOf(call),
    maxRetries: 0,
    abortSignal: stop,
    includeRawChunks: true,
    // Errors come as parts too; without a listener the SDK prints them, with the prompt.
    onError: () => undefined,
  }).fullStream
}

/** What Anthropic charges for input that it is asked to keep, of what it charges for other input. */
const writeFactor = 1.25

/** Returns the price of a model, with that of writing to its cache. */
function priceOf({ provider, price }: ModelConfig): CachePrice | undefined {
  if (price === undefined || provider !== 'anthropic') return price
  return { ...price, cacheWrite: price.input * writeFactor }
}

const kept = { anthropic: { cacheControl: { type: 'ephemeral' } } } as const

/** Returns the messages of a request. Anthropic keeps the beginning of a prompt where it is asked to, at the end of what it is to keep; others do so by themselves. */
function asMessages({ provider }: ModelConfig, { system, prompt, stableEnds = [] }: TextRequest) {
  const ends = stableEnds.filter((end, at) => prompt.slice(stableEnds[at - 1] ?? 0, end).trim() !== '')
  const last = ends.at(-1)
  if (provider !== 'anthropic' || last === undefined) return { prompt, ...defined({ system }) }
  const stable = ends.map((end, at) => ({
    ...({ type: 'text', text: prompt.slice(ends[at - 1] ?? 0, end) } as const),
    providerOptions: kept,
  }))
  const rest = { type: 'text', text: prompt.slice(last) } as const
  const content = rest.text.trim() === '' ? stable : [...stable, rest]
  return { messages: [{ role: 'user', content } as const], ...defined({ system }) }
}

/** The same parts; what breaks the stream is an error of ours. */
async function* readable(
  call: Call,
  parts: AsyncIterable<TextStreamPart<ToolSet>>,
): AsyncGenerator<TextStreamPart<ToolSet>> {
  try {
    yield* parts
  } catch (error) {
    throw errorOf(call, error)
  }
}

function errorOf({ asked, accumulator }: Call, error: unknown): ModelError {
  const { id, clock } = asked
  return modelErrorOf(error, { model: id, answered: accumulator.messages > 0, now: clock.now() })
}

/** Characters that an answer may have beyond its tokens: far more than any model makes of one. */
const charactersPerToken = 32
const spareCharacters = 100_000
const tooLong = ' It was far longer than maxOutputTokens allows.'

function isTooLong(call: Call): boolean {
  const most = spareCharacters + parametersOf(call).maxOutputTokens * charactersPerToken
  return call.accumulator.characters > most
}

function parametersOf({ asked, request }: Call) {
  const { config } = asked.connection
  const maxOutputTokens = Math.min(request.maxOutputTokens, config.maxOutputTokens)
  return { maxOutputTokens, ...defined({ temperature: request.temperature ?? config.temperature }) }
}

function answerOf(call: Call): TextAnswer {
  const { asked, accumulator } = call
  const { config, key } = asked.connection
  const named = accumulator.providerModel
  const isName = named !== undefined && /^[\w.:/@+-]{1,200}$/u.test(named) && !echoes(named, key)
  return {
    text: accumulator.texts.join(''),
    finishReason: accumulator.finish?.raw ?? 'stop',
    usage: usageFor(call),
    parameters: { providerModel: isName ? named : config.model, ...parametersOf(call) },
  }
}

/** Parts of a key of this length are not reported. */
const longestEcho = 6

/** Whether a text repeats a part of the key. */
function echoes(text: string, key: string | undefined): boolean {
  if (key === undefined) return false
  const plain = (value: string) => value.toLowerCase().replace(/[.-]/gu, '_')
  const secret = plain(key)
  const shown = plain(text)
  if (secret.length <= longestEcho) return shown.includes(secret)
  for (let at = 0; at + longestEcho <= secret.length; at++) {
    if (shown.includes(secret.slice(at, at + longestEcho))) return true
  }
  return false
}

function reportPartialUsage(call: Call, failure: unknown): void {
  const { accumulator, options } = call
  const { asked, characters, error, messages } = accumulator
  const isAnswered = characters > 0 || (messages > 0 && error === undefined)
  if (asked && (messages > 0 || !isFree(failure))) options.onPartialUsage?.(usageFor(call), isAnswered)
}

function usageFor(call: Call): Usage {
  const { asked, request, accumulator } = call
  const model = { id: asked.id, price: priceOf(asked.connection.config) }
  return usageOf(model, { ...request, ...parametersOf(call) }, accumulator)
}

/** Reasons to end, of servers that have words of their own for it, which say that the model was done. */
const done: ReadonlySet<string> = new Set(
  'eos eos_token end_turn stop_sequence complete completed'.split(' '),
)

/** What is wrong with the answer of a stream that ended in order; undefined for a whole answer. One of another kind must not pass for a text. */
function faultIn(accumulator: Accumulator): ModelErrorCode | undefined {
  const { finish, refused, withheld } = accumulator
  if (withheld) return 'MODEL_ANSWER_FILTERED'
  if (refused || finish?.raw === 'refusal') return 'MODEL_ANSWER_REFUSED'
  switch (finish?.reason) {
    case 'content-filter':
      return 'MODEL_ANSWER_FILTERED'
    case 'length':
      return 'MODEL_ANSWER_TRUNCATED'
    case 'stop':
      return blankOr(accumulator, undefined)
    case 'other':
      // Where nothing is said, the SDK says this.
      if (finish.raw === undefined) return unfinished(accumulator)
      return blankOr(accumulator, done.has(finish.raw.toLowerCase()) ? undefined : 'MODEL_ANSWER_MALFORMED')
    case 'tool-calls':
      return 'MODEL_ANSWER_MALFORMED'
    default:
      return unfinished(accumulator)
  }
}

/** A stream that ended in order, but not its answer. One without a single message was of another kind. */
function unfinished({ messages }: Accumulator): ModelErrorCode {
  return messages === 0 ? 'MODEL_ANSWER_MALFORMED' : 'MODEL_ANSWER_CUT'
}

function blankOr<C>({ texts }: Accumulator, otherwise: C): C | 'MODEL_ANSWER_EMPTY' {
  return texts.some(text => text.trim() !== '') ? otherwise : 'MODEL_ANSWER_EMPTY'
}
