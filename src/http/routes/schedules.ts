import { z } from 'zod'
import type { ScheduleChange } from '../../engine/kept-schedules.ts'
import { type ScheduleInfo, scheduleNotFound } from '../../engine/schedules.ts'
import type { Engine } from '../../index.ts'
import { subjectTags } from '../../novel/subject-tags.ts'
import type { AuditFields } from '../../store/store.ts'
import { encode, plainOf } from '../../task/codec.ts'
import { defined } from '../../task/defined.ts'
import { audited } from '../audit/audit.ts'
import { type Identity, userActedAs, usesAll } from '../identity.ts'
import { type Asker, routesOf } from '../route.ts'
import { time } from '../schemas/fields.ts'
import {
  newSchedule,
  scheduleChange,
  scheduleSchema,
  scheduleWithParameters,
  tickQuestion,
} from '../schemas/schedule.ts'
import { taskSchema } from '../schemas/task.ts'
import { ownParameters, requireOwnSubject } from '../scope.ts'
import { accepted, sendTask, submissionRefusals } from './tasks.ts'

const { get, post, patch, delete: remove } = routesOf('schedules')

/** Whether an identity may know of a schedule: of one that was made for another user only who sees all users. */
function isSeenBy(identity: Identity, { made }: ScheduleInfo): boolean {
  return made === undefined || made.userId === identity.userId || usesAll(identity, 'see')
}

/** Returns a schedule as an identity may see it: without its last task where that is of another user. */
function shownTo(identity: Identity, { lastRun, ...schedule }: ScheduleInfo): ScheduleInfo {
  const isOwn = schedule.made?.userId === identity.userId
  return lastRun !== undefined && (isOwn || usesAll(identity, 'see')) ? { ...schedule, lastRun } : schedule
}

/** Returns the schedule that an address names. Throws SCHEDULE_NOT_FOUND, also for one that the identity may not see: as if there was none. */
async function seenSchedule({ engine, identity }: Asker & { engine: Engine }, id: string) {
  const seen = (await engine.schedules.list()).filter(each => isSeenBy(identity, each))
  const found = seen.some(each => each.id === id) ? await engine.schedules.read(id) : undefined
  if (found !== undefined && isSeenBy(identity, found)) return found
  throw scheduleNotFound(
    id,
    seen.map(each => each.id),
  )
}

/** Throws FORBIDDEN where what a schedule submits would act on other users, and the identity may not: a key of the same user with more rights made it. */
function requireOwn(identity: Identity, schedule: ScheduleInfo & { parameters?: unknown }): void {
  const { made, taskType, parameters } = schedule
  if (made !== undefined) requireOwnSubject(identity, { taskType, parameters: encode(parameters) })
}

/** Returns what the audit trail shows of a schedule. */
function fieldsOf({ cron, timeZone, taskType, lane, paused }: ScheduleInfo): AuditFields {
  return { cron, timeZone, taskType, lane, paused }
}

/** Ids of schedules may have any characters, colons too. */
const params = z.object({ schedule: z.string().min(1).max(200) })

const ofWrong = [
  ...(['SCHEDULE_INVALID', 'SCHEDULE_DECLARED', 'TASK_TYPE_UNKNOWN', 'PARAMETERS_INVALID'] as const),
  ...(['PARAMETERS_TOO_LARGE', 'VALUE_NOT_STORABLE', 'LANE_UNKNOWN', 'OPTION_INVALID'] as const),
]

const switchSchedule = (verb: 'pause' | 'resume', summary: string, description: string) =>
  post(`/v1/schedules/:schedule(.+)::${verb}`, {
    needs: 'operate',
    summary,
    description,
    params,
    sends: { 200: scheduleSchema },
    refuses: ['SCHEDULE_NOT_FOUND', 'STORE_FAILED'],
    handle: async (context, { params: { schedule } }) => {
      await seenSchedule(context, schedule)
      return shownTo(context.identity, await context.engine.schedules[verb](schedule))
    },
  })

/** How schedules are made and changed. They act for their user: who changes what they submit acts as that user. */
const making = [
  post('/v1/schedules', {
    needs: 'operate',
    summary: 'Make a schedule',
    description:
      'All processes tick it, within seconds and over restarts, as those that the program declares. Its tasks belong to the user for whom the request acts, or to `userId`, for another user this needs the role `admin`. At most 100 are kept.',
    body: newSchedule,
    sends: { 201: scheduleSchema },
    refuses: ['SCHEDULE_EXISTS', 'SCHEDULES_FULL', 'STORE_FAILED', ...ofWrong],
    handle: async ({ engine, identity }, request, reply) => {
      const { taskType, parameters: sent = {}, userId: forUser, ...given } = request.body
      const userId = userActedAs(identity, forUser)
      const parameters = await ownParameters(engine, identity, { taskType, parameters: sent })
      const derivedTags = subjectTags(taskType, sent)
      const schedule = { ...defined(given), taskType, parameters, userId, derivedTags }
      const made = await engine.schedules.create({ ...schedule, createdBy: identity.name })
      audited(request, { target: made.id, after: fieldsOf(made) })
      reply.code(201).header('location', `/v1/schedules/${encodeURIComponent(made.id)}`)
      return made
    },
  }),
  post('/v1/schedules::preview', {
    needs: 'operate',
    summary: 'Show when a cron expression would tick',
    body: tickQuestion,
    sends: { 200: z.object({ nextTicks: z.array(time).describe('The next ten') }) },
    config: { audits: 'said' },
    refuses: ['SCHEDULE_INVALID'],
    handle: async ({ engine }, { body: { cron, timeZone } }) => ({
      nextTicks: engine.schedules.preview(cron, timeZone),
    }),
  }),
  patch('/v1/schedules/:schedule(.+)', {
    needs: 'operate',
    summary: 'Change a schedule that was made',
    description:
      'Fields that are absent stay as they are. Other ticks count from now on. Of one for another user this needs the role `admin`. Those that the program declares are changed there.',
    params,
    body: scheduleChange,
    sends: { 200: scheduleWithParameters },
    refuses: ['SCHEDULE_NOT_FOUND', 'STORE_FAILED', ...ofWrong],
    handle: async (context, request) => {
      const { engine, identity } = context
      const { schedule: id } = request.params
      const before = await seenSchedule(context, id)
      userActedAs(identity, before.made?.userId)
      requireOwn(identity, before)
      const change = await changeOf(context, before, request.body)
      const after = await engine.schedules.change(id, change)
      audited(request, { before: fieldsOf(before), after: fieldsOf(after) })
      return sendable(shownTo(identity, await engine.schedules.read(id)))
    },
  }),
  remove('/v1/schedules/:schedule(.+)', {
    needs: 'operate',
    summary: 'Remove a schedule that was made',
    description: 'The tasks that it submitted stay. Those that the program declares are removed there.',
    params,
    sends: { 204: z.undefined().describe('It is removed') },
    refuses: ['SCHEDULE_NOT_FOUND', 'SCHEDULE_DECLARED', 'STORE_FAILED'],
    handle: async (context, request, reply) => {
      const before = await seenSchedule(context, request.params.schedule)
      await context.engine.schedules.remove(before.id)
      audited(request, { before: fieldsOf(before) })
      return reply.code(204).send()
    },
  }),
]

/** Returns a change with the parameters that the task type takes: those that are kept, where another type is given alone. */
async function changeOf(
  { engine, identity }: Asker & { engine: Engine },
  before: ScheduleInfo & { parameters?: unknown },
  { parameters: sent, ...given }: z.output<typeof scheduleChange>,
): Promise<ScheduleChange> {
  const taskType = given.taskType ?? before.taskType
  const isOther = sent !== undefined || taskType !== before.taskType
  if (!isOther) return defined(given) as ScheduleChange
  const json = sent === undefined ? plainOf(before.parameters) : sent
  const parameters = await ownParameters(engine, identity, { taskType, parameters: json })
  const derivedTags = subjectTags(taskType, json)
  // The type with them: after another change in between they would be those of a type for which nobody has checked them.
  return { ...(defined(given) as ScheduleChange), taskType, parameters, derivedTags }
}

/** Parameters may hold what JSON has no form for. */
function sendable(schedule: ScheduleInfo & { parameters?: unknown }) {
  return 'parameters' in schedule ? { ...schedule, parameters: plainOf(schedule.parameters) } : schedule
}

/** The schedules: those that the program of the server declares, and those that were made. */
export const scheduleRoutes = [
  get('/v1/schedules', {
    summary: 'List the schedules, and when they tick next',
    sends: { 200: z.object({ items: z.array(scheduleSchema) }) },
    refuses: ['STORE_FAILED'],
    handle: async ({ engine, identity }) => ({
      items: (await engine.schedules.list())
        .filter(schedule => isSeenBy(identity, schedule))
        .map(schedule => shownTo(identity, schedule)),
    }),
  }),
  get('/v1/schedules/:schedule(.+)', {
    summary: 'Read a schedule, with its parameters where it was made over the API',
    params,
    sends: { 200: scheduleWithParameters },
    refuses: ['SCHEDULE_NOT_FOUND', 'STORE_FAILED'],
    handle: async (context, { params: { schedule } }) =>
      sendable(shownTo(context.identity, await seenSchedule(context, schedule))),
  }),
  ...making,
  switchSchedule(
    'pause',
    'Submit no more tasks of a schedule',
    'Holds in all processes, and over restarts. Its task that runs goes on.',
  ),
  switchSchedule(
    'resume',
    'Submit the tasks of a schedule again',
    'From the next tick on: those that passed while it was paused are not made up for.',
  ),
  post('/v1/schedules/:schedule(.+)::run', {
    needs: 'operate',
    summary: 'Submit the task of a schedule now',
    description: 'Also while it is paused. Its ticks stay as they are.',
    params,
    sends: { 202: taskSchema },
    refuses: [
      ...([
        'SCHEDULE_NOT_FOUND',
        'SCHEDULE_INVALID',
        'SUBMISSION_REFUSED',
        'PROVIDER_NOT_CONFIGURED',
      ] as const),
      ...submissionRefusals,
    ],
    handle: async (context, { params: { schedule } }, reply) => {
      requireOwn(context.identity, await seenSchedule(context, schedule))
      const record = await context.engine.schedules.run(schedule)
      return sendTask(reply, accepted(reply, { record, isNew: true }), context.engine)
    },
  }),
]
