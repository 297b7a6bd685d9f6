import type { LanguageModelUsage, TextStreamPart, ToolSet } from 'ai'

/** What was heard of one answer until now. */
export interface Heard {
  /** The stretches of the text, in order. */
  readonly texts: string[]
  /** What the model thought before it wrote: nobody reads it, and it is paid. */
  thoughts: string
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

/** Nothing yet. */
export function nothingHeard(): Heard {
  return {
    texts: [],
    characters: 0,
    thoughts: '',
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

function hearText(heard: Heard, text: string): string | undefined {
  if (text === '' || heard.refused) return undefined
  heard.texts.push(text)
  heard.characters += text.length
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
