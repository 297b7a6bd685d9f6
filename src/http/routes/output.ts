import { z } from 'zod'
import type { Engine } from '../../engine/engine.ts'
import type { OutputPlace } from '../../store/store.ts'
import { defined } from '../../task/defined.ts'
import { hasEnded, taskStatuses } from '../../task/status.ts'
import { routesOf } from '../route.ts'
import { outputStreamEvents } from '../schemas/events.ts'
import { taskParams } from '../schemas/task.ts'
import { OutputStream, outputId, outputIdPattern, parseOutputId } from '../streams/output-stream.ts'
import { beginStream } from '../streams/sse.ts'

/** The output of a task so far. */
export const outputSchema = z.object({
  attempt: z.int().describe('The newest attempt that wrote anything; 0 when none did'),
  text: z.string().describe('Its text after `after` if that is of this attempt, else its whole text'),
  after: z.string().describe('Where the text ends: send it to read only newer text'),
  status: z
    .enum(taskStatuses)
    .describe('Of the task. Once it has ended, the text is whole unless it is `deleted`'),
  deleted: z
    .literal(true)
    .optional()
    .describe('The task is COMPLETED for long: what came after `after` is not kept'),
})

/** The output of a task, as the API returns it. */
export type OutputJson = z.output<typeof outputSchema>

const streamType = 'text/event-stream'

const place = z.string().regex(outputIdPattern, 'Give an id of this stream, such as 2.17.').optional()

/** The output of a task: so far, or as it grows. */
export const outputRoutes = [
  routesOf('tasks').get('/v1/tasks/:taskId/output', {
    summary: 'Read or follow the text that a task writes while it runs',
    description:
      'JSON with the text so far; with `Accept: text/event-stream` the text as it grows, until the task has ended. ' +
      '204: the task has ended and all its text was sent; do not reconnect. ' +
      'The text of a COMPLETED task is deleted after ten minutes: its result stays.',
    params: taskParams,
    headers: z.object({
      'last-event-id': place.describe('Resume after this event'),
      accept: z.string().optional(),
    }),
    querystring: z.strictObject({ after: place.describe('As the header Last-Event-ID') }),
    sends: {
      200: {
        description:
          'As JSON, or as server-sent events: `text` with `attempt`, `sequence` and `text`; `reset` with `attempt` when a newer attempt ' +
          'starts to write: discard the text before it; `end` with the `status` when the task has ended, and `deleted` where what came after ' +
          'the place to resume from is not kept any more. Ids are `attempt.sequence`.',
        content: {
          'application/json': { schema: outputSchema },
          [streamType]: { schema: z.string(), events: outputStreamEvents },
        },
      },
      204: z.undefined().describe('The task has ended and all its text was sent'),
    },
    refuses: ['TASK_NOT_FOUND', 'TOO_MANY_STREAMS'],
    exposeHeadRoute: false,
    handle: async ({ engine, hub, log, authenticator, identity }, request, reply) => {
      const { taskId } = request.params
      const id = request.headers['last-event-id'] ?? request.query.after
      const { place: from, isEnd } = parseOutputId(id ?? '0.0')
      // Read before the text, so that the text of an ended task is whole.
      const { status } = await engine.tasks.get(taskId)
      if (request.headers.accept?.includes(streamType) !== true)
        return { ...(await readAll(engine, taskId, from)), status }
      if (isEnd && hasEnded(status) && (await isAllSent(engine, taskId, from))) return reply.code(204).send()
      // A client that disconnected during the look-up takes no place.
      if (reply.raw.destroyed) return reply.hijack()
      hub.places.admit(request.ip)
      beginStream(request, reply)
      const stream: OutputStream = new OutputStream(reply.raw, why => hub.places.leave(stream, why))
      hub.places.take({ client: request.ip, mayStay: () => authenticator.isStill(request, identity) }, stream)
      stream
        .send(signal => engine.tasks.followOutput(taskId, { from, signal }))
        .catch(error => log.warn({ err: error, taskId }, 'output stream failed'))
      return reply
    },
  }),
]

async function isAllSent(engine: Engine, taskId: string, from: OutputPlace): Promise<boolean> {
  const { attempt, pieces } = await engine.tasks.output(taskId, from, 1)
  // None is kept of a task that is COMPLETED for long.
  return (attempt === from.attempt || attempt === 0) && pieces.length === 0
}

/** Returns all text after a place. An attempt writes a few megabytes at most. */
async function readAll(engine: Engine, taskId: string, from: OutputPlace) {
  const texts: string[] = []
  let end = from
  for (;;) {
    const { attempt, pieces } = await engine.tasks.output(taskId, end)
    // What was read of an output that is no longer kept stays as it was.
    if (attempt !== end.attempt && attempt !== 0) {
      texts.length = 0
      end = { attempt, sequence: 0 }
    }
    const last = pieces.at(-1)
    if (last === undefined) {
      const deleted = attempt === 0 && end.attempt !== 0 ? (true as const) : undefined
      return defined({ attempt: end.attempt, text: texts.join(''), after: outputId(end), deleted })
    }
    texts.push(...pieces.map(({ text }) => text))
    end = { attempt, sequence: last.sequence }
  }
}
