import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { EmbeddingModel } from '../ai/model.ts'
import { ModelError } from '../ai/model-error.ts'
import { QuillworkError, type RateLimiter } from '../index.ts'
import type { NovelSearch, SearchAnswer, VectorKind } from './library/passage-index.ts'
import { queryText } from './models/embed-texts.ts'
import { type NovelModels, type NovelServices, nowOf } from './services.ts'

/** The reason why a search in a hybrid index used words alone. */
export interface Degraded {
  readonly reason: 'model-not-configured' | 'model-changed' | 'model-busy' | 'model-failed' | 'index-changed'
  /** The problem and its remedy, for a person. */
  readonly message: string
}

/** The result of a search. */
export interface NovelSearchAnswer extends SearchAnswer {
  /** Id of the model whose vectors were compared, in a hybrid search. */
  readonly model?: string
  /** Absent where the search used the whole index. */
  readonly degraded?: Degraded
}

/** The services of a search. */
export interface SearchServices extends Pick<NovelServices, 'library'> {
  readonly now?: (() => number) | undefined
  readonly models: Pick<NovelModels, 'embeddingModel'>
  /** The rate limiter of the tasks. */
  readonly limiter: Pick<RateLimiter, 'acquire' | 'park' | 'withdraw' | 'onCapacity'>
}

/** A request for a search. */
export interface SearchRequest extends Omit<NovelSearch, 'vector'> {
  readonly userId: string
  readonly novelId: string
}

/** Longest wait for a grant under the rate limit of a model, and for the vector of the query, milliseconds. */
const longestWaitMs = 2_000
const longestCallMs = 5_000

/**
 * Searches a novel: by words, and by meaning where its index has vectors and their model responds in time. Otherwise the result has the
 * reason in `degraded`. The query is one model call, under its limits. Throws NOVEL_NOT_FOUND, OPTION_INVALID.
 */
export async function searchNovel(
  services: SearchServices,
  { userId, novelId, ...search }: SearchRequest,
): Promise<NovelSearchAnswer> {
  const { index } = services.library
  const { vectors: kind } = await index.state(userId, novelId)
  if (kind === undefined) return index.search(userId, novelId, search)
  const asked = await queryVector(services, kind, { ...search, userId })
  search.signal?.throwIfAborted()
  if ('reason' in asked) return { ...(await index.search(userId, novelId, search)), degraded: asked }
  const answer = await index.search(userId, novelId, { ...search, vector: { kind, values: asked } })
  if (answer.index === 'hybrid') return { ...answer, model: kind.model }
  const message = 'The index was rebuilt during the search; search again.'
  return { ...answer, degraded: { reason: 'index-changed', message } }
}

type Query = Pick<SearchRequest, 'query' | 'userId' | 'signal'>

/** Makes the vector of a query for an index with vectors of a kind, or says why there is none. */
export type QueryVectors = (kind: VectorKind, query: string) => Promise<Float32Array | Degraded>

/** Returns the vector of a query, for a person who waits. Throws the signal's reason. */
export async function queryVector(
  services: SearchServices,
  kind: VectorKind,
  search: Query,
): Promise<Float32Array | Degraded> {
  const model = modelOfVectors(services, kind)
  if ('reason' in model) return model
  try {
    return await embedQuery(services, model, search)
  } catch (error) {
    search.signal?.throwIfAborted()
    if (isRefusalOfAll(error)) await services.limiter.park(model.limit, nowOf(services) + error.retryAfterMs)
    return degraded(
      'model-failed',
      error instanceof QuillworkError
        ? error.message
        : `${model.id} gave no vector within ${longestCallMs / 1_000} seconds.`,
    )
  }
}

/** Whether the provider refuses all calls for a known time. Other errors must not delay other callers. */
function isRefusalOfAll(error: unknown): error is ModelError & { retryAfterMs: number } {
  return (
    error instanceof ModelError && error.code === 'MODEL_RATE_LIMITED' && error.retryAfterMs !== undefined
  )
}

/** Returns the model that made the vectors of an index. */
export function modelOfVectors(
  { models }: Pick<SearchServices, 'models'>,
  kind: VectorKind,
): EmbeddingModel | Degraded {
  try {
    const model = models.embeddingModel(kind.model)
    if (model.space === kind.space && model.dimensions === kind.dimensions) return model
    return degraded(
      'model-changed',
      `The vectors of the index were made by ${kind.space} with ${kind.dimensions} dimensions, and ${kind.model} is now ${model.space} with ${model.dimensions}; they are never compared. Run Vectorize on the novel again.`,
    )
  } catch (error) {
    const why = error instanceof QuillworkError ? `: ${error.message}` : '.'
    return degraded('model-not-configured', `The model ${kind.model} made the vectors of the index${why}`)
  }
}

/** Returns the vector of a query. Throws what the model throws, and a TimeoutError after five seconds. */
async function embedQuery(
  services: SearchServices,
  model: EmbeddingModel,
  { query: given, userId, signal }: Query,
): Promise<Float32Array | Degraded> {
  const query = queryText(model, given)
  const cost = model.countTokens(query, 'query')
  const grant = await acquire(services, { key: model.limit, cost }, { userId, signal })
  if (grant === undefined) {
    return degraded(
      'model-busy',
      `The limits of ${model.id} leave no capacity for the query now; search again later.`,
    )
  }
  let tokens = 0
  let isAnswered = false
  try {
    const late = AbortSignal.timeout(longestCallMs)
    const stop = signal === undefined ? late : AbortSignal.any([signal, late])
    const { vectors, usage } = await model.embed([query], {
      purpose: 'query',
      signal: stop,
      onPartialUsage: (used, hasArrived) => {
        tokens = used.inputTokens
        isAnswered = hasArrived
      },
    })
    tokens = usage?.inputTokens ?? cost
    isAnswered = true
    const [vector] = vectors
    return vector ?? degraded('model-failed', `${model.id} returned no vector.`)
  } finally {
    grant.commit(tokens, isAnswered)
  }
}

/** Returns a grant under a rate limit; undefined where it gives none within two seconds. */
async function acquire(
  services: SearchServices,
  { key, cost }: { key: string; cost: number },
  { userId, signal }: { userId: string; signal: AbortSignal | undefined },
) {
  const { limiter } = services
  // A person waits for the result: searches compete with all tasks, not only with those of the same user.
  const asker = { ticket: `search/${randomUUID()}`, flow: `search\n${userId}` }
  const giveUpAt = performance.now() + longestWaitMs
  for (;;) {
    const answer = await limiter.acquire({ ...asker, key, cost })
    if (answer.granted) return answer.reservation
    const waitMs = Math.max(1, answer.until - nowOf(services))
    if (signal?.aborted === true || performance.now() + waitMs > giveUpAt) {
      await limiter.withdraw(key, asker.ticket)
      return undefined
    }
    await grantOrTimeout(limiter, { key, ticket: asker.ticket, waitMs })
  }
}

/** Resolves when the limit may grant the ticket, at the latest after `waitMs`. */
async function grantOrTimeout(
  limiter: SearchServices['limiter'],
  { key, ticket, waitMs }: { key: string; ticket: string; waitMs: number },
): Promise<void> {
  const called = new AbortController()
  const stop = limiter.onCapacity((freeKey, freeTicket) => {
    if (freeKey === key && freeTicket === ticket) called.abort()
  })
  try {
    await setTimeout(waitMs, undefined, { signal: called.signal })
  } catch {
    // The limit has called the ticket.
  } finally {
    stop()
  }
}

/** Returns why words alone are used. */
export function degraded(reason: Degraded['reason'], message: string): Degraded {
  return { reason, message }
}
