import { QuillworkError } from '../task/errors.ts'
import type { EmbeddingModel, SummaryMethod, SummaryModel } from './model.ts'

/** What the product can ask of a model: a summary, vectors for the search, new prose. */
export type Capability = 'summary' | 'embedding' | 'prose'

/** One model in the answer of `GET /v1/capabilities`. */
export interface ModelDescription {
  readonly id: string
  readonly capability: Capability
  /** Of a summary model: how its summaries come about. */
  readonly method?: SummaryMethod
  /** Of an embedding model: length of its vectors. */
  readonly dimensions?: number
  /** Whether it is used where a request names no model. */
  readonly isDefault: boolean
}

/** Whether a capability can be used, and if not, why and what to do about it. */
export type CapabilityStatus =
  | {
      readonly capability: Capability
      readonly available: true
      readonly models: readonly ModelDescription[]
    }
  | {
      readonly capability: Capability
      readonly available: false
      readonly code: 'PROVIDER_NOT_CONFIGURED'
      /** For a person: what is off and what is done instead, if anything. */
      readonly reason: string
    }

/** The models of a process. The first model of each list is the default of its capability. */
export interface ModelCatalogue {
  /** Every model, by capability in the order of `capabilities()`, then in the order of configuration. */
  models(): readonly ModelDescription[]
  /** One entry per capability, those that are off included. */
  capabilities(): readonly CapabilityStatus[]
  /** The named summary model, or the default. Throws `PROVIDER_NOT_CONFIGURED` where there is none. */
  summaryModel(id?: string): SummaryModel
  /** The named embedding model, or the default. Throws `PROVIDER_NOT_CONFIGURED` where there is none. */
  embeddingModel(id?: string): EmbeddingModel
}

/** What is configured. An id may be used once per list. */
export interface ModelCatalogueOptions {
  readonly summary?: readonly SummaryModel[]
  readonly embedding?: readonly EmbeddingModel[]
}

const reasons: Record<Capability, string> = {
  summary: 'No model that summarises is configured.',
  embedding: 'No embedding model is configured. The search uses a lexical index instead and says so.',
  prose:
    'No model that writes prose is configured. Nothing stands in for it: prose is never made without a model.',
}

/** Builds the catalogue. Throws `OPTION_INVALID` when two models of one list share an id. */
export function createModelCatalogue(options: ModelCatalogueOptions): ModelCatalogue {
  const summary = byId('summary', options.summary ?? [])
  const embedding = byId('embedding', options.embedding ?? [])
  const described: Record<Capability, readonly ModelDescription[]> = {
    summary: [...summary.values()].map((model, place) => ({
      id: model.id,
      capability: 'summary',
      method: model.method,
      isDefault: place === 0,
    })),
    embedding: [...embedding.values()].map((model, place) => ({
      id: model.id,
      capability: 'embedding',
      dimensions: model.dimensions,
      isDefault: place === 0,
    })),
    prose: [],
  }
  return {
    models: () => [...described.summary, ...described.embedding, ...described.prose],
    capabilities: () => [
      statusOf('summary', described),
      statusOf('embedding', described),
      statusOf('prose', described),
    ],
    summaryModel: id => choose('summary', summary, id),
    embeddingModel: id => choose('embedding', embedding, id),
  }
}

function statusOf(
  capability: Capability,
  described: Record<Capability, readonly ModelDescription[]>,
): CapabilityStatus {
  const models = described[capability]
  if (models.length > 0) return { capability, available: true, models }
  return { capability, available: false, code: 'PROVIDER_NOT_CONFIGURED', reason: reasons[capability] }
}

function byId<M extends { readonly id: string }>(
  capability: Capability,
  models: readonly M[],
): ReadonlyMap<string, M> {
  const found = new Map<string, M>()
  for (const model of models) {
    if (found.has(model.id)) {
      throw new QuillworkError('OPTION_INVALID', `Two ${capability} models have the id "${model.id}".`)
    }
    found.set(model.id, model)
  }
  return found
}

function choose<M>(capability: Capability, models: ReadonlyMap<string, M>, id: string | undefined): M {
  const model = id === undefined ? models.values().next().value : models.get(id)
  if (model !== undefined) return model
  const reason =
    models.size === 0
      ? reasons[capability]
      : `There is no ${capability} model "${id}". Configured are: ${[...models.keys()].join(', ')}.`
  throw new QuillworkError('PROVIDER_NOT_CONFIGURED', reason, { details: { capability } })
}
