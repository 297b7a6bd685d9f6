import type { Created } from '../store/store.ts'
import { encode } from '../task/codec.ts'
import { defined } from '../task/defined.ts'
import type { Admission, Awaitable, ResolvedTask, TaskType } from '../task/definition.ts'
import { submissionDefaults } from '../task/definition-checks.ts'
import { durationMs } from '../task/duration.ts'
import { QuillworkError } from '../task/errors.ts'
import { newTaskId } from '../task/id.ts'
import { isSameSubmission, ownKey, submissionHash, tickKey } from '../task/idempotency.ts'
import type { OwnRetry } from '../task/retry-policy.ts'
import { chain } from '../task/schema.ts'
import { bounded, checkedTags, noTags, type SubmitOptions, startTime, validate } from '../task/submission.ts'
import { defaultUser, type NewTask, type TaskRecord } from '../task/task.ts'
import { isA, messageOf } from '../task/thrown.ts'
import { readTraceparent } from '../task/trace-context.ts'
import { traceSubmission } from '../task/tracer.ts'
import type { Start } from './attempt.ts'
import { checkedBudget } from './budget-arithmetic.ts'
import type { Core } from './core.ts'
import { notifySubmitted } from './notify.ts'

/** What is submitted. */
export interface Submitted {
  parameters: unknown
  options: SubmitOptions
  /** The tick that a schedule submits it for, in place of an idempotency key; epoch milliseconds. */
  tick?: { scheduleId: string; at: number }
  /** The ended task that it runs anew. */
  rerunOf?: string
  /** What it has of a retry policy of its own; default none. */
  retry?: OwnRetry
}

/** What is submitted, and what is made of the record. */
interface Submission<T> extends Submitted {
  /** Returns what the caller wants for the record. `isNew`: this submission created it, not an earlier one of the same key. */
  as(record: TaskRecord, isNew: boolean): T
}

/**
 * Submits one task. Resolves to what `as` returns for its record, a new one or the one that the idempotency key found, without one more
 * promise.
 */
export function submitAs<T>(core: Core, type: TaskType, submission: Submission<T>): Promise<T> {
  const { options, as } = submission
  if (options.transaction !== undefined) return submitWithin(core, type, submission)
  return new Promise((resolve, reject) => {
    const write = () => {
      const task = newTask(core, type, submission)
      const ended = core.trace?.submitting([task])
      const start = routeTo(core, task)
      core.writes.create.add(task, (error, created) => {
        try {
          if (error !== undefined) throw error
          resolve(as(accepted(core, task, created), created?.outcome === 'created'))
          ended?.()
        } catch (refusal) {
          ended?.(refusal)
          reject(refusal)
        }
        start?.created(created?.outcome === 'created' ? created.record : undefined)
      })
    }
    const checked = check(core, type, submission.parameters, {
      userId: options.userId,
      rerunOf: submission.rerunOf,
    })
    if (checked instanceof Promise) checked.then(write).catch(reject)
    else write()
  })
}

/** Submits within the caller's own transaction: nobody is notified before it commits, and the relay finds the task then. */
async function submitWithin<T>(core: Core, type: TaskType, submission: Submission<T>): Promise<T> {
  const { parameters, options, as } = submission
  requireTransactions(core)
  await check(core, type, parameters, { userId: options.userId, rerunOf: submission.rerunOf })
  const task = newTask(core, type, submission)
  const [created] = await traceSubmission(core.trace, [task], () =>
    core.store.tasks.create([task], core.admission, { transaction: options.transaction }),
  )
  return as(acceptedSilently(task, created), created?.outcome === 'created')
}

/**
 * Chooses how the task gets to a worker: claimed for a free slot of this process, which is returned; where the store does not grant that, or
 * no slot is free, sent at once; or by the relay.
 */
function routeTo(core: Core, task: NewTask): Start | undefined {
  const { taskType, lane, startAt, delay } = task
  // It waits for its time, or others wait that it would overtake.
  if (startAt !== undefined || delay !== undefined || core.saturated.has(lane)) return undefined
  const start = core.tasks.has(taskType) ? core.reserveStart(lane) : undefined
  if (start !== undefined) task.claim = start.claim
  if (core.broker.remote !== undefined && core.broker.capacity(lane) > 0) task.send = true
  return start
}

/** Throws OPTION_INVALID where the store cannot write within a transaction of the caller. */
export function requireTransactions(core: Core): void {
  if (core.store.capabilities.callerTransactions) return
  const message = `The store ${core.store.kind} cannot write within a transaction of the caller; leave \`transaction\` out.`
  throw new QuillworkError('OPTION_INVALID', message)
}

/**
 * Checks what a schedule will submit, as `submitAs` does, but for what `admit` says of it then. Throws, or rejects with, what would be the
 * refusal.
 */
export function checkAhead(core: Core, type: TaskType, submitted: Submitted): Awaitable<unknown> {
  const { parameters } = submitted
  const own = core.tasks.get(type.type) ?? type
  return chain(validate(type, parameters), () => {
    newTask(core, type, submitted)
    return own.parameters === type.parameters ? undefined : validate(own, parameters)
  })
}

/**
 * Validates a root task's parameters, and calls the `admit` hook of the type where this engine has one. Throws, or rejects with, the refusal.
 * A synchronous schema and hook cost no promise.
 */
export function check(
  core: Core,
  type: TaskType,
  parameters: unknown,
  { userId = defaultUser, rerunOf }: { userId?: string | undefined; rerunOf?: string | undefined } = {},
): Awaitable<unknown> {
  const validated = validate(type, parameters)
  const task = core.tasks.get(type.type)
  if (task?.admit === undefined) return validated
  // A client may know the type by another schema: the hook gets what its own makes of the parameters.
  const own =
    task.parameters === type.parameters ? validated : chain(validated, () => validate(task, parameters))
  const { services } = core
  return chain(own, parsed => admit(task, parsed, { services, userId, ...defined({ rerunOf }) }))
}

function admit(task: ResolvedTask, parameters: unknown, submission: Admission<unknown>): Awaitable<unknown> {
  const refuse = (error: unknown): never => {
    throw refusalOf(task, error)
  }
  try {
    const answer: unknown = task.admit?.(parameters, submission)
    // Thenables of any kind are awaited: a refusal must not get lost in one.
    return answer === undefined ? undefined : Promise.resolve(answer).catch(refuse)
  } catch (error) {
    return refuse(error)
  }
}

/** Returns the refusal for what a hook threw; an error with a code of ours says more than SUBMISSION_REFUSED. */
function refusalOf({ type }: ResolvedTask, error: unknown): unknown {
  if (isA(error, QuillworkError)) return error
  const message = `${type} refuses what was submitted: ${messageOf(error)}`
  return new QuillworkError('SUBMISSION_REFUSED', message, { cause: error })
}

/** Returns what a submission takes from its task type: as this engine runs it, else as the submitter knows it. Throws OPTION_INVALID. */
export function defaultsOf(core: Core, type: TaskType): ReturnType<typeof submissionDefaults> {
  return core.tasks.get(type.type) ?? submissionDefaults(type)
}

/** Returns the task that a submission makes. Throws what is wrong with its options. */
export function newTask(
  core: Core,
  type: TaskType,
  { parameters, options, tick, rerunOf, retry }: Submitted,
): NewTask {
  const defaults = defaultsOf(core, type)
  const lane = options.lane ?? defaults.lane
  checkLane(core, lane, defaults.lane)
  const now = core.store.tasks.now()
  const task: NewTask = {
    id: newTaskId(now),
    taskType: type.type,
    userId: bounded(options.userId ?? defaultUser, 200, 'userId'),
    lane,
    priority: options.priority ?? 'normal',
    tags: checkedTags(options.tags ?? noTags, options.derivedTags),
    parameters: encodedParameters(core, type.type, parameters),
    parametersVersion: defaults.parametersVersion,
  }
  if (options.startAt !== undefined) task.startAt = startTime(options.startAt, now)
  else if (options.delay !== undefined) task.delay = durationMs(options.delay, 'delay')
  if (defaults.deadlineMs !== undefined) task.deadlineAfter = defaults.deadlineMs
  if (options.budget !== undefined) task.budget = checkedBudget(options.budget)
  if (rerunOf !== undefined) task.rerunOf = rerunOf
  if (retry !== undefined) task.retry = retry
  if (tick !== undefined) task.idempotencyKey = tickKey(tick.scheduleId, tick.at)
  else if (options.idempotencyKey !== undefined) task.idempotencyKey = ownKey(options.idempotencyKey)
  if (task.idempotencyKey !== undefined) {
    const { priority, budget } = task
    task.submissionHash = submissionHash({ parameters, lane, priority, tags: options.tags ?? noTags, budget })
  }
  if (options.traceparent !== undefined && readTraceparent(options.traceparent) !== undefined)
    task.traceparent = options.traceparent
  return task
}

/** Returns parameters as they are stored. Throws PARAMETERS_TOO_LARGE, VALUE_NOT_STORABLE. */
export function encodedParameters({ settings }: Core, taskType: string, parameters: unknown): string {
  const text = encode(parameters)
  const most = settings.parametersBytes
  // A unit of a text is at most three bytes.
  if (text.length * 3 <= most) return text
  const bytes = Buffer.byteLength(text)
  if (bytes <= most) return text
  const message = `The parameters of ${taskType} have ${bytes} bytes, and those of a task may have ${most}. Keep the content elsewhere, and submit what names it.`
  throw new QuillworkError('PARAMETERS_TOO_LARGE', message, { details: { bytes, most } })
}

/** Throws LANE_UNKNOWN for the lane of a task, unless it is that of its type (`own`) and may have its workers in other processes. */
export function checkLane(core: Core, lane: string, own: string): void {
  if (lane !== own || !core.store.capabilities.manyProcesses) requireLane(core, lane)
}

/** Throws LANE_UNKNOWN: a task in a lane without workers would wait indefinitely. */
export function requireLane(core: Pick<Core, 'settings'>, lane: string): void {
  if (core.settings.lanes.has(lane)) return
  const known = [...core.settings.lanes.keys()].join(', ')
  const message = `There is no lane ${JSON.stringify(lane)}; the lanes are ${known}.`
  throw new QuillworkError('LANE_UNKNOWN', message)
}

/** As `acceptedSilently`; sends and notifies. */
export function accepted(core: Core, task: NewTask, created: Created | undefined): TaskRecord {
  const record = acceptedSilently(task, created)
  announce(core, created)
  return record
}

/** Sends a task that is new, where its creation took the right to, and notifies that it was created. */
export function announce(core: Core, created: Created | undefined): void {
  if (created?.outcome !== 'created') return
  if (created.delivery !== undefined) core.writes.send.add(created.delivery, ignoreAnswer)
  notifySubmitted(core, created.record)
}

const ignoreAnswer = () => undefined

/** Returns the record of an accepted task. Throws the refusal, or IDEMPOTENCY_KEY_REUSED. */
export function acceptedSilently(task: NewTask, created: Created | undefined): TaskRecord {
  const record = recordOf(task, created)
  if (created?.outcome === 'existing' && !isSameSubmission(task, record)) {
    const message = `The idempotency key ${JSON.stringify(task.idempotencyKey)} belongs to task ${record.id}, which was submitted with other parameters or options; use a new key.`
    throw new QuillworkError('IDEMPOTENCY_KEY_REUSED', message, { details: { taskId: record.id } })
  }
  return record
}

/** Returns the record that the store made or found. Throws the refusal, or why the store could not write this one. */
export function recordOf(task: NewTask, created: Created | undefined): TaskRecord {
  if (created === undefined || created.outcome === 'withheld')
    throw new QuillworkError('STORE_FAILED', 'The store gave no answer to a submission.')
  if (created.outcome === 'refused') throw refusalError(created.code, task)
  if (created.outcome === 'failed') throw created.error
  return created.record
}

function refusalError(
  code: Extract<Created, { outcome: 'refused' }>['code'],
  { userId, lane }: NewTask,
): QuillworkError {
  if (code === 'PARENT_NOT_RUNNING')
    return new QuillworkError(code, 'The parent no longer runs this attempt, so it can add no sub-tasks.')
  const whose = code === 'USER_QUEUE_FULL' ? `user ${userId}` : `lane ${lane}`
  const message = `The ${whose} has as many waiting tasks as allowed; try again when some have run.`
  return new QuillworkError(code, message)
}
