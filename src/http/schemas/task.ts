import { z } from 'zod'
import type { TaskFilter } from '../../store/store.ts'
import { plainOfText } from '../../task/codec.ts'
import { defined } from '../../task/defined.ts'
import { durationForms, durationMs, longestDuration } from '../../task/duration.ts'
import { QuillworkError } from '../../task/errors.ts'
import { subTaskId } from '../../task/id.ts'
import { hasEnded, taskStatuses } from '../../task/status.ts'
import { isWaiting, shownRecord, type TaskRecord } from '../../task/task.ts'
import { readTraceparent } from '../../task/trace-context.ts'
import { budgetSchema } from './budget.ts'
import { flag, givenTime, id, named, paging, plainLine, plainText, type Sent, time } from './fields.ts'
import { authorMessageSchema } from './problem.ts'

const statusSchema = z.enum(taskStatuses)

/** An error of a task, without its stack, which operators find in the log. */
export const errorInfoSchema = named(
  'ErrorInfo',
  z.object({
    code: z.string(),
    message: z.string(),
    authorMessage: authorMessageSchema,
    retryable: z.boolean(),
    errorClass: z.enum(['retryable', 'rate-limited', 'permanent', 'timeout', 'cancelled', 'lease-lost']),
    name: z.string().optional(),
    causes: z.array(z.string()).optional(),
    need: z
      .object({ tokens: z.int(), cost: z.number().optional() })
      .optional()
      .describe('With BUDGET_EXHAUSTED: what the next call needs'),
  }),
)

/** Why a task needs a person. */
const deadLetterSchema = named(
  'DeadLetter',
  z.object({
    fingerprint: z.string().describe('The same for equal failures'),
    reason: z.enum(['permanent', 'attempts-exhausted', 'crashes', 'deadline', 'unreadable']),
    attempt: z.int(),
    openedAt: time,
    closedAt: time.optional(),
    error: errorInfoSchema,
  }),
)

/** What a task waits for, other than a slot, a time and its sub-tasks. It continues by itself. */
const waitingForSchema = named(
  'WaitingFor',
  z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('limit'), limit: z.string().describe('Key of the rate limit') }),
    z.object({
      kind: z.literal('sub-task'),
      key: z.string().describe('Key of the sub-task of the same parent that has to end first'),
      taskId: z.string(),
    }),
    z.object({
      kind: z.literal('budget'),
      rootTaskId: z.string().describe('The task that has the budget'),
      tasks: z
        .int()
        .optional()
        .describe('For a root that is read by its id: how many tasks below it wait for the budget'),
    }),
    z.object({
      kind: z.literal('signal'),
      signals: z.array(z.string()).describe('Names: any of these lets it go on; see `:signal`'),
      until: time.optional().describe('When it goes on without one'),
    }),
    z.object({ kind: z.literal('time'), until: time }),
  ]),
)

/** A task. Unknown fields are absent. */
export const taskSchema = named(
  'Task',
  z.object({
    id: z.string(),
    taskType: z.string(),
    userId: z.string(),
    status: statusSchema,
    done: z.boolean().describe('Whether the task has ended'),
    phase: z.enum(['executing', 'awaiting-subtasks', 'reducing']),
    lane: z.string(),
    priority: z.enum(['high', 'normal']),
    tags: z.array(z.string()),
    parameters: z
      .unknown()
      .optional()
      .describe('As they were submitted; dates as RFC 3339, large integers as text'),
    parametersVersion: z.int(),
    progress: z.unknown().optional(),
    result: z.unknown().optional(),
    omitted: z
      .array(z.enum(['parameters', 'progress', 'result']))
      .optional()
      .describe('In listings: values that are too large to be listed. Read the task for them'),
    errorInfo: errorInfoSchema.optional(),
    waitingFor: waitingForSchema.optional(),
    timestamps: z.object({
      createdAt: time,
      startedAt: time.optional(),
      completedAt: time.optional(),
      updatedAt: time,
    }),
    attempt: z.int().describe('Number of the last attempt; 0 before the first'),
    retryCount: z.int(),
    lastAttemptTimestamp: time.optional(),
    nextAttemptTimestamp: time.optional(),
    deadline: time.optional(),
    executionNodeId: z.string().optional(),
    parentTaskId: z.string().optional(),
    rootTaskId: z.string(),
    depth: z.int(),
    subTaskKey: z.string().optional(),
    after: z
      .object({ keys: z.array(z.string()), startWhen: z.enum(['completed', 'ended']) })
      .optional()
      .describe('The sub-tasks of the same parent that it starts after'),
    subTaskStatusSummary: z.partialRecord(statusSchema, z.int()).optional(),
    failedSubTasks: z
      .array(z.object({ taskId: z.string(), key: z.string(), status: statusSchema, reason: z.string() }))
      .optional(),
    round: z.int().describe('How often a retry reopened the sub-tasks'),
    cancelRequestedAt: time.optional(),
    idempotencyKey: z.string().optional(),
    rerunOf: z.string().optional().describe('The ended task that this one runs anew'),
    traceId: z.string().optional(),
    deadLetter: deadLetterSchema.optional(),
    deadLetterHistory: z.array(deadLetterSchema).optional(),
    version: z.int(),
  }),
)

/** A task as the API returns it. */
export type TaskJson = z.output<typeof taskSchema>
/** A task as it is given to its schema. */
type PresentedTask = Sent<z.input<typeof taskSchema>>

function isDuration(text: string): boolean {
  try {
    durationMs(text as `${number}s`, 'delay')
    return true
  } catch {
    return false
  }
}

/** A submission of a task. */
export const submissionSchema = named(
  'TaskSubmission',
  z
    .strictObject({
      taskType: z.string().min(1).max(100),
      parameters: z
        .unknown()
        .optional()
        .describe('Parameters of the task type; default `{}`. See `GET /v1/capabilities`'),
      userId: plainText(200)
        .optional()
        .describe('The owner; default: the user for whom the server acts, `local` if none is set'),
      lane: plainText(60).optional(),
      priority: z.enum(['high', 'normal']).optional(),
      delay: z
        .union([
          z.number().min(0).max(longestDuration, `Give ${durationForms}.`),
          z.string().max(30).refine(isDuration, `Give ${durationForms}.`),
        ])
        .optional()
        .describe('Start after this time: milliseconds, or a text such as `10m`; at most ten years'),
      startAt: givenTime
        .optional()
        .describe('Start at this time, at most ten years from now; instead of `delay`'),
      tags: z.array(plainLine(100)).max(20).optional(),
      budget: budgetSchema.optional().describe('What the task and all its sub-tasks may spend'),
    })
    .refine(({ delay, startAt }) => delay === undefined || startAt === undefined, {
      path: ['delay'],
      message: 'Give delay or startAt, not both.',
    }),
)

/** Filters of tasks. Several values are repeated: `status=QUEUED&status=RUNNING`. */
export const taskFilter = {
  status: z.array(statusSchema).max(20).optional(),
  taskType: z.array(z.string().min(1).max(100)).max(50).optional(),
  userId: plainText(200).optional(),
  lane: plainText(60).optional(),
  tag: plainText(100).optional(),
  parentTaskId: id.optional(),
  rootsOnly: flag.optional().describe('Leave out sub-tasks'),
  errorCode: plainText(100).optional().describe('Only tasks with an open dead letter of this code'),
  createdAfter: givenTime.optional(),
  createdBefore: givenTime.optional(),
}

/** Parameters that tasks about a novel are found by: they have the tag of it. */
const byParameter = { 'parameters.novelId': 'novel', 'parameters.sceneId': 'scene' } as const

/** The filters and the order of a listing of tasks. */
export const taskQuery = {
  ...taskFilter,
  'parameters.novelId': id.optional().describe('Only tasks about a novel: as `tag=novel:ID`'),
  'parameters.sceneId': id.optional().describe('Only tasks about a scene: as `tag=scene:ID`'),
  order: z.enum(['newest', 'oldest']).default('newest').describe('Order by submission'),
}

/** A filter as a request gives it. */
type GivenFilter = { [Name in keyof typeof taskFilter]?: z.output<(typeof taskFilter)[Name]> } & {
  [Name in keyof typeof byParameter]?: string | undefined
}

/** Returns the filter of a request. Throws REQUEST_INVALID for two that are both served by the tag. */
export function filterFrom(given: GivenFilter): TaskFilter {
  const { 'parameters.novelId': novelId, 'parameters.sceneId': sceneId, tag, ...filter } = given
  const tags = [
    ...(tag === undefined ? [] : [tag]),
    ...(novelId === undefined ? [] : [`${byParameter['parameters.novelId']}:${novelId}`]),
    ...(sceneId === undefined ? [] : [`${byParameter['parameters.sceneId']}:${sceneId}`]),
  ]
  if (tags.length > 1)
    throw new QuillworkError('REQUEST_INVALID', 'Give one of tag, parameters.novelId and parameters.sceneId.')
  return defined({ ...filter, tag: tags[0] })
}

/** The query of a listing of tasks. */
export const taskListQuery = z.strictObject({ ...taskQuery, ...paging })

/** The query of a listing of sub-tasks. */
export const childrenQuery = z.strictObject({
  status: taskFilter.status,
  taskType: z.string().min(1).max(100).optional(),
  failedFirst: flag.optional().describe('Those that did not complete come first'),
  ...paging,
})

/** A task in a path. */
export const taskParams = z.object({ taskId: id })

/** Returns a task as the API shows it. The schema leaves out what only the engine needs. */
export function presentTask(record: TaskRecord): PresentedTask {
  const shown = shownRecord(record)
  const { status, createdAt, startedAt, completedAt, updatedAt } = shown
  return {
    ...shown,
    done: hasEnded(status),
    parameters: plainOfText(shown.parameters),
    progress: plainOfText(shown.progress),
    result: plainOfText(shown.result),
    waitingFor: waitingForOf(record),
    nextAttemptTimestamp: nextAttemptOf(record),
    timestamps: { createdAt, startedAt, completedAt, updatedAt },
    traceId: readTraceparent(record.traceparent)?.traceId,
  }
}

/** Longest stored text of a value that a listing shows, in UTF-16 code units. */
const longestListed = 16_000

/** Returns a task as a listing shows it: large values are left out, and named. */
export function presentListed(record: TaskRecord): PresentedTask {
  const names = ['parameters', 'progress', 'result'] as const
  const omitted = names.filter(name => (record[name]?.length ?? 0) > longestListed)
  if (omitted.length === 0) return presentTask(record)
  const without = Object.fromEntries(omitted.map(name => [name, undefined]))
  return { ...presentTask({ ...record, ...without }), omitted }
}

/** Returns what the task itself waits for, as far as its record says. */
function waitingForOf(record: TaskRecord): PresentedTask['waitingFor'] {
  const { status, errorInfo, rootTaskId, predecessor: key, parentTaskId = '' } = record
  if (status === 'QUEUED' && key !== undefined)
    return { kind: 'sub-task', key, taskId: subTaskId(parentTaskId, key) }
  if (status !== 'RETRYING') return undefined
  if (isWaiting(record)) return waitOf(record)
  if (errorInfo?.code === 'BUDGET_EXHAUSTED') return { kind: 'budget', rootTaskId }
  return errorInfo?.limit === undefined ? undefined : { kind: 'limit', limit: errorInfo.limit }
}

function waitOf({ waits = [] }: TaskRecord): PresentedTask['waitingFor'] {
  const signals = [...new Set(waits.flatMap(({ signal }) => signal ?? []))]
  const until = waits.flatMap(each => each.until ?? []).sort((a, b) => a - b)[0]
  if (signals.length > 0) return { kind: 'signal', signals, ...defined({ until }) }
  return until === undefined ? undefined : { kind: 'time', until }
}

/** Returns when the next attempt may start; undefined where only a signal says. */
function nextAttemptOf(record: TaskRecord): number | undefined {
  const hasNoTime = isWaiting(record) && record.waits?.every(({ until }) => until === undefined)
  const next = record.nextAttemptTimestamp
  return hasNoTime && next !== undefined && next > record.updatedAt ? undefined : next
}
