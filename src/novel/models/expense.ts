import type { LanguageModel } from '../../ai/model.ts'
import type { Permit, TaskContext, Usage } from '../../index.ts'
import { defined } from '../../task/defined.ts'
import type { UsageNote } from '../library/provenance.ts'

/** The reservation of a call. */
export interface Expense {
  /** Settles the reservation by the real usage; undefined where none is known. */
  settle(used: Usage | undefined): Promise<void>
  /** Parks the limit: the provider refuses all calls for that many milliseconds. */
  refused(retryAfterMs: number): void
}

/**
 * Reserves the most that a call may use under the budget of the tree, then under the rate limit of the model. A lower real usage gives
 * capacity back. `call` names the call within the task. Throws what `reserve` and `acquire` throw.
 */
export async function openExpense(
  ctx: Pick<TaskContext, 'acquire' | 'addUsage' | 'reserve'>,
  model: Pick<LanguageModel, 'costOf' | 'limit' | 'prepare'>,
  { subject, call, ...most }: Required<Pick<Usage, 'call' | 'inputTokens' | 'outputTokens' | 'subject'>>,
): Promise<Expense> {
  const tokens = most.inputTokens + most.outputTokens
  const cost = model.costOf(most)
  await model.prepare?.()
  const hold = await ctx.reserve({ tokens, ...defined({ cost }) }, call)
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
      // A failed call counts against the requests of the minute too.
      const spent = used === undefined ? 0 : used.inputTokens + used.outputTokens
      permit.commit(spent)
      if (used === undefined) return hold.release()
      // Together, so that a kill between the two is unlikely.
      await Promise.all([
        ctx.addUsage({ ...used, subject, call }),
        hold.commit({ tokens: spent, ...defined({ cost: used.cost }) }),
      ])
    },
  }
}

/** The usage before the first call. */
export const noUsage: UsageNote = { inputTokens: 0, outputTokens: 0 }

/** Returns the sum of two usages. Its cost is known only if the cost of each call is. */
export function addUsage(sum: UsageNote, { inputTokens, outputTokens, cost }: Usage | UsageNote): UsageNote {
  const tokens = {
    inputTokens: sum.inputTokens + inputTokens,
    outputTokens: sum.outputTokens + outputTokens,
  }
  const known = cost !== undefined && (sum.cost !== undefined || sum === noUsage)
  return known ? { ...tokens, cost: (sum.cost ?? 0) + cost } : tokens
}
