import { type Command, Option } from 'commander'
import type { z } from 'zod'
import type { TaskJson } from '../../http/index.ts'
import type { undoneSchema } from '../../http/schemas/scene.ts'
import { hasEnded, taskStatuses } from '../../index.ts'
import { type Client, type Query, taskPath } from '../client.ts'
import { type Connection, hasNoStore } from '../connect.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { findNovel } from '../find-novel.ts'
import { findTaskId } from '../find-task.ts'
import { followTask, sayWhoWorks } from '../follow-task.ts'
import { commandText } from '../hints.ts'
import { addPaging, andAgain, listCommand, type PagingOptions, parseLimit } from '../list.ts'
import { output } from '../output.ts'
import {
  addGroup,
  print,
  printJson,
  type Register,
  type Run,
  type Session,
  withServer,
  withSession,
} from '../run.ts'
import { advanceOf, detailOf, taskLines } from '../task-lines.ts'
import { readTree, watchTask } from '../watch.ts'
import { agoText, countOf, numberText } from '../words.ts'
import { addBudget, type BudgetOptions, budgetGiven } from './budget.ts'
import { addBulk } from './bulk-actions.ts'

/** How a task is named. */
export const taskArgument = 'id of the task, or its beginning where no other task has it'

/** Adds `quillwork tasks submit|list|show|output|cancel|retry|run-now|move|tag|bulk|signal|rerun|undo-texts`. */
export function addTasks(program: Command, register: Register): void {
  const tasks = addGroup(program, 'tasks', 'Submit, list, show, cancel, retry and run tasks')
  addBudget(
    tasks
      .command('submit')
      .description('Submit a task. It runs on the server; where none runs, it runs here until it has ended')
      .argument('<type>', 'such as GenerateScene; see docs/writing-tasks.md and /v1/capabilities')
      .option('--parameters <json>', 'parameters of the task, such as \'{"novelId": "…"}\'; default {}')
      .option('--user <id>', 'owner of the task; default: the user of the server')
      .option('--lane <name>', 'lane to run in; default: that of the task type')
      .option('--key <text>', 'idempotency key: the same task is not submitted twice')
      .option('--watch', 'show the task until it has ended'),
  ).action(register(submit))
  addTaskList(tasks, register)
  tasks
    .command('show')
    .description('Show a task with its sub-tasks, its attempts and its log')
    .argument('<id>', taskArgument)
    .option('--watch', 'until it has ended')
    .action(register(show))
  tasks
    .command('output')
    .description('Print the text that a task has written so far')
    .argument('<id>', taskArgument)
    .option('--follow', 'go on until the task has ended; a new attempt is reported on standard error')
    .action(register(output))
  tasks
    .command('cancel')
    .description('Cancel tasks and all their sub-tasks')
    .argument('<id...>', taskArgument)
    .action(register(cancel))
  tasks
    .command('retry')
    .description('Run ended tasks again, with those of their sub-tasks that did not complete')
    .argument('<id...>', taskArgument)
    .action(register(retry))
  tasks
    .command('run-now')
    .description('Run waiting tasks now, whatever time they wait for')
    .argument('<id...>', taskArgument)
    .action(register(runNow))
  tasks
    .command('move')
    .description('Have waiting tasks wait in another lane')
    .argument('<lane>', 'lane that they are to wait in')
    .argument('<id...>', taskArgument)
    .action(register(moveTo))
  tasks
    .command('tag')
    .description('Add tags to tasks, and remove tags from them')
    .argument('<id...>', taskArgument)
    .option('--add <tag>', 'tag that they get; repeat the option for several', andAgain)
    .option('--remove <tag>', 'tag that they lose; repeat the option for several', andAgain)
    .action(register(tag))
  addBulk(tasks, register)
  tasks
    .command('signal')
    .description('Tell a task what it waits for')
    .argument('<id>', taskArgument)
    .argument('<name>', 'name of the signal; `tasks show` says for which a task waits')
    .option('--payload <json>', 'what the task gets, such as \'{"approved": true}\'; default none')
    .option('--key <text>', 'idempotency key: the same signal is not sent twice')
    .action(register(signal))
  tasks
    .command('rerun')
    .description('Run ended tasks anew, each as a new task')
    .argument('<id...>', taskArgument)
    .action(register(rerun))
  tasks
    .command('undo-texts')
    .description(
      'Undo all texts of ended tasks and their sub-tasks: each scene gets the text back that it had before, unless it changed since',
    )
    .argument('<id...>', taskArgument)
    .action(register(undoTexts))
}

/** Adds `list`. */
function addTaskList(tasks: Command, register: Register): void {
  addPaging(
    tasks
      .command('list')
      .description('List tasks, newest first')
      .addOption(new Option('--status <status...>', 'only tasks with these').choices(taskStatuses))
      .option('--type <type...>', 'only tasks of these types')
      .option('--user <id>', 'only tasks of a user')
      .option('--lane <name>', 'only tasks of a lane')
      .option('--roots', 'leave out sub-tasks')
      .option('--tag <tag>', 'only tasks with a tag')
      .option('--novel <novel>', 'only tasks about a novel: its id, or part of its title')
      .option('--code <code>', 'only tasks with an open dead letter of this error code')
      .addOption(
        new Option('--format <format>', 'write all that match, or --limit of them, as a file').choices([
          'csv',
          'ndjson',
        ]),
      ),
  ).action(register(list))
}

interface SubmitOptions extends BudgetOptions {
  parameters?: string
  user?: string
  lane?: string
  key?: string
  watch?: boolean
}

function submit(run: Run<SubmitOptions>) {
  const { options, terminal } = run
  const [taskType = ''] = run.arguments
  const { user: userId, lane, key } = options
  const parameters = parametersOf(options.parameters)
  const budget = budgetGiven(options)
  return withSession(run, async session => {
    const task = await session.connection.client.post<TaskJson>(
      '/v1/tasks',
      // What is undefined is no part of the JSON.
      { taskType, parameters, userId, lane, budget },
      key === undefined ? {} : { 'idempotency-key': key },
    )
    return followTask(run, session, {
      task,
      detached: options.watch !== true,
      shows: 'tree',
      sayEnd: () => terminal.out(`See the result: ${commandText(`tasks show ${task.id}`, session.resolved)}`),
    })
  })
}

/** Returns the parameters of a task as they were typed. Throws USAGE_INVALID. */
export function parametersOf(text = '{}'): unknown {
  return jsonOf('--parameters', text)
}

function jsonOf(option: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw usageError(`${option} is not JSON. Put it in single quotes.`)
  }
}

interface ListOptions extends PagingOptions {
  status?: string[]
  type?: string[]
  user?: string
  lane?: string
  roots?: boolean
  tag?: string
  novel?: string
  code?: string
  format?: string
}

/** Returns the filters of the options as a query. */
async function filterOf(
  { status, type, user, lane, roots, tag, code, novel }: ListOptions,
  client: Client,
): Promise<Query> {
  return {
    ...{ status, taskType: type, userId: user, lane, rootsOnly: roots, tag, errorCode: code },
    'parameters.novelId': novel === undefined ? undefined : (await findNovel(client, novel)).id,
  }
}

const listPage = listCommand<TaskJson, ListOptions>({
  path: '/v1/tasks',
  query: filterOf,
  empty: () => 'No tasks.',
  columns: [
    { title: 'ID', text: task => task.id },
    { title: 'TYPE', text: task => task.taskType },
    { title: 'STATUS', text: task => task.status },
    { title: 'DONE', text: doneText, right: true },
    { title: 'CREATED', text: task => agoText(task.timestamps.createdAt) },
    { title: 'DETAIL', text: task => detailOf(task, { bars: false }) },
  ],
})

function list(run: Run<ListOptions>) {
  const { format, page, limit } = run.options
  if (format === undefined) return listPage(run)
  if (page !== undefined) throw usageError('--format writes all that match. Leave --page out.')
  const most = parseLimit(limit)
  return withServer(run, async ({ client }) => {
    const query = { ...(await filterOf(run.options, client)), format, limit: most }
    const decoder = new TextDecoder()
    for await (const piece of await client.download('/v1/tasks:export', query))
      run.terminal.write(decoder.decode(piece, { stream: true }))
  })
}

function doneText(task: TaskJson): string {
  const { done, total } = advanceOf(task)
  return total === 0 ? '' : `${numberText(done)}/${numberText(total)}`
}

function show(run: Run<{ watch?: boolean }>) {
  if (run.options.watch === true) return watch(run)
  return withServer(run, async ({ client }) => {
    const taskId = await findTaskId(client, run.arguments[0] ?? '')
    if (run.json) return printJson(run, await client.get(taskPath(taskId)))
    for (const line of await taskLines(client, await readTree(client, taskId))) run.terminal.out(line)
  })
}

function watch(run: Run) {
  // Where nothing is stored, there is nothing to work on, and nothing is to be made.
  const works = !hasNoStore(run.configure().config)
  const act = async (session: Session) => {
    const taskId = await findTaskId(session.connection.client, run.arguments[0] ?? '')
    const task = await watchTask(run, session, taskId)
    if (run.json) printJson(run, task)
    return task.status === 'COMPLETED' ? exitCodes.ok : exitCodes.failed
  }
  return withSession(run, act, { works })
}

function cancel(run: Run) {
  return eachTask(run, async (client, taskId) => {
    const task = await client.post<TaskJson>(`${taskPath(taskId)}:cancel`)
    const words = hasEnded(task.status) ? 'is cancelled' : 'was asked to stop; it ends within seconds'
    print(run, task, () => [`${task.taskType} ${taskId} ${words}.`])
  })
}

function retry(run: Run) {
  return runEach<{ retried: number }>(
    run,
    'retry',
    ({ retried }, taskId) => `${countOf(retried, 'task')} of ${taskId} will run again.`,
  )
}

function runNow(run: Run) {
  return runEach<TaskJson>(
    run,
    'runNow',
    ({ taskType }, taskId) => `${taskType} ${taskId} runs as soon as a worker is free.`,
  )
}

function moveTo(run: Run) {
  const [lane = '', ...taskIds] = run.arguments
  return runEach<TaskJson>(
    { ...run, arguments: taskIds },
    'move',
    ({ taskType }, taskId) => `${taskType} ${taskId} waits in the lane ${lane}.`,
    { lane },
  )
}

function tag(run: Run<{ add?: string[]; remove?: string[] }>) {
  const { add, remove } = run.options
  if (add === undefined && remove === undefined) throw usageError('Give --add, --remove or both.')
  return eachTask(run, async (client, taskId) => {
    const task = await client.post<TaskJson>(`${taskPath(taskId)}:tag`, { add, remove })
    const tags = task.tags.length === 0 ? 'no tags' : `the tags ${task.tags.join(', ')}`
    print(run, task, () => [`${task.taskType} ${taskId} has ${tags}.`])
  })
}

function signal(run: Run<{ payload?: string; key?: string }>) {
  const [given = '', name = ''] = run.arguments
  const { payload, key } = run.options
  return withServer(run, async connection => {
    const taskId = await findTaskId(connection.client, given)
    const task = await connection.client.post<TaskJson>(
      `${taskPath(taskId)}:signal`,
      { name, payload: payload === undefined ? undefined : jsonOf('--payload', payload) },
      key === undefined ? {} : { 'idempotency-key': key },
    )
    print(run, task, () => [`${task.taskType} ${taskId} has the signal ${name}.`])
    sayWhoWorks(run, connection)
  })
}

function rerun(run: Run) {
  return runEach<TaskJson>(
    run,
    'rerun',
    ({ taskType, id }, taskId) => `${taskType} ${taskId} runs anew as ${id}.`,
  )
}

function undoTexts(run: Run) {
  return eachTask(run, async (client, taskId) => {
    const answer = await client.post<z.output<typeof undoneSchema>>(`${taskPath(taskId)}:undoTexts`)
    const { undone, left, leftScenes } = answer
    print(run, answer, () => [
      `${countOf(undone, 'scene')} of ${taskId} as before.`,
      ...(leftScenes === 0
        ? []
        : [
            `${countOf(leftScenes, 'scene')} changed since and stay:`,
            ...left.map(({ sceneId }) => `  ${sceneId}`),
          ]),
    ])
  })
}

/** Asks for each named task that something runs, prints the answer, and says who runs it where no server does. */
function runEach<Answer extends object>(
  run: Run,
  verb: string,
  lineOf: (answer: Answer, taskId: string) => string,
  body?: object,
) {
  return eachTask(
    run,
    async (client, taskId) => {
      const answer = await client.post<Answer>(`${taskPath(taskId)}:${verb}`, body)
      print(run, answer, () => [lineOf(answer, taskId)])
    },
    connection => sayWhoWorks(run, connection),
  )
}

/** Does the same to each named task, also after one that failed, and calls `onDone` where any succeeded. Throws the first error. */
function eachTask(
  run: Run,
  act: (client: Client, taskId: string) => Promise<void>,
  onDone: (connection: Connection) => void = () => undefined,
) {
  return withServer(run, async connection => {
    const failures: unknown[] = []
    for (const taskId of run.arguments) {
      try {
        await act(connection.client, await findTaskId(connection.client, taskId))
      } catch (error) {
        failures.push(error)
        if (run.arguments.length > 1)
          run.terminal.note(`${taskId}: ${error instanceof Error ? error.message : error}`)
      }
    }
    if (failures.length < run.arguments.length) onDone(connection)
    if (failures.length > 0) throw failures[0]
  })
}
