import type { EmbeddingModelV3 } from '@ai-sdk/provider'
import { type Clock, systemClock } from '../../runtime/clock.ts'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { Usage } from '../../task/paid-call.ts'
import type { EmbeddingModel, EmbeddingPurpose, Embeddings, EmbedOptions } from '../model.ts'
import { type Access, limitKeyOf, type ModelConfig } from './config.ts'
import { plainError } from './messages.ts'
import { isFree, modelErrorOf } from './model-error-of.ts'
import { type Connection, connectionTo, loadEmbeddingModel, loadForCalls } from './sdk.ts'
import { believed, costAt, countTokens, mostTokensOf, pricedUsage } from './tokens.ts'
import { withinWaits } from './within-waits.ts'

/** Every provider takes that many texts in one call: Google's most. */
const maxTexts = 100

/** The model that is asked. */
interface Asked {
  readonly id: string
  readonly dimensions: number
  readonly connection: Connection
  readonly clock: Clock
  load(purpose: EmbeddingPurpose): Promise<EmbeddingModelV3>
}

/** One call on its way. */
interface Call {
  readonly asked: Asked
  /** As they are sent. */
  readonly texts: readonly string[]
  readonly purpose: EmbeddingPurpose
  /** Whether the provider may have been asked. */
  isSent: boolean
  /** Tokens as the provider counts them. */
  counted?: number
}

/**
 * An embedding model of a provider. The SDK loads with the first call. Throws as `createLanguageModel`, and `CONFIG_INVALID` for a
 * model without dimensions or a provider without embedding models.
 */
export function createEmbeddingModel(
  id: string,
  config: ModelConfig,
  access: Access & { readonly clock?: Clock },
): EmbeddingModel {
  const connection = connectionTo(id, config, access)
  if (config.provider === 'anthropic')
    throw unfit(
      `Model "${id}" cannot make vectors: Anthropic has no embedding models. Take another provider.`,
    )
  const { dimensions } = config
  if (dimensions === undefined)
    throw unfit(`Model "${id}" makes vectors, so it needs dimensions: the length of a vector.`)
  const loading: Partial<Record<EmbeddingPurpose, Promise<EmbeddingModelV3>>> = {}
  const load = (purpose: EmbeddingPurpose) => {
    loading[purpose] ??= loadEmbeddingModel(connection, nameFor(config, purpose))
    return loading[purpose]
  }
  const asked: Asked = { id, dimensions, connection, clock: access.clock ?? systemClock, load }
  return {
    id,
    space: spaceOf(config),
    dimensions,
    maxTexts,
    limit: limitKeyOf(config),
    ...defined({ maxTokens: config.limits?.tokensPerMinute, price: config.price }),
    countTokens: (text, purpose = 'passage') => countTokens(sent(config, purpose, text)),
    costOf: tokens => costAt(config.price, tokens),
    prepare: () => loadForCalls(connection, () => load('passage')),
    embed: (texts, options) => embed(asked, texts, options),
  }
}

/** Vectors of passages that were marked in another way are not compared either; how queries are marked changes none of them. */
function spaceOf({ provider, model, passage = {} }: ModelConfig): string {
  const { prefix, taskType } = passage
  return [provider, model, ...[taskType, prefix].filter(part => part !== undefined)].join(':')
}

function nameFor({ model, query }: ModelConfig, purpose: EmbeddingPurpose): string {
  return purpose === 'query' ? (query?.model ?? model) : model
}

function sent(config: ModelConfig, purpose: EmbeddingPurpose, text: string): string {
  return `${config[purpose]?.prefix ?? ''}${text}`
}

async function embed(
  asked: Asked,
  texts: readonly string[],
  { signal, onPartialUsage, purpose = 'passage' }: EmbedOptions = {},
): Promise<Embeddings> {
  if (texts.length > maxTexts)
    throw new QuillworkError(
      'OPTION_INVALID',
      `One call takes at most ${maxTexts} texts, and was given ${texts.length}.`,
    )
  if (texts.length === 0) return { vectors: [] }
  const { config } = asked.connection
  const { total } = config.timeouts
  // The answer comes in one piece, so one wait is all there is.
  const timeouts = { first: total, idle: total, total }
  const waits = { model: asked.id, timeouts, clock: asked.clock, signal }
  const call: Call = { asked, texts: texts.map(text => sent(config, purpose, text)), purpose, isSent: false }
  try {
    const embeddings = await withinWaits(waits, ({ stop }) => ask(call, stop))
    return { vectors: vectorsOf(asked, texts, embeddings), usage: usageOf(call) }
  } catch (error) {
    if (call.isSent && !isFree(error)) onPartialUsage?.(usageOf(call), call.counted !== undefined)
    throw error
  }
}

async function ask(call: Call, stop: AbortSignal): Promise<readonly (readonly number[])[]> {
  const { asked, texts, purpose } = call
  const model = await asked.load(purpose)
  const taskType = asked.connection.config[purpose]?.taskType
  const { embedMany } = await import('ai')
  stop.throwIfAborted()
  globalThis.AI_SDK_LOG_WARNINGS = false
  call.isSent = true
  try {
    const { embeddings, usage } = await embedMany({
      model,
      values: [...texts],
      maxRetries: 0,
      abortSignal: stop,
      ...(taskType && { providerOptions: { google: { taskType } } }),
    })
    call.counted = usage.tokens
    return embeddings
  } catch (error) {
    const { id, clock } = asked
    throw modelErrorOf(error, { model: id, answered: false, now: clock.now() })
  }
}

/** Vectors that can be stored beside others of the model. */
function vectorsOf(
  { id, dimensions }: Asked,
  texts: readonly string[],
  embeddings: readonly (readonly number[])[],
): Float32Array[] {
  const vectors = embeddings.map(embedding => Float32Array.from(embedding))
  const isWhole = vectors.length === texts.length && vectors.every(vector => vector.every(Number.isFinite))
  if (!isWhole) throw plainError('MODEL_ANSWER_MALFORMED', id)
  const other = vectors.find(vector => vector.length !== dimensions)
  if (other === undefined) return vectors
  throw unfit(
    `Model "${id}" answers vectors of length ${other.length}, and its dimensions are set to ${dimensions}. Correct the setting.`,
  )
}

/** What a call has used: the provider's number where it gives one that can be right, else an estimate, which is marked where it gave another. */
function usageOf({ asked: { id, connection }, texts, counted }: Call): Usage {
  const { count, isTooHigh } = believed(counted, mostTokensOf(...texts))
  const inputTokens = count ?? texts.reduce((sum, text) => sum + countTokens(text), 0)
  return pricedUsage({ id, price: connection.config.price }, { inputTokens, outputTokens: 0 }, isTooHigh)
}

function unfit(message: string): QuillworkError {
  return new QuillworkError('CONFIG_INVALID', message)
}
