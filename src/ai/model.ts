import type { Usage } from '../task/definition.ts'

/**
 * The port of language models. A model is a small object with an id and one capability; adapters live in
 * folders beside this file. The engine never hears of models: the novel tasks get them as a service.
 */

/** How a summary came about: sentences picked from the text itself, or text written by a model. */
export type SummaryMethod = 'extractive' | 'generative'

/** A stretch of a text: `start` included, `end` excluded, both in UTF-16 code units. */
export interface TextSpan {
  readonly start: number
  readonly end: number
}

/** What is to be summarised and how. */
export interface SummaryRequest {
  /** The text of the scene, without its heading if possible. Not blank. */
  readonly text: string
  /** BCP 47 tag of the text, such as `zh` or `en`. Default: detected from the letters of the text. */
  readonly language?: string
  /** Upper bound of the summary in UTF-16 code units, an integer from 1. Default: chosen by the model. */
  readonly maxCharacters?: number
  /** What the author asks for beyond that. A model on which it would have no effect refuses it. */
  readonly instructions?: string
}

/** A summary and where it comes from. */
export interface Summary {
  /** Never blank, never longer than `maxCharacters`. */
  readonly summary: string
  readonly method: SummaryMethod
  /** BCP 47 tag of the summary; `und` where the letters do not tell. */
  readonly language: string
  /** Id of the model that made it. */
  readonly model: string
  /** Of an extractive summary: where its sentences stand in `text`, ascending, never overlapping. */
  readonly sentences?: readonly TextSpan[]
  /** Absent where nothing is counted or paid. */
  readonly usage?: Usage
}

/** How one call is run. */
export interface CallOptions {
  /** Ends the call early; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** A model that summarises. */
export interface SummaryModel {
  readonly id: string
  readonly method: SummaryMethod
  /** Whether `instructions` has an effect. Where it has none, a request with instructions is refused. */
  readonly takesInstructions: boolean
  /**
   * Makes one summary. Rejects with `SCENE_EMPTY` for a text without letters or digits, with `OPTION_INVALID` for a
   * wrong `maxCharacters` or for instructions that would have no effect, and with the signal's reason when aborted.
   */
  summarise(request: SummaryRequest, options?: CallOptions): Promise<Summary>
}

/** A model that turns texts into vectors. Vectors of different models or dimensions never mix. */
export interface EmbeddingModel {
  readonly id: string
  /** Length of every vector. */
  readonly dimensions: number
  /** Most texts that one call may carry, at least 1. */
  readonly maxTexts: number
  /** Answers one vector per text, in the order of the texts. */
  embed(texts: readonly string[], options?: CallOptions): Promise<Embeddings>
}

/** The vectors of one call. */
export interface Embeddings {
  readonly vectors: readonly Float32Array[]
  readonly usage?: Usage
}
