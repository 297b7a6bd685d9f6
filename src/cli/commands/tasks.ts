import { type Command, Option } from 'commander'
import type { TaskJson } from '../../http/index.ts'
import { hasEnded, QuillworkError, taskStatuses } from '../../index.ts'
import type { Client } from '../client.ts'
import { type Connection, connect } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { commandText } from '../hints.ts'
import { output } from '../output.ts'
import { addPaging, type PagingOptions, pagingQuery, sayNextPage } from '../paging.ts'
import { printJson, type Register, type Run, withServer } from '../run.ts'
import { stay, withVisit } from '../session.ts'
import { listenForSignals } from '../signals.ts'
import { advanceOf, detailOf, taskLines } from '../task-lines.ts'
import { tableLines } from '../text.ts'
import { readTree, watchTrees } from '../watch.ts'
import { agoText, countOf, numberText } from '../words.ts'
import { addBudget, type BudgetOptions, budgetGiven } from './budget.ts'

interface ListOptions extends PagingOptions {
  status?: string[]
  type?: string[]
  user?: string
  lane?: string
  roots?: boolean
}

/** `quillwork tasks submit|list|show|output|cancel|retry`. */
export function addTasks(program: Command, register: Register): void {
  const tasks = program.command('tasks').description('Submit, see and steer tasks').helpCommand(false)
  addBudget(
    tasks
      .command('submit')
      .description('Submit a task; it runs on the server, or here until it has ended where none runs')
      .argument('<type>', 'such as GenerateScene; see docs/writing-tasks.md and /v1/capabilities')
      .option('--parameters <json>', 'what it takes, such as \'{"novelId": "…"}\'; default {}')
      .option('--user <id>', 'the owner; default: the user of the server')
      .option('--lane <name>', 'default: that of the task type')
      .option('--key <text>', 'idempotency key: the same task is not submitted twice')
      .option('--watch', 'show it until it has ended'),
  ).action(register<SubmitOptions>(submit))
  addPaging(
    tasks
      .command('list')
      .description('List tasks, newest first')
      .addOption(new Option('--status <status...>', 'only these').choices(taskStatuses))
      .option('--type <type...>', 'only these task types')
      .option('--user <id>', 'only those of a user')
      .option('--lane <name>', 'only those of a lane')
      .option('--roots', 'leave out sub-tasks'),
  ).action(register<ListOptions>(list))
  tasks
    .command('show')
    .description('Show a task with what is below it, its attempts and its log')
    .argument('<id>')
    .option('--watch', 'until it has ended')
    .action(register<{ watch?: boolean }>(show))
  tasks
    .command('output')
    .description('Print the text that a task has written so far')
    .argument('<id>')
    .option('--follow', 'and what follows, until it has ended; a new attempt is told on standard error')
    .action(register<{ follow?: boolean }>(output))
  tasks
    .command('cancel')
    .description('Cancel tasks and all below them')
    .argument('<id...>')
    .action(register(cancel))
  tasks
    .command('retry')
    .description('Run ended tasks again, and below them what did not complete')
    .argument('<id...>')
    .action(register(retry))
}

function list(run: Run<ListOptions>): Promise<number> {
  const { options, terminal } = run
  const paging = pagingQuery(options)
  return withServer(run, 'quillwork tasks list', async ({ client }) => {
    const page = await client.get<{ items: TaskJson[]; nextPageToken?: string }>('/v1/tasks', {
      status: options.status,
      taskType: options.type,
      userId: options.user,
      lane: options.lane,
      rootsOnly: options.roots,
      ...paging,
    })
    if (run.json) printJson(run, page)
    else if (page.items.length === 0) terminal.out('No tasks.')
    else
      for (const line of taskTable(page.items, terminal.isInteractive ? terminal.columns : undefined))
        terminal.out(line)
    if (!run.json) sayNextPage(terminal, page.nextPageToken)
    return exitCodes.ok
  })
}

function taskTable(tasks: readonly TaskJson[], columns: number | undefined): string[] {
  return tableLines(
    tasks,
    [
      { title: 'ID', text: task => task.id },
      { title: 'TYPE', text: task => task.taskType },
      { title: 'STATUS', text: task => task.status },
      { title: 'DONE', text: doneText, right: true },
      { title: 'CREATED', text: task => agoText(task.timestamps.createdAt) },
      { title: 'DETAIL', text: task => detailOf(task, { bars: false }) },
    ],
    columns,
  )
}

function doneText(task: TaskJson): string {
  const { done, total } = advanceOf(task)
  return total === 0 ? '' : `${numberText(done)}/${numberText(total)}`
}

async function show(run: Run<{ watch?: boolean }>): Promise<number> {
  if (run.options.watch === true) return watch(run)
  const [taskId = ''] = run.arguments
  return withServer(run, 'quillwork tasks show', async ({ client }) => {
    if (run.json) printJson(run, await client.get(pathOf(taskId)))
    else for (const line of await taskLines(client, await readTree(client, taskId))) run.terminal.out(line)
    return exitCodes.ok
  })
}

async function watch(run: Run): Promise<number> {
  const { terminal } = run
  const [taskId = ''] = run.arguments
  using signals = listenForSignals()
  const connection = await connect(run.configure(), {
    command: 'quillwork tasks show --watch',
    works: true,
    signal: signals.asked,
  })
  try {
    const { client, renew } = connection
    const [task] = await watchTrees({
      client,
      renew,
      taskIds: [taskId],
      terminal,
      quiet: run.json,
      signal: signals.asked,
    })
    if (run.json) printJson(run, task)
    return task?.status === 'COMPLETED' ? exitCodes.ok : exitCodes.failed
  } catch (error) {
    if (!signals.asked.aborted) throw error
    terminal.keep()
    return signals.exitCode
  } finally {
    await connection.close()
  }
}

function cancel(run: Run): Promise<number> {
  return eachTask(run, 'cancel', async (client, taskId) => {
    const task = await client.post<TaskJson>(`${pathOf(taskId)}:cancel`)
    const words = hasEnded(task.status) ? 'is cancelled' : 'is asked to stop; it ends within seconds'
    return { data: task, line: `${task.taskType} ${taskId} ${words}.` }
  })
}

function retry(run: Run): Promise<number> {
  return eachTask(run, 'retry', async (client, taskId) => {
    const answer = await client.post<{ retried: number; task: TaskJson }>(`${pathOf(taskId)}:retry`)
    return { data: answer, line: `${countOf(answer.retried, 'task')} of ${taskId} will run again.` }
  })
}

/** Does the same to each task that was named. One that cannot be does not keep the others. */
async function eachTask(
  run: Run,
  verb: string,
  act: (client: Client, taskId: string) => Promise<{ data: unknown; line: string }>,
): Promise<number> {
  return withServer(run, `quillwork tasks ${verb}`, async connection => {
    const failures: unknown[] = []
    for (const taskId of run.arguments) {
      try {
        const { data, line } = await act(connection.client, taskId)
        if (run.json) printJson(run, data)
        else run.terminal.out(line)
      } catch (error) {
        failures.push(error)
        if (run.arguments.length > 1)
          run.terminal.note(`${taskId}: ${error instanceof Error ? error.message : error}`)
      }
    }
    if (verb === 'retry' && failures.length < run.arguments.length) sayWhoWorks(run, connection)
    if (failures.length > 0) throw failures[0]
    return exitCodes.ok
  })
}

/** Says that nothing runs where no server does. */
export function sayWhoWorks({ terminal, json, configure }: Run, { isOwn }: Connection): void {
  if (!isOwn || json) return
  terminal.note(`No server is running; tasks run when one is started: ${commandText('serve', configure())}`)
}

function pathOf(taskId: string): string {
  return `/v1/tasks/${encodeURIComponent(taskId)}`
}

/** Options of `quillwork tasks submit`. */
export interface SubmitOptions extends BudgetOptions {
  parameters?: string
  user?: string
  lane?: string
  key?: string
  watch?: boolean
}

/** `quillwork tasks submit TYPE`: any task, as the API takes it. */
export function submit(run: Run<SubmitOptions>): Promise<number> {
  const { options, terminal } = run
  const [taskType = ''] = run.arguments
  const { user: userId, lane, key } = options
  const parameters = parametersOf(options.parameters)
  const budget = budgetGiven(options)
  return withVisit(run, 'quillwork tasks submit', async visit => {
    const { id: taskId } = await visit.connection.client.post<TaskJson>(
      '/v1/tasks',
      // What is undefined is no part of the JSON.
      { taskType, parameters, userId, lane, budget },
      key === undefined ? {} : { 'idempotency-key': key },
    )
    return stay(run, visit, {
      taskId,
      goes: options.watch !== true,
      shows: 'tree',
      sayEnd: () => terminal.out(`See what it made: ${commandText(`tasks show ${taskId}`, visit.resolved)}`),
    })
  })
}

/** The parameters of a task as they were typed. Throws USAGE_INVALID. */
export function parametersOf(text = '{}'): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new QuillworkError(
      'USAGE_INVALID',
      '--parameters is not JSON; put it in single quotes for the shell.',
    )
  }
}
