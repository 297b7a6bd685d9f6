/** The parameters of a bulk action, and what refuses them. The engine has no schema library, so each field is checked by hand. */
import type { Schema } from '../task/definition.ts'
import { taskStatuses } from '../task/status.ts'
import {
  type BulkSelection,
  bulkActionNames,
  mostBulkTags,
  mostTaskIds,
  problemsOf,
  type SelectionProblem,
} from './bulk-selection.ts'

/** What a bulk action is to do, and how carefully. */
export interface BulkActionParameters extends BulkSelection {
  /** Tasks per second at most, above 0; default as fast as the store takes it. */
  rate?: number
  /**
   * Of a retry: so many tasks at a time, 1 to 500. The next ones are retried when these have ended, or after `waitSeconds`, default 600 and at most a
   * day. Default: all of them without waiting; 100 where `stopWhen` is given.
   */
  wave?: { size: number; waitSeconds?: number }
  /**
   * Of a retry: stop when this share (above 0, at most 1) of those that ended again failed again. It is judged after each wave, as soon as `of` have
   * ended since it was judged last; default 10.
   */
  stopWhen?: { failedAgainShare: number; of?: number }
  /** Do nothing at all where the filter finds more than this many. Default no limit. */
  atMost?: number
  /** Only count what would be done. */
  dryRun?: boolean
}

/** The largest wave. */
export const largestWave = 500
/** Seconds for which a wave is waited for at most. */
export const longestWaveSeconds = 86_400
/** The fastest rate, tasks per second. */
export const fastestRate = 10_000

/** Returns why a value is not valid; undefined where it is. */
type Check = (value: unknown) => string | undefined

const says =
  (isValid: (value: unknown) => boolean, message: string): Check =>
  value =>
    isValid(value) ? undefined : message

const isText = (value: unknown, longest: number) =>
  typeof value === 'string' && value.length <= longest && value.isWellFormed() && !value.includes('\0')
const text = (longest: number) =>
  says(value => isText(value, longest), `Give a text of at most ${longest} characters.`)
const texts = (longest: number, most: number) =>
  says(
    value =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.length <= most &&
      value.every(each => isText(each, longest)),
    `Give a list of 1 to ${most} texts of at most ${longest} characters.`,
  )
const number = (least: number, most: number, isWhole: boolean) =>
  says(
    value =>
      typeof value === 'number' &&
      value >= least &&
      value <= most &&
      value > 0 &&
      (!isWhole || Number.isInteger(value)),
    `Give a ${isWhole ? 'whole ' : ''}number above 0, at most ${most}.`,
  )
const whole = (most: number) => number(1, most, true)
const choice = (choices: readonly string[]) =>
  says(value => choices.some(each => each === value), `Give one of: ${choices.join(', ')}.`)
const time = says(value => Number.isSafeInteger(value), 'Give a time in epoch milliseconds.')
const flag = says(value => typeof value === 'boolean', 'Give true or false.')
const statuses = says(
  value =>
    Array.isArray(value) && value.length > 0 && value.every(each => taskStatuses.some(one => one === each)),
  `Give a list of these: ${taskStatuses.join(', ')}.`,
)

const filterChecks: Record<keyof BulkSelection['filter'], Check> = {
  taskIds: texts(100, mostTaskIds),
  status: statuses,
  taskType: texts(100, 50),
  userId: text(200),
  lane: text(60),
  tag: text(100),
  errorCode: text(100),
  parentTaskId: text(100),
  rootsOnly: flag,
  createdAfter: time,
  createdBefore: time,
  code: text(100),
  fingerprint: text(200),
  openedAfter: time,
  openedBefore: time,
}
const waveChecks = { size: whole(largestWave), waitSeconds: number(0, longestWaveSeconds, false) }
const stopChecks = { failedAgainShare: number(0, 1, false), of: whole(1_000_000) }
const checks = {
  action: choice(bulkActionNames),
  among: choice(['tasks', 'deadLetters']),
  rate: number(0, fastestRate, false),
  atMost: whole(Number.MAX_SAFE_INTEGER),
  dryRun: flag,
  tags: texts(100, mostBulkTags),
  lane: text(60),
}
const nested = { filter: filterChecks, wave: waveChecks, stopWhen: stopChecks }
const required: Record<string, readonly string[]> = {
  '': ['action', 'filter'],
  wave: ['size'],
  stopWhen: ['failedAgainShare'],
}

/** Returns what is wrong with the fields of an object that stands at a path. */
function fieldProblems(
  value: unknown,
  known: Readonly<Record<string, Check>>,
  path: readonly string[],
): SelectionProblem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [{ path: [...path], message: 'Give an object.' }]
  const given = Object.entries(value).filter(([, field]) => field !== undefined)
  const missing = (required[path.join()] ?? []).filter(name => given.every(([other]) => other !== name))
  return [
    ...missing.map(name => ({ path: [...path, name], message: 'This is required.' })),
    ...given.flatMap(([name, field]) => {
      const check = Object.hasOwn(known, name) ? known[name] : undefined
      const message = check === undefined ? 'There is no such field.' : check(field)
      return message === undefined ? [] : [{ path: [...path, name], message }]
    }),
  ]
}

/** Returns what is wrong with parameters of a bulk action. */
function problemsOfParameters(value: unknown): SelectionProblem[] {
  const passes: Check = () => undefined
  const top = { ...checks, filter: passes, wave: passes, stopWhen: passes }
  const problems = fieldProblems(value, top, [])
  if (typeof value !== 'object' || value === null) return problems
  for (const [name, known] of Object.entries(nested)) {
    const field: unknown = Reflect.get(value, name)
    if (field !== undefined) problems.push(...fieldProblems(field, known, [name]))
  }
  return problems.length > 0 ? problems : problemsTogether(value as BulkActionParameters)
}

/** Returns what makes no sense together in parameters whose fields are each valid. */
export function problemsTogether(parameters: BulkActionParameters): SelectionProblem[] {
  const problems = problemsOf(parameters)
  if (parameters.action === 'retry') return problems
  const ofRetry = (['wave', 'stopWhen'] as const).filter(name => parameters[name] !== undefined)
  return [
    ...problems,
    ...ofRetry.map(name => ({
      path: [name],
      message: `Only a retry has this; the action is ${parameters.action}.`,
    })),
  ]
}

/** The schema of the parameters. */
export const bulkParametersSchema: Schema<BulkActionParameters> = {
  '~standard': {
    version: 1,
    vendor: 'quillwork',
    validate(value) {
      const issues = problemsOfParameters(value)
      return issues.length > 0 ? { issues } : { value: value as BulkActionParameters }
    },
  },
}
