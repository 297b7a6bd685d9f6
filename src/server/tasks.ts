import { bulkAction } from '../index.ts'
import { novelTasks } from '../novel/index.ts'
import { deliverWebhook } from '../webhooks/deliver.ts'

/** The task types of the server. */
export const serverTasks = [...novelTasks, bulkAction, deliverWebhook] as const
