import { z } from 'zod'
import { webhookEvents } from '../../webhooks/kinds.ts'
import { id, named, plainLine, plainText, time } from './fields.ts'

/** An id of a webhook in a path. */
export const webhookParams = z.object({ webhookId: id })

const events = z
  .array(z.enum(webhookEvents))
  .min(1)
  .max(webhookEvents.length)
  .refine(given => new Set(given).size === given.length, 'Name each event once.')
  .describe('Which ends it is sent; default all')

const url = plainText(2_000)
  .min(1)
  .describe('https:// on the open network, or a host that the setting `webhookHosts` names')

const filters = {
  taskType: plainLine(100).min(1).describe('Only tasks of this type'),
  lane: plainLine(60).min(1).describe('Only tasks of this lane'),
  userId: plainLine(200).min(1).describe('Only tasks of this user'),
}

/** What a new webhook is made of. */
export const newWebhook = named(
  'NewWebhook',
  z.strictObject({
    url,
    description: plainLine(200).optional(),
    events: events.optional(),
    taskType: filters.taskType.optional(),
    lane: filters.lane.optional(),
    userId: filters.userId.optional(),
  }),
)

/** A change of a webhook. */
export const webhookChange = named(
  'WebhookChange',
  z.strictObject({
    url: url.optional(),
    description: plainLine(200).nullish(),
    events: events.optional(),
    taskType: filters.taskType.nullish(),
    lane: filters.lane.nullish(),
    userId: filters.userId.nullish(),
    isDisabled: z
      .boolean()
      .optional()
      .describe('True: nothing is sent. False: it is sent what ends from now on'),
  }),
)

/** A webhook as the API returns it. */
export const webhookSchema = named(
  'Webhook',
  z.object({
    id: z.string(),
    url: z.string(),
    description: z.string().optional(),
    events: z.array(z.enum(webhookEvents)),
    taskType: z.string().optional(),
    lane: z.string().optional(),
    userId: z.string().optional(),
    createdAt: time,
    disabledAt: time.optional(),
    disabledBecause: z.enum(['person', 'gone']).optional().describe('`gone`: its receiver answered HTTP 410'),
    lastDeliveryAt: time.optional(),
    lastStatus: z.int().optional().describe('HTTP status of the last answer; absent where there was none'),
    lastError: z
      .string()
      .optional()
      .describe('Code of the error of the last delivery; absent where it was taken'),
    secrets: z
      .array(z.object({ createdAt: time, expiresAt: time.optional() }))
      .describe('Those that sign, the newest first; without their texts'),
  }),
)

/** A webhook with the secret that it just got. */
export const webhookWithSecret = named(
  'WebhookWithSecret',
  webhookSchema.extend({
    secret: z.string().describe('`whsec_…`, which signs from now on. It is in no other answer'),
  }),
)

/** A webhook as the API returns it. */
export type WebhookJson = z.output<typeof webhookSchema>
/** The same with the secret that it just got. */
export type WebhookWithSecretJson = z.output<typeof webhookWithSecret>
