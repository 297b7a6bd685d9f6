import type { LanguageModelUsage, TextStreamPart, ToolSet } from 'ai'
import { defined } from '../../task/defined.ts'
import type { Usage } from '../../task/paid-call.ts'
import type { TextRequest } from '../model.ts'
import {
  believed,
  type CachePrice,
  costAt,
  countTokens,
  mostTokensOf,
  pricedUsage,
  promptTokens,
} from './tokens.ts'

/** What arrived of one answer until now. */
export interface Accumulator {
  /** The stretches of the text, in order. */
  readonly texts: string[]
  /** What the model thought before it wrote: nobody reads it, and it is paid. */
  thoughts: string
  /** Where a text begins that may begin with thoughts; absent once that is decided. */
  opening?: Opening
  /** UTF-16 code units of both. */
  characters: number
  /** Messages of the stream, whatever is in them. */
  messages: number
  /** The model says that it declines; what follows as text is the refusal. */
  refused: boolean
  /** The provider withholds the answer because of what was asked. */
  withheld: boolean
  finish?: { readonly reason: string; readonly raw: string | undefined }
  usage?: LanguageModelUsage
  providerModel?: string
  /** An error within the stream. The first counts. */
  error?: { readonly is: unknown }
  /** The request was handed over. */
  asked: boolean
}

/** The beginning of a text: what is held of it until it is known to be text or thoughts. */
interface Opening {
  isThought: boolean
  /** White space before it. A faulty model writes it endlessly, so it is not scanned again with each stretch. */
  space: string
  held: string
}

/** Nothing yet. */
export function emptyAccumulator(): Accumulator {
  return {
    texts: [],
    characters: 0,
    thoughts: '',
    opening: { isThought: false, space: '', held: '' },
    messages: 0,
    refused: false,
    withheld: false,
    asked: false,
  }
}

/** Adds one part of the stream. Returns the text that it brings, if any. */
export function accumulate(accumulator: Accumulator, part: TextStreamPart<ToolSet>): string | undefined {
  switch (part.type) {
    case 'text-delta':
      return accumulateText(accumulator, part.text)
    case 'reasoning-delta':
      accumulator.thoughts += part.text
      accumulator.characters += part.text.length
      return undefined
    case 'raw':
      accumulator.messages += 1
      accumulator.refused ||= isRefusal(part.rawValue)
      accumulator.withheld ||= isBlocked(part.rawValue)
      return undefined
    case 'finish-step':
      accumulator.finish = { reason: part.finishReason, raw: part.rawFinishReason }
      accumulator.usage = part.usage
      accumulator.providerModel = part.response.modelId
      return undefined
    case 'error':
      if (!isMissingFinish(part.error)) accumulator.error ??= { is: part.error }
      return undefined
    default:
      return undefined
  }
}

function accumulateText(accumulator: Accumulator, stretch: string): string | undefined {
  if (stretch === '' || accumulator.refused) return undefined
  accumulator.characters += stretch.length
  const text =
    accumulator.opening === undefined ? stretch : withoutThoughts(accumulator, accumulator.opening, stretch)
  if (text === '') return undefined
  accumulator.texts.push(text)
  return text
}

/** Ends the stream. Returns what was held of a text that was too short to classify. */
export function accumulateEnd(accumulator: Accumulator): string | undefined {
  const { opening } = accumulator
  if (opening === undefined || opening.isThought || opening.space + opening.held === '') return undefined
  accumulator.texts.push(opening.space + opening.held)
  return decided(accumulator, opening.space + opening.held)
}

const thinks = '<think>'
const hasThought = '</think>'

/**
 * Some servers leave in the text what a model thinks first, between these marks, where nothing was configured to take it out. Returns
 * what is surely text by now.
 */
function withoutThoughts(accumulator: Accumulator, opening: Opening, stretch: string): string {
  opening.held += stretch
  if (!opening.isThought) {
    const begun = opening.held.trimStart()
    opening.space += opening.held.slice(0, opening.held.length - begun.length)
    opening.held = begun
    if (begun.length < thinks.length && thinks.startsWith(begun)) return ''
    if (!begun.startsWith(thinks)) return decided(accumulator, opening.space + begun)
    opening.isThought = true
    opening.held = begun.slice(thinks.length)
  }
  const end = opening.held.indexOf(hasThought)
  if (end !== -1) {
    accumulator.thoughts += opening.held.slice(0, end)
    return decided(accumulator, opening.held.slice(end + hasThought.length).trimStart())
  }
  // The mark may come in two stretches.
  const sure = Math.max(0, opening.held.length - hasThought.length + 1)
  accumulator.thoughts += opening.held.slice(0, sure)
  opening.held = opening.held.slice(sure)
  return ''
}

function decided(accumulator: Accumulator, text: string): string {
  delete accumulator.opening
  return text
}

/** The SDK's way to say that a stream ended without telling why; that there is no finish says it too. */
function isMissingFinish(error: unknown): boolean {
  return (
    error instanceof Error && error.name === 'AI_InvalidResponseDataError' && at(error, 'data') === undefined
  )
}

/** OpenAI's refusals come beside the text; the SDK makes text of them. */
function isRefusal(message: unknown): boolean {
  return isText(at(at(at(at(message, 'choices'), '0'), 'delta'), 'refusal'))
}

/** Google refuses a prompt beside an answer without candidates; the SDK passes over it. */
function isBlocked(message: unknown): boolean {
  return isText(at(at(message, 'promptFeedback'), 'blockReason'))
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

/**
 * What an answer has used: the provider's numbers where it reports them, else an estimate from the prompt and from all that arrived,
 * rather too high. A provider that reports more than it was sent, or more than was asked for and arrived, is not believed: then the estimate
 * counts, and is marked. More cached tokens than input count as none.
 */
export function usageOf(
  model: { readonly id: string; readonly price?: CachePrice | undefined },
  request: TextRequest,
  { usage, texts, thoughts }: Accumulator,
): Usage {
  const { system = '', prompt, maxOutputTokens } = request
  const answer = texts.join('') + thoughts
  const input = believed(usage?.inputTokens, mostTokensOf(system, prompt))
  const output = believed(usage?.outputTokens, Math.max(maxOutputTokens, Buffer.byteLength(answer)))
  const cached = believed(cachedIn(usage), input.count ?? 0)
  const written = believed(
    usage?.inputTokenDetails.cacheWriteTokens,
    (input.count ?? 0) - (cached.count ?? 0),
  )
  const tokens = {
    inputTokens: input.count ?? promptTokens({ countTokens }, request),
    ...defined({ cachedInputTokens: cached.count }),
    outputTokens: output.count ?? countTokens(answer),
  }
  return {
    ...pricedUsage(model, tokens, input.isTooHigh || output.isTooHigh),
    // What is kept with the usage says nothing of it but its cost.
    ...defined({ cost: costAt(model.price, { ...tokens, ...defined({ cacheWriteTokens: written.count }) }) }),
  }
}

/** Returns the tokens that a provider read from its cache; DeepSeek has a name of its own for them. */
function cachedIn(usage: Accumulator['usage']): number | undefined {
  const hit = at(usage?.raw, 'prompt_cache_hit_tokens')
  return usage?.inputTokenDetails.cacheReadTokens || (typeof hit === 'number' ? hit : undefined)
}

/** Returns a field of what a provider sent; undefined where it has none. */
function at(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([own]) => own === name)?.[1]
    : undefined
}
