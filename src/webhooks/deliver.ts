/**
 * The task that sends one event to one webhook. Its parameters name the event alone; what is sent is read when it is sent, so that nobody can submit an
 * event that did not happen, and nothing of a task outlives it here.
 */
import { z } from 'zod'
import { defineTask, QuillworkError, type TaskContext } from '../index.ts'
import { requestedWaitMs } from '../task/retry-after.ts'
import { endBody, testBody } from './event.ts'
import { webhookEvents } from './kinds.ts'
import { type Receipt, UndeliveredError } from './send.ts'
import { signaturesOf } from './sign.ts'
import type { Webhooks } from './webhooks.ts'

/** The event of a test. */
export const testEvent = 'webhook.test'

const id = z.string().regex(/^[\w-]{1,100}$/, 'This is not an id.')

const parameters = z.strictObject({
  webhookId: id,
  /** The same in every attempt: `webhook-id`. */
  eventId: z.string().regex(/^[\w/-]{1,200}$/),
  event: z.enum([...webhookEvents, testEvent]),
  /** The task that ended; absent of a test. */
  taskId: id.optional(),
  /** When it ended, epoch milliseconds. */
  endedAt: z.int().optional(),
})

const result = z.object({
  /** HTTP status of the answer; absent where nothing was sent. */
  status: z.int().optional(),
  /** The task runs again, ended again, or is gone: what was to be said is not true any more. */
  outdated: z.boolean().optional(),
})

/** What deliveries need. */
export interface WebhookServices {
  readonly webhooks: Webhooks
}

/** The schedule of Standard Webhooks: ten attempts in some 75 hours. */
const retry = {
  maxAttempts: 10,
  backoff: ['5s', '5m', '30m', '2h', '5h', '10h', '14h', '20h', '24h'],
  jitter: 0.1,
} as const
/** Statuses with which a receiver says that it is too busy; of others no Retry-After is heeded. The engine heeds up to 15 minutes. */
const busy: readonly number[] = [429, 502, 503, 504]
const gone = 410

/** Sends an event to a webhook, and tries again until its receiver takes it. */
export const deliverWebhook = defineTask.withServices<WebhookServices>()({
  type: 'DeliverWebhook',
  lane: 'webhooks',
  attemptTimeout: '1m',
  retry,
  parameters,
  result,
  async execute(ctx: TaskContext<typeof parameters, never, WebhookServices>) {
    const { webhookId, eventId, event, taskId = '', endedAt = 0 } = ctx.parameters
    const { webhooks } = ctx.services
    const isTest = event === testEvent
    const { url, secrets } = await webhooks.target(webhookId, isTest)
    const now = webhooks.now()
    const body = isTest ? testBody(webhookId, eventId, now) : endBody(await webhooks.task(taskId), endedAt)
    if (body === undefined) return { outdated: true }
    const timestamp = Math.floor(now / 1_000)
    const headers = {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'user-agent': 'quillwork',
      'webhook-id': eventId,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signaturesOf({ id: eventId, timestamp, body }, secrets),
    }
    const receipt = await sendNoted(ctx, { url, headers, body, signal: ctx.signal })
    await requireTaken(ctx, receipt)
    return { status: receipt.status }
  },
})

type Delivery = TaskContext<typeof parameters, never, WebhookServices>

/** Sends, and notes the answer, or that there was none. */
async function sendNoted(
  { parameters: { webhookId }, services: { webhooks } }: Delivery,
  sending: Parameters<Webhooks['send']>[0],
): Promise<Receipt> {
  try {
    const receipt = await webhooks.send(sending)
    const lastError = isTaken(receipt) ? undefined : 'WEBHOOK_UNDELIVERED'
    await webhooks.note(webhookId, { lastStatus: receipt.status, ...(lastError && { lastError }) })
    return receipt
  } catch (error) {
    if (error instanceof QuillworkError) await webhooks.note(webhookId, { lastError: error.code })
    throw error
  }
}

function isTaken({ status }: Receipt): boolean {
  return status >= 200 && status < 300
}

/** Throws WEBHOOK_DISABLED for a receiver that is gone, WEBHOOK_UNDELIVERED for any other that did not take the event. */
async function requireTaken(
  { parameters: { webhookId }, services: { webhooks } }: Delivery,
  receipt: Receipt,
): Promise<void> {
  const { status, retryAfter } = receipt
  if (isTaken(receipt)) return
  if (status === gone) {
    await webhooks.disableGone(webhookId)
    throw new QuillworkError(
      'WEBHOOK_DISABLED',
      'The receiver answered HTTP 410: it is gone. The webhook is disabled; enable it, and retry this delivery.',
    )
  }
  const isRedirect = status >= 300 && status < 400
  const asked = busy.includes(status) && retryAfter !== undefined ? { 'retry-after': retryAfter } : {}
  const wait = requestedWaitMs({ headers: asked }, Date.now())
  throw new UndeliveredError(
    isRedirect ? `it answers HTTP ${status}, and redirects are not followed` : `it answers HTTP ${status}`,
    wait === undefined ? {} : { retryAfterMs: Math.max(0, wait) },
  )
}
