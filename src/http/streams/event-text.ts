import { plainOf } from '../../task/codec.ts'
import type { TaskEvent, TaskEventName } from '../../task/events.ts'
import { readTraceparent } from '../../task/trace-context.ts'
import { presentError, timeText } from '../present.ts'

/** The name under which a stream tells each event of the bus. */
export const streamNames = {
  submitted: 'task.created',
  started: 'task.updated',
  progress: 'task.progress',
  waiting: 'task.updated',
  retrying: 'task.updated',
  givenBack: 'task.updated',
  reopened: 'task.updated',
  completed: 'task.completed',
  failed: 'task.failed',
  cancelled: 'task.cancelled',
  deadLettered: 'task.dead-lettered',
} as const satisfies Record<TaskEventName, string>

/** Status of the task after an event that does not name it. */
const statusAfter: Record<TaskEventName, string> = {
  submitted: 'QUEUED',
  started: 'RUNNING',
  progress: 'RUNNING',
  waiting: 'RUNNING',
  retrying: 'RETRYING',
  givenBack: 'QUEUED',
  reopened: 'QUEUED',
  completed: 'COMPLETED',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
  deadLettered: 'DEAD_LETTER',
}

/**
 * The data of an event: what the task is now, never its parameters or result, which may be large and are one GET away. The numbers
 * that events have between processes stay out: the stream has ids of its own.
 */
export function eventData(event: TaskEvent): Record<string, unknown> {
  const fields: Record<string, unknown> = { ...event }
  const {
    name,
    at,
    errorInfo,
    nextAttemptTimestamp,
    progress,
    ranMs,
    waitedMs,
    status,
    traceparent,
    sequence: _sequence,
    sequenceFrom: _sequenceFrom,
    ...rest
  } = fields
  return {
    ...rest,
    event: name,
    at: timeText(event.at),
    status: status ?? statusAfter[event.name],
    ...(typeof nextAttemptTimestamp === 'number'
      ? { nextAttemptTimestamp: timeText(nextAttemptTimestamp) }
      : {}),
    ...('errorInfo' in event && event.errorInfo !== undefined
      ? { errorInfo: presentError(event.errorInfo) }
      : {}),
    ...(event.name === 'progress' ? { progress: plainOf(progress) } : {}),
    ...(event.traceparent === undefined ? {} : { traceId: readTraceparent(event.traceparent)?.traceId }),
    ...(typeof ranMs === 'number' ? { ranMs } : {}),
    ...(typeof waitedMs === 'number' ? { waitedMs } : {}),
  }
}

/** One event in the format of server-sent events (WHATWG HTML, section 9.2). JSON has no line breaks, so one data line does. */
export function sseText(message: { id?: string; event: string; data: unknown }): string {
  const id = message.id === undefined ? '' : `id: ${message.id}\n`
  return `${id}event: ${message.event}\ndata: ${JSON.stringify(message.data)}\n\n`
}
