import { z } from 'zod'
import { QuillworkError } from '../../task/errors.ts'
import { routesOf } from '../route.ts'
import { named, time } from '../schemas/fields.ts'

const laneSchema = named(
  'Lane',
  z.object({
    lane: z.string(),
    paused: z.boolean(),
    waiting: z
      .int()
      .describe('Tasks that wait for a slot or for their start time; with MongoDB counted up to 100,000'),
    oldestWaitingAt: time.optional(),
    slots: z.int().describe('Worker slots of this process'),
    running: z.int().describe('Attempts that this process runs'),
  }),
)

const { get, post } = routesOf('lanes')

const switchLane = (verb: 'pause' | 'resume', summary: string) =>
  post(`/v1/lanes/:lane([^:]+)::${verb}`, {
    summary,
    params: z.object({ lane: z.string().regex(/^[\w-]{1,60}$/, 'This is not the name of a lane.') }),
    sends: { 200: laneSchema },
    refuses: ['LANE_UNKNOWN'],
    handle: async ({ engine }, { params: { lane } }) => {
      await engine.lanes[verb](lane)
      const info = (await engine.lanes.list()).find(each => each.lane === lane)
      if (info === undefined) throw new QuillworkError('LANE_UNKNOWN', `There is no lane ${lane}.`)
      return info
    },
  })

/** The lanes, which are named work queues. */
export const laneRoutes = [
  get('/v1/lanes', {
    summary: 'List the lanes',
    sends: { 200: z.object({ items: z.array(laneSchema) }) },
    handle: async ({ engine }) => ({ items: await engine.lanes.list() }),
  }),
  switchLane('pause', 'Start no more tasks of a lane; running ones continue'),
  switchLane('resume', 'Start the tasks of a lane again'),
]
