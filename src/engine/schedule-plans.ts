/** The schedules that tick: those that the program declares, and those that were made while it ran. */
import type { KeptSchedule, ListedSchedule } from '../store/store.ts'
import { decode } from '../task/codec.ts'
import { defined } from '../task/defined.ts'
import { currentParameters } from '../task/definition.ts'
import type { Core } from './core.ts'
import { definitionOf, type Planned, type Ticking } from './schedule.ts'
import { readTicks, type Ticks } from './ticks.ts'

/** Why a schedule that was made does not tick in this process. */
export const scheduleProblems = ['task-type-unknown', 'lane-unknown', 'cron-unreadable'] as const

/** One of the reasons. */
export type ScheduleProblem = (typeof scheduleProblems)[number]

/** A schedule that was made while the server ran: how it ticks, or why it does not. */
export type KeptPlan = { kept: ListedSchedule } & (
  | { planned: Planned; problem?: undefined }
  | { planned?: undefined; problem: ScheduleProblem }
)

/** The schedules of a process. */
export interface Plans extends Ticking {
  /** Returns those that were made. One whose id the program declares rests: the program wins. */
  kept(): Promise<readonly KeptPlan[]>
}

/** Returns the schedules of a process. */
export function createPlans(core: Core, declared: readonly Planned[]): Plans {
  const ids = new Set(declared.map(({ schedule }) => schedule.id))
  const kept = async () => {
    const found = await core.store.schedules.kept()
    return found.filter(({ id }) => !ids.has(id)).map(each => planKept(core, each))
  }
  return {
    declared,
    kept,
    current: async () => [...declared, ...(await kept()).flatMap(({ planned }) => planned ?? [])],
  }
}

function planKept(core: Core, kept: ListedSchedule): KeptPlan {
  const task = core.tasks.get(kept.taskType)
  // Those of a later version are for its processes.
  if (task === undefined || kept.parametersVersion > task.parametersVersion)
    return { kept, problem: 'task-type-unknown' }
  if (kept.lane !== undefined && !core.settings.lanes.has(kept.lane)) return { kept, problem: 'lane-unknown' }
  const ticks = ticksOf(kept)
  if (ticks === undefined) return { kept, problem: 'cron-unreadable' }
  const { id, cron, timeZone, userId, lane, priority, catchUp, overlap, derivedTags } = kept
  const planned: Planned = {
    schedule: defined({
      ...{ id, cron, timeZone, task, userId, catchUp, overlap, derivedTags },
      ...{ lane, priority },
    }),
    ticks,
    definition: definitionOf(kept),
    async parameters() {
      const read = await core.store.schedules.readKept(id)
      return read?.revision === kept.revision ? { of: parametersOf(core, read) } : undefined
    },
  }
  return { kept, planned }
}

/** Returns the parameters of a schedule as its task type takes them today; as they are stored where it cannot say that: then they are refused. */
export function parametersOf(
  { tasks }: Pick<Core, 'tasks'>,
  kept: Pick<KeptSchedule, 'taskType' | 'parameters' | 'parametersVersion'>,
): unknown {
  const task = tasks.get(kept.taskType)
  try {
    return task === undefined ? decode(kept.parameters) : currentParameters(task, kept)
  } catch {
    return decode(kept.parameters)
  }
}

/** A later version of the program may read what this one does not. */
function ticksOf({ cron, timeZone }: Pick<KeptSchedule, 'cron' | 'timeZone'>): Ticks | undefined {
  try {
    return readTicks(cron, timeZone)
  } catch {
    return undefined
  }
}
