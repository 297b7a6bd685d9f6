import type { LanguageModelUsage } from 'ai'
import type { Usage } from '../../task/definition.ts'
import type { ModelPrice, TextRequest } from '../model.ts'
import type { Heard } from './heard.ts'
import { costAt, countTokens } from './tokens.ts'

/** Tokens that the roles and separators of a request add to its texts. */
const frame = 16

/**
 * What an answer has used: the provider's numbers where it tells them, else an estimate from the prompt and from all that was heard,
 * rather too high. The record does not say which of the two it is: a sum over both could not either.
 */
export function usageOf(
  model: { readonly id: string; readonly price?: ModelPrice | undefined },
  request: TextRequest,
  heard: Heard,
): Usage {
  const tokens = {
    inputTokens: told(heard.usage, 'inputTokens') ?? promptTokens(request),
    outputTokens: told(heard.usage, 'outputTokens') ?? countTokens(heard.texts.join('') + heard.thoughts),
  }
  const cost = costAt(model.price, tokens)
  return { model: model.id, ...tokens, ...(cost === undefined ? {} : { cost }) }
}

function promptTokens({ system = '', prompt }: TextRequest): number {
  return countTokens(system) + countTokens(prompt) + frame
}

/** A count that can be one: servers that count nothing say 0. */
function told(
  usage: LanguageModelUsage | undefined,
  name: 'inputTokens' | 'outputTokens',
): number | undefined {
  const count = usage?.[name]
  return count !== undefined && Number.isSafeInteger(count) && count > 0 ? count : undefined
}
