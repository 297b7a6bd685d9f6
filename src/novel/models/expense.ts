import type { LanguageModel } from '../../ai/model.ts'
import type { Permit, TaskContext, Usage } from '../../index.ts'
import type { UsageNote } from '../library/provenance.ts'

/** What a call has reserved. */
export interface Expense {
  /** Absent: nothing is known to have been used. */
  settle(used: Usage | undefined): Promise<void>
  /** The provider takes no call for so many milliseconds: nobody makes one, whoever asks. */
  refused(retryAfterMs: number): void
}

/** The most that a call may use, and what its usage is recorded for. */
export interface MostUse {
  readonly inputTokens: number
  readonly outputTokens: number
  /** Id of the novel. */
  readonly subject: string
}

/**
 * Reserves for a call under the budget of the tree, then under the limit of the model: a lower real use gives room back when it is
 * known. Throws what `reserve` and `acquire` throw.
 */
export async function openExpense(
  ctx: Pick<TaskContext, 'acquire' | 'addUsage' | 'reserve'>,
  model: Pick<LanguageModel, 'costOf' | 'limit' | 'prepare'>,
  { subject, ...most }: MostUse,
): Promise<Expense> {
  const tokens = most.inputTokens + most.outputTokens
  const cost = model.costOf(most)
  await model.prepare?.()
  const hold = await ctx.reserve(cost === undefined ? { tokens } : { tokens, cost })
  let permit: Permit
  try {
    permit = await ctx.acquire(model.limit, tokens)
  } catch (error) {
    await hold.release()
    throw error
  }
  return {
    refused: retryAfterMs => permit.refused(retryAfterMs),
    async settle(used) {
      // A call that failed was a call for the provider, too: it counts against the requests of the minute.
      permit.commit(used === undefined ? 0 : used.inputTokens + used.outputTokens)
      if (used === undefined) return hold.release()
      const spent = { tokens: used.inputTokens + used.outputTokens }
      await ctx.addUsage({ ...used, subject })
      await hold.commit(used.cost === undefined ? spent : { ...spent, cost: used.cost })
    },
  }
}

/** Before the first call. */
export const noUsage: UsageNote = { inputTokens: 0, outputTokens: 0 }

/** Both together. The cost is known only where that of each call is. */
export function addUsage(sum: UsageNote, { inputTokens, outputTokens, cost }: Usage | UsageNote): UsageNote {
  const tokens = {
    inputTokens: sum.inputTokens + inputTokens,
    outputTokens: sum.outputTokens + outputTokens,
  }
  const known = cost !== undefined && (sum.cost !== undefined || sum === noUsage)
  return known ? { ...tokens, cost: (sum.cost ?? 0) + cost } : tokens
}
