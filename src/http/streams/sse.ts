/** The format of server-sent events: the head of a stream, the names and the data of its events. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { plainOf } from '../../task/codec.ts'
import type { TaskEvent, TaskEventName } from '../../task/events.ts'
import { readTraceparent } from '../../task/trace-context.ts'
import { timeText } from '../schemas/fields.ts'
import { presentError } from '../schemas/task.ts'

/** Name of each event of the bus on a stream. */
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
 * Returns the data of an event: what the task is now, never its parameters or result, which may be large and are one GET away. The numbers
 * that events have between processes are left out, because the stream has ids of its own.
 */
export function eventData(event: TaskEvent): Record<string, unknown> {
  const fields: Record<string, unknown> = { ...event }
  const { name, status, nextAttemptTimestamp: next, progress, traceparent: _traceparent, ...rest } = fields
  const { sequence: _sequence, sequenceFrom: _sequenceFrom, ...shown } = rest
  // What is undefined is no part of the JSON.
  return {
    ...shown,
    event: name,
    at: timeText(event.at),
    status: status ?? statusAfter[event.name],
    nextAttemptTimestamp: typeof next === 'number' ? timeText(next) : undefined,
    errorInfo:
      'errorInfo' in event && event.errorInfo !== undefined ? presentError(event.errorInfo) : undefined,
    progress: event.name === 'progress' ? plainOf(progress) : undefined,
    traceId: readTraceparent(event.traceparent)?.traceId,
  }
}

/** Returns one event in the format of server-sent events (WHATWG HTML, section 9.2). JSON has no line breaks, so one data line is enough. */
export function sseText(message: { id?: string; event: string; data: unknown }): string {
  const id = message.id === undefined ? '' : `id: ${message.id}\n`
  return `${id}event: ${message.event}\ndata: ${JSON.stringify(message.data)}\n\n`
}

/** Takes the response from the framework and writes the head of a stream of server-sent events. */
export function beginStream(request: FastifyRequest, reply: FastifyReply): void {
  const kept = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined)
  reply.hijack()
  request.raw.socket.setNoDelay(true)
  reply.raw.writeHead(200, {
    ...(Object.fromEntries(kept) as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
}
