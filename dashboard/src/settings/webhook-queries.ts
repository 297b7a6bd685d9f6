import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'

/** A webhook as the API returns it. */
export type Webhook = components['schemas']['Webhook']
/** A webhook with the secret that it just got. */
export type WebhookWithSecret = components['schemas']['WebhookWithSecret']
/** What a new webhook is made of. */
export type NewWebhook = components['schemas']['NewWebhook']

/** Reads the webhooks. */
export function useWebhooks() {
  return useQuery({ queryKey: keys.webhooks, queryFn: () => dataOf(api.GET('/v1/webhooks')) })
}

/** What is done with one. */
export type WebhookChange =
  | { readonly how: 'add'; readonly webhook: NewWebhook }
  | { readonly how: 'rotate' | 'remove' | 'enable' | 'disable' | 'test'; readonly id: string }

/** Changes a webhook. Gives it back with its secret where it got one. */
export function useChangeWebhooks() {
  const queries = useQueryClient()
  return useMutation({
    async mutationFn(asked: WebhookChange): Promise<WebhookWithSecret | undefined> {
      if (asked.how === 'add') return dataOf(api.POST('/v1/webhooks', { body: asked.webhook }))
      const params = { path: { webhookId: asked.id } }
      switch (asked.how) {
        case 'rotate':
          return dataOf(api.POST('/v1/webhooks/{webhookId}:rotate', { params }))
        case 'remove':
          await dataOf(api.DELETE('/v1/webhooks/{webhookId}', { params }))
          return undefined
        case 'test':
          await dataOf(api.POST('/v1/webhooks/{webhookId}:test', { params }))
          return undefined
        default:
          await dataOf(
            api.PATCH('/v1/webhooks/{webhookId}', { params, body: { isDisabled: asked.how === 'disable' } }),
          )
          return undefined
      }
    },
    onSettled: () => queries.invalidateQueries({ queryKey: keys.webhooks }),
  })
}
