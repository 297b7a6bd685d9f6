import { classifyError, errorInfo } from '../task/classify.ts'
import { decode, encode } from '../task/codec.ts'
import type { Outcome } from '../task/decide.ts'
import type { Awaitable, ResolvedTask } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import { parseWith } from '../task/schema.ts'
import { liveStatuses } from '../task/status.ts'
import { sameCounts, totalOf } from '../task/subtasks.ts'
import type { TaskRecord } from '../task/task.ts'
import type { Attempt, Interruption } from './attempt.ts'
import { AttemptContext } from './context.ts'
import type { Core } from './core.ts'
import { persist } from './persist.ts'

/** How long a task of an unknown type, or with newer parameters, waits for a process that knows it. */
const unknownForMs = 600_000
/** How long until such a task is tried again. */
const unknownWaitMs = 30_000

/**
 * One attempt as a pipeline: find the handler, read the parameters, run, read the result. Returns the outcome, or undefined when
 * the attempt lost its lease: then there is nothing left to write. It never throws or rejects, and needs no promise when the
 * handler needs none.
 */
export function execute(core: Core, attempt: Attempt): Awaitable<Outcome | undefined> {
  const { record } = attempt
  const task = core.tasks.get(record.taskType)
  if (task === undefined)
    return unknownHere(
      core,
      record,
      'TASK_TYPE_UNKNOWN',
      `No process here knows the task type ${record.taskType}.`,
    )
  if (record.parametersVersion > task.parametersVersion) {
    const message = `The parameters have version ${record.parametersVersion}; this process knows ${task.parametersVersion}.`
    return unknownHere(core, record, 'PARAMETERS_TOO_NEW', message)
  }
  const context = new AttemptContext(core, attempt, task)
  let outcome: Awaitable<Outcome | undefined>
  try {
    const running = run(core, context)
    outcome = running instanceof Promise ? watch(core, context, running) : running
  } catch (error) {
    outcome = failure(core, context, error)
  }
  if (!(outcome instanceof Promise) && !context.isUnfinished) return outcome
  return finish(core, context, outcome)
}

/** Waits for the outcome, then for what the attempt still has to report. */
async function finish(
  core: Core,
  context: AttemptContext,
  running: Awaitable<Outcome | undefined>,
): Promise<Outcome | undefined> {
  let outcome: Outcome | undefined
  try {
    outcome = await running
  } catch (error) {
    outcome = failure(core, context, error)
  }
  if (context.isUnfinished) await context.finish()
  return outcome
}

/** Reads the parameters, runs the handler of the phase, reads its result. Where all of them answer at once, so does this. */
function run(core: Core, context: AttemptContext): Awaitable<Outcome> {
  const parameters = readParameters(context.task, context.record)
  return parameters instanceof Promise
    ? parameters.then(parsed => runWith(core, context, parsed))
    : runWith(core, context, parameters)
}

function runWith(core: Core, context: AttemptContext, parameters: unknown): Awaitable<Outcome> {
  context.parameters = parameters
  const returned = handlerOf(context)(context)
  if (isThenable(returned)) return Promise.resolve(returned).then(value => outcomeWhole(core, context, value))
  return outcomeWhole(core, context, returned)
}

function handlerOf({ task, record }: AttemptContext) {
  const handler = record.phase === 'reducing' ? task.onSubTasksSettled : task.execute
  if (handler !== undefined) return handler
  const message = `${task.type} has sub-tasks to reduce, but no onSubTasksSettled any more.`
  throw new QuillworkError('INTERNAL', message)
}

/** The outcome once the submissions that the handler did not wait for are written: what it left behind is part of it. */
function outcomeWhole(core: Core, context: AttemptContext, value: unknown): Awaitable<Outcome> {
  context.hasReturned = true
  const { submitting, record, task } = context
  if (submitting === undefined && record.phase !== 'reducing') return outcomeOf(task, context, value)
  return outcomeLater(core, context, value)
}

/** A hook whose sub-tasks moved while it ran (one was retried) has made its result of old ones: it runs again when they have ended. */
async function outcomeLater(core: Core, context: AttemptContext, value: unknown): Promise<Outcome> {
  await context.submitting
  const outcome = await outcomeOf(context.task, context, value)
  const { held, record } = context
  if (record.phase !== 'reducing' || outcome.kind !== 'completed') return outcome
  const moved = await persist(core, held, () => haveMoved(core, record))
  return moved ? { kind: 'awaiting-subtasks', reduces: true } : outcome
}

/** Whether sub-tasks moved since the record was claimed. One that runs again may not be counted yet, so they are asked themselves too. */
async function haveMoved(core: Core, record: TaskRecord): Promise<boolean> {
  const [current] = await core.store.queries.get([record.id])
  if (!sameCounts(record.subTaskStatusSummary, current?.subTaskStatusSummary)) return true
  const live = await core.store.queries.children(record.id, { status: liveStatuses }, { pageSize: 1 })
  return live.items.length > 0
}

function readParameters(task: ResolvedTask, record: TaskRecord): unknown {
  const stored = decode(record.parameters)
  const current =
    record.parametersVersion < task.parametersVersion
      ? task.upgradeParameters(stored, record.parametersVersion)
      : stored
  return parseWith(
    task.parameters,
    current,
    'PARAMETERS_INVALID',
    `The stored parameters of ${record.id} are not valid`,
  )
}

/** Query builders and the like are waited for as promises are. */
function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  return (
    typeof answer === 'object' && answer !== null && 'then' in answer && typeof answer.then === 'function'
  )
}

/**
 * The outcome within the time that the attempt has, its schemas included. An interrupted one gets its signal and a while to obey; then it
 * ends without its handler. A handler that has returned already is not taken for one that goes on because the process stops.
 */
function watch(core: Core, context: AttemptContext, running: Promise<Outcome>): Promise<Outcome | undefined> {
  const { held: attempt, task } = context
  return new Promise((resolve, reject) => {
    const timeOut = () => attempt.interrupt('timeout')
    let cancelTimer = core.clock.after(timeLeft(core, attempt, task), () => {
      // A result that came in time has as long again to be read, for the store may be away.
      if (context.hasReturned) cancelTimer = core.clock.after(task.attemptTimeoutMs, timeOut)
      else timeOut()
    })
    let obeys: Interruption | undefined
    attempt.onInterrupt(why => {
      // A process that stops says so again and again.
      if (obeys === why) return
      obeys = why
      cancelTimer()
      const patience = patienceWith(core, context, why)
      cancelTimer = core.clock.after(patience, () =>
        resolve(interrupted(core, task, attempt.interruption ?? why)),
      )
    })
    running.then(
      outcome => {
        cancelTimer()
        resolve(outcome)
      },
      error => {
        cancelTimer()
        reject(error)
      },
    )
  })
}

/** Milliseconds that a process which stops waits for a result that has come to be read: less than it has to write what came of it. */
const readMs = 2_000

/** Milliseconds that an interrupted attempt has to end by itself. */
function patienceWith(core: Core, { hasReturned }: AttemptContext, why: Interruption): number {
  if (why === 'lease-lost') return 0
  if (why === 'stopping') return hasReturned ? Math.min(readMs, core.settings.abortGraceMs) : 0
  return core.settings.abortGraceMs
}

function timeLeft(core: Core, { record }: Attempt, task: ResolvedTask): number {
  if (record.deadline === undefined) return task.attemptTimeoutMs
  return Math.min(task.attemptTimeoutMs, record.deadline - core.store.tasks.now())
}

/** What a returned value means in the phase that the attempt ran. */
function outcomeOf(task: ResolvedTask, context: AttemptContext, value: unknown): Awaitable<Outcome> {
  const { record } = context
  const reduces = task.onSubTasksSettled !== undefined
  if (record.phase === 'reducing') {
    if (context.submittedSubTasks || (value === undefined && context.sawLiveSubTask))
      return { kind: 'awaiting-subtasks', reduces: true }
    if (value === undefined && !acceptsNothing(task)) throw nextStageMissing(task)
    return readResult(task, value, result => ({ kind: 'completed', result }))
  }
  if (reduces) return { kind: 'awaiting-subtasks', reduces: true }
  const hasSubTasks = context.submittedSubTasks || totalOf(record.subTaskStatusSummary) > 0
  return readResult(task, value, result =>
    hasSubTasks ? { kind: 'awaiting-subtasks', reduces: false, result } : { kind: 'completed', result },
  )
}

/** Whether `undefined` is a result of the task: then a hook that returns it has finished. */
function acceptsNothing(task: ResolvedTask): boolean {
  const answer = task.result['~standard'].validate(undefined)
  return !(answer instanceof Promise) && answer.issues === undefined
}

function readResult(
  task: ResolvedTask,
  value: unknown,
  outcome: (result: string) => Outcome,
): Awaitable<Outcome> {
  const parsed = parseWith(task.result, value, 'RESULT_INVALID', `The result of ${task.type} is not valid`)
  return parsed instanceof Promise ? parsed.then(later => outcome(encode(later))) : outcome(encode(parsed))
}

function nextStageMissing(task: ResolvedTask): QuillworkError {
  return new QuillworkError(
    'NEXT_STAGE_MISSING',
    `onSubTasksSettled of ${task.type} returned nothing and submitted no sub-task; return a result, or submit the next stage.`,
  )
}

/** An interruption wins over whatever the handler threw because of it. */
function failure(core: Core, context: AttemptContext, error: unknown): Outcome | undefined {
  const { held, task } = context
  if (held.interruption !== undefined) return interrupted(core, task, held.interruption)
  const classified = classifyError(error, core.store.tasks.now())
  if (classified.refusedByProvider === true && classified.notBefore !== undefined)
    context.park(classified.notBefore)
  return { kind: 'failed', error: classified }
}

function interrupted(core: Core, task: ResolvedTask, why: Interruption): Outcome | undefined {
  switch (why) {
    case 'cancelled':
      return { kind: 'cancelled' }
    case 'stopping':
      return { kind: 'given-back' }
    case 'lease-lost':
      return undefined
    case 'timeout': {
      const message = `The attempt ran longer than ${task.attemptTimeoutMs} ms, or past the deadline; its signal was fired.`
      const info = errorInfo(new QuillworkError('ATTEMPT_TIMEOUT', message), 'timeout', {
        code: 'ATTEMPT_TIMEOUT',
      })
      core.log.warn({ taskType: task.type }, 'an attempt timed out')
      return { kind: 'failed', error: { errorClass: 'timeout', info } }
    }
  }
}

/** Another process may know the type: the task waits for one, and fails when none has come for ten minutes. */
function unknownHere(
  core: Core,
  record: TaskRecord,
  code: 'TASK_TYPE_UNKNOWN' | 'PARAMETERS_TOO_NEW',
  message: string,
): Outcome {
  const now = core.store.tasks.now()
  const since = record.errorInfo?.code === code ? (record.errorInfo.since ?? now) : now
  const waiting = now - since < unknownForMs
  const errorClass = waiting ? 'rate-limited' : 'permanent'
  const info = { ...errorInfo(new QuillworkError(code, message), errorClass, { code }), since }
  return {
    kind: 'failed',
    error: waiting ? { errorClass, info, notBefore: now + unknownWaitMs } : { errorClass, info },
  }
}
