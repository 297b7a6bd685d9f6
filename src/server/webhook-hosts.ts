import { z } from 'zod'
import { isHostName } from '../http/settings.ts'
import { text } from './setting-values.ts'

/** The setting that lets webhooks into a private network. */
export const webhookHosts = {
  kind: 'list',
  about:
    'Hosts, such as `hooks.internal` or `127.0.0.1`, that webhooks may be sent to although they are this machine or in a private network, also over ' +
    '`http://`. Addresses that hand out credentials of a cloud stay refused. See [webhooks.md](webhooks.md).',
  fallback: [],
  schema: z.array(text.refine(isHostName, 'Give hosts, such as hooks.internal, without a port.')),
} as const
