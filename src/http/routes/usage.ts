import { z } from 'zod'
import { type UsageFilter, type UsageSum, usageKinds } from '../../store/store.ts'
import type { ApiContext, App } from '../context.ts'
import { givenTime, id, named, pageOf, pageRequest, paging, plainText } from '../schemas/fields.ts'
import { problems } from '../schemas/problem.ts'
import { withoutUndefined } from './tasks.ts'

/** What the calls of one task, user, subject, day or model used. */
export const usageSchema = named(
  'UsageSum',
  z.object({
    key: z
      .string()
      .describe('What was asked for by `by`: an id, or a day of UTC; empty for calls that name no subject'),
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
  summary: 'Sum what calls of models used',
  description:
    'By day and task the newest come first, else the keys go up. Calls count also when their tasks are gone.',
  querystring: z.strictObject({
    by: z.enum(usageKinds).default('day'),
    userId: plainText(200).optional(),
    taskId: id.optional().describe('Of this task alone'),
    treeOf: id.optional().describe('Of this task and all below it'),
    subject: plainText(100).optional().describe('Such as the id of a novel'),
    model: plainText(200).optional(),
    after: givenTime.optional().describe('At this time or later'),
    before: givenTime.optional().describe('Earlier than this time'),
    ...paging,
  }),
  response: { 200: pageOf(usageSchema), ...problems('REQUEST_INVALID', 'PAGE_TOKEN_INVALID') },
}

/** What calls of models used, of everybody's tasks: as the listing of tasks. */
export function addUsageRoutes(app: App, { engine }: ApiContext): void {
  app.get('/v1/usage', { schema: reportSchema }, async request => {
    const { by, pageSize, pageToken, ...filter } = request.query
    const page = await engine.tasks.usageReport(withoutUndefined(filter) as UsageFilter, {
      by,
      ...pageRequest({ pageSize, pageToken }),
    })
    return { ...page, items: page.items.map((sum: UsageSum) => ({ ...sum })) }
  })
}
