/** What is kept of webhooks, as records: subscriptions, and beside each what became of its last delivery. */
import { type AnyKind, defineKind } from '../records/records.ts'

/** Events that a webhook may be sent, by the names of the event stream. */
export const webhookEvents = [
  'task.completed',
  'task.failed',
  'task.cancelled',
  'task.dead-lettered',
] as const
export type WebhookEvent = (typeof webhookEvents)[number]

/** Which tasks a webhook is sent the ends of. What is absent does not restrict. */
export interface WebhookFilter {
  taskType?: string
  lane?: string
  userId?: string
}

/** A secret as it is stored. */
export interface KeptSecret {
  /** What the server made of it: encrypted. */
  kept: unknown
  createdAt: number
  /** Until then it is valid; absent of the newest. */
  expiresAt?: number
}

/** A subscription. Times are epoch milliseconds. */
export interface WebhookRecord extends WebhookFilter {
  id: string
  url: string
  description?: string
  events: readonly WebhookEvent[]
  /** The newest first. */
  secrets: readonly KeptSecret[]
  createdAt: number
  /** Ends from this time on are sent: it was made, or enabled again. */
  since: number
  disabledAt?: number
  /** A person said so, or the receiver did, by HTTP 410. */
  disabledBecause?: 'person' | 'gone'
}

export const webhookRecords = defineKind<WebhookRecord>({ name: 'webhooks' })

/** What became of the last delivery to the webhook with the same id. */
export interface DeliveryRecord {
  id: string
  lastDeliveryAt: number
  /** Of the answer; absent where there was none. */
  lastStatus?: number
  /** Code of the error; absent where it was delivered. */
  lastError?: string
}

export const deliveryRecords = defineKind<DeliveryRecord>({ name: 'webhook_deliveries' })

/** Until when the ends of tasks were swept, epoch milliseconds. */
export const sweepRecords = defineKind<{ id: 'ends'; until: number }>({ name: 'webhook_sweeps' })

export const webhookKinds: readonly AnyKind[] = [webhookRecords, deliveryRecords, sweepRecords]
