import { type Command, Option } from 'commander'
import type { TaskJson } from '../../http/index.ts'
import { type BulkActionName, type BulkActionResult, type Duration, taskStatuses } from '../../index.ts'
import { durationMs } from '../../task/duration.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { followTask, sayWhoWorks } from '../follow-task.ts'
import { commandText } from '../hints.ts'
import { andAgain, parseLimit } from '../list.ts'
import { askFirst, type Ending, print, type Register, type Run, type Session, withSession } from '../run.ts'
import { detailOf } from '../task-lines.ts'
import { countOf, numberText } from '../words.ts'

/** A bulk action as it is sent. */
interface BulkBody {
  readonly action: BulkActionName
  readonly among?: 'deadLetters'
  readonly filter: object
  readonly rate?: number | undefined
  readonly wave?: { size: number } | undefined
  readonly stopWhen?: { failedAgainShare: number } | undefined
  readonly atMost?: number | undefined
  readonly tags?: readonly string[] | undefined
  readonly lane?: string | undefined
}

/** What a bulk action would find. */
export interface BulkPreviewJson {
  count: number
  atLeast?: true
  sample: TaskJson[]
}

/** Actions by the names that they have on the command line, with what is said of those that it was done to. */
const actions: Record<string, { action: BulkActionName; done: string }> = {
  cancel: { action: 'cancel', done: 'cancelled, or asked to stop' },
  retry: { action: 'retry', done: 'retried' },
  'run-now': { action: 'runNow', done: 'put in line to run now' },
  purge: { action: 'purge', done: 'purged' },
  'add-tags': { action: 'addTags', done: 'tagged' },
  'remove-tags': { action: 'removeTags', done: 'rid of the tags' },
  move: { action: 'move', done: 'moved' },
}

/** How a retry of many is paced and stopped. */
export interface PaceOptions {
  rate?: string
  wave?: string
  stopAt?: string
}

interface BulkOptions extends PaceOptions {
  deadLetters?: boolean
  type?: string[]
  status?: string[]
  user?: string
  lane?: string
  tag?: string
  roots?: boolean
  code?: string
  olderThan?: string
  all?: boolean
  atMost?: string
  changeTag?: string[]
  toLane?: string
  dryRun?: boolean
  yes?: boolean
  background?: boolean
}

/** Adds `quillwork tasks bulk`. */
export function addBulk(tasks: Command, register: Register): void {
  const command = tasks
    .command('bulk')
    .description('Do something to all tasks that match, as a task of its own; shows them first, and asks')
    .argument(
      '<action>',
      'cancel, retry, run-now, add-tags, remove-tags, move; of dead letters retry or purge',
    )
    .option('--dead-letters', 'select among open dead letters; purge always does')
    .option('--type <type>', 'only this task type; repeat the option for several', andAgain)
    .addOption(
      new Option('--status <status>', 'only tasks with it; repeat the option for several').argParser(
        andAgain,
      ),
    )
    .option('--user <id>', 'only tasks of a user')
    .option('--lane <name>', 'only tasks of a lane')
    .option('--tag <tag>', 'only tasks with a tag')
    .option('--roots', 'leave out sub-tasks')
    .option('--code <code>', 'only dead letters with this error code')
    .option('--older-than <time>', 'only tasks, or dead letters, older than this, such as 7d')
    .option('--all', 'all that the other options select; required where none selects')
  addPace(command)
    .option(
      '--change-tag <tag>',
      'the tag that add-tags adds, or remove-tags removes; repeat the option for several',
      andAgain,
    )
    .option('--to-lane <name>', 'the lane that move has waiting tasks wait in')
    .option('--at-most <n>', 'do nothing where more match than this')
    .option('--dry-run', 'only show what matches')
    .option('--yes', 'do not ask')
    .option('--background', 'do not wait for the end')
    .action(register(bulk))
}

/** Adds the options that pace a retry of many. */
export function addPace(command: Command): Command {
  return command
    .option('--rate <n>', 'tasks per second at most')
    .option('--wave <n>', 'of a retry: so many at a time, the next when these have ended')
    .option('--stop-at <percent>', 'of a retry: stop when so many of a hundred fail again')
}

/** Returns the options that pace a retry, as they are sent. Throws USAGE_INVALID. */
export function paceOf({ rate, wave, stopAt }: PaceOptions): Pick<BulkBody, 'rate' | 'wave' | 'stopWhen'> {
  const size = parseLimit(wave, '--wave')
  const percent = parseLimit(stopAt, '--stop-at')
  if (percent !== undefined && percent > 100) throw usageError('--stop-at: give 1 to 100.')
  const perSecond = rate === undefined ? undefined : Number(rate)
  if (perSecond !== undefined && !(perSecond > 0 && Number.isFinite(perSecond)))
    throw usageError(`--rate ${rate}: give a number above 0.`)
  return {
    rate: perSecond,
    wave: size === undefined ? undefined : { size },
    stopWhen: percent === undefined ? undefined : { failedAgainShare: percent / 100 },
  }
}

/** Returns the time that `--older-than` stands for. Throws OPTION_INVALID. */
export function timeBefore(olderThan: string | undefined): string | undefined {
  if (olderThan === undefined) return undefined
  return new Date(Date.now() - durationMs(olderThan as Duration, '--older-than')).toISOString()
}

function bodyOf({ arguments: [name = ''], options }: Run<BulkOptions>): BulkBody {
  const { action } = actions[name] ?? {}
  if (action === undefined)
    throw usageError(`There is no bulk action ${name}: give ${Object.keys(actions).join(', ')}.`)
  const { deadLetters = action === 'purge', type, status, user, lane, tag, roots, code, olderThan } = options
  const wrong = status?.find(each => !taskStatuses.some(known => known === each))
  if (wrong !== undefined) throw usageError(`--status ${wrong}: give one of ${taskStatuses.join(', ')}.`)
  const before = timeBefore(olderThan)
  const filter = {
    ...{ taskType: type, userId: user, status, lane, tag, rootsOnly: roots, code },
    ...(deadLetters ? { openedBefore: before } : { createdBefore: before }),
  }
  if (options.all !== true && Object.values(filter).every(value => value === undefined))
    throw usageError('Select tasks with --type, --status, --user and the like, or all of them with --all.')
  const atMost = parseLimit(options.atMost, '--at-most')
  const among = deadLetters ? { among: 'deadLetters' as const } : {}
  return { action, ...among, filter, ...paceOf(options), atMost, ...operandOf(action, options) }
}

/** Returns what an action is done with, beside the tasks. Throws USAGE_INVALID. */
function operandOf(action: BulkActionName, { changeTag: tags, toLane: lane }: BulkOptions) {
  const isOfTags = action === 'addTags' || action === 'removeTags'
  if (isOfTags !== (tags !== undefined))
    throw usageError('--change-tag says which tags add-tags adds, or remove-tags removes.')
  if ((action === 'move') !== (lane !== undefined))
    throw usageError('--to-lane says to which lane move moves tasks.')
  return { tags, lane }
}

function bulk(run: Run<BulkOptions>): Ending {
  const body = bodyOf(run)
  return withSession(
    run,
    async session => {
      const preview = await previewOf(session, body)
      const { terminal, json, options } = run
      if (options.dryRun === true || isNone(preview)) return print(run, preview, () => previewLines(preview))
      if (!json) for (const line of previewLines(preview)) terminal.out(line)
      const question = `Do this to ${countText(preview)}: ${run.arguments[0]}?`
      if (!(await askFirst(run, { question, nothing: 'Nothing was done' }))) return exitCodes.failed
      return runBulk(run, session, body)
    },
    { works: false },
  )
}

/** Asks what a bulk action would find. */
export function previewOf({ connection }: Session, body: BulkBody): Promise<BulkPreviewJson> {
  const { action, among, filter, tags, lane } = body
  return connection.client.post('/v1/bulk-actions:preview', { action, among, filter, tags, lane })
}

/** Whether nothing matches. Of very many, none of which was among those that were read, that is not known. */
function isNone({ count, atLeast }: BulkPreviewJson): boolean {
  return count === 0 && atLeast !== true
}

function countText({ count, atLeast }: BulkPreviewJson): string {
  if (count === 0) return 'an unknown number of tasks'
  return atLeast === true ? `more than ${numberText(count)} tasks` : countOf(count, 'task')
}

function previewLines(preview: BulkPreviewJson): string[] {
  const { count, sample } = preview
  if (isNone(preview)) return ['No task matches.']
  const more = count > sample.length ? ['  …'] : []
  const found = countText(preview)
  return [
    `${found.charAt(0).toUpperCase()}${found.slice(1)} ${found === '1 task' ? 'matches' : 'match'}:`,
    ...sample.map(task =>
      `  ${task.id}  ${task.taskType}  ${task.status}  ${detailOf(task, { bars: false })}`.trimEnd(),
    ),
    ...more,
  ]
}

/** Submits a bulk action and follows it to its end; where no server runs it, says so. */
export async function runBulk(run: Run<{ background?: boolean }>, session: Session, body: BulkBody): Ending {
  const { connection, resolved } = session
  const task = await connection.client.post<TaskJson>('/v1/bulk-actions', body)
  if (connection.isOwn) {
    print(run, task, () => [`The task ${task.id} does it when a server runs.`])
    return sayWhoWorks(run, connection)
  }
  let ended: BulkActionResult | undefined
  const sayEnd = (done: TaskJson) => {
    ended = done.result as BulkActionResult
    for (const line of resultLines(body.action, ended)) run.terminal.out(line)
    if (ended.failed > ended.failures.length || ended.failures.length > mostNamed)
      run.terminal.note(`See all that failed: ${commandText(`tasks show ${done.id} --json`, resolved)}`)
  }
  const detached = run.options.background === true
  const code = await followTask(run, session, { task, detached, shows: 'tree', sayEnd })
  const isWell = ended === undefined || (ended.failed === 0 && ended.stopped === undefined)
  return isWell ? code : exitCodes.failed
}

/** Failures that are printed. */
const mostNamed = 20

function resultLines(action: BulkActionName, result: BulkActionResult): string[] {
  const { done, failed, skipped, failedAgain, completedAgain, stopped, failures } = result
  const said = Object.values(actions).find(each => each.action === action)?.done ?? action
  const more = [
    ...(failed > 0 ? [`${numberText(failed)} failed`] : []),
    ...(skipped > 0 ? [`${numberText(skipped)} had changed meanwhile`] : []),
  ]
  return [
    `${[`${countOf(done, 'task')} ${said}`, ...more].join('; ')}.`,
    ...(completedAgain === undefined
      ? []
      : [
          `Of these ${numberText(completedAgain)} completed and ${numberText(failedAgain ?? 0)} failed again.`,
        ]),
    ...(stopped === 'failing-again' ? ['It stopped early, because too many failed again.'] : []),
    ...(stopped === 'too-many' ? ['It did nothing, because more match than --at-most allows.'] : []),
    ...failures.slice(0, mostNamed).map(({ taskId, code, message }) => `  ${taskId}: ${code}: ${message}`),
  ]
}
