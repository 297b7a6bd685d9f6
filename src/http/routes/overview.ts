import { z } from 'zod'
import { problemKinds } from '../../observe/activity/problems.ts'
import { type SpanName, spans } from '../../observe/activity/recorder.ts'
import { taskStatuses } from '../../task/status.ts'
import { requireSeesAll } from '../identity.ts'
import { routesOf } from '../route.ts'
import { named, time } from '../schemas/fields.ts'
import { laneSchema } from './lanes.ts'

const duration = z.int().optional()

/** Sums of a time. */
const sums = {
  started: z.int().describe('Attempts that began'),
  completed: z.int().describe('Tasks that ended COMPLETED or COMPLETED_WITH_ERRORS'),
  failed: z.int().describe('Tasks that ended FAILED or DEAD_LETTER'),
  cancelled: z.int(),
  retries: z.int().describe('Attempts that failed and are tried again'),
  deadLetters: z.int().describe('Dead letters that were opened'),
  calls: z.int().describe('Calls of models'),
  cost: z
    .number()
    .optional()
    .describe('In the currency of the price list; absent where no call had a known cost'),
  runP50Ms: duration.describe('Half of the attempts ran no longer; at most a fifth off, as the others'),
  runP95Ms: duration.describe('95 of 100 attempts ran no longer'),
  waitP50Ms: duration.describe(
    'Half of the tasks waited no longer for their attempt, from when they could run',
  ),
  waitP95Ms: duration.describe('95 of 100 tasks waited no longer'),
}

const problemSchema = named(
  'OverviewProblem',
  z.object({
    kind: z.enum(problemKinds),
    lane: z.string().optional(),
    count: z.int().optional().describe('Tasks that wait, or dead letters that were opened within the hour'),
    ms: z
      .int()
      .optional()
      .describe('How long the next task has waited, or how late the sweep or the event loop is'),
    text: z.string().optional().describe('What the part reports, in English'),
  }),
)

const overviewSchema = named(
  'Overview',
  z.object({
    range: z.enum(Object.keys(spans) as [SpanName, ...SpanName[]]),
    from: time.describe('The beginning of the first step'),
    to: time.describe('Now, by the clock of the store'),
    stepMs: z.int(),
    isComplete: z
      .boolean()
      .describe('False while the store does not answer: then only what this process has in memory counts'),
    problems: z.array(problemSchema).describe('What is wrong now, the worst first'),
    state: z
      .object({
        counts: z.record(z.enum(taskStatuses), z.int()).optional().describe('Tasks by status'),
        lanes: z.array(laneSchema).optional(),
        oldestWaitingMs: z.int().optional().describe('How long the next task that could run has waited'),
        loopDelayMs: z.int().describe('99th percentile of how late the event loop of this process is'),
      })
      .describe('Right now; the store may not have answered all of it'),
    total: z.object(sums),
    points: z
      .array(z.object({ at: time, ...sums }))
      .describe('One for each step, the oldest first; the last one is being filled'),
    lanes: z.array(z.object({ lane: z.string(), ...sums })),
    types: z.array(
      z.object({
        taskType: z.string().optional().describe('Absent for all other types together'),
        ...sums,
      }),
    ),
  }),
)

/** An overview as the API returns it. */
export type OverviewJson = z.output<typeof overviewSchema>

/** What operators see first. */
export const overviewRoutes = [
  routesOf('overview').get('/v1/overview', {
    summary: 'What is wrong now, and how much was done in the last hour, day or week',
    description:
      'For identities that see the tasks of all users. The hour is in steps of a minute, the day of 15 minutes, the week of two hours. All processes count what they do, and write it down about ' +
      'once a minute: what others did may come a minute late, and what a process did in its last minute is missing where it crashed.',
    querystring: z.strictObject({
      range: z
        .enum(Object.keys(spans) as [SpanName, ...SpanName[]])
        .default('hour')
        .describe('Default `hour`'),
      lane: z.string().max(60).optional().describe('Narrows the total and the points'),
      taskType: z.string().max(100).optional().describe('Narrows the total and the points'),
    }),
    sends: { 200: overviewSchema },
    handle: async ({ identity, activity }, { query }) => {
      requireSeesAll(identity)
      return { range: query.range, ...(await activity.overview(query)) }
    },
  }),
]
