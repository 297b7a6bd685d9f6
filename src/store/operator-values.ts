/** What operators set while the system runs, in place of the configuration, as every store keeps it, over records: slots of lanes, limits of calls. */
import { defineKind, erase, type Records, write } from '../records/records.ts'

/** Parts of a limit that an operator set. */
export interface SetLimit {
  readonly requestsPerMinute?: number
  readonly tokensPerMinute?: number
  readonly concurrency?: number
}

/** Everything that is set. */
export interface OperatorValues {
  /** How many slots a lane has in each process that works it, by lane. */
  readonly slots: ReadonlyMap<string, number>
  /** By the key of the limit. */
  readonly limits: ReadonlyMap<string, SetLimit>
}

/** What operators set. */
export interface OperatorValueStore {
  read(): Promise<OperatorValues>
  /** Undefined: as each process is configured again. */
  setSlots(lane: string, slots: number | undefined): Promise<void>
  /** Undefined: as it is configured again. */
  setLimit(key: string, limit: SetLimit | undefined): Promise<void>
}

/** One value. A lane has its name for an id, as in the first version; a limit its key behind `limit/`, which no name of a lane begins with. */
interface OperatorValue {
  id: string
  slots?: number
  limit?: SetLimit
}

/** The kind of the records. The name is that of the first version, which kept slots alone. */
export const operatorValues = defineKind<OperatorValue>({ name: 'lane_slots' })

const ofLimits = 'limit/'

/** Makes the port of any store. */
export function createOperatorValueStore(records: Records): OperatorValueStore {
  const set = async (value: OperatorValue, isSet: boolean) => {
    await records.commit(isSet ? write(operatorValues, [value]) : erase(operatorValues, [value.id]))
  }
  return {
    async read() {
      const slots = new Map<string, number>()
      const limits = new Map<string, SetLimit>()
      for (const value of await records.find(operatorValues, { order: ['id'] })) {
        if (value.slots !== undefined) slots.set(value.id, value.slots)
        if (value.limit !== undefined) limits.set(value.id.slice(ofLimits.length), value.limit)
      }
      return { slots, limits }
    },
    setSlots: (lane, slots) => set({ id: lane, ...(slots !== undefined && { slots }) }, slots !== undefined),
    setLimit: (key, limit) =>
      set({ id: ofLimits + key, ...(limit !== undefined && { limit }) }, limit !== undefined),
  }
}
