import { z } from 'zod'
import type { BulkOutcome } from '../../engine/dead-letter.ts'
import type { DeadLetterFilter } from '../../store/store.ts'
import { defined } from '../../task/defined.ts'
import { audited, auditedTask } from '../audit/audit.ts'
import { type Identity, userIn } from '../identity.ts'
import { presentAll } from '../listing.ts'
import { ifMatchVersion } from '../request-headers.ts'
import { routesOf } from '../route.ts'
import { givenTime, ifMatch, named, pageOf, paging, plainText, time } from '../schemas/fields.ts'
import { presentListed, taskParams, taskSchema } from '../schemas/task.ts'
import { retryOptions, retryRefusals, retryRoute, sendRetried } from './task-actions.ts'
import { sendTask } from './tasks.ts'

const deadLetterFilter = {
  taskType: z
    .array(z.string().min(1).max(100))
    .min(1, 'Name at least one task type, or leave taskType out for all.')
    .max(50)
    .optional(),
  userId: plainText(200).optional(),
  code: plainText(100).optional(),
  fingerprint: plainText(200).optional(),
  openedAfter: givenTime.optional(),
  openedBefore: givenTime.optional(),
}

/** The body of an action on many. The filter is required, so that nobody selects all by accident; `{}` selects all. */
const bulkBody = named(
  'DeadLetterSelection',
  z.strictObject({
    filter: z.strictObject(deadLetterFilter),
    openedBefore: givenTime.optional().describe('As in the filter: only older ones'),
  }),
)

const groupSchema = z.object({
  fingerprint: z.string(),
  taskType: z.string(),
  code: z.string(),
  count: z.int(),
  firstAt: time,
  lastAt: time,
  sampleTaskId: z.string(),
})

const bulkResult = z.object({
  done: z.int(),
  failed: z
    .array(z.object({ taskId: z.string(), code: z.string(), message: z.string() }))
    .describe('The first 100'),
  more: z.literal(true).optional().describe('There are more: the request ended after 1,000'),
})

/** Dead letters that one request acts on at most. */
const perRequest = { limit: 1_000 }

const forFew =
  'For few: it acts on at most 1,000 before it responds. For many there is `POST /v1/bulk-actions`.'

/** Returns what a body selects, of those that the identity may act on: its filter, with the age beside it. Throws FORBIDDEN. */
function selected(identity: Identity, { filter, openedBefore }: z.output<typeof bulkBody>): DeadLetterFilter {
  const before = [filter.openedBefore, openedBefore].filter(at => at !== undefined)
  const userId = userIn(identity, filter.userId, 'operate')
  return defined({ ...filter, userId, openedBefore: before.length === 0 ? undefined : Math.min(...before) })
}

/** Returns the filter of a listing, of what the identity sees. Throws FORBIDDEN. */
function seen<Filter extends { userId?: string | undefined }>(identity: Identity, filter: Filter) {
  return { ...filter, userId: userIn(identity, filter.userId, 'see') }
}

/** Has the audit trail name how many were acted on. Returns the outcome. */
function counted(request: object, outcome: BulkOutcome): BulkOutcome {
  audited(request, { after: { done: outcome.done, failed: outcome.failed.length } })
  return outcome
}

const { get, post } = routesOf('dead letters')

/** The tasks that need a person. */
export const deadLetterRoutes = [
  get('/v1/dead-letters', {
    summary: 'List the tasks with an open dead letter, the most recently submitted first',
    querystring: z.strictObject({ ...deadLetterFilter, ...paging }),
    sends: { 200: pageOf(taskSchema) },
    refuses: ['PAGE_TOKEN_INVALID'],
    handle: async ({ engine, identity }, { query: { pageSize, pageToken, ...filter } }) => {
      const page = await engine.deadLetters.list(
        defined(seen(identity, filter)),
        defined({ pageSize, pageToken }),
      )
      return { ...page, items: await presentAll(page.items, presentListed) }
    },
  }),
  get('/v1/dead-letters/groups', {
    description:
      'With MongoDB, of the 10,000 most recently submitted tasks with an open dead letter that the filter finds.',
    summary: 'Group equal failures, the most frequent first',
    querystring: z.strictObject(deadLetterFilter),
    sends: { 200: z.object({ items: z.array(groupSchema) }) },
    handle: async ({ engine, identity }, { query }) => ({
      items: await engine.deadLetters.groups(defined(seen(identity, query))),
    }),
  }),
  get('/v1/dead-letters/:taskId', {
    summary: 'Read a task with an open dead letter',
    params: taskParams,
    sends: { 200: taskSchema },
    refuses: ['DEAD_LETTER_NOT_FOUND'],
    handle: async ({ engine }, { params }, reply) =>
      sendTask(reply, await engine.deadLetters.get(params.taskId), engine),
  }),
  post('/v1/dead-letters/:taskId([^:]+)::retry', {
    ...retryRoute,
    summary: 'Run a dead-lettered task again, with all its retries',
    refuses: retryRefusals('DEAD_LETTER_NOT_FOUND'),
    handle: async (context, request, reply) => {
      const { engine } = context
      const { taskId } = request.params
      const options = await retryOptions(context, request, () => engine.deadLetters.get(taskId))
      await auditedTask(request, engine, taskId)
      return sendRetried(request, reply, engine, await engine.deadLetters.retry(taskId, options))
    },
  }),
  post('/v1/dead-letters::retry', {
    summary: 'Run all that match again, as far as they were open when the request began',
    description: forFew,
    body: bulkBody,
    sends: { 200: bulkResult },
    handle: async ({ engine, identity }, request) =>
      counted(request, await engine.deadLetters.retryAll(selected(identity, request.body), perRequest)),
  }),
  post('/v1/dead-letters/:taskId([^:]+)::purge', {
    summary: 'Remove one from the list; the task stays as it ended',
    params: taskParams,
    headers: z.object(ifMatch),
    sends: { 200: taskSchema },
    refuses: ['IF_MATCH_INVALID', 'DEAD_LETTER_NOT_FOUND', 'TASK_CHANGED'],
    handle: async ({ engine }, request, reply) => {
      const { taskId } = request.params
      const ifVersion = ifMatchVersion(request.headers['if-match'])
      audited(request, { before: { deadLetter: true }, after: { deadLetter: false } })
      await engine.deadLetters.purge(taskId, defined({ ifVersion }))
      return sendTask(reply, await engine.tasks.get(taskId), engine)
    },
  }),
  post('/v1/dead-letters::purge', {
    summary: 'Remove all that match from the list; the tasks stay as they ended',
    description: forFew,
    body: bulkBody,
    sends: { 200: bulkResult },
    handle: async ({ engine, identity }, request) =>
      counted(request, await engine.deadLetters.purgeAll(selected(identity, request.body), perRequest)),
  }),
]
