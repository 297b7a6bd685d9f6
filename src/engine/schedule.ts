import { type Loop, startLoop } from '../runtime/loop.ts'
import type { ScheduleState } from '../store/store.ts'
import { withoutControls } from '../task/controls.ts'
import { defined } from '../task/defined.ts'
import type { Awaitable, In, Schema, TaskType } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import { hasEnded } from '../task/status.ts'
import type { SubmitOptions } from '../task/submission.ts'
import type { Priority } from '../task/task.ts'
import { isA, messageOf } from '../task/thrown.ts'
import type { Core } from './core.ts'
import { checkAhead, type Submitted, submitAs } from './submit.ts'
import { newestTicks, readTicks, type Ticks } from './ticks.ts'

/**
 * A task that is submitted at the ticks of a cron expression; its handler gets the tick as `ctx.scheduledFor`. What a submission would be
 * refused for (parameters, lane, options) is refused when the engine is made, except what the type's `admit` says at each tick.
 */
export interface Schedule<P extends Schema = Schema> {
  /** Unique name, at most 200 characters; its state is kept under it. */
  id: string
  /**
   * Cron expression of five or six fields, as croner reads it; or `@every` with a duration of at least a second, such as `@every 15m`, which ticks at
   * the multiples of that since 1970-01-01 UTC. At most 200 characters.
   */
  cron: string
  /** IANA time zone; default UTC. Ticks follow its daylight saving time. */
  timeZone?: string
  task: TaskType<P>
  parameters: In<P>
  /** The owner of its tasks; default `''`, nobody. */
  userId?: string
  lane?: string
  /** Of its tasks; default `normal`. */
  priority?: Priority
  /** Ticks that passed while no engine ran: the latest one (default), all of them (at most 100), or none. */
  catchUp?: 'latest' | 'all' | 'none'
  /** When the task of the tick before is still live: submit all the same (default), or skip the tick. */
  overlap?: 'allow' | 'skip'
}

/** Any schedule, whatever its task. */
export type AnySchedule = Omit<Schedule, 'parameters'> & { parameters: unknown }

/** Returns a schedule whose parameters are checked against its task by the compiler. */
export function schedule<P extends Schema>(definition: Schedule<P>): AnySchedule {
  return definition as unknown as AnySchedule
}

/** A tick older than this was missed, not late. */
const missedAfterMs = 60_000
/** A last tick that is further ahead than this was written by a clock that was wrong. */
const aheadMs = 60_000
/** Missed ticks that are made up for at most. */
const mostCaughtUp = 100
/** Milliseconds between steps when no tick is nearer. Where processes share the store, another one may have made a schedule. */
const everyMs = 30_000
const everySharedMs = 15_000

/** A schedule that can be started. */
export interface Planned {
  schedule: Omit<AnySchedule, 'parameters'> & Pick<SubmitOptions, 'derivedTags'>
  ticks: Ticks
  definition: string
  /** Returns what it submits now; undefined for a schedule that was changed or removed since it was read: the rest of this may be of another user, or type. */
  parameters(): Awaitable<{ of: unknown } | undefined>
}

/** Longest id of a schedule, in characters: the idempotency keys of its ticks contain it. */
const longestId = 200

/** The schedules that tick in a process. */
export interface Ticking {
  /** Those of the program. */
  readonly declared: readonly Planned[]
  /** Returns all: those of the program, and those that were made while it ran. */
  current(): Promise<readonly Planned[]>
}

/** Returns the schedules, with their cron expressions read and all else checked as for a submission. Throws SCHEDULE_INVALID. */
export async function planSchedules(core: Core, schedules: readonly AnySchedule[]): Promise<Planned[]> {
  const planned = new Map<string, Planned>()
  for (const each of schedules) {
    if (planned.has(each.id))
      throw new QuillworkError('SCHEDULE_INVALID', `Two schedules have the id ${JSON.stringify(each.id)}.`)
    try {
      planned.set(each.id, await planOne(core, each))
    } catch (cause) {
      const message = `The schedule ${JSON.stringify(each.id)} cannot be started: ${messageOf(cause)}`
      const { code, details } = isA(cause, QuillworkError) ? cause : {}
      throw new QuillworkError('SCHEDULE_INVALID', message, {
        cause,
        details: defined({ ...details, scheduleId: each.id, code }),
      })
    }
  }
  return [...planned.values()]
}

async function planOne(core: Core, planned: AnySchedule): Promise<Planned> {
  checkOptions(planned)
  const { parameters, ...rest } = planned
  const ticks = readTicks(planned.cron, planned.timeZone ?? 'UTC')
  await checkAhead(core, planned.task, submittedAt(rest, parameters, core.store.tasks.now()))
  const definition = definitionOf(planned)
  return { schedule: rest, ticks, definition, parameters: () => ({ of: parameters }) }
}

/** Returns only what decides the ticks: processes of two versions, with other parameters, share the state of a schedule. */
export function definitionOf({ cron, timeZone = 'UTC' }: Pick<AnySchedule, 'cron' | 'timeZone'>): string {
  return JSON.stringify([cron, timeZone])
}

/** Throws OPTION_INVALID: the compiler checks them, and plain JavaScript does not. */
export function checkOptions({
  id,
  catchUp = 'latest',
  overlap = 'allow',
}: Pick<AnySchedule, 'id' | 'catchUp' | 'overlap'>): void {
  if (typeof id !== 'string' || id.length === 0 || id.length > longestId || id.includes('\0'))
    throw optionInvalid(`id must have 1 to ${longestId} characters, without NUL.`)
  if (!['latest', 'all', 'none'].includes(catchUp))
    throw optionInvalid(`catchUp must be 'latest', 'all' or 'none', not ${JSON.stringify(catchUp)}.`)
  if (!['allow', 'skip'].includes(overlap))
    throw optionInvalid(`overlap must be 'allow' or 'skip', not ${JSON.stringify(overlap)}.`)
}

function optionInvalid(message: string): QuillworkError {
  return new QuillworkError('OPTION_INVALID', message)
}

/** Returns what a schedule submits at a tick, in epoch milliseconds. */
export function submittedAt(
  { id, userId, lane, priority, derivedTags }: Planned['schedule'],
  parameters: unknown,
  at: number,
): Submitted {
  // Without an owner as in every build, so that a tick is one task also while an earlier build runs beside this one.
  const options: SubmitOptions = defined({
    tags: [withoutControls(`schedule:${id}`).slice(0, 100)],
    userId: userId ?? '',
    lane,
    priority,
    derivedTags,
  })
  return { parameters, options, tick: { scheduleId: id, at } }
}

/** Submits the task of each tick, once: the tick names the idempotency key, so a crash in between repeats nothing. */
export function startSchedules(core: Core, plans: Ticking): Loop {
  const isShared = core.store.capabilities.manyProcesses

  async function step(): Promise<number | undefined> {
    let planned = plans.declared
    try {
      planned = await plans.current()
      if (planned.length === 0) return undefined
      const states = new Map((await core.store.schedules.schedules()).map(state => [state.id, state]))
      for (const plan of planned) await runAlone(core, plan, states.get(plan.schedule.id))
    } catch (error) {
      core.log.error({ err: error }, 'schedule lookup failed; will retry')
    }
    const now = core.store.tasks.now()
    const next = Math.min(...planned.map(({ ticks }) => ticks.after(now) ?? Number.POSITIVE_INFINITY))
    return Number.isFinite(next) ? Math.max(1, next - now) : undefined
  }

  return startLoop({ clock: core.clock, everyMs: isShared ? everySharedMs : everyMs, step })
}

/** A schedule whose task is refused holds up no other. Its tick is tried again with the next step. */
async function runAlone(core: Core, plan: Planned, state: ScheduleState | undefined): Promise<void> {
  await runDue(core, plan, state).catch(error => {
    core.log.error({ err: error, schedule: plan.schedule.id }, 'scheduled submission failed; will retry')
  })
}

async function runDue(core: Core, plan: Planned, state: ScheduleState | undefined): Promise<void> {
  if (state?.paused === true) return
  const now = core.store.tasks.now()
  const { id } = plan.schedule
  if (state?.lastTick === undefined) {
    await startFrom(core, plan, state, now)
    return
  }
  if (state.lastTick > now + aheadMs) {
    const lastTick = new Date(state.lastTick).toISOString()
    core.log.warn({ schedule: id, lastTick }, 'clock was ahead at the last tick; schedule goes on from now')
    await startFrom(core, plan, state, now)
    return
  }
  // While processes with either definition run, they take turns: one that is late must not take the other's tick for missed.
  const isChanged = state.definition !== plan.definition
  const from = isChanged ? Math.max(state.lastTick, now - missedAfterMs) : state.lastTick
  let seen = isChanged ? await startFrom(core, plan, state, from) : state
  if (seen === undefined) return
  for (const tick of dueTicks(plan, from, now)) {
    const submitted = await plan.parameters()
    // The tick is left to the next step, which reads the schedule anew.
    if (submitted === undefined) return
    const lastTaskId =
      (await submitTick(core, plan, seen, { tick, parameters: submitted.of })) ?? seen.lastTaskId
    const next: ScheduleState = defined({ id, definition: plan.definition, lastTick: tick, lastTaskId })
    if (!(await core.store.schedules.advance(next, seen.lastTick))) return
    seen = next
  }
}

/** Has ticks count from this time on. Returns the state then; undefined where another process was faster. */
async function startFrom(
  core: Core,
  { schedule: { id }, definition }: Planned,
  state: ScheduleState | undefined,
  lastTick: number,
): Promise<ScheduleState | undefined> {
  const next = { ...state, id, definition, lastTick }
  return (await core.store.schedules.advance(next, state?.lastTick)) ? next : undefined
}

/** Returns the ticks to make up for, oldest first. Ticks that the catch-up policy skips are never submitted. */
function dueTicks(
  { ticks, schedule: { catchUp = 'latest' } }: Planned,
  after: number,
  now: number,
): number[] {
  if (catchUp === 'all') return newestTicks(ticks, after, now, mostCaughtUp)
  const latest = newestTicks(ticks, after, now, 1)
  return catchUp === 'latest' ? latest : latest.filter(tick => now - tick <= missedAfterMs)
}

async function submitTick(
  core: Core,
  { schedule: planned }: Planned,
  state: ScheduleState,
  { tick, parameters }: { tick: number; parameters: unknown },
): Promise<string | undefined> {
  if (planned.overlap === 'skip' && state.lastTaskId !== undefined) {
    const [last] = await core.store.queries.get([state.lastTaskId])
    if (last !== undefined && !hasEnded(last.status)) {
      core.log.info(
        { schedule: planned.id, taskId: last.id },
        'tick skipped; the task of the last tick is still live',
      )
      return undefined
    }
  }
  try {
    return await submitAs(core, planned.task, {
      ...submittedAt(planned, parameters, tick),
      as: ({ id }) => id,
    })
  } catch (error) {
    // Another version of the program, with other parameters, submitted it and crashed before it recorded that.
    if (!isA(error, QuillworkError) || error.code !== 'IDEMPOTENCY_KEY_REUSED') throw error
    core.log.warn({ err: error, schedule: planned.id }, 'tick already submitted with other parameters')
    const taskId = error.details?.['taskId']
    return typeof taskId === 'string' ? taskId : undefined
  }
}
