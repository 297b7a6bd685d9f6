import { z } from 'zod'
import { named } from './fields.ts'

/** Largest amount: more than any tree spends, and still counted exactly. */
const most = 9_000_000_000

/** What a tree may spend. */
export const budgetSchema = named(
  'Budget',
  z
    .strictObject({
      tokens: z.int().min(0).max(most).optional().describe('Tokens in and out of all calls together'),
      cost: z.number().min(0).max(most).optional().describe('In the currency of the price list'),
    })
    .refine(({ tokens, cost }) => tokens !== undefined || cost !== undefined, {
      message: 'Give tokens, cost, or both.',
    }),
)

const spendingSchema = z.object({ tokens: z.int(), cost: z.number() })

/** What a tree may spend, and what it has spent. */
export const budgetUseSchema = named(
  'BudgetUse',
  z.object({
    rootTaskId: z.string(),
    budget: z
      .object({ tokens: z.int().optional(), cost: z.number().optional() })
      .optional()
      .describe('Absent: the tree has no budget'),
    spent: spendingSchema.describe('For a tree that never had a budget: what its calls used'),
    reserved: spendingSchema.describe('Estimates of running calls'),
    waiting: z.int().describe('Tasks of the tree that wait for the budget to be raised'),
  }),
)

/** A budget and its use, as the API returns them. */
export type BudgetUseJson = z.output<typeof budgetUseSchema>
