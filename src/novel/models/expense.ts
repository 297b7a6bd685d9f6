import type { Usage } from '../../index.ts'
import type { UsageNote } from '../library/provenance.ts'

/** The usage before the first call. */
export const noUsage: UsageNote = { inputTokens: 0, outputTokens: 0 }

/** Returns the sum of two usages. Its cost is known only if the cost of each call is. */
export function addUsage(sum: UsageNote, one: Usage | UsageNote): UsageNote {
  const { inputTokens, cachedInputTokens = 0, outputTokens, cost } = one
  const cached = (sum.cachedInputTokens ?? 0) + cachedInputTokens
  const tokens = {
    inputTokens: sum.inputTokens + inputTokens,
    ...(cached > 0 && { cachedInputTokens: cached }),
    outputTokens: sum.outputTokens + outputTokens,
  }
  const known = cost !== undefined && (sum.cost !== undefined || sum === noUsage)
  return known ? { ...tokens, cost: (sum.cost ?? 0) + cost } : tokens
}
