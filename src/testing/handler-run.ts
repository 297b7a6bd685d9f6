import { requireFinished } from '../engine/execute.ts'
import { makeCall } from '../engine/holds.ts'
import { parseProgress } from '../engine/reports.ts'
import { checkKey, checkStepKey } from '../engine/steps.ts'
import { systemClock } from '../runtime/clock.ts'
import { classifyError } from '../task/classify.ts'
import { decode, encode } from '../task/codec.ts'
import {
  type EarlierOutput,
  type In,
  type Out,
  type ResolvedTask,
  resolveTask,
  type Schema,
  type State,
  type SubTask,
  type SubTaskOptions,
  type TaskContext,
  type TaskDefinition,
  type TaskType,
} from '../task/definition.ts'
import type { Erasure } from '../task/erasure.ts'
import { type ErrorInfo, QuillworkError } from '../task/errors.ts'
import { subTaskId } from '../task/id.ts'
import type { OwnTasks } from '../task/own-tasks.ts'
import type { BudgetHold, Permit, Usage } from '../task/paid-call.ts'
import { parseWith } from '../task/schema.ts'
import { validate } from '../task/submission.ts'
import { defaultUser } from '../task/task.ts'
import { messageOf } from '../task/thrown.ts'

/** How a handler is run alone. */
export interface HandlerRunOptions<S> {
  services?: S
  userId?: string
  /** The tags of the task; default none. */
  tags?: readonly string[]
  /** Number of the attempt; default 1. */
  attempt?: number
  /** The tick of the schedule that submitted the task; default none did. */
  scheduledFor?: Date
  signal?: AbortSignal
  /** Which handler: `execute` (default), or the hook that runs when the sub-tasks have ended. */
  run?: 'execute' | 'onSubTasksSettled'
  /** The sub-tasks that were submitted before, with their states. */
  subTasks?: readonly ({ key: string; type: string; parameters: unknown } & State<Schema>)[]
  /** The output that an earlier attempt left; default none. */
  earlierOutput?: EarlierOutput
  /** The payloads of the signals that have come, by name, in the order in which they came; default none. */
  signals?: Readonly<Record<string, readonly unknown[]>>
  /** Steps that an earlier attempt finished, by key. */
  checkpoints?: Readonly<Record<string, unknown>>
}

/** What a handler did when it was run alone. */
export interface HandlerRun<R extends Schema> {
  /** What it returned, through its result schema; undefined for a parent's `execute`. */
  result: Out<R> | undefined
  progress: readonly unknown[]
  logs: readonly { level: 'info' | 'error'; message: string; fields?: object }[]
  usage: readonly Usage[]
  /** What it wrote, in order. */
  output: readonly string[]
  /** With the tags that they were given beside those of the task. */
  subTasks: readonly SubmittedSubTask[]
  checkpoints: ReadonlyMap<string, unknown>
}

/**
 * Runs a task's handler now, with a context that keeps what it does: no engine, no store. Parameters and result go through the
 * schemas and the codec, as in an engine. Time that it sleeps is over at once; a signal that has not come does not come in time. Rejects with what
 * the handler throws, PARAMETERS_INVALID, RESULT_INVALID or NEXT_STAGE_MISSING.
 */
export async function runHandler<P extends Schema, R extends Schema, G extends Schema, S>(
  task: TaskDefinition<P, R, G, S>,
  parameters: In<P>,
  options: HandlerRunOptions<S> = {},
): Promise<HandlerRun<R>> {
  const resolved = resolveTask(task)
  const stored = decode(encode(parameters))
  const problem = 'The parameters are not valid'
  const parsed = await parseWith(task.parameters, stored, 'PARAMETERS_INVALID', problem)
  const notes = createNotes(options)
  const context = contextOf(resolved, parsed, options, notes)
  const isHook = options.run === 'onSubTasksSettled'
  const handler = isHook ? resolved.onSubTasksSettled : resolved.execute
  if (handler === undefined)
    throw new QuillworkError('OPTION_INVALID', `${task.type} has no onSubTasksSettled to run.`)
  const returned = await handler(context)
  // What `execute` returns beside a hook is no result; a hook that returns nothing has submitted the next stage, or waits for sub-tasks.
  const isResult = isHook ? returned !== undefined : resolved.onSubTasksSettled === undefined
  const goesOn = notes.subTasks.length > 0 || options.subTasks?.some(({ done }) => !done) === true
  if (isHook && !goesOn) await requireFinished(resolved, returned)
  const result = isResult
    ? await parseWith(task.result, returned, 'RESULT_INVALID', 'The result is not valid')
    : undefined
  return { ...notes, result: (isResult ? decode(encode(result)) : undefined) as Out<R> | undefined }
}

interface SubmittedSubTask extends SubTaskOptions {
  type: string
  parameters: unknown
}

type Notes = ReturnType<typeof createNotes>

function createNotes({ checkpoints = {} }: Pick<HandlerRunOptions<unknown>, 'checkpoints'>) {
  return {
    progress: [] as unknown[],
    logs: [] as HandlerRun<Schema>['logs'][number][],
    usage: [] as Usage[],
    output: [] as string[],
    subTasks: [] as SubmittedSubTask[],
    checkpoints: new Map<string, unknown>(Object.entries(checkpoints)),
  }
}

const freeHold: BudgetHold = { commit: async () => undefined, release: async () => undefined }
const freePermit: Permit = { commit: () => undefined, release: () => undefined, refused: () => undefined }
/** Where there is no other task, there is nothing to delete. */
const noErasure: Erasure = {
  submittedAt: 0,
  roots: async () => ({ items: [] }),
  cancel: async () => undefined,
  erase: async () => 0,
  removeSchedules: async () => undefined,
  scrub: async () => undefined,
}
async function* nothing(): AsyncGenerator<never> {}
const noOwnTasks: OwnTasks = { every: nothing, usage: nothing }
const aloneId = '00000000-0000-7000-8000-000000000000'

function contextOf<S>(
  task: ResolvedTask,
  parameters: unknown,
  options: HandlerRunOptions<S>,
  notes: Notes,
): TaskContext {
  const { attempt = 1, userId = defaultUser, tags = [], signal = new AbortController().signal } = options
  const { services, earlierOutput, scheduledFor } = options
  const log = (level: 'info' | 'error') => (message: string, fields?: object) => {
    notes.logs.push(fields === undefined ? { level, message } : { level, message, fields })
  }
  const context: TaskContext = {
    taskId: aloneId,
    taskType: task.type,
    userId,
    parentTaskId: undefined,
    rootTaskId: aloneId,
    tags,
    executionNodeId: 'alone',
    traceparent: undefined,
    scheduledFor,
    attempt,
    retryCount: attempt - 1,
    round: 0,
    retriedAttempt: 0,
    parameters,
    services,
    erasure: noErasure,
    ownTasks: noOwnTasks,
    signal,
    updateProgress(progress) {
      const parsed = parseProgress(task, progress)
      const add = (value: unknown) => void notes.progress.push(value)
      if (parsed instanceof Promise) parsed.then(add).catch(error => context.logError(messageOf(error)))
      else add(parsed)
    },
    logInfo: log('info'),
    logError: log('error'),
    async checkpoint<T>(key: string, step: () => T | Promise<T>): Promise<T> {
      checkStepKey(key)
      if (!notes.checkpoints.has(key)) notes.checkpoints.set(key, decode(encode(await step())))
      return notes.checkpoints.get(key) as T
    },
    checkpointKey: key => key,
    waitFor: waitForOf(options.signals ?? {}),
    sleep: async () => undefined,
    acquire: async () => freePermit,
    isParked: () => false,
    reserve: async () => freeHold,
    call: (expected, make) => makeCall(context, expected, make, systemClock),
    write: text => void notes.output.push(text),
    earlierOutput: async () => earlierOutput,
    addUsage: async usage => void notes.usage.push(usage),
    ...subTasksOf(options, notes),
  }
  return context
}

function waitForOf(signals: Readonly<Record<string, readonly unknown[]>>): TaskContext['waitFor'] {
  const taken: Record<string, number> = {}
  return async (name, { schema }) => {
    const next = taken[name] ?? 0
    const payloads = signals[name] ?? []
    if (next >= payloads.length)
      throw new QuillworkError('SIGNAL_TIMEOUT', `There is no signal "${name}" left; name it in \`signals\`.`)
    taken[name] = next + 1
    const payload = decode(encode(payloads[next]))
    return parseWith(schema, payload, 'SIGNAL_INVALID', `The signal "${name}"`) as Promise<Out<typeof schema>>
  }
}

function subTasksOf<S>(
  { subTasks: earlier = [] }: HandlerRunOptions<S>,
  notes: Notes,
): Pick<TaskContext, 'submitSubTask' | 'submitSubTasks' | 'subTasks'> {
  const asSubTask = <A extends Schema, B extends Schema>(
    found: { key: string; parameters: unknown } & State<Schema>,
  ) => ({ taskId: subTaskId(aloneId, found.key), ...found }) as unknown as SubTask<A, B>

  async function add(type: TaskType, { parameters, ...options }: SubTaskOptions & { parameters: unknown }) {
    const { key } = options
    checkKey(key, 'sub-task')
    await validate(type, parameters)
    const found = earlier.find(subTask => subTask.key === key)
    if (found !== undefined) return found
    const known = notes.subTasks.some(subTask => subTask.key === key)
    if (!known) notes.subTasks.push({ ...options, type: type.type, parameters: decode(encode(parameters)) })
    return { key, parameters, done: false, status: 'QUEUED' } as const
  }

  return {
    submitSubTask: async (type, parameters, options) =>
      asSubTask(await add(type, { ...options, parameters })),
    async submitSubTasks(type, items) {
      let submitted = 0
      const refused: { key: string; error: ErrorInfo }[] = []
      for (const item of items) {
        try {
          await add(type, item)
          submitted += 1
        } catch (error) {
          refused.push({ key: item.key, error: classifyError(error, systemClock.now()).info })
        }
      }
      return { submitted, refused }
    },
    async *subTasks(type) {
      for (const subTask of earlier) if (subTask.type === type.type) yield asSubTask(subTask)
    },
  }
}
