/** What a webhook is sent: a CloudEvents event as it is published to the broker, without its place in the order of the task. */
import { cloudEventText, taskEventText } from '../broker/cloud-events.ts'
import type { TaskRecord } from '../index.ts'
import { endNames, eventOf, type TaskEvent } from '../task/events.ts'
import { type EndedStatus, hasEnded } from '../task/status.ts'
import type { WebhookEvent } from './kinds.ts'

/** The type of the event of a test. */
export const testType = 'dev.quillwork.webhook.test.v1'

/** The ends that webhooks are sent, by the events that tell of them. */
export const webhookEventNames = {
  completed: 'task.completed',
  failed: 'task.failed',
  cancelled: 'task.cancelled',
  deadLettered: 'task.dead-lettered',
} as const satisfies Partial<Record<TaskEvent['name'], WebhookEvent>>

/** Returns the event of an end, by the names of webhooks. */
export function webhookEventOf(status: EndedStatus): WebhookEvent {
  return webhookEventNames[endNames[status] as keyof typeof webhookEventNames]
}

/** Returns the id of the event that a task ended: the same whoever makes it, and another one for each end. */
export function eventIdOf({
  taskId,
  status,
  endedAt,
}: {
  taskId: string
  status: EndedStatus
  endedAt: number
}) {
  return `${taskId}/${endNames[status]}/${endedAt}`
}

/** Returns the body of the event of an end; undefined where the record is not that of this end any more. It has less than 20 kB. */
export function endBody(record: TaskRecord | undefined, endedAt: number): string | undefined {
  if (record === undefined || !hasEnded(record.status) || record.completedAt !== endedAt) return undefined
  const { status, phase, retryCount, errorInfo } = record
  const event = { ...eventOf(endNames[status], record, endedAt), status, phase, retryCount }
  if (errorInfo === undefined) return taskEventText(event as TaskEvent)
  const { code, message, retryable, errorClass } = errorInfo
  return taskEventText({ ...event, errorInfo: { code, message, retryable, errorClass } } as TaskEvent)
}

/** Returns the body of a test. */
export function testBody(webhookId: string, eventId: string, at: number): string {
  return cloudEventText({ id: eventId, type: testType, subject: webhookId, at }, { webhookId })
}
