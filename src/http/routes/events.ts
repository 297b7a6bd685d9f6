import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { hasEnded } from '../../task/status.ts'
import { liveOf } from '../../task/subtasks.ts'
import type { TaskRecord } from '../../task/task.ts'
import type { ApiContext, App } from '../context.ts'
import { flag, id } from '../schemas/fields.ts'
import { problems } from '../schemas/problem.ts'
import { taskFilter, taskParams } from '../schemas/task.ts'
import { treeEvents, wantedEvents } from '../streams/filters.ts'
import { beginStream } from '../streams/head.ts'
import type { EventFilter } from '../streams/stream.ts'

const tags = ['events']
const lastEventId = z.string().max(100).optional()
const headers = z.object({ 'last-event-id': lastEventId.describe('Go on after this event') })

const stream = {
  description:
    'Server-sent events: `task.created`, `task.updated`, `task.progress`, `task.completed`, `task.failed`, `task.cancelled`, ' +
    '`task.dead-lettered`; `reset` when the place to go on from is unknown or too old, or events of other processes may have been missed: read the tasks again.',
  content: { 'text/event-stream': { schema: z.string() } },
}

/** What happens, as it happens. */
export function addEventRoutes(app: App, context: ApiContext): void {
  streamEvents(app, context)
  streamTree(app, context)
}

const eventsSchema = {
  tags,
  summary: 'Watch all tasks',
  headers,
  querystring: z.strictObject({
    lastEventId: lastEventId.describe('As the header Last-Event-ID, for a first connection'),
    taskType: taskFilter.taskType,
    userId: taskFilter.userId,
    lane: taskFilter.lane,
    parentTaskId: id.optional(),
    rootTaskId: id.optional(),
    rootsOnly: flag.optional(),
  }),
  response: { 200: stream, ...problems('REQUEST_INVALID', 'TOO_MANY_STREAMS') },
}

function streamEvents(app: App, context: ApiContext): void {
  app.get('/v1/events', { schema: eventsSchema, exposeHeadRoute: false }, (request, reply) => {
    const { lastEventId: fromQuery, ...wanted } = request.query
    const lastEventId = request.headers['last-event-id'] ?? fromQuery
    openStream(context, { request, reply, lastEventId, matches: wantedEvents(wanted) })
  })
}

const treeSchema = {
  tags,
  summary: 'Watch a task and everything below it',
  description: '204: the task has ended and everything was told; do not come back.',
  params: taskParams,
  headers,
  querystring: z.strictObject({ lastEventId }),
  response: {
    200: stream,
    204: z.undefined().describe('The task has ended and everything was told'),
    ...problems('REQUEST_INVALID', 'TASK_NOT_FOUND', 'TOO_MANY_STREAMS'),
  },
}

function streamTree(app: App, context: ApiContext): void {
  const { engine, hub } = context
  app.get(
    '/v1/tasks/:taskId/events',
    { schema: treeSchema, exposeHeadRoute: false },
    async (request, reply) => {
      const record = await engine.tasks.get(request.params.taskId)
      const matches = treeEvents(engine, record)
      const lastEventId = request.headers['last-event-id'] ?? request.query.lastEventId
      if (
        hasEnded(record.status) &&
        lastEventId !== undefined &&
        (await hasHeardAll(context, record)) &&
        (await hub.isToldAfter(lastEventId, matches))
      )
        return reply.code(204).send()
      // Whoever left during the look-up takes no place.
      if (reply.raw.destroyed) return reply.hijack()
      openStream(context, { request, reply, lastEventId, matches })
      return reply
    },
  )
}

/** Milliseconds after which what was told has come here, or left a gap. */
const onItsWayMs = 60_000

/**
 * Whether the last event of a task that ended has come here: what other processes tell comes later than the record says it, and sub-tasks of
 * one that was cancelled end later than it does.
 */
async function hasHeardAll(
  { engine, hub }: ApiContext,
  { id, completedAt = Number.POSITIVE_INFINITY, subTaskStatusSummary }: TaskRecord,
): Promise<boolean> {
  if (liveOf(subTaskStatusSummary) > 0) return false
  const last = await engine.store.events?.lastOf(id)
  if (last === undefined || hub.ring.lastOf(id) === last.sequence) return true
  // Told long ago, it may be kept no more, or have been told before this process began.
  if (!last.isPublished || engine.store.tasks.now() - completedAt < onItsWayMs) return false
  return (await engine.health()).broker?.connected === true
}

interface Wanted {
  request: FastifyRequest
  reply: FastifyReply
  lastEventId: string | undefined
  matches: EventFilter
}

function openStream({ hub }: ApiContext, { request, reply, lastEventId, matches }: Wanted): void {
  hub.places.admit(request.ip)
  beginStream(request, reply)
  hub.open({ client: request.ip, lastEventId, matches }, reply.raw)
}
