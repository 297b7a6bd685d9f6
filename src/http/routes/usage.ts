import { z } from 'zod'
import { usageKinds } from '../../store/store.ts'
import { defined } from '../../task/defined.ts'
import { userIn } from '../identity.ts'
import { routesOf } from '../route.ts'
import { givenTime, id, named, pageOf, paging, plainText } from '../schemas/fields.ts'

/** The sum of the calls of one task, user, subject, day or model. */
export const usageSchema = named(
  'UsageSum',
  z.object({
    key: z.string().describe('What `by` names: an id, or a day in UTC; empty for calls without a subject'),
    calls: z.int(),
    inputTokens: z.int(),
    cachedInputTokens: z
      .int()
      .describe('Of these, what providers read from their caches, as they reported it'),
    outputTokens: z.int(),
    cost: z
      .number()
      .optional()
      .describe('In the currency of the price list; absent when no call has a known cost'),
    unpricedCalls: z.int().describe('Calls without a known cost, which `cost` leaves out'),
    estimatedCalls: z
      .int()
      .describe(
        'Calls whose tokens are estimates: nobody heard how they ended, or their provider reported what cannot be right',
      ),
  }),
)

/** The usage of model calls, of the users whose tasks the identity sees. */
export const usageRoutes = [
  routesOf('usage').get('/v1/usage', {
    summary: 'Sum what model calls used',
    description:
      'By day and by task the newest come first, else the keys ascend. Calls of deleted tasks count too. Calls of completed tasks that are older than ' +
      'the setting `usageRetention.calls` are kept as sums by day: those with `by=task`, `taskId` or `treeOf` lack them, and `after` and `before` take ' +
      'such a day as a whole, by its beginning.',
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
    sends: { 200: pageOf(usageSchema) },
    refuses: ['PAGE_TOKEN_INVALID'],
    handle: async ({ engine, identity }, { query: { by, pageSize, pageToken, ...given } }) => {
      const filter = { ...given, userId: userIn(identity, given.userId, 'see') }
      return engine.tasks.usageReport(defined(filter), defined({ by, pageSize, pageToken }))
    },
  }),
]
