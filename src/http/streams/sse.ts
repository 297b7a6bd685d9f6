/** The format of server-sent events: the head of a stream, the names and the data of its events. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { cloudEventText, taskEventText } from '../../broker/cloud-events.ts'
import { plainOf } from '../../task/codec.ts'
import { withoutStack } from '../../task/errors.ts'
import type { SequencedEvent, TaskEvent, TaskEventName } from '../../task/events.ts'
import type { TaskStatus } from '../../task/status.ts'
import { readTraceparent } from '../../task/trace-context.ts'
import { timeText } from '../schemas/fields.ts'

/** Name of each event of the bus on a stream, and status of the task after it where the event does not name it. */
export const streamed: Readonly<Record<TaskEventName, { name: string; status: TaskStatus }>> = {
  submitted: { name: 'task.created', status: 'QUEUED' },
  started: { name: 'task.updated', status: 'RUNNING' },
  progress: { name: 'task.progress', status: 'RUNNING' },
  waiting: { name: 'task.updated', status: 'RUNNING' },
  retrying: { name: 'task.updated', status: 'RETRYING' },
  givenBack: { name: 'task.updated', status: 'QUEUED' },
  reopened: { name: 'task.updated', status: 'QUEUED' },
  completed: { name: 'task.completed', status: 'COMPLETED' },
  failed: { name: 'task.failed', status: 'FAILED' },
  cancelled: { name: 'task.cancelled', status: 'CANCELLED' },
  deadLettered: { name: 'task.dead-lettered', status: 'DEAD_LETTER' },
}

/**
 * Returns the data of an event: what the task is now, never its parameters or result, which may be large and are one GET away. The numbers
 * that events have between processes are left out, because the stream has ids of its own.
 */
function eventData(event: TaskEvent): Record<string, unknown> {
  const fields: Record<string, unknown> = { ...event }
  const { name, status, nextAttemptTimestamp: next, progress, traceparent: _traceparent, ...rest } = fields
  const { sequence: _sequence, sequenceFrom: _sequenceFrom, isNewest: _isNewest, ...shown } = rest
  // What is undefined is no part of the JSON.
  return {
    ...shown,
    event: name,
    at: timeText(event.at),
    status: status ?? streamed[event.name].status,
    nextAttemptTimestamp: typeof next === 'number' ? timeText(next) : undefined,
    errorInfo:
      'errorInfo' in event && event.errorInfo !== undefined ? withoutStack(event.errorInfo) : undefined,
    progress: event.name === 'progress' ? plainOf(progress) : undefined,
    traceId: readTraceparent(event.traceparent)?.traceId,
  }
}

/** How the data of the events of a stream is written. */
export type StreamFormat = 'plain' | 'cloudevents'

/** The type of the event that tells a client to read the tasks again. */
export const resetType = 'dev.quillwork.stream.reset.v1'

/** Returns an event of a task as a stream sends it. `id`: where to resume. */
export function eventText(id: string, event: SequencedEvent, format: StreamFormat): string {
  const { name } = streamed[event.name]
  return format === 'plain'
    ? sseText({ id, event: name, data: eventData(event) })
    : sseLines({ id, event: name, data: taskEventText(event) })
}

/** Returns what tells a client to read the tasks again. */
export function resetText(id: string, reason: string, format: StreamFormat): string {
  return format === 'plain'
    ? sseText({ id, event: 'reset', data: { reason } })
    : sseLines({ id, event: 'reset', data: cloudEventText({ id, type: resetType }, { reason }) })
}

/** Returns one event in the format of server-sent events (WHATWG HTML, section 9.2). JSON has no line breaks, so one data line is enough. */
export function sseText(message: { id?: string; event: string; data: unknown }): string {
  return sseLines({ ...message, data: JSON.stringify(message.data) })
}

function sseLines({ id, event, data }: { id?: string; event: string; data: string }): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`
}

/** Takes the response from the framework and writes the head of a stream of server-sent events. */
export function beginStream(request: FastifyRequest, reply: FastifyReply): void {
  const kept = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined)
  reply.hijack()
  request.raw.socket.setNoDelay(true)
  reply.raw.writeHead(200, {
    ...(Object.fromEntries(kept) as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'private, no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
}
