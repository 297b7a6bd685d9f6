import { longestPark } from '../rate-limit/limiter.ts'
import { retryUntilStored } from '../runtime/retry-until-stored.ts'
import { classifyError, errorInfo } from '../task/classify.ts'
import { encode } from '../task/codec.ts'
import { earlierCrash, type Outcome } from '../task/decide.ts'
import { type Awaitable, currentParameters, type ResolvedTask } from '../task/definition.ts'
import { type ErrorCode, QuillworkError } from '../task/errors.ts'
import { policyOf } from '../task/retry-policy.ts'
import { chain, parseWith } from '../task/schema.ts'
import { liveStatuses } from '../task/status.ts'
import { sameCounts, totalOf } from '../task/subtasks.ts'
import type { TaskRecord } from '../task/task.ts'
import type { Attempt, Interruption } from './attempt.ts'
import { AttemptContext } from './context.ts'
import type { Core } from './core.ts'
import { retryOf } from './settle.ts'
import { runInThread } from './thread-context.ts'

/**
 * Runs one attempt as a pipeline: claimed -> handler found -> parameters read -> run within its time -> result read -> outcome. Returns
 * the outcome, or undefined when the attempt lost its lease: then there is nothing left to write. Never throws or rejects.
 */
export function execute(core: Core, attempt: Attempt): Awaitable<Outcome | undefined> {
  const task = core.tasks.get(attempt.record.taskType)
  if (task === undefined || attempt.record.parametersVersion > task.parametersVersion)
    return unknownHere(core, attempt.record, task)
  if (attempt.record.crashCount > 0 && policyOf(task.policy, attempt.record).maxAttempts === 1)
    return { kind: 'lease-lost', error: earlierCrash(attempt.record) }
  const context = new AttemptContext(core, attempt, task)
  if (task.module !== undefined) return finish(core, context, executeInThread(core, context, task.module))
  let outcome: Awaitable<Outcome | undefined>
  try {
    outcome = withinItsTime(core, context, run(core, context))
  } catch (error) {
    outcome = failure(core, context, error)
  }
  return outcome instanceof Promise || context.isUnfinished ? finish(core, context, outcome) : outcome
}

/**
 * Runs an attempt in a thread, which reads the parameters too. The time of the attempt begins when there is one for it; a thread whose handler has
 * not ended when the outcome is known is terminated.
 */
async function executeInThread(
  core: Core,
  context: AttemptContext,
  module: string,
): Promise<Outcome | undefined> {
  const { held, record } = context
  const { deadline = Number.POSITIVE_INFINITY } = record
  const cancelTimer = core.clock.after(deadline - core.store.tasks.now(), () => held.interrupt('timeout'))
  const thread = await core.threads.take(held).finally(cancelTimer)
  if (thread === undefined) return interrupted(core, context, held.interruption ?? 'lease-lost')
  try {
    const { name } = handlerOf(context)
    const returned = runInThread(core, context, thread, { module, handler: name })
    return await withinItsTime(
      core,
      context,
      returned.then(value => readResult(core, context, value)),
    )
  } finally {
    core.threads.release(thread)
  }
}

function run(core: Core, context: AttemptContext): Awaitable<Outcome> {
  const parameters = readParameters(context)
  const returned = chain(parameters, parsed => callHandler(context, parsed))
  return chain(returned, value => readResult(core, context, value))
}

function readParameters({ task, record }: AttemptContext): Awaitable<unknown> {
  const stored = currentParameters(task, record)
  const problem = `The stored parameters of ${record.id} are not valid`
  return parseWith(task.parameters, stored, 'PARAMETERS_INVALID', problem)
}

/** Returns the handler of the phase. */
function handlerOf({ task, record }: AttemptContext) {
  const name = record.phase === 'reducing' ? 'onSubTasksSettled' : 'execute'
  const handler = task[name]
  if (handler !== undefined) return { name, handler } as const
  const message = `${task.type} has sub-tasks to reduce, but no onSubTasksSettled any more.`
  throw new QuillworkError('INTERNAL', message)
}

/** Runs the handler of the phase. Query builders and the like are awaited as promises are. */
function callHandler(context: AttemptContext, parameters: unknown): Awaitable<unknown> {
  const { handler } = handlerOf(context)
  context.parameters = parameters
  const returned = handler(context)
  return isThenable(returned) ? Promise.resolve(returned) : returned
}

function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  return (
    typeof answer === 'object' && answer !== null && 'then' in answer && typeof answer.then === 'function'
  )
}

/** Submissions that the handler did not wait for are part of its outcome. */
function readResult(core: Core, context: AttemptContext, value: unknown): Awaitable<Outcome> {
  context.hasReturned = true
  return chain(context.submitting, () => outcomeOf(core, context, value))
}

/** Returns what a returned value means in the phase that the attempt ran. */
function outcomeOf(core: Core, context: AttemptContext, value: unknown): Awaitable<Outcome> {
  const { task, record } = context
  if (record.phase === 'reducing') {
    if (context.submittedSubTasks || (value === undefined && context.sawLiveSubTask))
      return { kind: 'awaiting-subtasks', reduces: true }
    return chain(requireFinished(task, value), () =>
      chain(encodeResult(task, value), result => unlessSubTasksMoved(core, context, result)),
    )
  }
  if (task.onSubTasksSettled !== undefined) return { kind: 'awaiting-subtasks', reduces: true }
  const hasSubTasks = context.held.hasSubTasks || totalOf(record.subTaskStatusSummary) > 0
  return chain(encodeResult(task, value), result =>
    hasSubTasks ? { kind: 'awaiting-subtasks', reduces: false, result } : { kind: 'completed', result },
  )
}

function encodeResult(task: ResolvedTask, value: unknown): Awaitable<string> {
  return chain(
    parseWith(task.result, value, 'RESULT_INVALID', `The result of ${task.type} is not valid`),
    encode,
  )
}

/** Throws NEXT_STAGE_MISSING where a hook that submitted nothing returned nothing, unless `undefined` is a result of the task. */
export function requireFinished({ type, result }: ResolvedTask, value: unknown): Awaitable<void> {
  if (value !== undefined) return
  return chain(result['~standard'].validate(undefined), ({ issues }) => {
    if (issues === undefined) return
    const message = `onSubTasksSettled of ${type} returned nothing and submitted no sub-task; return a result, or submit the next stage.`
    throw new QuillworkError('NEXT_STAGE_MISSING', message)
  })
}

/** A hook whose sub-tasks moved while it ran (one was retried) has reduced old results: it runs again when they have ended. */
async function unlessSubTasksMoved(
  core: Core,
  { held, record }: AttemptContext,
  result: string,
): Promise<Outcome> {
  const moved = await retryUntilStored(() => haveMoved(core, record), retryOf(core, held))
  return moved ? { kind: 'awaiting-subtasks', reduces: true } : { kind: 'completed', result }
}

/** Whether sub-tasks moved since the record was claimed. One that runs again may not be counted yet, so they are queried too. */
async function haveMoved(core: Core, record: TaskRecord): Promise<boolean> {
  const [current] = await core.store.queries.get([record.id])
  if (!sameCounts(record.subTaskStatusSummary, current?.subTaskStatusSummary)) return true
  const live = await core.store.queries.children(record.id, { status: liveStatuses }, { pageSize: 1 })
  return live.items.length > 0
}

/**
 * Returns the outcome within the time that the attempt has, its schemas included. An interrupted attempt gets its signal and a while to end;
 * then it ends without its handler. A handler that has returned is not given up at once because the process stops.
 */
function withinItsTime(
  core: Core,
  context: AttemptContext,
  running: Awaitable<Outcome>,
): Awaitable<Outcome | undefined> {
  if (!(running instanceof Promise)) return running
  const { held: attempt, task } = context
  return new Promise((resolve, reject) => {
    const timeOut = () => attempt.interrupt('timeout')
    let cancelTimer = core.clock.after(timeLeft(core, attempt, task), () => {
      // A result that came in time has as long again to be read, for the store may be away.
      if (context.hasReturned) cancelTimer = core.clock.after(task.attemptTimeoutMs, timeOut)
      else timeOut()
    })
    const unwatch = watchProgress(core, context)
    let interruptedFor: Interruption | 'waits' | undefined
    attempt.onInterrupt(why => {
      // A process that stops interrupts again and again.
      if (interruptedFor === why) return
      interruptedFor = why
      context.noteHeldUp()
      unwatch()
      cancelTimer()
      // Nothing of it runs that could end by itself.
      if (why === 'waits') return resolve({ kind: 'waiting', ...context.waiting })
      cancelTimer = core.clock.after(abortGrace(core, context, why), () =>
        resolve(interrupted(core, context, attempt.interruption ?? why)),
      )
    })
    running.then(
      outcome => {
        unwatch()
        cancelTimer()
        resolve(outcome)
      },
      error => {
        unwatch()
        cancelTimer()
        reject(error)
      },
    )
  })
}

/** A timer that is later than this was held up: the process was paused, and its handler too. Milliseconds. */
const pausedMs = 1_000

/** Interrupts a handler that makes no progress for the time that its task type allows. Returns how that is ended. */
function watchProgress({ clock }: Core, context: AttemptContext): () => void {
  const { held: attempt, task } = context
  const allowedMs = task.stallTimeoutMs
  if (allowedMs === undefined) return () => undefined
  let cancelTimer: () => void
  const watch = (waitMs: number) => {
    const dueAt = clock.monotonic() + waitMs
    cancelTimer = clock.after(waitMs, () => {
      if (context.hasReturned) return
      const isLate =
        clock.monotonic() - dueAt > pausedMs || context.writes > 0 || context.submitting !== undefined
      const leftMs = isLate ? allowedMs : context.progressedAt + allowedMs - clock.monotonic()
      if (leftMs > 0) watch(leftMs)
      else attempt.interrupt('stalled')
    })
  }
  context.progressed()
  watch(allowedMs)
  return () => cancelTimer()
}

function timeLeft(core: Core, { record }: Attempt, task: ResolvedTask): number {
  if (record.deadline === undefined) return task.attemptTimeoutMs
  return Math.min(task.attemptTimeoutMs, record.deadline - core.store.tasks.now())
}

/** Milliseconds that a process which stops waits for a returned result to be read: less than it has to write the outcome. */
const readMs = 2_000

/** Returns the milliseconds that an interrupted attempt has to end by itself. */
function abortGrace(core: Core, { hasReturned }: AttemptContext, why: Interruption): number {
  if (why === 'lease-lost' || why === 'lease-expired') return 0
  if (why === 'stopping') return hasReturned ? Math.min(readMs, core.settings.abortGraceMs) : 0
  return core.settings.abortGraceMs
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
  if (!context.isUnfinished) return outcome
  try {
    await context.finish(outcome?.kind === 'completed' || outcome?.kind === 'awaiting-subtasks')
  } catch (error) {
    const { id, attempt } = context.record
    core.log.error({ err: error, taskId: id, attempt }, 'attempt reports failed; its outcome stands')
  }
  return outcome
}

/** Returns the outcome of an error. An interruption wins over whatever the handler threw because of it. */
function failure(core: Core, context: AttemptContext, error: unknown): Outcome | undefined {
  const { held } = context
  if (held.interruption !== undefined) return interrupted(core, context, held.interruption)
  const classified = classifyError(error, core.store.tasks.now())
  const { errorClass, refusedByProvider, notBefore } = classified
  if (notBefore === undefined) return { kind: 'failed', error: classified }
  if (refusedByProvider === true) context.park(notBefore)
  // A snooze waits as long as it says.
  else if (errorClass === 'rate-limited') return { kind: 'failed', error: classified }
  const latest = core.store.tasks.now() + longestPark
  return { kind: 'failed', error: { ...classified, notBefore: Math.min(notBefore, latest) } }
}

function interrupted(core: Core, context: AttemptContext, why: Interruption): Outcome | undefined {
  const { task, record } = context
  switch (why) {
    case 'cancelled':
      return { kind: 'cancelled' }
    case 'stopping':
      return { kind: 'given-back' }
    case 'lease-expired':
      // One attempt at most is what a type asks for whose effect must not come twice.
      return { kind: policyOf(task.policy, record).maxAttempts === 1 ? 'lease-lost' : 'given-back' }
    case 'lease-lost':
      return undefined
    case 'timeout': {
      const message = `The attempt ran longer than ${task.attemptTimeoutMs} ms, or past the deadline; its signal was fired.${context.heldUp}`
      return timedOut(core, task, 'ATTEMPT_TIMEOUT', message)
    }
    case 'stalled': {
      const message = `The attempt finished no step and reported nothing for ${task.stallTimeoutMs} ms; its signal was fired.${context.heldUp}`
      return timedOut(core, task, 'ATTEMPT_STALLED', message)
    }
  }
}

function timedOut(core: Core, task: ResolvedTask, code: ErrorCode, message: string): Outcome {
  const info = errorInfo(new QuillworkError(code, message), 'timeout', { code })
  core.log.warn({ taskType: task.type, code }, 'attempt timed out')
  return { kind: 'failed', error: { errorClass: 'timeout', info } }
}

/** Milliseconds that a task of an unknown type, or with newer parameters, waits for a process that knows it. */
const unknownForMs = 600_000
/** Milliseconds until such a task is tried again. */
const unknownWaitMs = 30_000

/** No live process knows the type: the task waits for one, and fails when none has come for ten minutes. */
function unknownHere(core: Core, record: TaskRecord, task: ResolvedTask | undefined): Outcome {
  const [code, message] =
    task === undefined
      ? (['TASK_TYPE_UNKNOWN', `No process here knows the task type ${record.taskType}.`] as const)
      : ([
          'PARAMETERS_TOO_NEW',
          `The parameters have version ${record.parametersVersion}; this process knows ${task.parametersVersion}.`,
        ] as const)
  const now = core.store.tasks.now()
  const seen = core.peers.lastSeen(record.taskType, record.parametersVersion) ?? 0
  const since = record.errorInfo?.code === code ? Math.max(seen, record.errorInfo.since ?? now) : now
  const waiting = now - since < unknownForMs
  const errorClass = waiting ? 'rate-limited' : 'permanent'
  const info = { ...errorInfo(new QuillworkError(code, message), errorClass, { code }), since }
  return {
    kind: 'failed',
    error: waiting ? { errorClass, info, notBefore: now + unknownWaitMs } : { errorClass, info },
  }
}
