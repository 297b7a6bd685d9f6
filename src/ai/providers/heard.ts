import type { LanguageModelUsage, TextStreamPart, ToolSet } from 'ai'

/** What was heard of one answer until now. */
export interface Heard {
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
  held: string
}

/** Nothing yet. */
export function nothingHeard(): Heard {
  return {
    texts: [],
    characters: 0,
    thoughts: '',
    opening: { isThought: false, held: '' },
    messages: 0,
    refused: false,
    withheld: false,
    asked: false,
  }
}

/** Takes in one part of the stream; answers the stretch of text that it brings, if any. */
export function hear(heard: Heard, part: TextStreamPart<ToolSet>): string | undefined {
  switch (part.type) {
    case 'text-delta':
      return hearText(heard, part.text)
    case 'reasoning-delta':
      heard.thoughts += part.text
      heard.characters += part.text.length
      return undefined
    case 'raw':
      heard.messages += 1
      heard.refused ||= isRefusal(part.rawValue)
      heard.withheld ||= isBlocked(part.rawValue)
      return undefined
    case 'finish-step':
      heard.finish = { reason: part.finishReason, raw: part.rawFinishReason }
      heard.usage = part.usage
      heard.providerModel = part.response.modelId
      return undefined
    case 'error':
      if (!isMissingFinish(part.error)) heard.error ??= { is: part.error }
      return undefined
    default:
      return undefined
  }
}

function hearText(heard: Heard, stretch: string): string | undefined {
  if (stretch === '' || heard.refused) return undefined
  heard.characters += stretch.length
  const text = heard.opening === undefined ? stretch : withoutThoughts(heard, heard.opening, stretch)
  if (text === '') return undefined
  heard.texts.push(text)
  return text
}

/** The stream has ended: answers what was held of a text that was too short to tell. */
export function hearEnd(heard: Heard): string | undefined {
  const { opening } = heard
  if (opening === undefined || opening.isThought || opening.held === '') return undefined
  heard.texts.push(opening.held)
  return decided(heard, opening.held)
}

const thinks = '<think>'
const hasThought = '</think>'

/**
 * Some servers leave in the text what a model thinks first, between these marks, where nothing was configured to take it out. Returns
 * what is surely text by now.
 */
function withoutThoughts(heard: Heard, opening: Opening, stretch: string): string {
  opening.held += stretch
  if (!opening.isThought) {
    const begun = opening.held.trimStart()
    if (begun.length < thinks.length && thinks.startsWith(begun)) return ''
    if (!begun.startsWith(thinks)) return decided(heard, opening.held)
    opening.isThought = true
    opening.held = begun.slice(thinks.length)
  }
  const end = opening.held.indexOf(hasThought)
  if (end !== -1) {
    heard.thoughts += opening.held.slice(0, end)
    return decided(heard, opening.held.slice(end + hasThought.length).trimStart())
  }
  // The mark may come in two stretches.
  const sure = Math.max(0, opening.held.length - hasThought.length + 1)
  heard.thoughts += opening.held.slice(0, sure)
  opening.held = opening.held.slice(sure)
  return ''
}

function decided(heard: Heard, text: string): string {
  delete heard.opening
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

function at(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([own]) => own === name)?.[1]
    : undefined
}
