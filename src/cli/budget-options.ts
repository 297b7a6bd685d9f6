import type { Command } from 'commander'
import { type Budget, QuillworkError } from '../index.ts'

/** Options of a command that submits a task. */
export interface BudgetOptions {
  budgetTokens?: string
  budgetCost?: string
}

/** Adds `--budget-tokens` and `--budget-cost` to a command that submits a task. */
export function addBudget(command: Command): Command {
  return command
    .option(
      '--budget-tokens <n>',
      'most tokens, in and out, that the model calls may use; more waits for you',
    )
    .option('--budget-cost <amount>', 'most that they may cost, in the currency of the price list')
}

/** The budget that the options name; undefined for none. Throws USAGE_INVALID. */
export function budgetGiven({ budgetTokens, budgetCost }: BudgetOptions): Budget | undefined {
  return budgetFrom(
    { option: '--budget-tokens', text: budgetTokens },
    { option: '--budget-cost', text: budgetCost },
  )
}

interface Given {
  option: string
  text: string | undefined
}

/** The budget of two options; undefined when neither was given. Throws USAGE_INVALID. */
export function budgetFrom(tokens: Given, cost: Given): Budget | undefined {
  if (tokens.text === undefined && cost.text === undefined) return undefined
  return {
    ...(tokens.text === undefined
      ? {}
      : { tokens: numberOf(tokens, /^\d+$/, 'a whole number, such as 250000') }),
    ...(cost.text === undefined ? {} : { cost: numberOf(cost, /^\d+(\.\d+)?$/, 'an amount, such as 2.50') }),
  }
}

function numberOf({ option, text = '' }: Given, form: RegExp, what: string): number {
  const plain = text.replace(/[,_](?=\d{3}(\D|$))/g, '')
  if (form.test(plain)) return Number(plain)
  throw new QuillworkError('USAGE_INVALID', `${option} takes ${what}, not ${JSON.stringify(text)}.`)
}
