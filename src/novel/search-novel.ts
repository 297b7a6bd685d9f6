import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { EmbeddingModel } from '../ai/model.ts'
import { ModelError } from '../ai/model-error.ts'
import { QuillworkError, type RateLimiter } from '../index.ts'
import type { NovelSearch, SearchAnswer, VectorKind } from './library/passage-index.ts'
import { type NovelServices, nowOf } from './services.ts'

/** Why a hybrid index was searched by words alone. */
export interface Degraded {
  readonly reason: 'model-not-configured' | 'model-changed' | 'model-busy' | 'model-failed' | 'index-changed'
  /** For a person: what is the matter, and what to do. */
  readonly message: string
}

/** The answer of a search. */
export interface NovelSearchAnswer extends SearchAnswer {
  /** Id of the model whose vectors were compared; of a hybrid answer. */
  readonly model?: string
  /** Absent where all of the index answered. */
  readonly degraded?: Degraded
}

/** What a search works with. */
export interface SearchServices extends Pick<NovelServices, 'library'> {
  readonly now?: (() => number) | undefined
  readonly models: Pick<NovelServices['models'], 'embeddingModel'>
  /** The limits that the tasks keep, too. */
  readonly limiter: Pick<RateLimiter, 'acquire' | 'park' | 'withdraw' | 'onCapacity'>
}

/** Who searches what. */
export interface SearchRequest extends Omit<NovelSearch, 'vector'> {
  readonly userId: string
  readonly novelId: string
}

/** How long a search waits for its turn under the limit of a model, and for the vector of the query, milliseconds. */
const longestTurnMs = 2_000
const longestCallMs = 5_000

/**
 * Searches a novel: by words, and by meaning where its index has vectors and their model answers in time. An answer by words alone
 * from such an index says why. The query is one call of the model, under its limits. Throws NOVEL_NOT_FOUND, OPTION_INVALID.
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
  const message = 'The index was built anew during the search; search again.'
  return { ...answer, degraded: { reason: 'index-changed', message } }
}

type Query = Pick<SearchRequest, 'query' | 'userId' | 'signal'>

async function queryVector(
  services: SearchServices,
  kind: VectorKind,
  search: Query,
): Promise<Float32Array | Degraded> {
  const model = modelOf(services, kind)
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

/** The provider takes no call until then; one that is only ill for a while holds nobody else up. */
function isRefusalOfAll(error: unknown): error is ModelError & { retryAfterMs: number } {
  return (
    error instanceof ModelError && error.code === 'MODEL_RATE_LIMITED' && error.retryAfterMs !== undefined
  )
}

/** The model that made the vectors of an index. */
function modelOf({ models }: SearchServices, kind: VectorKind): EmbeddingModel | Degraded {
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

/** Throws what the model throws, and a TimeoutError after five seconds. */
async function embedQuery(
  services: SearchServices,
  model: EmbeddingModel,
  { query, userId, signal }: Query,
): Promise<Float32Array | Degraded> {
  const cost = model.countTokens(query, 'query')
  const turn = await takeTurn(services, { key: model.limit, cost, userId, signal })
  if (turn === undefined) {
    return degraded(
      'model-busy',
      `The limits of ${model.id} leave no room for the query now; search again later.`,
    )
  }
  let tokens = 0
  try {
    const late = AbortSignal.timeout(longestCallMs)
    const stop = signal === undefined ? late : AbortSignal.any([signal, late])
    const { vectors, usage } = await model.embed([query], {
      purpose: 'query',
      signal: stop,
      onPartialUsage: used => {
        tokens = used.inputTokens
      },
    })
    tokens = usage?.inputTokens ?? cost
    const [vector] = vectors
    return vector ?? degraded('model-failed', `${model.id} answered no vector.`)
  } finally {
    turn.commit(tokens)
  }
}

/** A place under a limit; undefined where there is none within two seconds. */
async function takeTurn(
  services: SearchServices,
  {
    key,
    cost,
    userId,
    signal,
  }: { key: string; cost: number; userId: string; signal: AbortSignal | undefined },
) {
  const { limiter } = services
  // Somebody sits in front of it: searches take turns with all tasks, not only with those of the same user.
  const asker = { ticket: `search/${randomUUID()}`, flow: `search\n${userId}` }
  const giveUpAt = performance.now() + longestTurnMs
  for (;;) {
    const answer = await limiter.acquire({ ...asker, key, cost })
    if (answer.granted) return answer.reservation
    const waitMs = Math.max(1, answer.until - nowOf(services))
    if (signal?.aborted === true || performance.now() + waitMs > giveUpAt) {
      await limiter.withdraw(key, asker.ticket)
      return undefined
    }
    await turnOrTime(limiter, { key, ticket: asker.ticket, waitMs })
  }
}

/** Until the ticket is called, at most for so many milliseconds. */
async function turnOrTime(
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
    // It is its turn.
  } finally {
    stop()
  }
}

function degraded(reason: Degraded['reason'], message: string): Degraded {
  return { reason, message }
}
