import { z } from 'zod'
import type { DeadLetterFilter } from '../../store/store.ts'
import { defined } from '../../task/defined.ts'
import type { ApiContext, App } from '../context.ts'
import { ifMatchVersion } from '../request-headers.ts'
import {
  givenTime,
  ifMatch,
  named,
  pageOf,
  pageRequest,
  paging,
  plainText,
  time,
  timeText,
} from '../schemas/fields.ts'
import { bodyProblems, problems } from '../schemas/problem.ts'
import { presentListed, taskParams, taskSchema } from '../schemas/task.ts'
import { retryBody, retryOptions, retryResult, sendRetried } from './task-actions.ts'
import { sendTask } from './tasks.ts'

/** Filters of dead letters. */
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

/** The query of the listing. */
const deadLetterQuery = z.strictObject({ ...deadLetterFilter, ...paging })

/** The query of the groups. */
const deadLetterGroupQuery = z.strictObject(deadLetterFilter)

/** The body of an action on many. The filter is required, so that nobody selects all by accident; `{}` selects all. */
const bulkBody = named(
  'DeadLetterSelection',
  z.strictObject({
    filter: z.strictObject(deadLetterFilter),
    openedBefore: givenTime.optional().describe('As in the filter: only older ones'),
  }),
)

/** A group of equal failures. */
const groupSchema = z.object({
  fingerprint: z.string(),
  taskType: z.string(),
  code: z.string(),
  count: z.int(),
  firstAt: time,
  lastAt: time,
  sampleTaskId: z.string(),
})

/** The result of an action on many. */
const bulkResult = z.object({
  done: z.int(),
  failed: z
    .array(z.object({ taskId: z.string(), code: z.string(), message: z.string() }))
    .describe('The first 100'),
})

const tags = ['dead letters']
/** Adds the tasks that need a person. */
export function addDeadLetterRoutes(app: App, context: ApiContext): void {
  listDeadLetters(app, context)
  groupDeadLetters(app, context)
  getDeadLetter(app, context)
  retryDeadLetter(app, context)
  retryDeadLetters(app, context)
  purgeDeadLetter(app, context)
  purgeDeadLetters(app, context)
}

const listSchema = {
  tags,
  summary: 'List the tasks with an open dead letter, newest first',
  querystring: deadLetterQuery,
  response: { 200: pageOf(taskSchema), ...problems('REQUEST_INVALID', 'PAGE_TOKEN_INVALID') },
}

function listDeadLetters(app: App, { engine }: ApiContext): void {
  app.get('/v1/dead-letters', { schema: listSchema }, async request => {
    const { pageSize, pageToken, ...filter } = request.query
    const page = await engine.deadLetters.list(defined(filter), pageRequest({ pageSize, pageToken }))
    return { ...page, items: page.items.map(presentListed) }
  })
}

const groupsSchema = {
  tags,
  summary: 'Group equal failures, the most frequent first',
  querystring: deadLetterGroupQuery,
  response: { 200: z.object({ items: z.array(groupSchema) }), ...problems('REQUEST_INVALID') },
}

function groupDeadLetters(app: App, { engine }: ApiContext): void {
  app.get('/v1/dead-letters/groups', { schema: groupsSchema }, async request => {
    const groups = await engine.deadLetters.groups(defined(request.query))
    const items = groups.map(group => ({
      ...group,
      firstAt: timeText(group.firstAt),
      lastAt: timeText(group.lastAt),
    }))
    return { items }
  })
}

const getSchema = {
  tags,
  summary: 'Read a task with an open dead letter',
  params: taskParams,
  response: { 200: taskSchema, ...problems('REQUEST_INVALID', 'DEAD_LETTER_NOT_FOUND') },
}

function getDeadLetter(app: App, { engine }: ApiContext): void {
  app.get('/v1/dead-letters/:taskId', { schema: getSchema }, async (request, reply) =>
    sendTask(reply, await engine.deadLetters.get(request.params.taskId), engine),
  )
}

const retrySchema = {
  tags,
  summary: 'Run a dead-lettered task again, with all its retries',
  params: taskParams,
  headers: z.object(ifMatch),
  body: retryBody,
  response: {
    202: retryResult,
    ...problems(
      ...bodyProblems,
      'IF_MATCH_INVALID',
      'PARAMETERS_INVALID',
      'TASK_TYPE_UNKNOWN',
      'DEAD_LETTER_NOT_FOUND',
      'TASK_NOT_RETRYABLE',
      'TASK_CHANGED',
    ),
  },
}

function retryDeadLetter(app: App, { engine }: ApiContext): void {
  app.post('/v1/dead-letters/:taskId([^:]+)::retry', { schema: retrySchema }, async (request, reply) => {
    const { taskId } = request.params
    const retried = await engine.deadLetters.retry(taskId, retryOptions(request))
    return sendRetried(reply, engine, taskId, retried)
  })
}

const purgeSchema = {
  tags,
  summary: 'Remove one from the list; the task stays as it ended',
  params: taskParams,
  headers: z.object(ifMatch),
  response: {
    200: taskSchema,
    ...problems('REQUEST_INVALID', 'IF_MATCH_INVALID', 'DEAD_LETTER_NOT_FOUND', 'TASK_CHANGED'),
  },
}

function purgeDeadLetter(app: App, { engine }: ApiContext): void {
  app.post('/v1/dead-letters/:taskId([^:]+)::purge', { schema: purgeSchema }, async (request, reply) => {
    const { taskId } = request.params
    const ifVersion = ifMatchVersion(request.headers['if-match'])
    await engine.deadLetters.purge(taskId, defined({ ifVersion }))
    return sendTask(reply, await engine.tasks.get(taskId), engine)
  })
}

const bulk = { tags, body: bulkBody, response: { 200: bulkResult, ...problems(...bodyProblems) } }

/** Returns what a body selects: its filter, with the age beside it. */
function selected({ filter, openedBefore }: z.output<typeof bulkBody>): DeadLetterFilter {
  const before = [filter.openedBefore, openedBefore].filter(at => at !== undefined)
  return defined({
    ...filter,
    openedBefore: before.length === 0 ? undefined : Math.min(...before),
  })
}

function retryDeadLetters(app: App, { engine }: ApiContext): void {
  const schema = {
    ...bulk,
    summary: 'Run all that match again, as far as they were open when the request began',
  }
  app.post('/v1/dead-letters::retry', { schema }, async request => {
    const { done, failed } = await engine.deadLetters.retryAll(selected(request.body))
    return { done, failed: [...failed] }
  })
}

function purgeDeadLetters(app: App, { engine }: ApiContext): void {
  const schema = { ...bulk, summary: 'Remove all that match from the list; the tasks stay as they ended' }
  app.post('/v1/dead-letters::purge', { schema }, async request => {
    const { done, failed } = await engine.deadLetters.purgeAll(selected(request.body))
    return { done, failed: [...failed] }
  })
}
