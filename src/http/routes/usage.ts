import { z } from 'zod'
import { type UsageSum, usageKinds } from '../../store/store.ts'
import { defined } from '../../task/defined.ts'
import type { ApiContext, App } from '../context.ts'
import { givenTime, id, named, pageOf, pageRequest, paging, plainText } from '../schemas/fields.ts'
import { problems } from '../schemas/problem.ts'

/** The sum of the calls of one task, user, subject, day or model. */
export const usageSchema = named(
  'UsageSum',
  z.object({
    key: z.string().describe('What `by` names: an id, or a day in UTC; empty for calls without a subject'),
    calls: z.int(),
    inputTokens: z.int(),
    outputTokens: z.int(),
    cost: z
      .number()
      .optional()
      .describe('In the currency of the price list; absent when no call has a known cost'),
    unpricedCalls: z.int().describe('Calls without a known cost, which `cost` leaves out'),
  }),
)

const reportSchema = {
  tags: ['usage'],
  summary: 'Sum what model calls used',
  description:
    'By day and by task the newest come first, else the keys ascend. Calls of deleted tasks count too.',
  querystring: z.strictObject({
    by: z.enum(usageKinds).default('day'),
    userId: plainText(200).optional(),
    taskId: id.optional().describe('Only of this task'),
    treeOf: id.optional().describe('Of this task and all its sub-tasks'),
    subject: plainText(100).optional().describe('Such as the id of a novel'),
    model: plainText(200).optional(),
    after: givenTime.optional().describe('At this time or later'),
    before: givenTime.optional().describe('Earlier than this time'),
    ...paging,
  }),
  response: { 200: pageOf(usageSchema), ...problems('REQUEST_INVALID', 'PAGE_TOKEN_INVALID') },
}

/** Adds the usage of model calls, for the tasks of all users as in the listing of tasks. */
export function addUsageRoutes(app: App, { engine }: ApiContext): void {
  app.get('/v1/usage', { schema: reportSchema }, async request => {
    const { by, pageSize, pageToken, ...filter } = request.query
    const page = await engine.tasks.usageReport(defined(filter), {
      by,
      ...pageRequest({ pageSize, pageToken }),
    })
    return { ...page, items: page.items.map((sum: UsageSum) => ({ ...sum })) }
  })
}
