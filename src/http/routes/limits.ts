import { z } from 'zod'
import type { ModelDescription } from '../../ai/catalogue.ts'
import { taskIdOf } from '../../engine/wake.ts'
import { batchTokens } from '../../novel/models/embed-texts.ts'
import { type SpanName, spans } from '../../observe/activity/recorder.ts'
import { type Limit, type LimitUse, limitParts, type Waiter } from '../../rate-limit/limiter.ts'
import type { AuditFields } from '../../store/store.ts'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import { audited } from '../audit/audit.ts'
import { type ApiContext, type Asker, routesOf } from '../route.ts'
import { named, time, timeText } from '../schemas/fields.ts'
import { limitsSchema } from './capabilities.ts'

const waiterSchema = named(
  'LimitWaiter',
  z.object({
    taskId: z
      .string()
      .optional()
      .describe('Absent for a search, and for a task of a user whose tasks the identity does not see'),
    taskType: z.string().optional(),
    lane: z.string().optional(),
    since: time.describe(
      'When it got its place: its first ask, or the restart or reset since, after which all queue anew',
    ),
    expectedAt: time.describe('When its call will probably be made'),
  }),
)

const limitSchema = named(
  'Limit',
  z.object({
    key: z.string().describe('Its key: of a model, `provider:account:model`'),
    limit: limitsSchema,
    setLimit: limitsSchema
      .optional()
      .describe('What an operator set of it, in place of the configuration; absent for nothing'),
    configured: limitsSchema
      .optional()
      .describe('What the configuration says, where an operator set something else'),
    inFlight: z.int().describe('Calls that run'),
    waiting: z.int().describe('Tasks and searches that wait for a place'),
    next: z
      .array(waiterSchema)
      .optional()
      .describe('The first of them, in the order in which they are served; at most five'),
    longestWaiting: waiterSchema
      .optional()
      .describe('The one that has waited for the longest; absent where none waits'),
    requests: z.int().describe('Calls that count against the minute that ends now'),
    tokens: z.int().describe('Tokens that count against it'),
    parkedUntil: time.optional().describe('Set while no call is made, because the provider asked to wait'),
    isProbed: z
      .boolean()
      .optional()
      .describe('True until one call was answered, because the provider had asked for a longer wait'),
    isProbing: z.boolean().optional().describe('True while that call runs, and no other is made'),
  }),
)

const limitHistorySchema = named(
  'LimitHistory',
  z.object({
    from: time.describe('The beginning of the first step'),
    to: time.describe('Now, by the clock of the store'),
    stepMs: z.int(),
    isComplete: z
      .boolean()
      .describe('False while the store does not answer: then only what this process has in memory is told'),
    items: z.array(
      z.object({
        key: z.string(),
        points: z
          .array(
            z.object({
              at: time.describe('The beginning of the step'),
              limit: limitsSchema.describe('What the key allowed, at the last look'),
              requests: z.int().describe('The most calls that counted against one minute'),
              tokens: z.int().describe('The most tokens that counted against one minute'),
              inFlight: z.int().describe('The most calls that ran when a process looked'),
              waiting: z.int().describe('The most tasks and searches that waited when a process looked'),
            }),
          )
          .describe('The steps in which it was in use or waited for, the oldest first'),
      }),
    ),
  }),
)

/** How much of the limits was in use, as the API returns it. */
export type LimitHistoryJson = z.output<typeof limitHistorySchema>

/** Returns limits with the tasks that wait for them, as far as the identity sees those. */
async function withTasks({ engine, identity }: ApiContext & Asker, uses: readonly LimitUse[]) {
  const named = uses.flatMap(({ next = [], longestWaiting = [] }) => next.concat(longestWaiting))
  const ids = [...new Set(named.map(({ ticket }) => taskIdOf(ticket)))]
  const found = ids.length === 0 ? [] : await engine.store.queries.get(ids)
  const tasks = new Map(found.flatMap(task => (task === undefined ? [] : [[task.id, task]])))
  const shown = ({ ticket, since, expectedAt }: Waiter) => {
    const task = tasks.get(taskIdOf(ticket))
    const isSeen = task !== undefined && (identity.sees === 'all' || task.userId === identity.userId)
    return { ...(isSeen && { taskId: task.id, taskType: task.taskType, lane: task.lane }), since, expectedAt }
  }
  return uses.map(({ next, longestWaiting, ...use }) => ({
    ...use,
    ...(next && { next: next.map(shown) }),
    ...(longestWaiting && { longestWaiting: shown(longestWaiting) }),
  }))
}

/** Returns one limit with the tasks that wait for it. */
async function withTasksOf(context: ApiContext & Asker, use: LimitUse) {
  const [limit] = await withTasks(context, [use])
  return limit as NonNullable<typeof limit>
}

/** Returns what the audit trail shows of a limit. */
function useOf({ requests, tokens, parkedUntil }: LimitUse): AuditFields {
  return { requests, tokens, ...(parkedUntil !== undefined && { parkedUntil: timeText(parkedUntil) }) }
}

/** Returns what the audit trail shows of what a key allows. */
function partsOf({ limit = {}, setLimit }: Partial<LimitUse>): AuditFields {
  const shown = limitParts.map(part => [part, limit[part] ?? null])
  return { ...Object.fromEntries(shown), isSet: setLimit !== undefined }
}

/** A limit as the API returns it. */
export type LimitJson = z.output<typeof limitSchema>

const { get, post, patch } = routesOf('limits')

const amount = z.int().min(1, 'Give at least 1; to start no more tasks, pause their lane.').exactOptional()

/** A limit that a reset names is invalid input; one that an address names is not there. */
function limitNotFound(key: string, known: readonly LimitUse[]): QuillworkError {
  const names = known.map(limit => limit.key).join(', ') || 'none'
  const message = `There is no limit ${JSON.stringify(key)}. Limits of this server: ${names}.`
  return new QuillworkError('LIMIT_NOT_FOUND', message, { details: { limit: key } })
}

/** Throws LIMIT_TOO_LOW where a call of a model may ask for more tokens than a minute would have: it could never run. */
function requireWindow({ models }: ApiContext, key: string, { tokensPerMinute }: Limit): void {
  if (tokensPerMinute === undefined) return
  for (const model of models?.models() ?? []) {
    const leastTokens = mostAsked(model)
    if (model.limit !== key || leastTokens <= tokensPerMinute) continue
    const message =
      `A call of the model ${model.id} may ask for ${leastTokens} tokens: under ${tokensPerMinute} tokens a minute it could never run. ` +
      `Set at least ${leastTokens}, or configure the model for fewer (contextTokens, limits.tokensPerMinute).`
    throw new QuillworkError('LIMIT_TOO_LOW', message, {
      details: { limit: key, tokensPerMinute, leastTokens },
    })
  }
}

/** Returns the most tokens that a call of a model asks for: its prompt and its answer, or the texts of which it makes vectors. */
function mostAsked({ uses, contextTokens = 0, limits }: ModelDescription): number {
  return uses.includes('embedding')
    ? batchTokens(defined({ maxTokens: limits?.tokensPerMinute }))
    : contextTokens
}

/** The limits of calls, by key. */
export const limitRoutes = [
  get('/v1/limits', {
    summary: 'List the limits, and how much of them is in use',
    sends: { 200: z.object({ items: z.array(limitSchema) }) },
    refuses: ['STORE_FAILED'],
    handle: async context => ({ items: await withTasks(context, await context.engine.limits.list()) }),
  }),
  get('/v1/limits::history', {
    summary: 'How much of the limits was in use in the last hour, day or week',
    description:
      'Each process looks once a minute, and the one that answers looks now. What is in use or waited for is kept: at most 50 keys, those first for which the most wait. Where processes do not share the limits, the fullest counts.',
    querystring: z.strictObject({
      range: z
        .enum(Object.keys(spans) as [SpanName, ...SpanName[]])
        .default('hour')
        .describe('Default `hour`'),
    }),
    sends: { 200: limitHistorySchema },
    handle: ({ activity }, { query: { range } }) => activity.limits(range),
  }),
  patch('/v1/limits/:key', {
    summary: 'Set how many calls and tokens a limit allows, or set it back',
    description:
      'Holds in all processes, within seconds and over restarts, until it is null: then the limit is as configured again. Parts that are not given stay as they are. What waits goes on as the new limit allows; calls that run go on to their end, and count.',
    needs: 'operate',
    params: z.object({ key: z.string().min(1).max(500).describe('Its key, as the list names it') }),
    body: z.strictObject({
      limit: z
        .strictObject({ requestsPerMinute: amount, tokensPerMinute: amount, concurrency: amount })
        .refine(
          limit => Object.keys(limit).length > 0,
          'Give at least one number, or null for all as configured.',
        )
        .nullable()
        .describe('What to set; null: all as configured'),
    }),
    sends: { 200: limitSchema },
    refuses: ['LIMIT_NOT_FOUND', 'LIMIT_TOO_LOW', 'STORE_FAILED'],
    handle: async (context, request) => {
      const { engine } = context
      const { key } = request.params
      const { limit } = request.body
      const known = await engine.limits.list()
      if (!engine.limiter.isKnown(key)) throw limitNotFound(key, known)
      if (limit !== null) requireWindow(context, key, limit)
      const before = known.find(each => each.key === key)
      audited(request, { before: partsOf(before ?? {}) })
      const after = await engine.limits.set(key, limit)
      audited(request, { after: partsOf(after) })
      return withTasksOf(context, after)
    },
  }),
  post('/v1/limits::reset', {
    summary: 'Let the calls under a limit go on at once',
    needs: 'operate',
    description: 'Forgets that its provider asked to wait, and what counts against its minute.',
    body: z.strictObject({ key: z.string().min(1).max(500) }),
    sends: { 200: limitSchema },
    refuses: ['LIMIT_UNKNOWN', 'STORE_FAILED'],
    handle: async (context, request) => {
      const { engine } = context
      const { key } = request.body
      const found = (await engine.limits.list()).find(limit => limit.key === key)
      audited(request, { target: key.slice(0, 200), ...(found && { before: useOf(found) }) })
      const limit = await engine.limits.reset(key)
      audited(request, { after: useOf(limit) })
      return withTasksOf(context, limit)
    },
  }),
]
