import type { Command } from 'commander'
import type { TaskJson } from '../../http/index.ts'
import { type BulkOutcome, QuillworkError } from '../../index.ts'
import type { Client, Query } from '../client.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { findTaskId } from '../find-task.ts'
import { sayWhoWorks } from '../follow-task.ts'
import { addPaging, andAgain, listCommand, type PagingOptions } from '../list.ts'
import {
  addGroup,
  askFirst,
  type Ending,
  print,
  type Register,
  type Run,
  withServer,
  withSession,
} from '../run.ts'
import { taskLines } from '../task-lines.ts'
import { readTree } from '../watch.ts'
import { agoText, countOf } from '../words.ts'
import { addPace, type PaceOptions, paceOf, previewOf, runBulk, timeBefore } from './bulk-actions.ts'
import { taskArgument } from './tasks.ts'

interface FilterOptions {
  type?: string[]
  user?: string
  code?: string
  olderThan?: string
}

interface BulkOptions extends FilterOptions, PaceOptions {
  all?: boolean
  yes?: boolean
  background?: boolean
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
    .argument('<id>', taskArgument)
    .action(register(show))
  addPace(
    addFilter(
      letters
        .command('retry')
        .description('Run dead-lettered tasks again, with all their retries; very many as a task of its own')
        .argument('[id...]', 'ids of the tasks, or their beginnings; not together with options that select')
        .option('--all', 'all that the other options select'),
    ),
  )
    .option('--background', 'do not wait for the end of that task')
    .action(register(retry))
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
  return { taskType: type, userId: user, code, openedBefore: timeBefore(olderThan) }
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
  return withServer(run, async ({ client }) => {
    const taskId = await findTaskId(client, run.arguments[0] ?? '')
    const task = await client.get<TaskJson>(`/v1/dead-letters/${encodeURIComponent(taskId)}`)
    const lines = run.json ? [] : await taskLines(client, await readTree(client, task.id))
    print(run, task, () => lines)
  })
}

async function retry(run: Run<BulkOptions>) {
  requireOneSelection(run)
  if (run.arguments.length === 0) return retrySelected(run)
  return withServer(run, async connection => {
    const answer = await actOn(connection.client, 'retry', run)
    const code = report(run, answer, 'will run again')
    if (answer.done > 0) sayWhoWorks(run, connection)
    return code
  })
}

/** Dead letters that one request retries or purges. More are a task, which goes on when the command ends. */
const mostPerRequest = 200

/** Retries all that the options select: few by one request, many, or at a pace, by a task. */
function retrySelected(run: Run<BulkOptions>): Ending {
  const body = {
    action: 'retry',
    among: 'deadLetters',
    filter: filterOf(run.options),
    ...paceOf(run.options),
  } as const
  const isPaced = [body.rate, body.wave, body.stopWhen].some(given => given !== undefined)
  return withSession(
    run,
    async session => {
      const { connection } = session
      if (isPaced || (!connection.isOwn && (await previewOf(session, body)).count > mostPerRequest))
        return runBulk(run, session, body)
      const answer = await actOn(connection.client, 'retry', run)
      if (answer.done > 0) sayWhoWorks(run, connection)
      return report(run, answer, 'will run again')
    },
    { works: false },
  )
}

async function purge(run: Run<BulkOptions>) {
  requireOneSelection(run)
  return withSession(
    run,
    async session => {
      const { connection } = session
      const asked = { question: 'Remove these dead letters from the list?', nothing: 'Nothing was purged' }
      if (!(await askFirst(run, asked))) return exitCodes.failed
      const body = { action: 'purge', among: 'deadLetters', filter: filterOf(run.options) } as const
      const isBySelection = run.arguments.length === 0 && !connection.isOwn
      if (isBySelection && (await previewOf(session, body)).count > mostPerRequest)
        return runBulk(run, session, body)
      return report(run, await actOn(connection.client, 'purge', run), 'purged')
    },
    { works: false },
  )
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
      const id = await findTaskId(client, taskId)
      await client.post(`/v1/dead-letters/${encodeURIComponent(id)}:${verb}`)
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
  if (!run.json && answer.more === true) run.terminal.note('There are more. Start a server, and do it again.')
  return answer.failed.length === 0 ? exitCodes.ok : exitCodes.failed
}
