import { classifyError, errorInfo } from '../task/classify.ts'
import { decode, encode } from '../task/codec.ts'
import type { Outcome } from '../task/decide.ts'
import type { ResolvedTask } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import { parseWith } from '../task/schema.ts'
import { totalOf } from '../task/subtasks.ts'
import type { TaskRecord } from '../task/task.ts'
import type { Attempt, Interruption } from './attempt.ts'
import { AttemptContext } from './context.ts'
import type { Core } from './core.ts'

/** How long a task of an unknown type, or with newer parameters, waits for a process that knows it. */
const unknownForMs = 600_000
/** How long until such a task is tried again. */
const unknownWaitMs = 30_000

/**
 * One attempt as a pipeline: find the handler, read the parameters, run, read the result. Answers the outcome, or undefined when
 * the attempt lost its lease: then there is nothing left to write. It never rejects.
 */
export async function execute(core: Core, attempt: Attempt): Promise<Outcome | undefined> {
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
  let context: AttemptContext | undefined
  try {
    const parameters = readParameters(task, record)
    context = new AttemptContext(
      core,
      attempt,
      task,
      parameters instanceof Promise ? await parameters : parameters,
    )
    const returned = await run(core, attempt, task, context)
    await context.finish()
    if (returned.interrupted !== undefined) return interrupted(core, task, returned.interrupted)
    return await outcomeOf(task, context, returned.value)
  } catch (error) {
    await context?.finish()
    return failure(core, attempt, error)
  }
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

type Returned = { value: unknown; interrupted?: undefined } | { interrupted: Interruption }

/** Runs the handler of the phase. An interrupted handler gets its signal and a while to obey; then the attempt ends without it. */
function run(core: Core, attempt: Attempt, task: ResolvedTask, context: AttemptContext): Promise<Returned> {
  const handler = attempt.record.phase === 'reducing' ? task.onSubTasksSettled : task.execute
  if (handler === undefined) {
    throw new QuillworkError(
      'INTERNAL',
      `${task.type} has sub-tasks to reduce, but no onSubTasksSettled any more.`,
    )
  }
  return new Promise((resolve, reject) => {
    const deadlineMs =
      attempt.record.deadline === undefined
        ? Number.POSITIVE_INFINITY
        : attempt.record.deadline - core.store.tasks.now()
    let cancelTimer = core.clock.after(Math.min(task.attemptTimeoutMs, deadlineMs), () =>
      attempt.interrupt('timeout'),
    )
    attempt.onInterrupt(why => {
      cancelTimer()
      const patience = why === 'stopping' || why === 'lease-lost' ? 0 : core.settings.obeyMs
      cancelTimer = core.clock.after(patience, () => resolve({ interrupted: why }))
    })
    const ended = (settle: () => void) => {
      cancelTimer()
      settle()
    }
    callHandler(handler, context).then(
      value => ended(() => resolve({ value })),
      error => ended(() => reject(error)),
    )
  })
}

/** A handler that throws at once rejects like one that throws later. */
async function callHandler(
  handler: (ctx: AttemptContext) => unknown,
  context: AttemptContext,
): Promise<unknown> {
  return handler(context)
}

/** What a returned value means in the phase that the attempt ran. */
async function outcomeOf(task: ResolvedTask, context: AttemptContext, value: unknown): Promise<Outcome> {
  const { record } = context
  const reduces = task.onSubTasksSettled !== undefined
  if (record.phase === 'reducing') {
    if (context.submittedSubTasks || (value === undefined && context.sawLiveSubTask))
      return { kind: 'awaiting-subtasks', reduces: true }
    if (value === undefined && !acceptsNothing(task)) throw nextStageMissing(task)
    return { kind: 'completed', result: await readResult(task, value) }
  }
  if (reduces) return { kind: 'awaiting-subtasks', reduces: true }
  const result = await readResult(task, value)
  const hasSubTasks = context.submittedSubTasks || totalOf(record.subTaskStatusSummary) > 0
  return hasSubTasks ? { kind: 'awaiting-subtasks', reduces: false, result } : { kind: 'completed', result }
}

/** Whether `undefined` is a result of the task: then a hook that returns it has finished. */
function acceptsNothing(task: ResolvedTask): boolean {
  const answer = task.result['~standard'].validate(undefined)
  return !(answer instanceof Promise) && answer.issues === undefined
}

async function readResult(task: ResolvedTask, value: unknown): Promise<string> {
  const parsed = parseWith(task.result, value, 'RESULT_INVALID', `The result of ${task.type} is not valid`)
  return encode(parsed instanceof Promise ? await parsed : parsed)
}

function nextStageMissing(task: ResolvedTask): QuillworkError {
  return new QuillworkError(
    'NEXT_STAGE_MISSING',
    `onSubTasksSettled of ${task.type} returned nothing and submitted no sub-task; return a result, or submit the next stage.`,
  )
}

/** An interruption wins over whatever the handler threw because of it. */
function failure(core: Core, attempt: Attempt, error: unknown): Outcome | undefined {
  const task = core.tasks.get(attempt.record.taskType)
  if (attempt.interruption !== undefined && task !== undefined)
    return interrupted(core, task, attempt.interruption)
  return { kind: 'failed', error: classifyError(error, core.store.tasks.now()) }
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
  const waiting = record.errorInfo?.code !== code || now - (record.startedAt ?? now) < unknownForMs
  const errorClass = waiting ? 'rate-limited' : 'permanent'
  const info = errorInfo(new QuillworkError(code, message), errorClass, { code })
  return {
    kind: 'failed',
    error: waiting ? { errorClass, info, notBefore: now + unknownWaitMs } : { errorClass, info },
  }
}
