import { type Command, Option } from 'commander'
import type { EstimateJson } from '../../http/routes/estimates.ts'
import type { UsageKind } from '../../index.ts'
import { durationMs } from '../../task/duration.ts'
import type { Page } from '../../task/page.ts'
import type { Client } from '../client.ts'
import { usageError } from '../exit-codes.ts'
import { allNovels, findNovel } from '../find-novel.ts'
import { findTaskId } from '../find-task.ts'
import { addPaging, type PagingOptions, pagingQuery, printPage } from '../list.ts'
import { ask, type Register, type Run, withServer } from '../run.ts'
import { estimateLines, type UsageRow, type UsageTable, usageLines } from '../usage-lines.ts'
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

/** The values of `--by`, with what the API calls them: a novel is the subject of the calls of its tasks. */
const kinds: Readonly<Record<string, UsageKind>> = {
  day: 'day',
  model: 'model',
  novel: 'subject',
  user: 'user',
  task: 'task',
}

/** Adds `quillwork usage`: what model calls used. */
export function addUsage(program: Command, register: Register): void {
  addPaging(
    program
      .command('usage')
      .description('Sum the tokens and costs of model calls; costs are in the currency of the price list')
      .addOption(
        new Option('--by <what>', 'what each line sums; default: day')
          .choices(Object.keys(kinds))
          .default('day'),
      )
      .option('--novel <novel>', 'only calls for a novel: its id, or part of its title')
      .option('--task <id>', 'only calls of a task and all its sub-tasks')
      .option('--user <id>', 'only calls for a user')
      .option('--model <id>', 'only calls of a model')
      .option(
        '--since <time>',
        'only calls from this time on: 2026-01-31, 2026-01-31T12:00:00Z, or 7d for seven days ago',
      )
      .option('--until <time>', 'only calls before this time, in the same forms'),
  ).action(register(usage))
}

const keptByTask =
  'Calls of completed tasks are kept by task for 30 days, unless the setting usageRetention differs. Older ones are in the other sums.'

async function usage(run: Run<UsageOptions>) {
  const { options } = run
  const by = kinds[options.by] ?? 'day'
  const times = { after: timeOf('--since', options.since), before: timeOf('--until', options.until) }
  const paging = pagingQuery(options)
  return withServer(run, async ({ client }) => {
    const page = await client.get<Page<UsageRow>>('/v1/usage', {
      by,
      subject: options.novel === undefined ? undefined : (await findNovel(client, options.novel)).id,
      treeOf: options.task === undefined ? undefined : await findTaskId(client, options.task),
      userId: options.user,
      model: options.model,
      ...times,
      ...paging,
    })
    const table = run.json || page.items.length === 0 ? undefined : await tableOf(client, page, options)
    const notes = by === 'task' || options.task !== undefined ? [keptByTask] : []
    printPage(run, page, widest => [
      ...(table === undefined ? ['No model calls.'] : usageLines(page.items, { ...table, columns: widest })),
      ...notes,
    ])
  })
}

async function tableOf(
  client: Client,
  { nextPageToken }: Page<UsageRow>,
  { by, page }: UsageOptions,
): Promise<Omit<UsageTable, 'columns'>> {
  return {
    title: by.toUpperCase(),
    currency: await currencyOf(client),
    titles:
      by === 'novel' ? new Map((await allNovels(client)).map(({ id, title }) => [id, title])) : undefined,
    isPart: nextPageToken !== undefined || page !== undefined,
  }
}

/** Prices are configured in one currency. */
async function currencyOf(client: Client): Promise<string | undefined> {
  const { models } = await client.get<{ models: { price?: { currency: string } }[] }>('/v1/capabilities')
  return models.find(({ price }) => price !== undefined)?.price?.currency
}

/** Returns a time that was given as such, or as how long ago it was. Throws USAGE_INVALID. */
export function timeOf(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const ago = /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)
  const time = ago ? Date.now() - durationMs(text as `${number}d`, option) : readDate(text)
  if (Number.isNaN(time))
    throw usageError(
      `${option} ${text}: give a time such as 2026-01-31 or 2026-01-31T12:00:00Z, or how long ago, such as 7d.`,
    )
  return new Date(time).toISOString()
}

/** Returns the epoch time of a date or a time, NaN for anything else. Days begin at midnight UTC. */
function readDate(text: string): number {
  return /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN
}

/** Adds `quillwork estimate TYPE`: the model calls of a task, before it is submitted. */
export function addEstimate(program: Command, register: Register): void {
  program
    .command('estimate')
    .description('Estimate the model calls of a task and their cost, without submitting it')
    .argument('<type>', 'such as BatchGenerateSummary; see docs/api.md')
    .option('--parameters <json>', 'parameters of the task, such as \'{"novelId": "…"}\'; default {}')
    .option('--user <id>', 'owner of the task; default: the user of the server')
    .action(register(estimate))
}

async function estimate(run: Run<{ parameters?: string; user?: string }>) {
  const [taskType = ''] = run.arguments
  // What is undefined is no part of the JSON.
  const body = { taskType, parameters: parametersOf(run.options.parameters), userId: run.options.user }
  return ask(run, client => client.post<EstimateJson>('/v1/estimates', body), estimateLines)
}
