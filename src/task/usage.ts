import type { Usage } from './definition.ts'
import { QuillworkError } from './errors.ts'

/** Longest id of a model, in characters. */
const longestModel = 200
/** Longest subject, in characters. */
const longestSubject = 100
/** Longest name of a call, in characters. */
const longestCall = 200

/** Returns the usage when it can be stored and summed. Throws OPTION_INVALID, naming the field. */
export function validUsage(usage: Usage): Usage {
  const { model, inputTokens, outputTokens, cost, subject, call } = usage
  requireText('model', model, longestModel)
  if (subject !== undefined) requireText('subject', subject, longestSubject)
  if (call !== undefined) requireText('call', call, longestCall)
  requireCount('inputTokens', inputTokens)
  requireCount('outputTokens', outputTokens)
  if (cost !== undefined && !(Number.isFinite(cost) && cost >= 0))
    throw refusal('cost', `${cost}; give an amount of at least 0, or leave it out where no price is known`)
  return usage
}

function requireText(field: string, text: unknown, longest: number): void {
  if (typeof text === 'string' && text.length >= 1 && text.length <= longest && !text.includes('\0')) return
  throw refusal(field, `not a text of 1 to ${longest} characters without NUL`)
}

function requireCount(field: string, tokens: number): void {
  if (Number.isSafeInteger(tokens) && tokens >= 0) return
  throw refusal(field, `${tokens}; give a whole number of at least 0`)
}

function refusal(field: string, what: string): QuillworkError {
  return new QuillworkError('OPTION_INVALID', `${field} of the usage of a model is ${what}.`)
}
