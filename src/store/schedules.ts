/** Schedules as every store keeps them, over records: what each remembers between ticks, and those that were made while the server ran. */
import {
  type Change,
  defineKind,
  erase,
  getOne,
  insert,
  type Records,
  replace,
  type Stored,
} from '../records/records.ts'
import { defined } from '../task/defined.ts'
import type { Priority } from '../task/task.ts'

/** What is kept of a schedule between ticks. */
export interface ScheduleState {
  id: string
  /** Text of the definition; a changed one starts from now. */
  definition: string
  /** The last tick that was submitted, epoch milliseconds. */
  lastTick?: number
  lastTaskId?: string
  /** Set while a person has paused it. */
  paused?: true
}

/** A schedule that was made while the server ran, as its program declares others. Times are epoch milliseconds. */
export interface KeptSchedule {
  id: string
  cron: string
  timeZone: string
  taskType: string
  /** As the codec writes them; see `task/codec.ts`. */
  parameters: string
  /** The version of the parameters that the task type had. */
  parametersVersion: number
  /** The owner of its tasks. */
  userId: string
  /** Absent: that of the task type. */
  lane?: string
  priority?: Priority
  catchUp: 'latest' | 'all' | 'none'
  overlap: 'allow' | 'skip'
  /** Further tags of its tasks, which follow from the parameters. */
  derivedTags: readonly string[]
  /** What people call who made it. */
  createdBy: string
  createdAt: number
  changedAt: number
}

/** As it is listed, without its parameters. `revision`: another with each change. */
export type ListedSchedule = Stored<KeptSchedule, 'parameters'>

/** Where the ticks of a schedule begin. */
export type FirstTick = Pick<ScheduleState, 'definition'> & { lastTick: number }

/** Schedules: one task per tick, also when several processes look at the same tick. */
export interface ScheduleStore {
  schedules(): Promise<readonly ScheduleState[]>
  /** Writes the state if `lastTick` is still what the caller saw. Returns whether it was. A pause stays as it is. */
  advance(state: Omit<ScheduleState, 'paused'>, seenTick: number | undefined): Promise<boolean>
  /** Pauses a schedule, or lets it go on: then ticks up to `now`, epoch milliseconds, are over. */
  setPaused(id: string, paused: boolean, now: number): Promise<void>
  /** Returns those that were made while the server ran, by id. */
  kept(): Promise<readonly ListedSchedule[]>
  /** Returns one of them with its parameters. */
  readKept(id: string): Promise<Stored<KeptSchedule> | undefined>
  /** Keeps one; `from`: its ticks count from there, and what an earlier one of that name left is gone. Returns false where one has that id. */
  addKept(schedule: KeptSchedule, from: FirstTick): Promise<boolean>
  /** Writes a changed one in place of the one that was read; `from`: its ticks are others from there on. Returns false where another change came first. */
  changeKept(schedule: Stored<KeptSchedule>, from: FirstTick | undefined): Promise<boolean>
  /** Removes one of them, and what it remembers. Returns whether it was there. */
  removeKept(id: string): Promise<boolean>
}

/** What schedules remember between ticks. */
export const schedules = defineKind<ScheduleState>({ name: 'schedules' })

/** Schedules that were made while the server ran. */
export const keptSchedules = defineKind<KeptSchedule>({
  name: 'kept_schedules',
  large: { parameters: 'text' },
})

/** Keeps the schedules: each tick is taken by one of those who saw the one before. */
export function createScheduleStore(records: Records): ScheduleStore {
  const stateOf = (id: string) => getOne(records, schedules, id)
  return {
    async schedules() {
      const found = await records.find(schedules, { order: ['id'] })
      return found.map(({ revision: _, ...state }) => state)
    },
    async advance(state, seenTick) {
      const held = await stateOf(state.id)
      if (held?.lastTick !== seenTick) return false
      const next: ScheduleState = defined({ ...state, paused: held?.paused })
      return (await records.commit([over(held, next)])) === 'applied'
    },
    async setPaused(id, paused, now) {
      for (;;) {
        const held = await stateOf(id)
        if ((held?.paused === true) === paused) return
        const { revision: _, paused: _paused, lastTick, ...rest } = held ?? { id, definition: '' }
        // Ticks that passed meanwhile are not made up for.
        const last = paused || lastTick === undefined ? lastTick : Math.max(lastTick, now)
        const state: ScheduleState = defined({ ...rest, lastTick: last, paused: paused || undefined })
        // A tick came in between: look again.
        if ((await records.commit([over(held, state)])) === 'applied') return
      }
    },
    kept: () => records.find(keptSchedules, { order: ['id'] }, ['parameters']),
    readKept: id => getOne(records, keptSchedules, id),
    async addKept(schedule, from) {
      const { id } = schedule
      for (;;) {
        const begun = over(await stateOf(id), { id, ...from })
        if ((await records.commit([insert(keptSchedules, schedule), begun])) === 'applied') return true
        if ((await getOne(records, keptSchedules, id)) !== undefined) return false
      }
    },
    async changeKept(schedule, from) {
      const { id, revision } = schedule
      for (;;) {
        const held = from && (await stateOf(id))
        const begun = from === undefined ? [] : [over(held, { ...held, id, ...from })]
        if ((await records.commit([replace(keptSchedules, schedule), ...begun])) === 'applied') return true
        // A tick came in between, or another change.
        if ((await getOne(records, keptSchedules, id))?.revision !== revision) return false
      }
    },
    async removeKept(id) {
      if ((await getOne(records, keptSchedules, id)) === undefined) return false
      await records.commit([...erase(keptSchedules, [id]), ...erase(schedules, [id])])
      return true
    },
  }
}

/** Returns the change that writes a state in place of the one that was read, where there was one. */
function over(held: Stored<ScheduleState> | undefined, state: ScheduleState): Change {
  return held === undefined
    ? insert(schedules, state)
    : replace(schedules, { ...state, revision: held.revision })
}
