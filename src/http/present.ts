import { decode, plainOf } from '../task/codec.ts'
import type { ErrorInfo } from '../task/errors.ts'
import { hasEnded } from '../task/status.ts'
import type { DeadLetter, TaskRecord } from '../task/task.ts'
import { readTraceparent } from '../task/trace-context.ts'
import type { TaskJson } from './schemas/task.ts'

/** An epoch time as RFC 3339 text in UTC; undefined stays undefined. */
export function timeText(at: number): string
export function timeText(at: number | undefined): string | undefined
export function timeText(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(Math.min(Math.max(at, -lastTime), lastTime)).toISOString()
}

/** The last time that a Date holds (ECMAScript, "Time Values and Time Range"). */
const lastTime = 8.64e15

/** A task as the API tells it. */
export function presentTask(record: TaskRecord): TaskJson {
  return {
    id: record.id,
    taskType: record.taskType,
    userId: record.userId,
    status: record.status,
    done: hasEnded(record.status),
    phase: record.phase,
    lane: record.lane,
    priority: record.priority,
    tags: [...record.tags],
    ...values(record),
    waitingFor: waitingForOf(record),
    ...times(record),
    attempt: record.attempt,
    retryCount: record.retryCount,
    executionNodeId: record.executionNodeId,
    ...place(record),
    round: record.round,
    idempotencyKey: record.idempotencyKey,
    traceId: readTraceparent(record.traceparent)?.traceId,
    deadLetter: record.deadLetter === undefined ? undefined : presentDeadLetter(record.deadLetter),
    deadLetterHistory: record.deadLetterHistory?.map(presentDeadLetter),
    version: record.version,
  }
}

/** Longest stored text of a value that a listing shows, in UTF-16 code units. */
const longestListed = 16_000

/** A task in a listing: values that are large are left out, and named. */
export function presentListed(record: TaskRecord): TaskJson {
  const omitted = (['parameters', 'progress', 'result'] as const).filter(
    name => (record[name]?.length ?? 0) > longestListed,
  )
  if (omitted.length === 0) return presentTask(record)
  const task: TaskJson = { ...presentTask(withoutLarge(record)), omitted }
  for (const name of omitted) delete task[name]
  return task
}

function withoutLarge(record: TaskRecord): TaskRecord {
  const { progress, result, ...rest } = record
  const small = (text: string | undefined) => text !== undefined && text.length <= longestListed
  return {
    ...rest,
    parameters: small(record.parameters) ? record.parameters : 'null',
    ...(small(progress) ? { progress } : {}),
    ...(small(result) ? { result } : {}),
  } as TaskRecord
}

function values(record: TaskRecord) {
  const shown = record.status === 'COMPLETED' || record.status === 'COMPLETED_WITH_ERRORS'
  return {
    parameters: plainOfText(record.parameters),
    parametersVersion: record.parametersVersion,
    progress: record.progress === undefined ? undefined : plainOfText(record.progress),
    // A parent that waits may hold the result that it will complete with.
    result: shown && record.result !== undefined ? plainOfText(record.result) : undefined,
    errorInfo: record.errorInfo === undefined ? undefined : presentError(record.errorInfo),
  }
}

/** What the task itself waits for, as far as its record tells. */
function waitingForOf({ status, errorInfo, rootTaskId }: TaskRecord): TaskJson['waitingFor'] {
  if (status !== 'RETRYING') return undefined
  if (errorInfo?.code === 'BUDGET_EXHAUSTED') return { kind: 'budget', rootTaskId }
  return errorInfo?.limit === undefined ? undefined : { kind: 'limit', limit: errorInfo.limit }
}

function times(record: TaskRecord) {
  return {
    timestamps: {
      createdAt: timeText(record.createdAt),
      startedAt: timeText(record.startedAt),
      completedAt: timeText(record.completedAt),
      updatedAt: timeText(record.updatedAt),
    },
    lastAttemptTimestamp: timeText(record.lastAttemptTimestamp),
    nextAttemptTimestamp: timeText(record.nextAttemptTimestamp),
    deadline: timeText(record.deadline),
    cancelRequestedAt: timeText(record.cancelRequestedAt),
  }
}

function place(record: TaskRecord) {
  return {
    parentTaskId: record.parentTaskId,
    rootTaskId: record.rootTaskId,
    depth: record.depth,
    subTaskKey: record.subTaskKey,
    subTaskStatusSummary: record.subTaskStatusSummary,
    failedSubTasks: record.failedSubTasks?.map(failed => ({ ...failed })),
  }
}

/** An error without its stack. */
export function presentError({ stack: _stack, causes, ...info }: ErrorInfo) {
  return causes === undefined ? info : { ...info, causes: [...causes] }
}

function presentDeadLetter(deadLetter: DeadLetter) {
  return {
    fingerprint: deadLetter.fingerprint,
    reason: deadLetter.reason,
    attempt: deadLetter.attempt,
    openedAt: timeText(deadLetter.openedAt),
    closedAt: timeText(deadLetter.closedAt),
    error: presentError(deadLetter.error),
  }
}

/** What codec text holds, as plain JSON data. Text that cannot be read is shown as it is. */
function plainOfText(text: string): unknown {
  try {
    return plainOf(decode(text))
  } catch {
    return text
  }
}
