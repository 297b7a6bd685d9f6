import { decode } from '../task/codec.ts'
import type { In, Out, Schema, State, SubTask, TaskType } from '../task/definition.ts'
import { type Duration, durationMs } from '../task/duration.ts'
import { type ErrorInfo, plainError, QuillworkError, TaskFailedError } from '../task/errors.ts'
import { endedStatuses, hasEnded } from '../task/status.ts'
import type { TaskRecord } from '../task/task.ts'
import { cancelTask } from './cancel.ts'
import type { Core } from './core.ts'
import type { End, Waiter } from './listeners.ts'
import { readTask } from './read-task.ts'

/** A task as its submitter sees it. */
export interface TaskHandle<R extends Schema = Schema> {
  readonly taskId: string
  /** Whether the call that returned this handle created the task; false where an idempotency key or an id found it. */
  readonly isNew: boolean
  /** Returns the present state of the task. Throws TASK_NOT_FOUND. */
  state(): Promise<State<R>>
  /** Asks the task, and everything below it, to stop. Throws TASK_ALREADY_ENDED. */
  cancel(): Promise<void>
  /**
   * Waits for the result. Rejects with TaskFailedError when the task ended without one, WAIT_TIMEOUT after `timeout`, or the
   * signal's reason.
   */
  result(wait?: WaitOptions): Promise<Out<R>>
}

/** The handle of a task that this engine submitted, or found. */
export class Handle<R extends Schema> implements TaskHandle<R> {
  readonly taskId: string
  readonly isNew: boolean
  readonly #core: Core
  /** Ends that had been seen when the task was known to be live; -1 when it was not. */
  readonly #since: number

  /** `since`: ends that had been seen before the record was read; a later one may be the task's. */
  constructor(core: Core, record: TaskRecord, since: number, isNew: boolean) {
    this.taskId = record.id
    this.isNew = isNew
    this.#core = core
    this.#since = hasEnded(record.status) ? -1 : since
  }

  async state(): Promise<State<R>> {
    return stateOf<R>(await readTask(this.#core, this.taskId))
  }

  cancel(): Promise<void> {
    return cancelTask(this.#core, this.taskId)
  }

  result(wait?: WaitOptions): Promise<Out<R>> {
    return endOf(this.#core, this.taskId, this.#since, wait).then(resultOf<R>)
  }
}

/** How long a caller waits for the result; default indefinitely. */
interface WaitOptions {
  signal?: AbortSignal
  timeout?: Duration
}

/** Resolves once the task has ended. `since`: ends that had been seen when it was known to be live; -1 when it was not. */
export function endOf(core: Core, taskId: string, since: number, wait?: WaitOptions): Promise<End> {
  if (wait !== undefined || since < 0 || !core.waiters.remembers(taskId, since))
    return lookUpEnd(core, taskId, since, wait ?? {})
  // The usual case: the submitter waits for it, and no end can have been missed.
  const recent = core.waiters.recent(taskId, since)
  if (recent !== undefined) return Promise.resolve(recent)
  return new Promise((found, failed) => core.waiters.wait(taskId, { found, failed }))
}

async function lookUpEnd(core: Core, taskId: string, since: number, wait: WaitOptions): Promise<End> {
  wait.signal?.throwIfAborted()
  // Where others may have retried the task, an end that was seen here may be an old one.
  const isKnown = since >= 0 || !core.store.capabilities.manyProcesses
  const recent = isKnown ? core.waiters.recent(taskId, since) : undefined
  if (recent !== undefined) return recent
  return new Promise((resolve, reject) => {
    const end = waitForEnd(core, taskId, wait, { found: resolve, failed: reject })
    if (since >= 0 && core.waiters.remembers(taskId, since)) return
    // Not awaited: the wait may be over before the store answers.
    readTask(core, taskId).then(record => {
      if (hasEnded(record.status)) end.found(record)
    }, end.failed)
  })
}

/** Waits until the end, the signal or the timeout, whichever comes first. Returns the waiter, which may be called by others too. */
function waitForEnd(core: Core, taskId: string, { signal, timeout }: WaitOptions, waiter: Waiter): Waiter {
  const timeoutMs = timeout === undefined ? undefined : durationMs(timeout, 'timeout')
  const stops: (() => void)[] = []
  const stop = () => {
    for (const each of stops.splice(0)) each()
  }
  const end: Waiter = {
    found(record) {
      stop()
      waiter.found(record)
    },
    failed(error) {
      stop()
      waiter.failed(error)
    },
  }
  const aborted = () => end.failed(signal?.reason)
  stops.push(core.waiters.wait(taskId, end), () => signal?.removeEventListener('abort', aborted))
  signal?.addEventListener('abort', aborted, { once: true })
  if (timeoutMs !== undefined) stops.push(core.clock.after(timeoutMs, () => end.failed(waitTimeout(taskId))))
  return end
}

function waitTimeout(taskId: string): QuillworkError {
  const message = `Task ${taskId} did not end in the time given; it goes on, ask again later.`
  return new QuillworkError('WAIT_TIMEOUT', message)
}

function resultOf<R extends Schema>(record: End): Out<R> {
  const state = stateOf<R>(record)
  if (state.done && state.error === undefined) return state.result
  if (state.done) throw new TaskFailedError(record.id, state.status, state.error)
  const message = `Task ${record.id} was reported as ended while it is ${record.status}.`
  throw new QuillworkError('INTERNAL', message)
}

/** Returns the state of a record as its type describes it. */
function stateOf<R extends Schema>(record: End): State<R> {
  switch (record.status) {
    case 'QUEUED':
    case 'RUNNING':
    case 'RETRYING':
      return { done: false, status: record.status }
    case 'COMPLETED':
    case 'COMPLETED_WITH_ERRORS': {
      const result = record.result === undefined ? undefined : decode(record.result)
      return { done: true, status: record.status, result: result as Out<R> }
    }
    default:
      return { done: true, status: record.status, error: record.errorInfo ?? unknownError(record) }
  }
}

function unknownError({ status }: End): ErrorInfo {
  return plainError('INTERNAL', `The task ended ${status}.`, 'permanent')
}

/** Returns a sub-task as its parent sees it. */
export function subTaskOf<P extends Schema, R extends Schema>(
  _type: TaskType<P, R>,
  record: TaskRecord,
): SubTask<P, R> {
  return {
    taskId: record.id,
    key: record.subTaskKey ?? '',
    parameters: decode(record.parameters) as In<P>,
    ...stateOf<R>(record),
  }
}

/** Tasks per look-up. Those that are live are not read. */
const perLookup = 500

/** Looks up the ends of tasks, by default of all that are waited for: an end that this process did not see resolves the waits too. */
export async function findEnds(core: Core, ids: readonly string[] = core.waiters.waitedFor()): Promise<void> {
  for (let from = 0; from < ids.length; from += perLookup) {
    const records = await core.store.queries.get(ids.slice(from, from + perLookup), endedStatuses)
    for (const record of records) if (record !== undefined) core.waiters.resolve(record)
  }
}
