import { z } from 'zod'
import { type ErrorCode, QuillworkError } from '../../task/errors.ts'
import { submitTest } from '../../webhooks/publish.ts'
import type { Webhooks } from '../../webhooks/webhooks.ts'
import { type ApiContext, routesOf } from '../route.ts'
import { id } from '../schemas/fields.ts'
import {
  newWebhook,
  webhookChange,
  webhookParams,
  webhookSchema,
  webhookWithSecret,
} from '../schemas/webhook.ts'

/** Throws WEBHOOKS_UNAVAILABLE where a program made the server, without webhooks. */
function webhooksOf({ webhooks }: ApiContext): Webhooks {
  if (webhooks !== undefined) return webhooks
  throw new QuillworkError('WEBHOOKS_UNAVAILABLE', 'The program of this server has no webhooks.')
}

const { get, post, patch, delete: remove } = routesOf('webhooks')

const always: readonly ErrorCode[] = ['WEBHOOKS_UNAVAILABLE', 'STORE_FAILED']
const ofOne: readonly ErrorCode[] = [...always, 'WEBHOOK_NOT_FOUND']

/** Webhooks: addresses that get a signed request when a task ends. */
export const webhookRoutes = [
  get('/v1/webhooks', {
    needs: 'administer',
    summary: 'List the webhooks, the oldest first',
    description:
      'At most 50. Their secrets are never sent. The deliveries of one are the tasks with the tag `webhook:ID`.',
    sends: { 200: z.object({ items: z.array(webhookSchema) }) },
    refuses: always,
    handle: async context => ({ items: await webhooksOf(context).list() }),
  }),
  post('/v1/webhooks', {
    needs: 'administer',
    summary: 'Add a webhook',
    description:
      'It is sent the ends of root tasks from now on, signed after Standard Webhooks. The answer has the secret, which is shown no other time.',
    body: newWebhook,
    sends: { 201: webhookWithSecret },
    refuses: [...always, 'WEBHOOK_ADDRESS_FORBIDDEN', 'WEBHOOKS_FULL'],
    handle: async (context, { body }, reply) => {
      const { webhook, secret } = await webhooksOf(context).create(body)
      reply.code(201).header('location', `/v1/webhooks/${webhook.id}`)
      return { ...webhook, secret }
    },
  }),
  get('/v1/webhooks/:webhookId', {
    needs: 'administer',
    summary: 'Read a webhook',
    params: webhookParams,
    sends: { 200: webhookSchema },
    refuses: ofOne,
    handle: (context, { params }) => webhooksOf(context).read(params.webhookId),
  }),
  patch('/v1/webhooks/:webhookId', {
    needs: 'administer',
    summary: 'Change, disable or enable a webhook',
    description: 'Fields that are absent stay as they are; null takes a description or a filter away.',
    params: webhookParams,
    body: webhookChange,
    sends: { 200: webhookSchema },
    refuses: [...ofOne, 'WEBHOOK_ADDRESS_FORBIDDEN'],
    handle: (context, { params, body }) => webhooksOf(context).change(params.webhookId, body),
  }),
  remove('/v1/webhooks/:webhookId', {
    needs: 'administer',
    summary: 'Remove a webhook',
    description: 'Deliveries that are still to be made fail with WEBHOOK_NOT_FOUND.',
    params: webhookParams,
    sends: { 204: z.undefined().describe('It is removed') },
    refuses: ofOne,
    handle: async (context, { params }, reply) => {
      await webhooksOf(context).remove(params.webhookId)
      return reply.code(204).send()
    },
  }),
  post('/v1/webhooks/:webhookId([^:]+)::rotate', {
    needs: 'administer',
    summary: 'Give a webhook another secret',
    description:
      'The answer has it. The one before stays valid for 24 hours: until then each delivery has a signature by either.',
    params: webhookParams,
    sends: { 200: webhookWithSecret },
    refuses: ofOne,
    handle: async (context, { params }) => {
      const { webhook, secret } = await webhooksOf(context).rotate(params.webhookId)
      return { ...webhook, secret }
    },
  }),
  post('/v1/webhooks/:webhookId([^:]+)::test', {
    needs: 'administer',
    summary: 'Send a webhook a test event',
    description:
      'As a task, which says how it went: of the type `dev.quillwork.webhook.test.v1`, also while the webhook is disabled.',
    params: webhookParams,
    sends: { 202: z.object({ taskId: id }) },
    refuses: ofOne,
    handle: async (context, { params: { webhookId } }, reply) => {
      await webhooksOf(context).read(webhookId)
      const taskId = await submitTest(context.engine, webhookId)
      reply.code(202).header('location', `/v1/tasks/${taskId}`)
      return { taskId }
    },
  }),
]
