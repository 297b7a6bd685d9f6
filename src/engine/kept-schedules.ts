/** Schedules that are made, changed and removed while the server runs. They tick like those of its program. */
import type { KeptSchedule } from '../store/store.ts'
import { defined } from '../task/defined.ts'
import type { ResolvedTask } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import type { Priority } from '../task/task.ts'
import { isA, messageOf } from '../task/thrown.ts'
import type { Core } from './core.ts'
import { typeOf } from './operate.ts'
import { checkOptions, definitionOf, submittedAt } from './schedule.ts'
import { type Plans, parametersOf } from './schedule-plans.ts'
import { checkAhead, encodedParameters } from './submit.ts'
import { readTicks, type Ticks } from './ticks.ts'

/** A schedule to be made. What is absent is as for one of the program. */
export interface NewSchedule {
  id: string
  /** See `Schedule`. */
  cron: string
  timeZone?: string
  taskType: string
  parameters: unknown
  userId?: string
  lane?: string
  priority?: Priority
  catchUp?: 'latest' | 'all' | 'none'
  overlap?: 'allow' | 'skip'
  /** Further tags of its tasks, which follow from the parameters. */
  derivedTags?: readonly string[]
  /** What people call who makes it. */
  createdBy?: string
}

/** What is changed of a schedule; what is absent stays. A null lane is that of the task type. */
export type ScheduleChange = Partial<
  Omit<NewSchedule, 'id' | 'userId' | 'createdBy' | 'lane'> & { lane: string | null }
>

/** Most schedules that are kept. Every step of the loop reads all of them. */
const mostKept = 100
/** Bytes of the parameters of one at most. */
const mostBytes = 65_536

/** Keeps a schedule. Throws what is wrong with it; SCHEDULE_DECLARED, SCHEDULE_EXISTS, SCHEDULES_FULL. */
export async function createSchedule(core: Core, plans: Plans, given: NewSchedule): Promise<void> {
  const { schedules, tasks } = core.store
  requireUndeclared(plans, given.id)
  const now = tasks.now()
  const { parameters: _, ...known } = {
    ...{ timeZone: 'UTC', userId: '', catchUp: 'latest', overlap: 'allow', derivedTags: [], createdBy: '' },
    ...defined(given),
  } as NewSchedule & Omit<KeptSchedule, keyof StoredParameters | 'createdAt' | 'changedAt'>
  const stored = await checked(core, { ...known, parameters: given.parameters })
  const kept: KeptSchedule = { ...known, ...stored, createdAt: now, changedAt: now }
  if ((await schedules.kept()).length >= mostKept) {
    const message = `There are ${mostKept} schedules that were made; remove one first.`
    throw new QuillworkError('SCHEDULES_FULL', message)
  }
  if (!(await schedules.addKept(kept, { definition: definitionOf(kept), lastTick: now }))) {
    const message = `There is a schedule ${JSON.stringify(given.id)}; change that one, or choose another id.`
    throw new QuillworkError('SCHEDULE_EXISTS', message)
  }
}

/** Changes a schedule that was made. Other ticks count from now on. Throws what is wrong with it; SCHEDULE_DECLARED. Returns whether it is there. */
export async function changeSchedule(
  core: Core,
  plans: Plans,
  { id, ...change }: ScheduleChange & { id: string },
): Promise<boolean> {
  const { schedules, tasks } = core.store
  requireUndeclared(plans, id)
  for (;;) {
    const read = await schedules.readKept(id)
    if (read === undefined) return false
    const before = { ...read, parameters: parametersOf(core, read) }
    const { lane, parameters, ...rest } = { ...before, ...defined(change) }
    const known = defined({ ...rest, lane: lane ?? undefined })
    const stored = await checked(core, { ...known, parameters })
    const changed = { ...known, ...stored, changedAt: tasks.now() }
    const definition = definitionOf(changed)
    const isSame = definition === definitionOf(before)
    // A pause, and the last task, stay. A tick that passed before the change is not one of the new ones.
    const from = isSame ? undefined : { definition, lastTick: tasks.now() }
    if (await schedules.changeKept(changed, from)) return true
  }
}

/** Removes a schedule that was made; its tasks stay. Throws SCHEDULE_DECLARED. Returns whether it was there. */
export function removeSchedule(core: Core, plans: Plans, id: string): Promise<boolean> {
  requireUndeclared(plans, id)
  return core.store.schedules.removeKept(id)
}

function requireUndeclared(plans: Plans, id: string): void {
  if (!plans.declared.some(({ schedule }) => schedule.id === id)) return
  const message = `The schedule ${JSON.stringify(id)} is declared by the program of the server: change it there, or pause it.`
  throw new QuillworkError('SCHEDULE_DECLARED', message, { details: { scheduleId: id } })
}

type StoredParameters = Pick<KeptSchedule, 'parameters' | 'parametersVersion'>

/** Checks what a schedule would submit, as a submission does. Returns its parameters as they are stored. */
async function checked(core: Core, given: NewSchedule): Promise<StoredParameters> {
  const { parameters, taskType, cron, timeZone = 'UTC', ...rest } = given
  const task: ResolvedTask = typeOf(core, taskType)
  const planned = { ...rest, cron, timeZone, task }
  checkOptions(planned)
  const now = core.store.tasks.now()
  if (readableTicks(cron, timeZone).after(now) === undefined)
    throw invalid(cron, 'it has no tick in the future.')
  await checkAhead(core, task, submittedAt(planned, parameters, now))
  const text = encodedParameters(core, taskType, parameters)
  const bytes = Buffer.byteLength(text)
  if (bytes <= mostBytes) return { parameters: text, parametersVersion: task.parametersVersion }
  const message = `The parameters have ${bytes} bytes, and those of a schedule may have ${mostBytes}.`
  throw new QuillworkError('PARAMETERS_TOO_LARGE', message, { details: { bytes, most: mostBytes } })
}

/** Returns the ticks of a cron expression. Throws SCHEDULE_INVALID. */
export function readableTicks(cron: string, timeZone: string): Ticks {
  try {
    return readTicks(cron, timeZone)
  } catch (cause) {
    throw invalid(cron, isA(cause, Error) ? messageOf(cause) : String(cause))
  }
}

function invalid(cron: string, why: string): QuillworkError {
  return new QuillworkError('SCHEDULE_INVALID', `The ticks of ${JSON.stringify(cron)} cannot be read: ${why}`)
}
