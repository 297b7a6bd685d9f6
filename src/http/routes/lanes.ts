import { z } from 'zod'
import type { Engine } from '../../engine/engine.ts'
import { type LaneDetails, laneWaits } from '../../engine/lanes.ts'
import { mostSlots } from '../../engine/slots.ts'
import { QuillworkError } from '../../task/errors.ts'
import { audited } from '../audit/audit.ts'
import { routesOf } from '../route.ts'
import { named, time } from '../schemas/fields.ts'

/** A lane in a response. */
export const laneSchema = named(
  'Lane',
  z.object({
    lane: z.string(),
    paused: z.boolean(),
    waiting: z
      .int()
      .describe('Tasks that wait for a slot or for their start time; with MongoDB counted up to 100,000'),
    oldestWaitingAt: time.optional(),
    slots: z.int().describe('Worker slots of this process'),
    setSlots: z
      .int()
      .optional()
      .describe(
        'What an operator set for each process that works the lane, in place of its setting; absent for nothing',
      ),
    running: z.int().describe('Attempts that this process runs'),
    workers: z
      .int()
      .describe('Processes that run its tasks; of others, those that sent a heartbeat within a minute'),
    allSlots: z.int().describe('Worker slots of all of them'),
    allRunning: z.int().describe('Attempts that all of them run; of others, by their last heartbeat'),
    waitsFor: z
      .enum(laneWaits)
      .optional()
      .describe(
        'Why its tasks wait: it is paused, no process has slots for it, the broker is unreachable, all slots are busy, a limit or a budget is ' +
          'used up, or their time has not come. Absent where none waits, and for those that are about to begin',
      ),
  }),
)

/** A lane as the API returns it. */
export type LaneJson = z.output<typeof laneSchema>

const { get, post, patch } = routesOf('lanes')

const laneName = z.string().regex(/^[\w-]{1,60}$/, 'This is not the name of a lane.')

/** Returns a lane with what all processes run of it. Throws LANE_NOT_FOUND. */
async function laneOf(engine: Engine, lane: string): Promise<LaneDetails> {
  const found = engine.settings.lanes.has(lane)
    ? (await engine.lanes.details()).find(each => each.lane === lane)
    : undefined
  if (found !== undefined) return found
  throw laneNotFound(engine, lane)
}

const switchLane = (verb: 'pause' | 'resume', summary: string) =>
  post(`/v1/lanes/:lane([^:]+)::${verb}`, {
    summary,
    needs: 'operate',
    params: z.object({ lane: laneName }),
    sends: { 200: laneSchema },
    refuses: ['LANE_NOT_FOUND', 'STORE_FAILED'],
    handle: async ({ engine }, request) => {
      const { lane } = request.params
      if (!engine.settings.lanes.has(lane)) throw laneNotFound(engine, lane)
      const kept = await engine.store.lanes.lanes()
      await engine.lanes[verb](lane)
      const info = await laneOf(engine, lane)
      audited(request, {
        before: { paused: kept.find(each => each.lane === lane)?.paused ?? false },
        after: { paused: verb === 'pause' },
      })
      return info
    },
  })

/** A lane that a submission names is invalid input; one that an address names is not there. */
function laneNotFound({ settings }: Engine, lane: string): QuillworkError {
  const message = `There is no lane ${JSON.stringify(lane)}. Lanes of this server: ${[...settings.lanes.keys()].join(', ')}.`
  return new QuillworkError('LANE_NOT_FOUND', message)
}

/** The lanes, which are named work queues. */
export const laneRoutes = [
  get('/v1/lanes', {
    summary: 'List the lanes',
    sends: { 200: z.object({ items: z.array(laneSchema) }) },
    refuses: ['STORE_FAILED'],
    handle: async ({ engine }) => ({ items: await engine.lanes.details() }),
  }),
  patch('/v1/lanes/:lane', {
    summary: 'Set how many tasks of a lane each process runs at once',
    description:
      'Holds in all processes that work the lane, within seconds and over restarts, until it is null: then each has its own setting again. More tasks start at once; of too many those that run go on to their end. A process whose setting is 0 leaves the lane to the others still.',
    needs: 'operate',
    params: z.object({ lane: laneName }),
    body: z.strictObject({
      slots: z
        .int()
        .min(1, 'Give at least 1; to start no more tasks, pause the lane.')
        .max(mostSlots)
        .nullable()
        .describe('Worker slots of each process; null: as its setting says'),
    }),
    sends: { 200: laneSchema },
    refuses: ['LANE_NOT_FOUND', 'STORE_FAILED'],
    handle: async ({ engine }, request) => {
      const { lane } = request.params
      const before = await laneOf(engine, lane)
      await engine.lanes.setSlots(lane, request.body.slots ?? undefined)
      const after = await laneOf(engine, lane)
      const fieldsOf = ({ slots, setSlots }: LaneDetails) => ({ slots, setSlots: setSlots ?? null })
      audited(request, { before: fieldsOf(before), after: fieldsOf(after) })
      return after
    },
  }),
  switchLane('pause', 'Start no more tasks of a lane; running ones continue'),
  switchLane('resume', 'Start the tasks of a lane again'),
]
