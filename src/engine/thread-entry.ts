/** The program of a thread that runs handlers; see `threads.ts`. */
import { parentPort } from 'node:worker_threads'
import { storedKeyOf } from '../task/checkpoint-scope.ts'
import { decode, encode } from '../task/codec.ts'
import {
  currentParameters,
  findTask,
  mainThreadOnly,
  type ResolvedTask,
  type Schema,
  type SubTask,
  type SubTaskItem,
  type SubTaskOptions,
  type TaskType,
  type ThreadContext,
} from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import { parseWith } from '../task/schema.ts'
import { fieldOf, messageOf, textOf } from '../task/thrown.ts'
import { parseProgress } from './reports.ts'
import { factNames, Line, type RunMessage, type RunRequest } from './thread-line.ts'

parentPort?.on('message', ({ port, aborted }: RunMessage) => {
  const controller = abortController(aborted)
  const steps: (() => unknown)[] = []
  const methods = {
    run: (request: RunRequest) => run(request, { line, steps, signal: controller.signal }),
    step: (step: number) => steps[step]?.(),
    abort: () => controller.abort(),
  }
  const line: Line = new Line(port, methods, error => controller.abort(error))
})

/** What a handler is tied to its attempt with. */
interface Ties {
  line: Line
  /** Steps that the main thread may have run, by number. */
  steps: (() => unknown)[]
  signal: AbortSignal
}

async function run(request: RunRequest, ties: Ties): Promise<unknown> {
  const task = await loadTask(request)
  const problem = `The stored parameters of ${request.taskId} are not valid`
  const stored = currentParameters(task, request)
  const parameters = await parseWith(task.parameters, stored, 'PARAMETERS_INVALID', problem)
  const progress = new Progress(ties.line)
  try {
    // A definition gives its handlers the context that they were compiled with.
    const context = contextOf(task, request, ties, { parameters, progress })
    return await task[request.handler]?.(context as never)
  } finally {
    progress.send()
  }
}

async function loadTask({ module, taskType }: RunRequest): Promise<ResolvedTask> {
  const unusable = (why: string, cause?: unknown) =>
    new QuillworkError('THREAD_MODULE_UNUSABLE', `The module ${module} of ${taskType} ${why}`, { cause })
  const exported: object = await import(module).catch(error => {
    const needsLoader = fieldOf(error, 'code') === 'ERR_UNKNOWN_FILE_EXTENSION'
    const hint = needsLoader
      ? ' Run the compiled JavaScript, or start Node with a loader for TypeScript.'
      : ''
    throw unusable(`cannot be loaded in a thread: ${messageOf(error)}${hint}`, error)
  })
  const task = findTask(Object.values(exported), taskType)
  if (task !== undefined) return task
  throw unusable(
    'does not export the task; export what defineTask returns, made with this copy of quillwork.',
  )
}

/** Returns a controller whose signal is up to date also while a computation lets no message in. */
function abortController(aborted: Int32Array): AbortController {
  const controller = new AbortController()
  const { signal } = controller
  const isAborted = () => Reflect.get(AbortSignal.prototype, 'aborted', signal) === true
  Object.defineProperties(signal, {
    aborted: {
      get() {
        if (Atomics.load(aborted, 0) !== 0 && !isAborted()) controller.abort()
        return isAborted()
      },
    },
    throwIfAborted: {
      value() {
        if (signal.aborted) throw signal.reason
      },
    },
  })
  return controller
}

/** Milliseconds between two values of progress that cross: the main thread should not be busy with those of a loop. */
const progressEveryMs = 100

/** The progress of a handler: the last value always crosses. */
class Progress {
  readonly #line: Line
  #latest: { value: unknown } | undefined
  #sentAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  constructor(line: Line) {
    this.#line = line
  }

  /** Throws VALUE_NOT_STORABLE. */
  set(value: unknown): void {
    this.#latest = { value: decode(encode(value)) }
    if (performance.now() - this.#sentAt >= progressEveryMs) this.send()
    else this.#timer ??= setTimeout(() => this.send(), progressEveryMs)
  }

  send(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#latest === undefined) return
    this.#line.tell('updateProgress', this.#latest.value)
    this.#latest = undefined
    this.#sentAt = performance.now()
  }
}

function contextOf(
  task: ResolvedTask,
  request: RunRequest,
  { line, steps, signal }: Ties,
  { parameters, progress }: { parameters: unknown; progress: Progress },
): ThreadContext {
  const log = (method: string) => (message: string, fields?: object) =>
    line.tell(method, message, ...(fields === undefined ? [] : [plainFields(fields)]))
  const context: ThreadContext = {
    ...(Object.fromEntries(factNames.map(name => [name, request[name]])) as Pick<
      ThreadContext,
      (typeof factNames)[number]
    >),
    parameters,
    signal,
    updateProgress(value) {
      const parsed = parseProgress(task, value)
      // One that is checked later is checked on the main thread alone.
      if (parsed instanceof Promise) parsed.catch(() => undefined)
      progress.set(value)
    },
    logInfo: log('logInfo'),
    logError: log('logError'),
    write: text => line.tell('write', text),
    checkpoint: <T>(key: string, step: () => T | Promise<T>, options = {}) =>
      line.call('checkpoint', key, steps.push(step) - 1, options) as Promise<T>,
    checkpointKey: key => storedKeyOf(request, key),
    earlierOutput: () => line.call('earlierOutput') as ReturnType<ThreadContext['earlierOutput']>,
    addUsage: usage => line.call('addUsage', usage) as Promise<void>,
    ...subTasksOf(line),
  }
  for (const name of mainThreadOnly) Object.defineProperty(context, name, { get: () => refuse(name) })
  return context
}

function refuse(name: string): never {
  const message = `ctx.${name} is not there in a handler that runs in a thread; use it in a task on the main thread, which has this one as its sub-task.`
  throw new QuillworkError('THREAD_UNSUPPORTED', message)
}

function subTasksOf(line: Line): Pick<ThreadContext, 'submitSubTask' | 'submitSubTasks' | 'subTasks'> {
  return {
    submitSubTask: <A extends Schema, B extends Schema>(
      { type }: TaskType<A, B>,
      parameters: unknown,
      options: SubTaskOptions,
    ) => line.call('submitSubTask', type, parameters, options) as Promise<SubTask<A, B>>,
    submitSubTasks: <A extends Schema>({ type }: TaskType<A>, items: Iterable<SubTaskItem<A>>) =>
      line.call('submitSubTasks', type, [...items]) as ReturnType<ThreadContext['submitSubTasks']>,
    async *subTasks<A extends Schema, B extends Schema>({ type }: TaskType<A, B>) {
      const listing = await line.call('listSubTasks', type)
      for (;;) {
        const next = await line.call('nextSubTasks', listing)
        const { found, isLast } = next as { found: SubTask<A, B>[]; isLast: boolean }
        yield* found
        if (isLast) return
      }
    },
  }
}

/** Returns the fields of a log line as JSON has them; an error with its message and stack, and what JSON cannot have, as text. */
function plainFields(fields: object): unknown {
  const plain = (_: string, value: unknown) => {
    if (typeof value === 'bigint') return String(value)
    return value instanceof Error ? { message: value.message, stack: value.stack } : value
  }
  try {
    return JSON.parse(JSON.stringify(fields, plain))
  } catch {
    return { fields: textOf(fields) }
  }
}
