/** The port of models that are set up while a server runs. Their keys go in and never come out. */
import type { Trial } from './try-model.ts'

/** The fields of a model, as the configuration has them, without its key. */
export type ModelFields = Readonly<Record<string, unknown>>

/** A model that is kept. */
export interface KeptModelView {
  readonly id: string
  readonly fields: ModelFields
  /** Of its key: the end, to tell it from others, and where it may go. Absent: it has none. */
  readonly key?: { readonly lastCharacters: string; readonly origin: string }
  /** The configuration of the server has a model with this id, which is used. */
  readonly isOverruled: boolean
  /** Why it is not used, and what to do. */
  readonly problem?: string
}

/** All models that are kept, in the order of preference. */
export interface KeptModelList {
  /** Rises by one with every change. */
  readonly version: number
  readonly items: readonly KeptModelView[]
}

/** What is written of a model. */
export interface ModelChange {
  readonly fields: ModelFields
  /** A new key; null: it has none any more. Absent: as it is. */
  readonly key?: string | null
}

/** How a trial went, with what the server of the model tells of itself. */
export interface SettingsTrial extends Trial {
  /** Tokens of prompt and answer together, where the server tells them. */
  readonly window?: number
  /** Names of the models that the server lists. */
  readonly names?: readonly string[]
}

/**
 * Models that are kept. Every change names the version of the list that its writer has read. All throw KEPT_MODELS_UNAVAILABLE where they may not be
 * changed over the API or a key cannot be kept; KEPT_MODELS_CHANGED; and REQUEST_INVALID with each field that is wrong.
 */
export interface ModelSettings {
  /** Why nothing may be changed here; undefined: it may. */
  readonly unavailable: string | undefined
  list(): Promise<KeptModelList>
  /** Adds a model, or writes it anew. It is used from now on, in this process at once. */
  save(id: string, change: ModelChange, expectedVersion: number): Promise<KeptModelList>
  /** Throws KEPT_MODEL_NOT_FOUND. */
  remove(id: string, expectedVersion: number): Promise<KeptModelList>
  /** Makes it the first of the kept ones: the one that is used where a task names none, unless the configuration has one. Throws KEPT_MODEL_NOT_FOUND. */
  prefer(id: string, expectedVersion: number): Promise<KeptModelList>
  /** Calls a model once: as it is used, or as `change` would have it, without keeping that. Throws KEPT_MODEL_NOT_FOUND. */
  test(id: string, change: ModelChange | undefined, signal: AbortSignal): Promise<SettingsTrial>
}
