import type { Command } from 'commander'
import type { BudgetUseJson } from '../../http/index.ts'
import { type Budget, QuillworkError } from '../../index.ts'
import type { Client } from '../client.ts'
import { exitCodes } from '../exit-codes.ts'
import { printJson, type Register, type Run, withServer } from '../run.ts'
import { costText, countOf } from '../words.ts'

interface BudgetCommandOptions {
  tokens?: string
  cost?: string
  remove?: boolean
}

/** `quillwork budget TASK`: what a task and all below it may spend. */
export function addBudgetCommand(program: Command, register: Register): void {
  program
    .command('budget')
    .description('See or change what the model calls of a task and all below it may use')
    .argument('<task>', 'id of the task that was submitted')
    .option('--tokens <n>', 'most tokens, in and out; what waits for it goes on')
    .option('--cost <amount>', 'most cost, in the currency of the price list')
    .option('--remove', 'let nothing limit it any more')
    .action(register<BudgetCommandOptions>(budget))
}

function budget(run: Run<BudgetCommandOptions>): Promise<number> {
  const { options } = run
  const [taskId = ''] = run.arguments
  const wanted = budgetFrom(
    { option: '--tokens', text: options.tokens },
    { option: '--cost', text: options.cost },
  )
  if (options.remove === true && wanted !== undefined)
    throw new QuillworkError('USAGE_INVALID', 'Give --remove, or what the budget is to be, not both.')
  return withServer(run, 'quillwork budget', async ({ client }) => {
    const path = `/v1/tasks/${encodeURIComponent(taskId)}/budget`
    const use = await change(client, path, options.remove === true ? 'remove' : wanted)
    if (run.json) printJson(run, use)
    else for (const line of budgetLines(use)) run.terminal.out(line)
    return exitCodes.ok
  })
}

function change(client: Client, path: string, wanted: Budget | 'remove' | undefined): Promise<BudgetUseJson> {
  if (wanted === undefined) return client.get(path)
  return wanted === 'remove' ? client.remove(path) : client.put(path, wanted)
}

/** What a tree may spend and has spent, for a person. */
export function budgetLines({ budget, spent, reserved, waiting }: BudgetUseJson): string[] {
  const waits = waiting === 0 ? [] : [`waiting   ${countOf(waiting, 'task')}, until the budget is raised`]
  return [
    `budget    ${budget === undefined ? 'none' : said(budget)}`,
    `spent     ${said(spent)}`,
    `reserved  ${said(reserved)}`,
    ...waits,
  ]
}

function said({ tokens, cost }: { tokens?: number | undefined; cost?: number | undefined }): string {
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
