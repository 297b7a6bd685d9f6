import { defined } from '../task/defined.ts'
import { QuillworkError } from '../task/errors.ts'
import type { EmbeddingModel, LanguageModel, ModelChoice, SummaryMethod, SummaryModel } from './model.ts'
import { limitKeyOf, type ModelConfig, type ModelUse, type ProviderKind } from './providers/config.ts'

/** What the product can ask of a model, in the order in which it is listed. */
const modelUses: readonly ModelUse[] = ['summary', 'embedding', 'prose']

/** A model that is part of the product has this in the place of a provider. */
const builtIn = 'built-in' as const

/** Why a model cannot be used. */
export interface ModelProblem {
  readonly cause: ModelProblemCause
  /** Where its key is looked for, as it is configured: `env:NAME` or `stored:NAME`; of a model that is kept in the store `kept:ID`. */
  readonly key: string
  /** For a person: why, and what to do about it. */
  readonly message: string
}

/** A variable that is not set, a key that nobody stored or gave, one that was stored for another address, one with signs that no key has, stored keys that cannot be read. */
export type ModelProblemCause =
  | 'KEY_NOT_SET'
  | 'KEY_NOT_STORED'
  | 'KEY_NOT_GIVEN'
  | 'KEY_FOR_OTHER_ADDRESS'
  | 'KEY_MALFORMED'
  | 'KEYS_UNREADABLE'

/** One model as the API and the command line show it: no key, and of its address at most the host, which may name the account. */
export interface ModelDescription
  extends Pick<ModelConfig, 'model' | 'uses' | 'dimensions' | 'limits' | 'price'>,
    Partial<Pick<ModelConfig, 'contextTokens' | 'maxOutputTokens' | 'fallbacks'>> {
  readonly id: string
  readonly provider: ProviderKind | typeof builtIn
  /** The uses for which it is taken where a request names no model. */
  readonly defaultFor: readonly ModelUse[]
  /** Of a model that summarises: how its summaries come about. */
  readonly method?: SummaryMethod
  /** Key of its limits; a key without limits is one that nobody limited. */
  readonly limit?: string
  readonly problem?: ModelProblem
}

/** Whether something can be done where a request names no model, and if not, why and what to do about it. */
export type CapabilityStatus =
  | {
      readonly capability: ModelUse
      readonly available: true
      readonly models: readonly ModelDescription[]
    }
  | {
      readonly capability: ModelUse
      readonly available: false
      readonly code: 'PROVIDER_NOT_CONFIGURED'
      /** For a person: what is off, what is done instead, if anything, and how to change that. */
      readonly reason: string
      /** The model that would be taken, and why it cannot be used. Absent: there is none. */
      readonly model?: string
      readonly problem?: ModelProblem
    }

/** Names the index that needs no model, where one is chosen. */
const lexical = 'lexical'

/** The models of a process. Where no id is given, the first model of the configuration with that use is taken. */
export interface ModelCatalogue extends ModelChoice {
  /** Every model, each once: those of the product first, then the others in the order of configuration. */
  models(): readonly ModelDescription[]
  /** One entry per use, those that are off included. */
  capabilities(): readonly CapabilityStatus[]
}

/** A model of a provider, as it is configured. */
export interface ConfiguredModel {
  readonly id: string
  readonly config: ModelConfig
  /** Default: it can be used. */
  readonly problem?: ModelProblem
}

/** Makes the adapter of a configured model, when it is first asked for. */
export interface ModelOpener {
  language(model: ConfiguredModel): LanguageModel
  embedding(model: ConfiguredModel): EmbeddingModel
}

/** What there is. An id may be used once. */
export interface ModelCatalogueOptions {
  /** Models that are part of the product. */
  readonly summary?: readonly SummaryModel[]
  /** Models of providers, and how to open them. */
  readonly configured?: readonly ConfiguredModel[]
  readonly open?: ModelOpener
}

const howTo =
  'Configure one on the settings page, or under "models" of the configuration (docs/models.md), which is read when the server starts.'

const reasons: Record<ModelUse, string> = {
  summary: `No model that summarises is configured. ${howTo}`,
  embedding: 'No embedding model is configured. The search uses a lexical index and says so.',
  prose:
    'No model that writes prose is configured. Nothing stands in for it: prose is never made without a model. ' +
    howTo,
}

/** Builds the catalogue. Throws `OPTION_INVALID` when two models share an id. */
export function createModelCatalogue(options: ModelCatalogueOptions): ModelCatalogue {
  const { summary = [], configured = [] } = options
  refuseSameIds([...summary, ...configured])
  const byUse = (use: ModelUse) => configured.filter(({ config }) => config.uses.includes(use))
  const open = openedOnce(options.open)
  const described = describeAll(summary, configured)

  function chosen(use: ModelUse, id: string | undefined): ConfiguredModel {
    const models = byUse(use)
    const model = id === undefined ? models[0] : models.find(each => each.id === id)
    if (model === undefined) throw absent(use, id, models)
    if (model.problem !== undefined) throw unusable(use, model.problem.message)
    return model
  }
  function summaryModel(id?: string): SummaryModel {
    const model = id === undefined ? summary[0] : summary.find(each => each.id === id)
    if (model === undefined) throw absent('summary', id, summary)
    return model
  }
  function isOwn(id: string | undefined): boolean {
    if (id !== undefined) return summary.some(each => each.id === id)
    return byUse('summary').length === 0
  }
  return {
    models: () => described,
    capabilities: () => modelUses.map(use => statusOf(use, described)),
    languageModel: (use, id) => open.language(chosen(use, id)),
    summarizer(id) {
      if (isOwn(id)) return { kind: 'extractive', model: summaryModel(id) }
      if (id !== undefined && byUse('summary').every(each => each.id !== id))
        throw absent('summary', id, [...summary, ...byUse('summary')])
      return { kind: 'generative', model: open.language(chosen('summary', id)) }
    },
    summaryModel,
    embeddingModel: id => open.embedding(chosen('embedding', id)),
    indexer(id) {
      const isLexical = id === undefined ? byUse('embedding').length === 0 : id === lexical
      return isLexical
        ? { kind: 'lexical' }
        : { kind: 'hybrid', model: open.embedding(chosen('embedding', id)) }
    },
  }
}

/** One adapter per model and process, so that what it keeps (connections) is kept once. */
function openedOnce(open: ModelOpener | undefined): ModelOpener {
  const language = new Map<string, LanguageModel>()
  const embedding = new Map<string, EmbeddingModel>()
  function once<M>(made: Map<string, M>, model: ConfiguredModel, make: (() => M) | undefined): M {
    const there = made.get(model.id)
    if (there !== undefined) return there
    if (make === undefined)
      throw new QuillworkError('OPTION_INVALID', `Nothing opens the model ${model.id}: give \`open\`.`)
    const opened = make()
    made.set(model.id, opened)
    return opened
  }
  return {
    language: model => once(language, model, open && (() => open.language(model))),
    embedding: model => once(embedding, model, open && (() => open.embedding(model))),
  }
}

function describeAll(
  summary: readonly SummaryModel[],
  configured: readonly ConfiguredModel[],
): readonly ModelDescription[] {
  const first = (use: ModelUse) => configured.find(({ config }) => config.uses.includes(use))?.id
  const defaults: Record<ModelUse, string | undefined> = {
    summary: first('summary') ?? summary[0]?.id,
    embedding: first('embedding'),
    prose: first('prose'),
  }
  const defaultFor = (id: string) => modelUses.filter(use => defaults[use] === id)
  return [
    ...summary.map(({ id, method }): ModelDescription => {
      return { id, provider: builtIn, model: id, uses: ['summary'], defaultFor: defaultFor(id), method }
    }),
    ...configured.map(model => describe(model, defaultFor(model.id))),
  ]
}

function describe(
  { id, config, problem }: ConfiguredModel,
  defaultFor: readonly ModelUse[],
): ModelDescription {
  const { provider, model, uses, dimensions, contextTokens, maxOutputTokens, limits, price } = config
  const method = uses.includes('summary') ? ('generative' as const) : undefined
  const fallbacks = config.fallbacks.length === 0 ? undefined : config.fallbacks
  const about = { id, provider, model, uses, defaultFor, method, dimensions, contextTokens, maxOutputTokens }
  return defined({ ...about, limit: limitKeyOf(config), limits, price, fallbacks, problem })
}

function statusOf(use: ModelUse, described: readonly ModelDescription[]): CapabilityStatus {
  const models = described.filter(({ uses }) => uses.includes(use))
  const usual = models.find(({ defaultFor }) => defaultFor.includes(use))
  const off = { capability: use, available: false, code: 'PROVIDER_NOT_CONFIGURED' } as const
  if (usual === undefined) return { ...off, reason: reasons[use] }
  const { id, problem } = usual
  if (problem === undefined) return { capability: use, available: true, models }
  return { ...off, reason: problem.message, model: id, problem }
}

function refuseSameIds(models: readonly { readonly id: string }[]): void {
  const seen = new Set<string>()
  for (const { id } of models) {
    if (seen.has(id)) throw new QuillworkError('OPTION_INVALID', `Two models have the id "${id}".`)
    seen.add(id)
  }
}

function absent(use: ModelUse, id: string | undefined, models: readonly { id: string }[]): QuillworkError {
  if (id === undefined || models.length === 0) return unusable(use, reasons[use])
  const ids = models.map(model => model.id).join(', ')
  return unusable(use, `There is no ${use} model "${id}". Configured are: ${ids}.`)
}

function unusable(use: ModelUse, reason: string): QuillworkError {
  return new QuillworkError('PROVIDER_NOT_CONFIGURED', reason, { details: { capability: use } })
}
