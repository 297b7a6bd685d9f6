import { defined } from './defined.ts'
import { QuillworkError } from './errors.ts'
import type { ExpectedCall, Usage } from './paid-call.ts'

/** Longest id of a model, in characters. */
const longestModel = 200
/** Longest subject, in characters. */
const longestSubject = 100
/** Longest name of a call, in characters. */
const longestCall = 200

/** Returns the usage when it can be stored and summed. Throws OPTION_INVALID, naming the field. */
export function validUsage(usage: Usage): Usage {
  const { model, inputTokens, cachedInputTokens = 0, outputTokens, cost, subject, call } = usage
  requireText('model', model, longestModel)
  if (subject !== undefined) checkSubject(subject)
  if (call !== undefined) requireText('call', call, longestCall)
  requireCount('inputTokens', inputTokens)
  requireCount('cachedInputTokens', cachedInputTokens)
  requireCount('outputTokens', outputTokens)
  if (cachedInputTokens > inputTokens)
    throw refusal(
      'cachedInputTokens',
      `${cachedInputTokens}; give at most the inputTokens, of which they are part`,
    )
  if (cost !== undefined && !(Number.isFinite(cost) && cost >= 0))
    throw refusal('cost', `${cost}; give an amount of at least 0, or leave it out where no price is known`)
  return usage
}

/** Throws OPTION_INVALID for a subject that no usage can have. */
export function checkSubject(subject: string): void {
  requireText('subject', subject, longestSubject)
}

/** Most tokens of one call: more than any model takes. */
const mostTokens = 10_000_000
/** Most that one call may cost: more than an account can count is a mistake. */
const mostCost = 1_000_000

/**
 * Returns what a call has used as it counts. Where a number cannot be right, the estimate takes its place, and the usage is marked; the id of a model
 * that cannot be stored is cut, or `unknown`: a paid answer is not lost for it.
 */
export function believableUsage(usage: Usage, expected: Pick<ExpectedCall, 'tokens' | 'cost'>): Usage {
  const { model: named, inputTokens, cachedInputTokens = 0, outputTokens, cost, ...others } = usage
  const model = storableModel(named)
  const mayBeTokens =
    isCount(inputTokens) &&
    isCount(cachedInputTokens) &&
    cachedInputTokens <= inputTokens &&
    isCount(outputTokens) &&
    inputTokens + outputTokens <= Math.max(mostTokens, expected.tokens)
  const mayBeCost = cost === undefined || (cost >= 0 && cost <= Math.max(mostCost, expected.cost ?? 0))
  if (mayBeTokens && mayBeCost) return model === named ? usage : { ...usage, model }
  const tokens = mayBeTokens
    ? { inputTokens, cachedInputTokens, outputTokens }
    : { inputTokens: Math.ceil(expected.tokens), outputTokens: 0 }
  return { model, ...others, ...tokens, ...defined({ cost: expected.cost }), isEstimated: true }
}

/** Returns the id of a model as it can be stored: a server may say anything. */
function storableModel(named: string): string {
  const text = typeof named === 'string' ? named.replaceAll('\0', '').slice(0, longestModel) : ''
  return text === '' ? 'unknown' : text
}

function requireText(field: string, text: unknown, longest: number): void {
  if (typeof text === 'string' && text.length >= 1 && text.length <= longest && !text.includes('\0')) return
  throw refusal(field, `not a text of 1 to ${longest} characters without NUL`)
}

function requireCount(field: string, tokens: number): void {
  if (isCount(tokens)) return
  throw refusal(field, `${tokens}; give a whole number of at least 0`)
}

function isCount(tokens: number): boolean {
  return Number.isSafeInteger(tokens) && tokens >= 0
}

function refusal(field: string, what: string): QuillworkError {
  return new QuillworkError('OPTION_INVALID', `${field} of the usage of a model is ${what}.`)
}
