/**
 * The models of a server as they are now: those of the configuration, which win, and those that people keep in the store while it runs. What another
 * process keeps is read every two seconds.
 */
import { createModelCatalogue, type ModelCatalogue } from '../ai/catalogue.ts'
import type { KeptModelList, ModelChange, ModelSettings, SettingsTrial } from '../ai/model-settings.ts'
import type { ModelConfig } from '../ai/providers/config.ts'
import { connectionTo } from '../ai/providers/sdk.ts'
import { readModels } from '../ai/providers/window.ts'
import { tryModel } from '../ai/try-model.ts'
import { QuillworkError, systemClock } from '../index.ts'
import type { KeptModel, KeptModels, ModelStore } from '../novel/library/models.ts'
import type { Limit, LimitSource } from '../rate-limit/limiter.ts'
import type { Logger } from '../runtime/log.ts'
import { type Loop, startLoop } from '../runtime/loop.ts'
import { defined } from '../task/defined.ts'
import { KeptKeys, keptKeyOf } from './kept-keys.ts'
import { isKey } from './key-file.ts'
import { originOf } from './key-source.ts'
import { createModels, findKeys, type KeptInUse, limitsOf, openModel } from './models.ts'
import {
  type ReadModel,
  readEach,
  readKept,
  refused,
  requireConfig,
  requireFitting,
  requireId,
  requireSameOrigin,
  usesOf,
} from './read-kept-models.ts'
import type { Config } from './settings.ts'

/** Milliseconds between two reads of what other processes keep. */
const readEvery = 2_000
const mostModels = 100

/** What live models are made from. */
export interface LiveModelsOptions {
  readonly config: Config
  readonly log: Logger
  readonly store: ModelStore
  /** Other processes share the store. */
  readonly isShared: boolean
}

/** The models of a process. */
export class LiveModels implements ModelSettings {
  /** It follows every change. */
  readonly catalogue: ModelCatalogue
  /** Those of the models and of the configuration. */
  readonly limits: LimitSource
  readonly unavailable: string | undefined
  readonly #options: LiveModelsOptions
  readonly #keys: KeptKeys
  #version = 0
  #read: readonly ReadModel[] = []
  #catalogue: ModelCatalogue
  #limits: ReadonlyMap<string, Limit>
  /** Limits of earlier models: an attempt that runs ends with the model that it began with. */
  readonly #earlierLimits = new Map<string, Limit>()

  constructor(options: LiveModelsOptions) {
    const { config } = options
    this.#options = options
    this.#keys = new KeptKeys(config, options.isShared)
    this.#catalogue = createModels(config)
    this.#limits = new Map(Object.entries(limitsOf(config)))
    this.catalogue = followed(() => this.#catalogue)
    this.limits = {
      get: key => this.#limits.get(key) ?? this.#earlierLimits.get(key),
      keys: () => this.#limits.keys(),
    }
    this.unavailable = unavailableIn(config)
  }

  /** Reads what is kept, and takes it into use. Rejects as the store does. */
  async refresh(): Promise<void> {
    if (!this.#options.config.keepModels) return
    const kept = await this.#options.store.read()
    if (kept.version > this.#version) this.#use(kept)
  }

  /** Follows what other processes keep. Returns the loop. */
  follow(): Loop {
    const step = async (): Promise<undefined> => {
      await this.refresh().catch(error => {
        this.#options.log.warn({ err: error }, 'reading the kept models failed; will retry')
      })
    }
    return startLoop({ clock: systemClock, everyMs: readEvery, step })
  }

  async list(): Promise<KeptModelList> {
    await this.refresh()
    return this.#shown()
  }

  save(id: string, { fields, key }: ModelChange, expectedVersion: number): Promise<KeptModelList> {
    return this.#change(expectedVersion, models => {
      requireId(id, this.#options.config.models)
      const before = models.find(each => each.id === id)
      const hasKey = typeof key === 'string' || (key === undefined && before?.key !== undefined)
      const config = requireConfig(fields, hasKey)
      const kept: KeptModel = { id, settings: fields, ...this.#keyOf(id, { key, before, config }) }
      if (before !== undefined) return models.map(each => (each === before ? kept : each))
      if (models.length < mostModels) return [...models, kept]
      throw refused([{ pointer: '/id', detail: `At most ${mostModels} models are kept. Remove one.` }])
    })
  }

  remove(id: string, expectedVersion: number): Promise<KeptModelList> {
    return this.#change(expectedVersion, models => {
      const found = modelIn(models, id)
      return models.filter(each => each !== found)
    })
  }

  prefer(id: string, expectedVersion: number): Promise<KeptModelList> {
    return this.#change(expectedVersion, models => {
      const found = modelIn(models, id)
      return [found, ...models.filter(each => each !== found)]
    })
  }

  async test(id: string, change: ModelChange | undefined, signal: AbortSignal): Promise<SettingsTrial> {
    this.#requireAvailable()
    await this.refresh()
    const model = change === undefined ? this.#inUse(id) : this.#asChanged(id, change)
    const catalogue = createModelCatalogue({ configured: [model], open: openModel(() => model.key) })
    const [trial, listed] = await Promise.all([
      tryModel(catalogue, catalogue.models()[0] ?? missing(id), signal),
      listedBy(model),
    ])
    return { ...trial, ...listed }
  }

  /** Makes a change of the list, and uses it. */
  async #change(
    expectedVersion: number,
    change: (models: readonly KeptModel[]) => readonly KeptModel[],
  ): Promise<KeptModelList> {
    this.#requireAvailable()
    const { config, store } = this.#options
    const seen = await store.read()
    if (seen.version !== expectedVersion) throw changed(seen.version)
    const models = change(seen.models)
    const parts = { models: config.models, keys: this.#keys }
    requireFitting(usesOf(readEach(seen.models, parts)), usesOf(readEach(models, parts)), config.models)
    if ((await store.write(models, expectedVersion)) === 'conflict') throw changed(expectedVersion + 1)
    this.#use({ version: expectedVersion + 1, models })
    return this.#shown()
  }

  #use({ version, models }: KeptModels): void {
    const { config, log } = this.#options
    this.#read = readKept(models, { models: config.models, keys: this.#keys })
    this.#version = version
    const uses = usesOf(this.#read)
    this.#catalogue = createModels(config, uses)
    for (const [key, limit] of this.#limits) this.#earlierLimits.set(key, limit)
    this.#limits = new Map(Object.entries(limitsOf(config, uses)))
    log.info({ version, models: uses.map(({ id }) => id).join(',') }, 'kept models taken into use')
    for (const {
      kept: { id },
      problem,
    } of this.#read)
      if (problem !== undefined) log.warn({ model: id, problem }, 'a kept model is not used')
  }

  #shown(): KeptModelList {
    const { models } = this.#options.config
    const items = this.#read.map(({ kept: { id, settings, key }, use, problem = use?.problem?.message }) => ({
      id,
      fields: settings,
      isOverruled: Object.hasOwn(models, id),
      ...defined({ problem, key: key === undefined ? undefined : shownKey(key) }),
    }))
    return { version: this.#version, items }
  }

  #keyOf(
    id: string,
    given: { key: string | null | undefined; before: KeptModel | undefined; config: ModelConfig },
  ): Pick<KeptModel, 'key'> {
    const { key, before, config } = given
    if (typeof key === 'string') {
      if (!isKey(key))
        throw refused([{ pointer: '/key', detail: 'A key has no blanks and no other such characters.' }])
      return { key: this.#keys.seal(id, key, originOf(config)) }
    }
    if (key === null || before?.key === undefined) return {}
    requireSameOrigin(before, config)
    return { key: before.key }
  }

  #requireAvailable(): void {
    if (this.unavailable !== undefined) throw new QuillworkError('KEPT_MODELS_UNAVAILABLE', this.unavailable)
  }

  /** A model as it is used. Throws KEPT_MODEL_NOT_FOUND. */
  #inUse(id: string): KeptInUse {
    const { config } = this.#options
    const kept = usesOf(this.#read).find(each => each.id === id)
    const configured = Object.hasOwn(config.models, id) ? config.models[id] : undefined
    if (configured === undefined) return kept ?? missing(id)
    const { key, problem } = findKeys(config).get(id) ?? {}
    return { id, config: configured, ...defined({ key, problem }) }
  }

  /** A model as it would be. */
  #asChanged(id: string, { fields, key }: ModelChange): KeptInUse {
    const before = this.#read.find(({ kept }) => kept.id === id)
    const keeps = key === undefined && before?.kept.key !== undefined
    const config = requireConfig(fields, keeps || typeof key === 'string')
    if (typeof key === 'string') return { id, config: config, key }
    if (keeps && before !== undefined) requireSameOrigin(before.kept, config)
    const problem = keeps ? before?.use?.problem : undefined
    const own = keeps ? before?.use?.key : undefined
    return { id, config: config, ...defined({ key: own, problem }) }
  }
}

function changed(version: number): QuillworkError {
  return new QuillworkError(
    'KEPT_MODELS_CHANGED',
    `The kept models were changed since you read them and are now at version ${version}. Read them again.`,
    { details: { version } },
  )
}

function modelIn(models: readonly KeptModel[], id: string): KeptModel {
  return models.find(each => each.id === id) ?? missing(id)
}

function missing(id: string): never {
  throw new QuillworkError('KEPT_MODEL_NOT_FOUND', `No model "${id}" is kept.`)
}

function shownKey(key: Readonly<Record<string, unknown>>) {
  const { lastCharacters, origin } = keptKeyOf(key)
  return { lastCharacters, origin }
}

/** What the server of a model tells of itself; nothing where it does not, or is no such server. */
async function listedBy({ id, config, key }: KeptInUse): Promise<Pick<SettingsTrial, 'names' | 'window'>> {
  if (config.provider !== 'openai-compatible') return {}
  try {
    return await readModels(connectionTo(id, config, { key }))
  } catch {
    // The call says what is wrong.
    return {}
  }
}

/** Why nothing may be kept: the switch is off, or everybody that a proxy lets through could. */
function unavailableIn({ keepModels, noToken, allowedHosts, trustedProxies }: Config): string | undefined {
  if (!keepModels)
    return 'The setting keepModels is off: models are set up in the configuration of the server.'
  if (noToken && (allowedHosts.length > 0 || trustedProxies.length > 0))
    return 'Requests need no token and may come from elsewhere (allowedHosts, trustedProxies), so models are set up in the configuration of the server.'
  return undefined
}

/** Returns a catalogue that is another one each time it is asked. */
function followed(current: () => ModelCatalogue): ModelCatalogue {
  return {
    models: () => current().models(),
    capabilities: () => current().capabilities(),
    languageModel: (use, id) => current().languageModel(use, id),
    summarizer: id => current().summarizer(id),
    summaryModel: id => current().summaryModel(id),
    embeddingModel: id => current().embeddingModel(id),
    indexer: id => current().indexer(id),
  }
}
