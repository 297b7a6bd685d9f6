/** The schedules as an operator sees them: when they tick, what they ran, and whether a person paused them; and how they are made while the server runs. */
import type { ListedSchedule, ScheduleState } from '../store/store.ts'
import { defined } from '../task/defined.ts'
import { QuillworkError } from '../task/errors.ts'
import type { TaskStatus } from '../task/status.ts'
import type { Priority, TaskRecord } from '../task/task.ts'
import type { Core } from './core.ts'
import {
  changeSchedule,
  createSchedule,
  type NewSchedule,
  readableTicks,
  removeSchedule,
  type ScheduleChange,
} from './kept-schedules.ts'
import { type Planned, submittedAt } from './schedule.ts'
import { type KeptPlan, type Plans, parametersOf, type ScheduleProblem } from './schedule-plans.ts'
import { submitAs } from './submit.ts'
import { nextTicks } from './ticks.ts'

/** A schedule, with what became of it. Times are epoch milliseconds. */
export interface ScheduleInfo {
  id: string
  /** Who has it: the program that declares it, or the store, since it was made while the server ran. */
  origin: 'program' | 'store'
  cron: string
  timeZone: string
  taskType: string
  /** The lane of its tasks. */
  lane: string
  priority: Priority
  catchUp: 'latest' | 'all' | 'none'
  overlap: 'allow' | 'skip'
  paused: boolean
  /** The next ticks, at most ten; those of a paused schedule are passed over. */
  nextTicks: readonly number[]
  /** The last task that it submitted. `status` and `at`, when it was submitted, are absent once the task is gone. */
  lastRun?: { taskId: string; status?: TaskStatus; at?: number }
  /** Of one that was made: whose its tasks are, and who made it. */
  made?: { userId: string; createdBy: string; createdAt: number; changedAt: number }
  /** Why it does not tick in this process. It stays, and goes on once that is over. */
  problem?: ScheduleProblem
}

/** The schedules of this process: those that its program declares, and those that were made. Pauses hold in all processes that share the store, and over restarts. */
export interface Schedules {
  list(): Promise<readonly ScheduleInfo[]>
  /** Returns one; with its parameters where it was made. Throws SCHEDULE_NOT_FOUND. */
  read(id: string): Promise<ScheduleInfo & { parameters?: unknown }>
  /**
   * Makes a schedule. All processes that share the store tick it, within seconds, and over restarts. Throws SCHEDULE_INVALID, OPTION_INVALID, TASK_TYPE_UNKNOWN,
   * PARAMETERS_INVALID, PARAMETERS_TOO_LARGE, VALUE_NOT_STORABLE, LANE_UNKNOWN; SCHEDULE_EXISTS; SCHEDULE_DECLARED; SCHEDULES_FULL.
   */
  create(schedule: NewSchedule): Promise<ScheduleInfo>
  /** Changes a schedule that was made; other ticks count from now on. Throws what `create` throws; SCHEDULE_NOT_FOUND. */
  change(id: string, change: ScheduleChange): Promise<ScheduleInfo>
  /** Removes a schedule that was made. What it submitted stays. Throws SCHEDULE_NOT_FOUND, SCHEDULE_DECLARED. */
  remove(id: string): Promise<void>
  /** Returns the next ten ticks of a cron expression. Throws SCHEDULE_INVALID. */
  preview(cron: string, timeZone?: string): readonly number[]
  /** Submits no more tasks at the ticks. Throws SCHEDULE_NOT_FOUND. */
  pause(id: string): Promise<ScheduleInfo>
  /** Goes on with the next tick: those that passed meanwhile are not made up for. Throws SCHEDULE_NOT_FOUND. */
  resume(id: string): Promise<ScheduleInfo>
  /**
   * Submits its task now, also while it is paused: `ctx.scheduledFor` is now. The ticks stay as they are; with `overlap: 'skip'` the next one is
   * skipped while this task is live. Throws SCHEDULE_NOT_FOUND, SCHEDULE_INVALID for one that does not tick here, and what `submit` throws.
   */
  run(id: string): Promise<TaskRecord>
}

/** Ticks that are shown of a schedule. */
const ticksShown = 10

/** A schedule that was declared or made. */
interface Known {
  schedule: Planned['schedule'] | ListedSchedule
  taskType: string
  /** Absent for one that does not tick here. */
  planned?: Planned | undefined
  /** Of one that was made. */
  kept?: ListedSchedule
  problem?: ScheduleProblem | undefined
}

function declaredAs(planned: Planned): Known {
  const { schedule } = planned
  return { schedule, taskType: schedule.task.type, planned }
}

function madeAs({ kept, planned, problem }: KeptPlan): Known {
  return { schedule: kept, taskType: kept.taskType, kept, planned, problem }
}

/** Returns the schedules of an engine. */
export function schedulesOf(core: Core, plans: Plans): Schedules {
  const { schedules, queries, tasks } = core.store

  async function every(): Promise<Known[]> {
    return [...plans.declared.map(declaredAs), ...(await plans.kept()).map(madeAs)]
  }

  async function knownOf(id: string): Promise<Known> {
    const all = await every()
    const found = all.find(each => idOf(each) === id)
    if (found !== undefined) return found
    throw scheduleNotFound(id, all.map(idOf))
  }

  async function describe(known: readonly Known[]): Promise<ScheduleInfo[]> {
    const states = new Map((await schedules.schedules()).map(state => [state.id, state]))
    const taskIds = known.flatMap(each => states.get(idOf(each))?.lastTaskId ?? [])
    const found = await queries.get(taskIds)
    const last = new Map(found.flatMap(record => (record === undefined ? [] : [[record.id, record]])))
    return known.map(each => infoOf(each, states.get(idOf(each)), { last, now: tasks.now() }))
  }

  async function describeOne(known: Known): Promise<ScheduleInfo> {
    const [info] = await describe([known])
    return info ?? infoOf(known, undefined, { last: new Map(), now: tasks.now() })
  }

  async function setPaused(id: string, paused: boolean): Promise<ScheduleInfo> {
    const known = await knownOf(id)
    await schedules.setPaused(id, paused, tasks.now())
    return describeOne(known)
  }

  async function changed(id: string): Promise<ScheduleInfo> {
    core.wakeSchedules()
    core.broker.remote?.sendControl({ kind: 'lanes' })
    return describeOne(await knownOf(id))
  }

  return {
    list: async () => describe(await every()),
    async read(id) {
      const info = await describeOne(await knownOf(id))
      const read = info.made && (await schedules.readKept(id))
      return read === undefined ? info : { ...info, parameters: parametersOf(core, read) }
    },
    async create(schedule) {
      await createSchedule(core, plans, schedule)
      return changed(schedule.id)
    },
    async change(id, change) {
      if (!(await changeSchedule(core, plans, { ...change, id })))
        throw scheduleNotFound(id, (await every()).map(idOf))
      return changed(id)
    },
    async remove(id) {
      if (!(await removeSchedule(core, plans, id))) throw scheduleNotFound(id, (await every()).map(idOf))
    },
    preview: (cron, timeZone = 'UTC') => nextTicks(readableTicks(cron, timeZone), ticksShown, tasks.now()),
    pause: id => setPaused(id, true),
    resume: id => setPaused(id, false),
    run: async id => runNow(core, await knownOf(id)),
  }
}

function idOf({ schedule }: Known): string {
  return schedule.id
}

/** Returns the error for a schedule that is not there. `ids`: those that are, as far as who asks may know of them. */
export function scheduleNotFound(id: string, ids: readonly string[]): QuillworkError {
  const known = ids.join(', ')
  const message = `There is no schedule ${JSON.stringify(id)}. Schedules of this server: ${known || 'none'}.`
  return new QuillworkError('SCHEDULE_NOT_FOUND', message, { details: { scheduleId: id } })
}

async function runNow(core: Core, { planned, problem, schedule: { id } }: Known): Promise<TaskRecord> {
  const { schedules, tasks } = core.store
  const submitted = await planned?.parameters()
  if (planned === undefined || submitted === undefined) {
    const message = `The schedule ${JSON.stringify(id)} cannot run: ${problem ?? 'it was changed or removed meanwhile'}.`
    throw new QuillworkError('SCHEDULE_INVALID', message, { details: { scheduleId: id } })
  }
  const { schedule, definition } = planned
  const record = await submitAs(core, schedule.task, {
    ...submittedAt(schedule, submitted.of, tasks.now()),
    as: own => own,
  })
  const state = (await schedules.schedules()).find(each => each.id === id) ?? { id, definition }
  // Where a tick comes in between, its task is the last one.
  await schedules.advance({ ...state, lastTaskId: record.id }, state.lastTick)
  return record
}

function infoOf(
  known: Known,
  state: ScheduleState | undefined,
  { last, now }: { last: ReadonlyMap<string, TaskRecord>; now: number },
): ScheduleInfo {
  const taskId = state?.lastTaskId
  const record = taskId === undefined ? undefined : last.get(taskId)
  const { planned, kept, problem } = known
  return defined({
    ...shownOf(known),
    origin: kept === undefined ? ('program' as const) : ('store' as const),
    paused: state?.paused === true,
    nextTicks: planned === undefined ? [] : nextTicks(planned.ticks, ticksShown, now),
    lastRun:
      taskId === undefined ? undefined : defined({ taskId, status: record?.status, at: record?.createdAt }),
    made: kept && {
      userId: kept.userId,
      createdBy: kept.createdBy,
      createdAt: kept.createdAt,
      changedAt: kept.changedAt,
    },
    problem,
  })
}

/** Returns how it was declared or made. */
function shownOf({ schedule, taskType, planned }: Known) {
  const { id, cron, timeZone = 'UTC', catchUp = 'latest', overlap = 'allow', priority = 'normal' } = schedule
  const lane = schedule.lane ?? planned?.schedule.task.lane ?? 'default'
  return { id, cron, timeZone, taskType, lane, priority, catchUp, overlap }
}
