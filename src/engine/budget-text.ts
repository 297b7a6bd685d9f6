/** The account of a budget as a text, for the place that processes share. */
import { type AccountCodec, type Kept, writesAfter } from '../runtime/shared-account.ts'
import { QuillworkError } from '../task/errors.ts'
import { type Amount, type BudgetAccount, type Need, noAccount } from './budget-arithmetic.ts'

/** Raised when the text changes its meaning. */
const format = 1

interface Text {
  format: number
  writes: readonly string[]
  limit: Partial<Amount>
  spent: Amount
  holds: [id: string, tokens: number, money: number, leaseEnd: number][]
  wanted?: Need
  promised: BudgetAccount['promised']
}

/**
 * Writes and reads accounts. An account that cannot be read limits a tree in a way that nobody here knows, so reading it throws:
 * STORE_NEWER for one of a newer version, RECORD_UNREADABLE for a damaged one.
 */
export const budgetCodec: AccountCodec<BudgetAccount> = {
  read(text): Kept<BudgetAccount> {
    if (text === '') return { state: noAccount(), writes: [] }
    const { writes, holds, limit, spent, wanted, promised } = parse(text)
    const held = holds.map(([id, tokens, money, leaseEnd]) => [id, { tokens, money, leaseEnd }] as const)
    return { writes, state: { isOpen: true, limit, spent, wanted, promised, holds: new Map(held) } }
  },
  write({ state: { limit, spent, holds, wanted, promised }, writes }, write) {
    const text: Text = {
      format,
      writes: writesAfter(writes, write),
      limit,
      spent,
      holds: [...holds].map(([id, { tokens, money, leaseEnd }]) => [id, tokens, money, leaseEnd]),
      ...(wanted === undefined ? {} : { wanted }),
      promised,
    }
    return JSON.stringify(text)
  },
}

function parse(text: string): Text {
  let parsed: Text
  try {
    parsed = JSON.parse(text) as Text
  } catch (cause) {
    throw new QuillworkError('RECORD_UNREADABLE', 'The account of a budget is damaged.', { cause })
  }
  if (parsed?.format === format) return parsed
  throw new QuillworkError(
    'STORE_NEWER',
    `The account of a budget has the format ${parsed?.format}, this version knows ${format}; update the program.`,
  )
}
