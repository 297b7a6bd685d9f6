import { z } from 'zod'
import type { LaneInfo } from '../../engine/operate.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { ApiContext, App } from '../context.ts'
import { named, time, timeText } from '../schemas/fields.ts'
import { problems } from '../schemas/problem.ts'

const tags = ['lanes']

const laneSchema = named(
  'Lane',
  z.object({
    lane: z.string(),
    paused: z.boolean(),
    waiting: z.int().describe('Tasks that wait for a slot or for their start time'),
    oldestWaitingAt: time.optional(),
    slots: z.int().describe('Worker slots of this process'),
    running: z.int().describe('Attempts that this process runs'),
  }),
)

const laneParams = z.object({ lane: z.string().regex(/^[\w-]{1,60}$/, 'This is not the name of a lane.') })

/** Adds the lanes, which are named work queues. */
export function addLaneRoutes(app: App, context: ApiContext): void {
  listLanes(app, context)
  for (const verb of ['pause', 'resume'] as const) switchLane(app, context, verb)
}

function presentLane({ oldestWaitingAt, ...lane }: LaneInfo) {
  return oldestWaitingAt === undefined ? lane : { ...lane, oldestWaitingAt: timeText(oldestWaitingAt) }
}

const listSchema = {
  tags,
  summary: 'List the lanes',
  response: { 200: z.object({ items: z.array(laneSchema) }), ...problems() },
}

function listLanes(app: App, { engine }: ApiContext): void {
  app.get('/v1/lanes', { schema: listSchema }, async () => ({
    items: (await engine.lanes.list()).map(presentLane),
  }))
}

function switchLane(app: App, { engine }: ApiContext, verb: 'pause' | 'resume'): void {
  const summary =
    verb === 'pause'
      ? 'Start no more tasks of a lane; running ones continue'
      : 'Start the tasks of a lane again'
  const schema = {
    tags,
    summary,
    params: laneParams,
    response: { 200: laneSchema, ...problems('REQUEST_INVALID', 'LANE_UNKNOWN') },
  }
  app.post(`/v1/lanes/:lane([^:]+)::${verb}`, { schema }, async request => {
    const { lane } = request.params
    await engine.lanes[verb](lane)
    const info = (await engine.lanes.list()).find(each => each.lane === lane)
    if (info === undefined) throw new QuillworkError('LANE_UNKNOWN', `There is no lane ${lane}.`)
    return presentLane(info)
  })
}
