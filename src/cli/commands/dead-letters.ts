import type { Command } from 'commander'
import type { TaskJson } from '../../http/index.ts'
import { type Duration, QuillworkError } from '../../index.ts'
import { durationMs } from '../../task/duration.ts'
import type { Client, Query } from '../client.ts'
import { exitCodes } from '../exit-codes.ts'
import { addPaging, type PagingOptions, pagingQuery, sayNextPage } from '../paging.ts'
import { printJson, type Register, type Run, withServer } from '../run.ts'
import { taskLines } from '../task-lines.ts'
import { tableLines } from '../text.ts'
import { readTree } from '../watch.ts'
import { agoText, countOf } from '../words.ts'
import { sayWhoWorks } from './tasks.ts'

interface FilterOptions {
  type?: string[]
  user?: string
  code?: string
  olderThan?: string
}

interface BulkOptions extends FilterOptions {
  all?: boolean
  yes?: boolean
}

/** `quillwork dead-letters list|show|retry|purge`. */
export function addDeadLetters(program: Command, register: Register): void {
  const letters = program
    .command('dead-letters')
    .description('See and settle the tasks that need a person')
    .helpCommand(false)
  addPaging(
    addFilter(letters.command('list').description('List tasks with an open dead letter, newest first')),
  ).action(register<FilterOptions & PagingOptions>(list))
  letters
    .command('show')
    .description('Show a task with an open dead letter')
    .argument('<id>')
    .action(register(show))
  addFilter(
    letters
      .command('retry')
      .description('Run dead-lettered tasks again; their retries start anew')
      .argument('[id...]', 'these alone; not together with options that select')
      .option('--all', 'every one that the other options leave'),
  ).action(register<BulkOptions>(retry))
  addFilter(
    letters
      .command('purge')
      .description('Take dead letters out of the list; the tasks stay as they ended')
      .argument('[id...]', 'these alone; not together with options that select')
      .option('--all', 'every one that the other options leave')
      .option('--yes', 'without asking'),
  ).action(register<BulkOptions>(purge))
}

function addFilter(command: Command): Command {
  return command
    .option('--type <type>', 'only this task type; give it again for several', andAgain)
    .option('--user <id>', 'only those of a user')
    .option('--code <code>', 'only those with this error')
    .option('--older-than <time>', 'only those older than, such as 7d')
}

/** One value at a time: an option that took several would take the ids that follow it. */
function andAgain(type: string, before: readonly string[] = []): string[] {
  return [...before, type]
}

function filterOf({ type, user, code, olderThan }: FilterOptions): Query {
  const openedBefore =
    olderThan === undefined
      ? undefined
      : new Date(Date.now() - durationMs(olderThan as Duration, '--older-than')).toISOString()
  return { taskType: type, userId: user, code, openedBefore }
}

function list(run: Run<FilterOptions & PagingOptions>): Promise<number> {
  const { terminal, options } = run
  const query = { ...filterOf(options), ...pagingQuery(options) }
  return withServer(run, 'quillwork dead-letters list', async ({ client }) => {
    const page = await client.get<{ items: TaskJson[]; nextPageToken?: string }>('/v1/dead-letters', query)
    if (run.json) printJson(run, page)
    else if (page.items.length === 0) terminal.out('No dead letters.')
    else
      for (const line of letterTable(page.items, terminal.isInteractive ? terminal.columns : undefined))
        terminal.out(line)
    if (!run.json) sayNextPage(terminal, page.nextPageToken)
    return exitCodes.ok
  })
}

function letterTable(tasks: readonly TaskJson[], columns: number | undefined): string[] {
  return tableLines(
    tasks,
    [
      { title: 'ID', text: task => task.id },
      { title: 'TYPE', text: task => task.taskType },
      { title: 'REASON', text: task => task.deadLetter?.reason ?? '' },
      { title: 'OPENED', text: task => agoText(task.deadLetter?.openedAt ?? task.timestamps.updatedAt) },
      {
        title: 'ERROR',
        text: ({ deadLetter }) => `${deadLetter?.error.code ?? ''}: ${deadLetter?.error.message ?? ''}`,
      },
    ],
    columns,
  )
}

function show(run: Run): Promise<number> {
  const [taskId = ''] = run.arguments
  return withServer(run, 'quillwork dead-letters show', async ({ client }) => {
    const task = await client.get<TaskJson>(`/v1/dead-letters/${encodeURIComponent(taskId)}`)
    if (run.json) printJson(run, task)
    else for (const line of await taskLines(client, await readTree(client, task.id))) run.terminal.out(line)
    return exitCodes.ok
  })
}

/** What becomes of many. */
interface BulkAnswer {
  done: number
  failed: { taskId: string; code: string; message: string }[]
}

function retry(run: Run<BulkOptions>): Promise<number> {
  const ids = run.arguments
  requireOneSelection(run)
  return withServer(run, 'quillwork dead-letters retry', async connection => {
    const { client } = connection
    const answer = await actOn(client, 'retry', ids, run.options)
    const code = tell(run, answer, 'will run again')
    if (answer.done > 0) sayWhoWorks(run, connection)
    return code
  })
}

async function purge(run: Run<BulkOptions>): Promise<number> {
  const ids = run.arguments
  requireOneSelection(run)
  const { terminal, options, json } = run
  return withServer(run, 'quillwork dead-letters purge', async ({ client }) => {
    if (options.yes !== true) {
      if (!terminal.canAsk || json)
        throw new QuillworkError('USAGE_INVALID', 'Nothing was purged: there is nobody to ask. Pass --yes.')
      if (!(await terminal.confirm('Take these dead letters out of the list?'))) {
        terminal.note('Nothing was purged.')
        return exitCodes.failed
      }
    }
    const answer = await actOn(client, 'purge', ids, options)
    return tell(run, answer, 'purged')
  })
}

/** Does it to those that are named; where none is, to all that the options leave. */
async function actOn(
  client: Client,
  verb: 'retry' | 'purge',
  ids: readonly string[],
  options: FilterOptions,
): Promise<BulkAnswer> {
  if (ids.length === 0) return client.post(`/v1/dead-letters:${verb}`, { filter: filterOf(options) })
  const answer: BulkAnswer = { done: 0, failed: [] }
  for (const taskId of ids) {
    try {
      await client.post(`/v1/dead-letters/${encodeURIComponent(taskId)}:${verb}`)
      answer.done += 1
    } catch (error) {
      // One of several that cannot be does not keep the others.
      if (ids.length === 1 || !(error instanceof QuillworkError) || error.code === 'SERVER_UNREACHABLE')
        throw error
      answer.failed.push({ taskId, code: error.code, message: error.message })
    }
  }
  return answer
}

/** Nobody means all by accident, and nobody gives what would be left out of account. */
function requireOneSelection({ arguments: ids, options }: Run<BulkOptions>): void {
  const { all, type, user, code, olderThan } = options
  const selects = all === true || [type, user, code, olderThan].some(given => given !== undefined)
  if (selects !== ids.length > 0) return
  throw new QuillworkError(
    'USAGE_INVALID',
    selects
      ? 'Give either ids, or options that select (--type, --user, --code, --older-than, --all); not both.'
      : 'Say which: ids, --type, --user, --code, --older-than, or --all for every one.',
  )
}

function tell(run: Run, answer: BulkAnswer, words: string): number {
  const { terminal } = run
  if (run.json) printJson(run, answer)
  else {
    terminal.out(`${countOf(answer.done, 'dead letter')} ${words}.`)
    for (const { taskId, code, message } of answer.failed) terminal.note(`${taskId}: ${code}: ${message}`)
  }
  return answer.failed.length === 0 ? exitCodes.ok : exitCodes.failed
}
