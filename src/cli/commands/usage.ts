import { type Command, Option } from 'commander'
import { QuillworkError, type UsageKind } from '../../index.ts'
import { durationMs } from '../../task/duration.ts'
import type { Client } from '../client.ts'
import { exitCodes } from '../exit-codes.ts'
import { allNovels, findNovel } from '../find-novel.ts'
import { addPaging, type PagingOptions, pagingQuery, sayNextPage } from '../paging.ts'
import { printJson, type Register, type Run, withServer } from '../run.ts'
import { type EstimateAnswer, estimateLines, type UsageRow, usageLines } from '../usage-lines.ts'
import { parametersOf } from './tasks.ts'

interface UsageOptions extends PagingOptions {
  by: string
  novel?: string
  task?: string
  user?: string
  model?: string
  since?: string
  until?: string
}

/** What the API calls what people ask for: the tasks of the novel name it as the subject of their calls. */
const kinds: Readonly<Record<string, UsageKind>> = {
  day: 'day',
  model: 'model',
  novel: 'subject',
  user: 'user',
  task: 'task',
}

/** `quillwork usage`: what model calls used. */
export function addUsage(program: Command, register: Register): void {
  addPaging(
    program
      .command('usage')
      .description('Sum the tokens and costs of model calls; costs are in the currency of the price list')
      .addOption(
        new Option('--by <what>', 'a line for each; default: day').choices(Object.keys(kinds)).default('day'),
      )
      .option('--novel <novel>', 'only of a novel: its id, or part of its title')
      .option('--task <id>', 'only of a task and all below it')
      .option('--user <id>', 'only of a user')
      .option('--model <id>', 'only of a model')
      .option('--since <time>', 'from then on: 2026-01-31, 2026-01-31T12:00:00Z, or as long ago as 7d')
      .option('--until <time>', 'before then; in the same words'),
  ).action(register<UsageOptions>(usage))
}

function usage(run: Run<UsageOptions>): Promise<number> {
  const { options, terminal } = run
  const by = kinds[options.by] ?? 'day'
  const times = { after: timeOf('--since', options.since), before: timeOf('--until', options.until) }
  const paging = pagingQuery(options)
  return withServer(run, 'quillwork usage', async ({ client }) => {
    const page = await client.get<{ items: UsageRow[]; nextPageToken?: string }>('/v1/usage', {
      by,
      subject: options.novel === undefined ? undefined : (await findNovel(client, options.novel)).id,
      treeOf: options.task,
      userId: options.user,
      model: options.model,
      ...times,
      ...paging,
    })
    if (run.json) printJson(run, page)
    else for (const line of await tableOf(client, page, run)) terminal.out(line)
    if (!run.json) sayNextPage(terminal, page.nextPageToken)
    return exitCodes.ok
  })
}

async function tableOf(
  client: Client,
  { items, nextPageToken }: { items: UsageRow[]; nextPageToken?: string },
  { options, terminal }: Run<UsageOptions>,
): Promise<string[]> {
  if (items.length === 0) return ['No calls of models.']
  return usageLines(items, {
    title: options.by.toUpperCase(),
    currency: await currencyOf(client),
    ...(options.by === 'novel' ? { titles: await titlesOf(client) } : {}),
    isPart: nextPageToken !== undefined || options.page !== undefined,
    columns: terminal.isInteractive ? terminal.columns : undefined,
  })
}

/** Prices are configured in one currency. */
async function currencyOf(client: Client): Promise<string | undefined> {
  const { models } = await client.get<{ models: { price?: { currency: string } }[] }>('/v1/capabilities')
  return models.find(({ price }) => price !== undefined)?.price?.currency
}

async function titlesOf(client: Client): Promise<ReadonlyMap<string, string>> {
  return new Map((await allNovels(client)).map(({ id, title }) => [id, title]))
}

/** A time, or how long ago it is. Throws USAGE_INVALID. */
function timeOf(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const ago = /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)
  const time = ago ? Date.now() - durationMs(text as `${number}d`, option) : readDate(text)
  if (Number.isNaN(time))
    throw new QuillworkError(
      'USAGE_INVALID',
      `${option} ${text}: give a time such as 2026-01-31 or 2026-01-31T12:00:00Z, or how long ago, such as 7d.`,
    )
  return new Date(time).toISOString()
}

/** A day begins as days of UTC do. */
function readDate(text: string): number {
  return /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN
}

interface EstimateOptions {
  parameters?: string
  user?: string
}

/** `quillwork estimate TYPE`: what a task will ask of models. */
export function addEstimate(program: Command, register: Register): void {
  program
    .command('estimate')
    .description('Tell what a task will ask of models, and what it costs, without submitting it')
    .argument('<type>', 'such as BatchGenerateSummary; see docs/api.md')
    .option('--parameters <json>', 'as they would be submitted, such as \'{"novelId": "…"}\'; default {}')
    .option('--user <id>', 'the owner; default: the user of the server')
    .action(register<EstimateOptions>(estimate))
}

function estimate(run: Run<EstimateOptions>): Promise<number> {
  const { options, terminal } = run
  const [taskType = ''] = run.arguments
  const parameters = parametersOf(options.parameters)
  return withServer(run, 'quillwork estimate', async ({ client }) => {
    const answer = await client.post<EstimateAnswer>('/v1/estimates', {
      taskType,
      parameters,
      ...(options.user === undefined ? {} : { userId: options.user }),
    })
    if (run.json) printJson(run, answer)
    else
      for (const line of estimateLines(answer, terminal.isInteractive ? terminal.columns : undefined))
        terminal.out(line)
    return exitCodes.ok
  })
}
