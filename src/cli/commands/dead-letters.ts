import type { Command } from 'commander'
import type { TaskJson } from '../../http/index.ts'
import { type BulkOutcome, type Duration, QuillworkError } from '../../index.ts'
import { durationMs } from '../../task/duration.ts'
import type { Client, Query } from '../client.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { addPaging, andAgain, listCommand, type PagingOptions } from '../list.ts'
import { addGroup, askFirst, print, type Register, type Run, withServer } from '../run.ts'
import { taskLines } from '../task-lines.ts'
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

/** Adds `quillwork dead-letters list|show|retry|purge`. */
export function addDeadLetters(program: Command, register: Register): void {
  const about = 'List, show, retry and purge the tasks that need a person'
  const letters = addGroup(program, 'dead-letters', about)
  const listAbout = 'List tasks with an open dead letter, the most recently submitted first'
  addPaging(addFilter(letters.command('list').description(listAbout))).action(register(list))
  letters
    .command('show')
    .description('Show a task with an open dead letter')
    .argument('<id>')
    .action(register(show))
  addFilter(
    letters
      .command('retry')
      .description('Run dead-lettered tasks again, with all their retries')
      .argument('[id...]', 'ids of the tasks; not together with options that select')
      .option('--all', 'all that the other options select'),
  ).action(register(retry))
  addFilter(
    letters
      .command('purge')
      .description('Remove dead letters from the list; the tasks stay as they ended')
      .argument('[id...]', 'ids of the tasks; not together with options that select')
      .option('--all', 'all that the other options select')
      .option('--yes', 'do not ask'),
  ).action(register(purge))
}

function addFilter(command: Command): Command {
  return command
    .option('--type <type>', 'only this task type; repeat the option for several', andAgain)
    .option('--user <id>', 'only tasks of a user')
    .option('--code <code>', 'only tasks that failed with this error code')
    .option('--older-than <time>', 'only dead letters older than this, such as 7d')
}

function filterOf({ type, user, code, olderThan }: FilterOptions): Query {
  const openedBefore =
    olderThan === undefined
      ? undefined
      : new Date(Date.now() - durationMs(olderThan as Duration, '--older-than')).toISOString()
  return { taskType: type, userId: user, code, openedBefore }
}

const list = listCommand<TaskJson, FilterOptions & PagingOptions>({
  path: '/v1/dead-letters',
  query: filterOf,
  empty: () => 'No dead letters.',
  columns: [
    { title: 'ID', text: task => task.id },
    { title: 'TYPE', text: task => task.taskType },
    { title: 'REASON', text: task => task.deadLetter?.reason ?? '' },
    { title: 'OPENED', text: task => agoText(task.deadLetter?.openedAt ?? task.timestamps.updatedAt) },
    {
      title: 'ERROR',
      text: ({ deadLetter }) => `${deadLetter?.error.code ?? ''}: ${deadLetter?.error.message ?? ''}`,
    },
  ],
})

function show(run: Run) {
  const [taskId = ''] = run.arguments
  return withServer(run, async ({ client }) => {
    const task = await client.get<TaskJson>(`/v1/dead-letters/${encodeURIComponent(taskId)}`)
    const lines = run.json ? [] : await taskLines(client, await readTree(client, task.id))
    print(run, task, () => lines)
  })
}

async function retry(run: Run<BulkOptions>) {
  requireOneSelection(run)
  return withServer(run, async connection => {
    const answer = await actOn(connection.client, 'retry', run)
    const code = report(run, answer, 'will run again')
    if (answer.done > 0) sayWhoWorks(run, connection)
    return code
  })
}

async function purge(run: Run<BulkOptions>) {
  requireOneSelection(run)
  return withServer(run, async ({ client }) => {
    const asked = { question: 'Remove these dead letters from the list?', nothing: 'Nothing was purged' }
    if (!(await askFirst(run, asked))) return exitCodes.failed
    return report(run, await actOn(client, 'purge', run), 'purged')
  })
}

/** Retries or purges the named tasks; where none is named, all that the options select. */
async function actOn(
  client: Client,
  verb: 'retry' | 'purge',
  { arguments: ids, options }: Run<BulkOptions>,
): Promise<BulkOutcome> {
  if (ids.length === 0) return client.post(`/v1/dead-letters:${verb}`, { filter: filterOf(options) })
  const failed: BulkOutcome['failed'][number][] = []
  let done = 0
  for (const taskId of ids) {
    try {
      await client.post(`/v1/dead-letters/${encodeURIComponent(taskId)}:${verb}`)
      done += 1
    } catch (error) {
      // One of several that fails does not keep the others from it.
      if (ids.length === 1 || !(error instanceof QuillworkError) || error.code === 'SERVER_UNREACHABLE')
        throw error
      failed.push({ taskId, code: error.code, message: error.message })
    }
  }
  return { done, failed }
}

/** Throws USAGE_INVALID unless either ids or options select: so nobody selects all by accident, and no option is ignored. */
function requireOneSelection({ arguments: ids, options }: Run<BulkOptions>): void {
  const { all, type, user, code, olderThan } = options
  const selects = all === true || [type, user, code, olderThan].some(given => given !== undefined)
  if (selects !== ids.length > 0) return
  throw usageError(
    selects
      ? 'Give either ids or options that select (--type, --user, --code, --older-than, --all), not both.'
      : 'Select dead letters: give ids, --type, --user, --code, --older-than, or --all.',
  )
}

function report(run: Run, answer: BulkOutcome, words: string): number {
  print(run, answer, () => [`${countOf(answer.done, 'dead letter')} ${words}.`])
  if (!run.json)
    for (const { taskId, code, message } of answer.failed) run.terminal.note(`${taskId}: ${code}: ${message}`)
  return answer.failed.length === 0 ? exitCodes.ok : exitCodes.failed
}
