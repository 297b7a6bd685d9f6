import { z } from 'zod'
import { scheduleProblems } from '../../engine/schedule-plans.ts'
import { longestCron } from '../../engine/ticks.ts'
import { taskStatuses } from '../../task/status.ts'
import { named, plainLine, plainText, time } from './fields.ts'

const catchUp = z
  .enum(['latest', 'all', 'none'])
  .describe('Which ticks are made up for that passed while no process ran')
const overlap = z
  .enum(['allow', 'skip'])
  .describe('Whether a tick is skipped while the task of the one before has not ended')
const priority = z.enum(['high', 'normal']).describe('Of its tasks')
const parameters = z.unknown().describe('Parameters of the task type. See `GET /v1/capabilities`')
const cronForms =
  'Cron expression of five or six fields; or `@every` with a duration of at least a second, such as `@every 15m`, which ticks at its multiples since 1970-01-01 UTC'

/** A cron expression that a client gives. */
const givenCron = plainLine(longestCron).min(1).describe(cronForms)
const givenZone = plainLine(100).min(1).describe('IANA time zone in which it ticks; default UTC')

/** A schedule in a response. */
export const scheduleSchema = named(
  'Schedule',
  z.object({
    id: z.string(),
    origin: z
      .enum(['program', 'store'])
      .describe('`program`: the program of the server declares it. `store`: it was made over the API'),
    cron: z.string().describe(cronForms),
    timeZone: z.string().describe('IANA time zone in which it ticks'),
    taskType: z.string(),
    lane: z.string(),
    priority,
    catchUp,
    overlap,
    paused: z.boolean(),
    nextTicks: z.array(time).describe('At most ten; those of a paused schedule are passed over'),
    lastRun: z
      .object({
        taskId: z.string(),
        status: z.enum(taskStatuses).optional(),
        at: time.optional().describe('When it was submitted'),
      })
      .optional()
      .describe(
        'The last task that it submitted; without status and time once the task is gone. For those who see the tasks of all users, and the owner',
      ),
    made: z
      .object({
        userId: z.string().describe('The owner of its tasks'),
        createdBy: z.string().describe('What people call who made it'),
        createdAt: time,
        changedAt: time,
      })
      .optional()
      .describe('Of one that was made over the API'),
    problem: z
      .enum(scheduleProblems)
      .optional()
      .describe(
        'Why one that was made does not tick in this process; it stays, and goes on once that is over',
      ),
  }),
)

/** A schedule with its parameters. */
export const scheduleWithParameters = named(
  'ScheduleWithParameters',
  scheduleSchema.extend({
    parameters: z.unknown().optional().describe('Of one that was made over the API'),
  }),
)

/** A schedule as the API returns it. */
export type ScheduleJson = z.output<typeof scheduleSchema>
/** The same with its parameters. */
export type ScheduleWithParametersJson = z.output<typeof scheduleWithParameters>

/** What a new schedule is made of. */
export const newSchedule = named(
  'NewSchedule',
  z.strictObject({
    id: z
      .string()
      .regex(/^[\w.-]{1,100}$/, "Give 1 to 100 letters, digits, '_', '.' or '-'.")
      .describe('Its name'),
    cron: givenCron,
    timeZone: givenZone.optional(),
    taskType: z.string().min(1).max(100),
    parameters: parameters.optional().describe('Default `{}`; at most 64 KiB'),
    userId: plainText(200)
      .optional()
      .describe('The owner of its tasks; default: the user for whom the request acts'),
    lane: plainText(60).optional().describe('Default: that of the task type'),
    priority: priority.optional().describe('Default `normal`'),
    catchUp: catchUp.optional().describe('Default `latest`'),
    overlap: overlap.optional().describe('Default `allow`'),
  }),
)

/** A change of a schedule. */
export const scheduleChange = named(
  'ScheduleChange',
  z.strictObject({
    cron: givenCron.optional(),
    timeZone: givenZone.optional(),
    taskType: z.string().min(1).max(100).optional(),
    parameters: parameters.optional(),
    lane: plainText(60).nullish().describe('null: that of the task type'),
    priority: priority.optional(),
    catchUp: catchUp.optional(),
    overlap: overlap.optional(),
  }),
)

/** Which ticks are asked for. */
export const tickQuestion = z.strictObject({ cron: givenCron, timeZone: givenZone.optional() })
