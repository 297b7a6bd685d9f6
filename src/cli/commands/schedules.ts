import { type Command, Option } from 'commander'
import type { ScheduleJson } from '../../http/schemas/schedule.ts'
import type { TaskJson } from '../../http/schemas/task.ts'
import { defined } from '../../task/defined.ts'
import type { Client } from '../client.ts'
import { listCommand } from '../list.ts'
import { addGroup, ask, nextCommand, type Register, type Run } from '../run.ts'
import { agoText } from '../words.ts'
import { parametersOf } from './tasks.ts'

/** Adds `quillwork schedules list|ticks|create|update|delete|pause|resume|run`. */
export function addSchedules(program: Command, register: Register): void {
  const about =
    'List, make, change, pause, resume and run the schedules; the program of the server may declare others'
  const schedules = addGroup(program, 'schedules', about)
  schedules.command('list').description('List the schedules, and when they tick next').action(register(list))
  addMaking(schedules, register)
  const addSwitch = (verb: 'pause' | 'resume', does: string) =>
    schedules
      .command(verb)
      .description(does)
      .argument('<schedule>')
      .action(register(run => setPaused(run, verb)))
  addSwitch('pause', 'Submit no more tasks of a schedule; holds in all processes and over restarts')
  addSwitch('resume', 'Submit its tasks again, from the next tick on')
  schedules
    .command('run')
    .description('Submit the task of a schedule now, also while it is paused')
    .argument('<schedule>')
    .action(register(runNow))
}

/** What a schedule is made of, as options say it. */
interface ScheduleOptions {
  cron?: string
  zone?: string
  type?: string
  parameters?: string
  user?: string
  lane?: string
  priority?: string
  catchUp?: string
  overlap?: string
}

const cronForms = 'cron expression of five or six fields, or @every with a duration, such as "@every 15m"'

/** Adds `ticks`, `create`, `update` and `delete`. */
function addMaking(schedules: Command, register: Register): void {
  schedules
    .command('ticks')
    .description('Show the next ten ticks of a cron expression; nothing is made')
    .argument('<cron>', cronForms)
    .option('--zone <zone>', 'IANA time zone in which it ticks; default UTC')
    .action(register(showTicks))
  const create = schedules
    .command('create')
    .description('Make a schedule, which all processes tick, also over restarts')
    .argument('<schedule>', "its name: letters, digits, '_', '.' and '-'")
    .requiredOption('--cron <cron>', cronForms)
    .requiredOption('--type <type>', 'task type of its tasks, such as GenerateSummary')
    .option('--user <id>', 'owner of its tasks; default: the user for whom the request acts')
  addOptions(create).action(register(make))
  const update = schedules
    .command('update')
    .description('Change a schedule that was made; what no option names stays as it is')
    .argument('<schedule>')
    .option('--cron <cron>', cronForms)
    .option('--type <type>', 'task type of its tasks')
  addOptions(update).action(register(change))
  schedules
    .command('delete')
    .description('Delete a schedule that was made; the tasks that it submitted stay')
    .argument('<schedule>')
    .action(register(remove))
}

function addOptions(command: Command): Command {
  return command
    .option('--zone <zone>', 'IANA time zone in which it ticks; default UTC')
    .option('--parameters <json>', 'parameters of its tasks, such as \'{"novelId": "…"}\'')
    .option('--lane <name>', 'lane of its tasks; default: that of the task type')
    .addOption(new Option('--priority <priority>', 'priority of its tasks').choices(['high', 'normal']))
    .addOption(
      new Option('--catch-up <which>', 'ticks that passed while no process ran').choices([
        'latest',
        'all',
        'none',
      ]),
    )
    .addOption(
      new Option('--overlap <what>', 'a tick while the task of the one before has not ended').choices([
        'allow',
        'skip',
      ]),
    )
}

/** What the options say, as the API takes it. */
function bodyOf(options: ScheduleOptions) {
  const { cron, zone: timeZone, type: taskType, user: userId, lane, priority, catchUp, overlap } = options
  const parameters = options.parameters === undefined ? undefined : parametersOf(options.parameters)
  return defined({ cron, timeZone, taskType, parameters, userId, lane, priority, catchUp, overlap })
}

function pathOf(schedule: string): string {
  return `/v1/schedules/${encodeURIComponent(schedule)}`
}

function ticksText({ nextTicks: [next] }: Pick<ScheduleJson, 'nextTicks'>): string {
  return `its next tick is ${next === undefined ? 'never' : `at ${next}`}.`
}

function showTicks(run: Run<{ zone?: string }>) {
  const [cron = ''] = run.arguments
  const body = defined({ cron, timeZone: run.options.zone })
  return ask(
    run,
    client => client.post<{ nextTicks: string[] }>('/v1/schedules:preview', body),
    ({ nextTicks }) => (nextTicks.length === 0 ? ['never'] : nextTicks),
  )
}

function make(run: Run<ScheduleOptions>) {
  const [id = ''] = run.arguments
  const body = { id, ...bodyOf(run.options) }
  return ask(
    run,
    client => client.post<ScheduleJson>('/v1/schedules', body),
    made => [`The schedule ${id} is made; ${ticksText(made)}`],
  )
}

function change(run: Run<ScheduleOptions>) {
  const [id = ''] = run.arguments
  const body = bodyOf(run.options)
  return ask(
    run,
    client => client.patch<ScheduleJson>(pathOf(id), body),
    changed => [`The schedule ${id} is changed; ${ticksText(changed)}`],
  )
}

function remove(run: Run) {
  const [id = ''] = run.arguments
  return ask(
    run,
    client => client.remove(pathOf(id)),
    () => [`The schedule ${id} is deleted.`],
  )
}

const list = listCommand<ScheduleJson>({
  path: '/v1/schedules',
  columns: [
    { title: 'SCHEDULE', text: ({ id }) => id },
    { title: 'STATE', text: stateText },
    { title: 'MADE BY', text: ({ made }) => made?.createdBy ?? 'the program' },
    { title: 'CRON', text: ({ cron }) => cron },
    { title: 'ZONE', text: ({ timeZone }) => timeZone },
    { title: 'TYPE', text: ({ taskType }) => taskType },
    { title: 'NEXT', text: ({ nextTicks, paused }) => (paused ? '' : (nextTicks[0] ?? 'never')) },
    { title: 'LAST', text: lastText },
  ],
  empty: () =>
    'This server has no schedules. Make one with: quillwork schedules create NAME --cron "0 3 * * *" --type TYPE',
})

function stateText({ paused, problem }: ScheduleJson): string {
  if (problem !== undefined) return problem
  return paused ? 'paused' : 'open'
}

function lastText({ lastRun }: ScheduleJson): string {
  if (lastRun === undefined) return ''
  const { status, at } = lastRun
  return status === undefined || at === undefined ? 'deleted' : `${status} ${agoText(at)}`
}

function post<T>(client: Client, schedule: string, verb: string): Promise<T> {
  return client.post<T>(`${pathOf(schedule)}:${verb}`)
}

function setPaused(run: Run, verb: 'pause' | 'resume') {
  const [schedule = ''] = run.arguments
  return ask(
    run,
    client => post<ScheduleJson>(client, schedule, verb),
    shown => [
      shown.paused
        ? `The schedule ${schedule} is paused.`
        : `The schedule ${schedule} is open; ${ticksText(shown)}`,
    ],
  )
}

function runNow(run: Run) {
  const [schedule = ''] = run.arguments
  return ask(
    run,
    client => post<TaskJson>(client, schedule, 'run'),
    ({ id }) => [`Submitted the task ${id}. See it with: ${nextCommand(run, `tasks show ${id}`)}`],
  )
}
