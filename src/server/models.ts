/** The models of a server: the built-in ones, and those of the configuration with their keys. */
import {
  type ConfiguredModel,
  createModelCatalogue,
  type ModelCatalogue,
  type ModelOpener,
  type ModelProblem,
  type ModelProblemCause,
} from '../ai/catalogue.ts'
import { extractiveModel } from '../ai/extractive/extractive.ts'
import { limitKeyOf, type ModelConfig } from '../ai/providers/config.ts'
import { createEmbeddingModel } from '../ai/providers/embedding-model.ts'
import { createLanguageModel } from '../ai/providers/language-model.ts'
import { QuillworkError } from '../index.ts'
import { traceModels } from '../observe/trace-models.ts'
import type { Limit } from '../rate-limit/limiter.ts'
import { defined } from '../task/defined.ts'
import type { ModelSetting } from './configured-model.ts'
import { isKey, openKeys, type ReadKey } from './key-file.ts'
import { type KeySource, originOf } from './key-source.ts'
import type { Config } from './settings.ts'

/** The key of a model, or why it was not found. */
export interface FoundKey {
  /** The place of the key. Absent: the model needs none. */
  readonly source?: KeySource
  readonly key?: string
  /** Why it was not found. */
  readonly problem?: ModelProblem
}

/** A model that is kept in the store, with its key. */
export interface KeptInUse extends ConfiguredModel, Pick<FoundKey, 'key'> {}

/**
 * Returns the models of a server, those of the configuration before those that are kept. A model whose key is missing is listed, and refused where it is
 * chosen.
 */
export function createModels(config: Config, kept: readonly KeptInUse[] = []): ModelCatalogue {
  const keys = new Map([
    ...findKeys(config),
    ...kept.map(({ id, key }) => [id, defined({ key })] as [string, FoundKey]),
  ])
  const configured = Object.entries(config.models).map(([id, model]): ConfiguredModel => {
    const problem = keys.get(id)?.problem
    return { id, config: model, ...defined({ problem }) }
  })
  const limits = limitsOf(config, kept)
  return traceModels(
    createModelCatalogue({
      summary: [extractiveModel()],
      configured: [...configured, ...kept].map(each => ({ ...each, config: limitedBy(limits, each.config) })),
      open: openModel(id => keys.get(id)?.key),
    }),
  )
}

/** Returns a model with the limit that holds for its key. A call cannot ask for more tokens than a minute allows, so the window is no larger than that. */
function limitedBy(limits: Readonly<Record<string, Limit>>, config: ModelConfig): ModelConfig {
  const given = limits[limitKeyOf(config)]
  if (given === undefined || Object.keys(given).length === 0) return config
  const { tokensPerMinute = config.contextTokens } = given
  return { ...config, limits: given, contextTokens: Math.min(config.contextTokens, tokensPerMinute) }
}

/** Returns what opens models, each with its key. */
export function openModel(keyOf: (id: string) => string | undefined): ModelOpener {
  return {
    language: ({ id, config }) => createLanguageModel(id, config, { key: keyOf(id) }),
    embedding: ({ id, config }) => createEmbeddingModel(id, config, { key: keyOf(id) }),
  }
}

/** Returns the key of each model by its id. Decrypts stored keys only where a model needs one. */
export function findKeys(config: Config): ReadonlyMap<string, FoundKey> {
  let stored: ReadKey | undefined
  const read: ReadKey = (name, origin) => {
    stored ??= openKeys(config.data, config.secret)
    return stored(name, origin)
  }
  const find = (id: string, model: ModelSetting): FoundKey => {
    const { key } = model
    if (key === undefined) return {}
    const found = findKey(key, originOf(model), { ...config, read })
    if ('key' in found) return { source: key, key: found.key }
    const message = `The model "${id}" cannot be used: ${found.why}`
    return { source: key, problem: { cause: found.cause, key, message } }
  }
  return new Map(Object.entries(config.models).map(([id, model]) => [id, find(id, model)]))
}

/**
 * Returns the limits by their keys: those of the configuration, of its models, and of those that are kept, the first of them where several have the key. Models of
 * one account and name share one.
 */
export function limitsOf(
  { limits, models }: Pick<Config, 'limits' | 'models'>,
  kept: readonly ConfiguredModel[] = [],
): Record<string, Limit> {
  const all = [...kept.map(({ config }) => config), ...Object.values(models)]
  const keys = all.map(model => [limitKeyOf(model), {}] as const)
  const limited = all.flatMap(model =>
    model.limits === undefined ? [] : [[limitKeyOf(model), model.limits] as const],
  )
  return { ...Object.fromEntries(keys), ...Object.fromEntries(limited), ...limits }
}

function findKey(
  source: KeySource,
  origin: string,
  { environmentKeys, read }: Pick<Config, 'environmentKeys'> & { read: ReadKey },
): { key: string } | { cause: ModelProblemCause; why: string } {
  try {
    const [place, name = ''] = source.split(':', 2)
    const key = place === 'env' ? environmentKeys.read(name) : read(name, origin)
    if (typeof key === 'string')
      return isKey(key) ? { key } : { cause: 'KEY_MALFORMED', why: malformed(source) }
    if (place === 'env') return { cause: 'KEY_NOT_SET', why: unset(name) }
    if (key === undefined) return { cause: 'KEY_NOT_STORED', why: notStored(name) }
    return { cause: 'KEY_FOR_OTHER_ADDRESS', why: forOthers(name, origin, key) }
  } catch (error) {
    if (error instanceof QuillworkError) return { cause: 'KEYS_UNREADABLE', why: error.message }
    throw error
  }
}

function unset(variable: string): string {
  return `its key is missing, because the variable ${variable} is not set. Set it in the environment of the server, and restart the server.`
}

function notStored(name: string): string {
  return `its key is missing, because none is stored as ${name}. Store it with quillwork models key set ${name}, and restart the server.`
}

function forOthers(name: string, origin: string, origins: readonly string[]): string {
  const others = origins.length === 0 ? 'no address' : origins.join(' and ')
  return (
    `its key, stored as ${name}, was stored for ${others}, and not for ${origin}. If it may go there, store it again ` +
    `with quillwork models key set ${name}, and restart the server.`
  )
}

function malformed(source: KeySource): string {
  return `its key (${source}) has blanks or other characters that no key has. Set the key alone.`
}
