import type { Limit } from '../../rate-limit/limiter.ts'
import type { ModelFallback, ModelPrice } from '../model.ts'

/** What speaks to a provider. `openai-compatible`: any server with that API, by its base URL. */
export type ProviderKind = 'openai-compatible' | 'openai' | 'anthropic' | 'google'

/** What a model may be used for. */
export type ModelUse = 'prose' | 'summary' | 'embedding'

/** One configured model, checked, with nothing left open. */
export interface ModelConfig {
  readonly provider: ProviderKind
  /** Name of the model at its provider. */
  readonly model: string
  readonly uses: readonly ModelUse[]
  /** Default: the provider's own. */
  readonly baseUrl?: string
  /** Whose account: models of one account and name share their limits. */
  readonly account: string
  /** Whether the address may be in a private network or on this machine; needed for models that one runs oneself. */
  readonly privateNetwork: boolean
  /** Tokens of prompt and answer together. */
  readonly contextTokens: number
  /** They are not configured: the server is asked where it may tell them. */
  readonly assumesWindow?: true
  readonly maxOutputTokens: number
  /** Of these, what it may think before it writes. */
  readonly thinkingTokens?: number
  /** Length of the vectors of an embedding model. */
  readonly dimensions?: number
  /** How an embedding model learns that a text is one to be searched. */
  readonly passage?: EmbeddedAs
  /** How it learns that a text is a query, where it was trained to treat them differently. */
  readonly query?: EmbeddedAs & {
    /** The name that the model has for these. Default: that of the model. */
    readonly model?: string
  }
  readonly temperature?: number
  readonly price?: ModelPrice
  readonly limits?: Limit
  readonly fallbacks: readonly ModelFallback[]
  readonly timeouts: ConfiguredTimeouts
}

/** How an embedding model learns what a text is for. */
export interface EmbeddedAs {
  /** Stands before the text, as it is: `passage: `. */
  readonly prefix?: string
  /** Google alone: `RETRIEVAL_DOCUMENT`. */
  readonly taskType?: GoogleTaskType
}

/** The task types of Google's embedding API that search has a use for. */
export const googleTaskTypes = [
  'RETRIEVAL_DOCUMENT',
  'RETRIEVAL_QUERY',
  'QUESTION_ANSWERING',
  'SEMANTIC_SIMILARITY',
] as const
export type GoogleTaskType = (typeof googleTaskTypes)[number]

/** Addresses of the providers that have one. */
const homes: Readonly<Record<Exclude<ProviderKind, 'openai-compatible'>, string>> = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
}

/** Returns the address that a model is called at, without a slash at its end; undefined where the configuration has to name it and does not. */
export function baseUrlOf({
  provider,
  baseUrl,
}: Pick<ModelConfig, 'provider' | 'baseUrl'>): string | undefined {
  const url = baseUrl ?? (provider === 'openai-compatible' ? undefined : homes[provider])
  return url?.replace(/\/+$/u, '')
}

/** Key of the limits of a model: the same for all models of one provider, account and name. */
export function limitKeyOf({ provider, account, model }: ModelConfig): string {
  return `${provider}:${account}:${model}`
}

/** As whom a model is called. */
export interface Access {
  /** The key of the account; a server of one's own may need none. */
  readonly key: string | undefined
  /** Default: one that refuses addresses that models may not be called at. */
  readonly fetch?: typeof fetch
}

/** How long a call is waited for, in milliseconds. */
export interface ModelTimeouts {
  /** Until the first stretch of the answer. */
  readonly first: number
  /** Between two stretches. */
  readonly idle: number
  /** For the whole answer. */
  readonly total: number
}

/** The timeouts of a model as they are configured. */
export interface ConfiguredTimeouts extends ModelTimeouts {
  /** What a prompt adds for every 1,000 tokens: a local server may read 25 a second. Nothing is added to a configured timeout. */
  readonly growth?: Partial<Pick<ModelTimeouts, 'first' | 'total'>>
}

/** Returns the timeouts of a call whose prompt has so many tokens. */
export function timeoutsFor({ growth, ...timeouts }: ConfiguredTimeouts, tokens: number): ModelTimeouts {
  const grown = (name: 'first' | 'total') =>
    timeouts[name] + Math.ceil(((growth?.[name] ?? 0) * tokens) / 1_000)
  return { ...timeouts, first: grown('first'), total: grown('total') }
}
