import type { ErrorCode } from '../task/errors.ts'
import type { Usage } from '../task/paid-call.ts'

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

/** What a language model is asked to write. */
export interface TextRequest {
  /** What the model is to be. */
  readonly system?: string
  /** What it is asked, with all that it may use. Texts of the novel in it are data. */
  readonly prompt: string
  /**
   * Places in the prompt, ascending, up to which requests that follow begin in the same way. A provider that keeps the beginning of a prompt only
   * where it is asked to is asked to keep these, and the system message. Default: none.
   */
  readonly stableEnds?: readonly number[]
  /** Most tokens of the answer, from 1; never more than the model's own bound. */
  readonly maxOutputTokens: number
  /** Default: as configured, else as the provider has it. */
  readonly temperature?: number
}

/** What went into a call beside the texts, kept with the result. */
export interface ModelParameters {
  /** Name of the model as its provider answered it. Absent of an answer that broke off. */
  readonly providerModel?: string
  readonly maxOutputTokens: number
  readonly temperature?: number
}

/** A whole answer. What is not one is an error, never a text: see `ModelError`. */
export interface TextAnswer {
  /** Never blank. */
  readonly text: string
  /** Why the model ended, in the provider's words; always one that means that it was done. */
  readonly finishReason: string
  /** `model` is the id of the model that answered. */
  readonly usage: Usage
  readonly parameters: ModelParameters
}

/** Price of a model, per million tokens. */
export interface ModelPrice {
  readonly input: number
  /** Of what the provider reads from its cache: at most `input`, so that what is reserved for a call is enough. Default: `input`. */
  readonly cachedInput?: number
  readonly output: number
  /** ISO 4217. */
  readonly currency: string
}

/** Which other model is asked where one fails with one of these codes. */
export interface ModelFallback {
  readonly model: string
  readonly on: readonly ErrorCode[]
}

/** A model that writes text. It is asked once per call; the engine retries. */
export interface LanguageModel {
  readonly id: string
  /** Key of its limits, the same for all models of one (provider, account, model): for `ctx.acquire`, in tokens. */
  readonly limit: string
  /** Tokens of prompt and answer together: as configured, else as its server tells when it is prepared; less once a refusal named less. */
  readonly contextTokens: number
  readonly maxOutputTokens: number
  /** Tokens of an answer that it may think before it writes; 0 for none. Default: that is not known. */
  readonly thinkingTokens?: number
  readonly price?: ModelPrice
  /** In the order in which they are tried. */
  readonly fallbacks: readonly ModelFallback[]
  /** About how many tokens a text is, rather too many than too few. */
  countTokens(text: string): number
  /**
   * What so many tokens cost, in the currency of the price; undefined where no price is known. `cacheWriteTokens`: of the input, what the provider is
   * asked to keep, for which some charge more.
   */
  costOf(tokens: { inputTokens: number; cacheWriteTokens?: number; outputTokens: number }): number | undefined
  /**
   * Loads what the first call needs, and learns how long a prompt may be. Done before a place under a limit is asked for, a call leaves when it gets
   * its place, which the limit takes for granted. Default: there is nothing to load.
   */
  prepare?(): Promise<void>
  /**
   * Writes one answer; `onText` receives each stretch as it arrives. Rejects with `ModelError`, or with the signal's reason when aborted,
   * which closes the connection.
   */
  write(request: TextRequest, options?: WriteOptions): Promise<TextAnswer>
}

/** How one answer is written. */
export interface WriteOptions extends PaidCallOptions {
  onText?(text: string): void
}

/** How one call is run. */
export interface CallOptions {
  /** Ends the call early; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** How one call is run that is paid for. */
export interface PaidCallOptions extends CallOptions {
  /**
   * Receives what a call that failed or was aborted had used until then; estimated where the provider does not say. `isAnswered`: some of an answer
   * had arrived.
   */
  onPartialUsage?(usage: Usage, isAnswered: boolean): void
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

/** A model that turns texts into vectors. Vectors of different spaces or dimensions never mix. */
export interface EmbeddingModel extends Pick<LanguageModel, 'id' | 'limit' | 'price' | 'costOf' | 'prepare'> {
  /** The provider, its name of the model and how passages are marked: only vectors of one space can be compared, whatever the id is. */
  readonly space: string
  /** Length of every vector. */
  readonly dimensions: number
  /** Most texts that one call may carry, at least 1. */
  readonly maxTexts: number
  /** Most tokens that one call may carry. Default: no bound of its own. */
  readonly maxTokens?: number
  /** About how many tokens a text is, with what stands before it for its purpose. `purpose`: default `passage`. */
  countTokens(text: string, purpose?: EmbeddingPurpose): number
  /** Returns one vector per text, in the order of the texts. */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Embeddings>
}

/** What texts become vectors for: to be searched, or to search with. Many models make other vectors for these two. */
export type EmbeddingPurpose = 'passage' | 'query'

/** How one call for vectors is run. */
export interface EmbedOptions extends PaidCallOptions {
  /** Default: `passage`. */
  readonly purpose?: EmbeddingPurpose
}

/** The vectors of one call. */
export interface Embeddings {
  readonly vectors: readonly Float32Array[]
  readonly usage?: Usage
}

/** Who makes a summary: the text itself, by the sentences picked from it, or a language model. */
export type Summarizer =
  | { readonly kind: 'extractive'; readonly model: SummaryModel }
  | { readonly kind: 'generative'; readonly model: LanguageModel }

/** What answers searches: the words of the text alone, or also the vectors that a model makes of it. */
export type Indexer =
  | { readonly kind: 'lexical' }
  | { readonly kind: 'hybrid'; readonly model: EmbeddingModel }

/** Chooses models. All throw `PROVIDER_NOT_CONFIGURED`, saying what to do, where there is no such model or its key is missing. */
export interface ModelChoice {
  /** A model that writes. */
  languageModel(use: 'prose' | 'summary', id?: string): LanguageModel
  /** Who summarises. Default: the first configured model with that use, else the extractive one, which its own id always names. */
  summarizer(id?: string): Summarizer
  /** A summary model that is part of the product. */
  summaryModel(id?: string): SummaryModel
  embeddingModel(id?: string): EmbeddingModel
  /** What indexes a novel. Default: the first configured embedding model, else words alone, which the id `lexical` always names. */
  indexer(id?: string): Indexer
}
