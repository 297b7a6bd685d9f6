import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Engine } from '../../engine/engine.ts'
import type { TaskEvent } from '../../task/events.ts'
import { hasEnded } from '../../task/status.ts'
import { liveOf } from '../../task/subtasks.ts'
import type { TaskRecord } from '../../task/task.ts'
import { userIn } from '../identity.ts'
import { type ApiContext, type Asker, routesOf } from '../route.ts'
import { taskStreamEvents } from '../schemas/events.ts'
import { flag, id } from '../schemas/fields.ts'
import { taskFilter, taskParams } from '../schemas/task.ts'
import type { StreamRequest } from '../streams/hub.ts'
import { beginStream } from '../streams/sse.ts'
import type { EventFilter } from '../streams/stream.ts'

const lastEventId = z.string().max(100).optional()
const headers = z.object({ 'last-event-id': lastEventId.describe('Resume after this event') })

const format = z
  .enum(['plain', 'cloudevents'])
  .default('plain')
  .describe(
    '`cloudevents`: the data of each event is a CloudEvents 1.0 event, as on RabbitMQ and in webhooks',
  )

const eventQuery = z.strictObject({
  format,
  lastEventId: lastEventId.describe('As the header Last-Event-ID, for a first connection'),
  taskType: taskFilter.taskType,
  userId: taskFilter.userId,
  lane: taskFilter.lane,
  parentTaskId: id.optional(),
  rootTaskId: id.optional(),
  rootsOnly: flag.optional(),
})

const stream = {
  description:
    'Server-sent events: `task.created`, `task.updated`, `task.progress`, `task.completed`, `task.failed`, `task.cancelled`, ' +
    '`task.dead-lettered`; `reset` when the last event id is unknown or too old, or events of other processes may be missing: then read the tasks again.',
  content: { 'text/event-stream': { schema: z.string(), events: taskStreamEvents } },
}

const { get } = routesOf('events')

/** The streams of events. */
export const eventRoutes = [
  get('/v1/events', {
    summary: 'Watch all tasks that one sees',
    headers,
    querystring: eventQuery,
    sends: { 200: stream },
    refuses: ['TOO_MANY_STREAMS'],
    exposeHeadRoute: false,
    handle: (context, request, reply) => {
      const { lastEventId: fromQuery, format, ...wanted } = request.query
      const lastEventId = request.headers['last-event-id'] ?? fromQuery
      const userId = userIn(context.identity, wanted.userId, 'see')
      const matches = selectedEvents({ ...wanted, userId })
      openStream(context, { request, reply }, { lastEventId, matches, format })
    },
  }),
  get('/v1/tasks/:taskId/events', {
    summary: 'Watch a task and everything below it',
    description: '204: the task has ended and all its events were sent; do not reconnect.',
    params: taskParams,
    headers,
    querystring: z.strictObject({ format, lastEventId }),
    sends: { 200: stream, 204: z.undefined().describe('The task has ended and all its events were sent') },
    refuses: ['TASK_NOT_FOUND', 'TOO_MANY_STREAMS'],
    exposeHeadRoute: false,
    handle: async (context, request, reply) => {
      const { engine, hub } = context
      const record = await engine.tasks.get(request.params.taskId)
      const matches = treeEvents(engine, record)
      const { format } = request.query
      const lastEventId = request.headers['last-event-id'] ?? request.query.lastEventId
      if (
        hasEnded(record.status) &&
        lastEventId !== undefined &&
        (await hasAllEvents(context, record)) &&
        (await hub.isLastFor(lastEventId, matches))
      )
        return reply.code(204).send()
      // A client that disconnected during the look-up takes no place.
      if (reply.raw.destroyed) return reply.hijack()
      openStream(context, { request, reply }, { lastEventId, matches, format })
      return reply
    },
  }),
]

/** Milliseconds after which a published event has arrived here, or left a gap. */
const deliveryMs = 60_000

/**
 * Returns whether the last event of an ended task has arrived here: events of other processes arrive after the record was written, and
 * sub-tasks of a cancelled task end after it.
 */
async function hasAllEvents(
  { engine, hub }: ApiContext,
  { id, completedAt = Number.POSITIVE_INFINITY, subTaskStatusSummary }: TaskRecord,
): Promise<boolean> {
  if (liveOf(subTaskStatusSummary) > 0) return false
  const [last] = (await engine.store.events?.lastOf([id])) ?? []
  const isHere = last === undefined || hub.ring.lastOf(id) === last.sequence
  if (isHere) return true
  const mayStillArrive = !last.isPublished || engine.store.tasks.now() - completedAt < deliveryMs
  if (mayStillArrive) return false
  // It may not be kept any more, or have been published before this process started. Without the broker, nobody knows.
  return (await engine.health()).broker?.connected === true
}

function openStream(
  { hub, authenticator, identity }: ApiContext & Asker,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  wanted: Omit<StreamRequest, 'client' | 'mayStay'>,
): void {
  hub.places.admit(request.ip)
  beginStream(request, reply)
  const mayStay = () => authenticator.isStill(request, identity)
  hub.open({ client: request.ip, mayStay, ...wanted }, reply.raw)
}

/** Returns the filter of a stream over all tasks. Absent fields do not restrict. */
function selectedEvents(wanted: Omit<z.output<typeof eventQuery>, 'lastEventId' | 'format'>): EventFilter {
  const types = wanted.taskType === undefined ? undefined : new Set(wanted.taskType)
  const equal = (['userId', 'lane', 'parentTaskId', 'rootTaskId'] as const).filter(
    field => wanted[field] !== undefined,
  )
  return event =>
    (types === undefined || types.has(event.taskType)) &&
    (wanted.rootsOnly !== true || event.parentTaskId === undefined) &&
    equal.every(field => event[field] === wanted[field])
}

/** Parents whose place in the tree is cached per stream. */
const mostCached = 10_000

/** Returns the filter of a stream over a task and all tasks below it. */
function treeEvents(engine: Engine, top: TaskRecord): EventFilter {
  if (top.parentTaskId === undefined) return event => event.rootTaskId === top.id
  const isBelow = new Map<string, boolean>()
  return event => {
    if (event.rootTaskId !== top.rootTaskId) return false
    if (event.taskId === top.id || event.parentTaskId === top.id) return true
    if (event.parentTaskId === undefined) return false
    return isBelow.get(event.parentTaskId) ?? lookUp(engine, top, { event, isBelow })
  }
}

/** Walks up from the event's parent. A tree has few levels, and each parent is read once. */
async function lookUp(
  engine: Engine,
  top: TaskRecord,
  { event, isBelow }: { event: TaskEvent; isBelow: Map<string, boolean> },
): Promise<boolean> {
  let found = false
  for (let id = event.parentTaskId; id !== undefined && !found; ) {
    const [parent] = await engine.store.queries.get([id])
    found = parent?.parentTaskId === top.id
    id = parent?.parentTaskId
  }
  if (isBelow.size < mostCached && event.parentTaskId !== undefined) isBelow.set(event.parentTaskId, found)
  return found
}
