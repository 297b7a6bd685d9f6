import { defined } from '../../task/defined.ts'
import { baseUrlOf, type ModelConfig } from './config.ts'
import type { Connection } from './sdk.ts'

/** How long a server is waited for that is asked for its window, milliseconds. */
const longestWaitMs = 3_000
/** What the servers call it: OpenRouter and Together, vLLM, LM Studio, Mistral. */
const windowNames = ['context_length', 'max_model_len', 'max_context_length', 'context_window'] as const
/** A model with less is none. */
const smallest = 256
const mostNames = 100

/** What a server tells of its models. */
export interface ListedModels {
  /** Their names, at most 100. */
  readonly names: readonly string[]
  /** The window of the model that is asked for, where the server tells it. */
  readonly window?: number
}

/** Returns what a server lists. Rejects where it does not answer. */
export async function readModels(connection: Connection): Promise<ListedModels> {
  const entries = entriesOf(await read(connection, `${baseUrlOf(connection.config) ?? ''}/models`))
  const names = entries.flatMap(({ id }) => (typeof id === 'string' && id.length <= 200 ? [id] : []))
  const window = await windowIn(connection, entries)
  return { names: names.slice(0, mostNames), ...defined({ window }) }
}

/**
 * Returns the window of a model as its server tells it in the list of its models, undefined where it does not. llama.cpp tells there what the model
 * was trained with, and the window that it runs with beside its API. Of a list of one, whatever its name: such a server may not look at the name.
 */
async function windowIn(
  connection: Connection,
  entries: readonly Record<string, unknown>[],
): Promise<number | undefined> {
  const { config } = connection
  const entry =
    entries.find(({ id }) => id === config.model) ?? (entries.length === 1 ? entries[0] : undefined)
  if (entry === undefined) return undefined
  const told = windowNames.map(name => entry[name]).find(isWindow)
  if (told !== undefined) return told
  const { n_ctx: runsWith, n_ctx_train: trainedWith } = recordOf(entry['meta'])
  if (isWindow(runsWith)) return runsWith
  if (!isWindow(trainedWith)) return undefined
  const props = await read(connection, `${(baseUrlOf(config) ?? '').replace(/\/v1$/u, '')}/props`).catch(
    () => undefined,
  )
  const { n_ctx: window } = recordOf(recordOf(props)['default_generation_settings'])
  return isWindow(window) ? window : Math.min(trainedWith, config.contextTokens)
}

async function read({ fetch, key }: Connection, address: string): Promise<unknown> {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
  const response = await fetch(address, { headers, signal: AbortSignal.timeout(longestWaitMs) })
  const text = await response.text()
  return response.ok ? JSON.parse(text) : undefined
}

function entriesOf(answer: unknown): Record<string, unknown>[] {
  const data = recordOf(answer)['data']
  return Array.isArray(data) ? data.map(recordOf) : []
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function isWindow(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= smallest
}

/** The window of a model: as configured, or as its server tells it where none is configured; less once a refusal named less. */
export class Window {
  readonly #connection: Connection
  #tokens: number
  #reading: Promise<void> | undefined

  constructor(connection: Connection) {
    this.#connection = connection
    this.#tokens = connection.config.contextTokens
  }

  get tokens(): number {
    return this.#tokens
  }

  /** Asks the server once, where none is configured. One that does not answer is asked again with the next call. */
  read(): Promise<void> {
    if (!asksServer(this.#connection.config)) return Promise.resolve()
    this.#reading ??= readModels(this.#connection).then(
      ({ window }) => {
        if (window !== undefined) this.#tokens = Math.min(window, mostOf(this.#connection.config))
      },
      () => {
        this.#reading = undefined
      },
    )
    return this.#reading
  }

  /** A refusal named this window. */
  refusedAbove(tokens: number): void {
    if (tokens >= smallest) this.#tokens = Math.min(this.#tokens, tokens)
  }
}

function asksServer({ provider, assumesWindow }: ModelConfig): boolean {
  return provider === 'openai-compatible' && assumesWindow === true
}

/** No call asks for more than the tokens of a minute. */
function mostOf({ limits }: ModelConfig): number {
  return limits?.tokensPerMinute ?? Number.POSITIVE_INFINITY
}
