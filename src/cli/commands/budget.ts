import type { Command } from 'commander'
import type { BudgetUseJson } from '../../http/index.ts'
import type { Budget } from '../../index.ts'
import { defined } from '../../task/defined.ts'
import { type Client, taskPath } from '../client.ts'
import { usageError } from '../exit-codes.ts'
import { findTaskId } from '../find-task.ts'
import { ask, type Register, type Run } from '../run.ts'
import { costText, countOf } from '../words.ts'

/** Adds `quillwork budget TASK`: what a task and all its sub-tasks may spend. */
export function addBudgetCommand(program: Command, register: Register): void {
  program
    .command('budget')
    .description('Show or change what the model calls of a task and all its sub-tasks may use')
    .argument('<task>', 'id of the task that was submitted, or its beginning')
    .option('--tokens <n>', 'most tokens, in and out; tasks that wait for the budget continue')
    .option('--cost <amount>', 'most cost, in the currency of the price list')
    .option('--remove', 'remove the budget')
    .action(register(budget))
}

async function budget(run: Run<{ tokens?: string; cost?: string; remove?: boolean }>) {
  const { tokens, cost, remove } = run.options
  const wanted = budgetFrom({ option: '--tokens', text: tokens }, { option: '--cost', text: cost })
  if (remove === true && wanted !== undefined) throw usageError('Give either --remove or a budget, not both.')
  const asked = async (client: Client) => {
    const path = `${taskPath(await findTaskId(client, run.arguments[0] ?? ''))}/budget`
    return change(client, path, remove === true ? 'remove' : wanted)
  }
  return ask(run, asked, budgetLines)
}

function change(client: Client, path: string, wanted: Budget | 'remove' | undefined): Promise<BudgetUseJson> {
  if (wanted === undefined) return client.get(path)
  return wanted === 'remove' ? client.remove(path) : client.put(path, wanted)
}

/** Returns what a tree may spend and has spent, for a person. */
export function budgetLines({ budget, spent, reserved, waiting }: BudgetUseJson): string[] {
  const waits = waiting === 0 ? [] : [`waiting   ${countOf(waiting, 'task')}, until the budget is raised`]
  return [
    `budget    ${budget === undefined ? 'none' : amountText(budget)}`,
    `spent     ${amountText(spent)}`,
    `reserved  ${amountText(reserved)}`,
    ...waits,
  ]
}

function amountText({ tokens, cost }: { tokens?: number | undefined; cost?: number | undefined }): string {
  const parts = [
    ...(tokens === undefined ? [] : [countOf(tokens, 'token')]),
    ...(cost === undefined ? [] : [`cost ${costText(cost)}`]),
  ]
  return parts.join(', ')
}

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
      'most tokens, in and out, that the model calls may use; beyond that, tasks wait until you raise it',
    )
    .option('--budget-cost <amount>', 'most that the calls may cost, in the currency of the price list')
}

/** Returns the budget that the options name, undefined for none. Throws USAGE_INVALID. */
export function budgetGiven({ budgetTokens, budgetCost }: BudgetOptions): Budget | undefined {
  return budgetFrom(
    { option: '--budget-tokens', text: budgetTokens },
    { option: '--budget-cost', text: budgetCost },
  )
}

interface GivenAmount {
  option: string
  text: string | undefined
}

/** Returns the budget of two options, undefined when neither was given. Throws USAGE_INVALID. */
export function budgetFrom(tokens: GivenAmount, cost: GivenAmount): Budget | undefined {
  if (tokens.text === undefined && cost.text === undefined) return undefined
  return defined({
    tokens: numberOf(tokens, /^\d+$/, 'a whole number, such as 250000'),
    cost: numberOf(cost, /^\d+(\.\d+)?$/, 'an amount, such as 2.50'),
  })
}

function numberOf({ option, text }: GivenAmount, form: RegExp, what: string): number | undefined {
  if (text === undefined) return undefined
  const plain = text.replace(/[,_](?=\d{3}(\D|$))/g, '')
  if (form.test(plain)) return Number(plain)
  throw usageError(`${option} takes ${what}, not ${JSON.stringify(text)}.`)
}
