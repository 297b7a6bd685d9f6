/** What a submission may say of its task, and what is refused of it. */
import { hasControls } from './controls.ts'
import type { Awaitable, TaskType } from './definition.ts'
import { type Duration, longestDuration } from './duration.ts'
import { QuillworkError } from './errors.ts'
import { parseWith } from './schema.ts'
import type { Budget, Priority } from './task.ts'

/** How a task is submitted. */
export interface SubmitOptions<Tx = never> {
  /** The owner; default `local`, as in the HTTP API. At most 200 characters. */
  userId?: string
  /** Default: the lane of the task type. Throws LANE_UNKNOWN. */
  lane?: string
  /** Tasks of priority `high` leave the lane first; default `normal`. */
  priority?: Priority
  /** Not before this time, at most ten years from now. */
  startAt?: Date
  /** Not before this much time has passed; instead of `startAt`. */
  delay?: Duration
  /**
   * Submitting again with the same key finds the first task. Unique per user and task type for as long as the record is kept; at
   * most 255 characters, and not `schedule ID TICK`, which is that of a schedule's tick. Throws IDEMPOTENCY_KEY_REUSED when the parameters,
   * lane, priority, tags or budget differ from those that were first submitted, whatever became of the record since.
   */
  idempotencyKey?: string
  /** At most 20, each at most 100 characters. */
  tags?: readonly string[]
  /** Further tags, which follow from the parameters and are no part of what an idempotency key stands for. */
  derivedTags?: readonly string[]
  /** What the task and all below it may spend on calls that ask with `ctx.reserve`; default unlimited. See `engine.budgets`. */
  budget?: Budget
  /** W3C trace context of the caller. */
  traceparent?: string
  /**
   * The caller's own transaction, where the store offers it (MongoDB: a `ClientSession`): the task exists if it commits, and is sent
   * within about a second of that. All tasks of one bulk submission share one. Throws OPTION_INVALID where it is not offered.
   */
  transaction?: Tx
}

/** Validates parameters by the schema. What the schema makes of them is made again at each attempt. */
export function validate(type: TaskType, parameters: unknown): Awaitable<unknown> {
  const problem = `The parameters of ${type.type} are not valid`
  return parseWith(type.parameters, parameters, 'PARAMETERS_INVALID', problem)
}

/** The tags of a task without any. */
export const noTags: readonly string[] = []

/** Returns the tags that a task gets. Throws OPTION_INVALID for too many, and for one that is too long or has controls. */
export function checkedTags(own: readonly string[], derived: readonly string[] = noTags): readonly string[] {
  if (own.length === 0 && derived.length === 0) return noTags
  const tags = [...own, ...derived]
  if (tags.length > 20)
    throw new QuillworkError('OPTION_INVALID', `A task has at most 20 tags; ${tags.length} were given.`)
  const unreadable = tags.find(hasControls)
  if (unreadable === undefined) return tags.map(tag => bounded(tag.toWellFormed(), 100, 'tag'))
  const message = `The tag ${JSON.stringify(unreadable)} has line ends or other control characters; leave them out.`
  throw new QuillworkError('OPTION_INVALID', message)
}

/** Returns a text. Throws OPTION_INVALID for one that is longer, or that a store would give back as another. */
export function bounded(text: string, longest: number, option: string): string {
  if (text.length <= longest && !text.includes('\0') && text.isWellFormed()) return text
  throw new QuillworkError(
    'OPTION_INVALID',
    `${option} must be at most ${longest} characters, without NUL and half surrogate pairs.`,
  )
}

/** Returns when a task starts, epoch milliseconds. Throws OPTION_INVALID. */
export function startTime(startAt: Date, now: number): number {
  const time = startAt.getTime()
  if (time <= now + longestDuration) return time
  throw new QuillworkError('OPTION_INVALID', 'startAt is not a valid date at most ten years from now.')
}
