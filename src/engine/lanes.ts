/** The lanes as an operator sees them: what waits, why, and who runs how much of it. */
import type { LaneState, NodeState } from '../store/store.ts'
import { defined } from '../task/defined.ts'
import type { Core } from './core.ts'
import { runningByLane } from './processes.ts'
import { requireSlots } from './slots.ts'
import { requireLane } from './submit.ts'

/** A lane, with what this process runs of it. */
export interface LaneInfo extends LaneState {
  /** Worker slots of this process. */
  slots: number
  /** What an operator set for each process that works the lane, in place of what it was configured with; absent for nothing. */
  setSlots?: number
  /** Attempts of the lane that this process runs. */
  running: number
}

/** Why no waiting task of a lane begins right now. */
export const laneWaits = ['paused', 'no-worker', 'broker', 'slots', 'limit', 'time'] as const

/** One of the reasons. */
export type LaneWait = (typeof laneWaits)[number]

/** A lane, with what all processes run of it. */
export interface LaneDetails extends LaneInfo {
  /** Processes that run tasks of the lane; of others, those that sent a heartbeat within a minute. */
  workers: number
  /** Their worker slots. */
  allSlots: number
  /** Attempts that they run, of others by their last heartbeat. */
  allRunning: number
  /**
   * Why its waiting tasks wait: it is paused, no process has slots for it, the broker is away, all slots are busy, a limit of calls or a budget
   * is used up, or their time has not come. Absent where none waits, and for those that are about to begin.
   */
  waitsFor?: LaneWait
}

/** The named work queues. Pausing survives a restart; running attempts go on. */
export interface Lanes {
  list(): Promise<readonly LaneInfo[]>
  /** As `list`, with the other processes and with why tasks wait: some more questions for the store. */
  details(): Promise<readonly LaneDetails[]>
  /** Throws LANE_UNKNOWN. */
  pause(lane: string): Promise<void>
  /** Throws LANE_UNKNOWN. */
  resume(lane: string): Promise<void>
  /**
   * Sets the slots of the lane in each process that works it, in place of what it was configured with, within seconds; undefined: as configured again. More start
   * at once; of too many those that run end, and none is interrupted. Holds over restarts. Throws LANE_UNKNOWN; OPTION_INVALID unless 1 to 1,000.
   */
  setSlots(lane: string, slots: number | undefined): Promise<void>
  /** Returns the worker slots of this process now; 0 without the role `worker`. */
  slots(): { lane: string; slots: number }[]
}

/** Returns the lanes of an engine. */
export function lanesOf(core: Core): Lanes {
  async function setPaused(lane: string, paused: boolean): Promise<void> {
    requireLane(core, lane)
    await core.store.lanes.setPaused(lane, paused)
    core.broker.remote?.sendControl({ kind: 'lanes' })
    core.wakeRelay()
  }

  async function list(): Promise<LaneInfo[]> {
    // Another process may have set them, and the message may have got lost.
    if (core.store.capabilities.manyProcesses) await core.operatorValues.refresh()
    const states = new Map((await core.store.lanes.lanes()).map(state => [state.lane, state]))
    const running = runningByLane(core)
    return core.slots.all().map(({ lane, slots }) => {
      const state = states.get(lane) ?? { lane, paused: false, waiting: 0 }
      const setSlots = core.slots.setOf(lane)
      return defined({ ...state, slots, setSlots, running: running[lane] ?? 0 })
    })
  }

  return {
    list,
    async details() {
      const [lanes, nodes] = await Promise.all([list(), core.store.nodes?.list()])
      const others = nodes?.filter(({ nodeId }) => nodeId !== core.settings.nodeId) ?? []
      return Promise.all(lanes.map(lane => detailsOf(core, lane, others)))
    },
    pause: lane => setPaused(lane, true),
    resume: lane => setPaused(lane, false),
    async setSlots(lane, slots) {
      requireLane(core, lane)
      if (slots !== undefined) requireSlots(slots)
      await core.store.operatorValues.setSlots(lane, slots)
      core.broker.remote?.sendControl({ kind: 'lanes' })
      await core.operatorValues.read()
    },
    slots: () => core.slots.all(),
  }
}

async function detailsOf(core: Core, lane: LaneInfo, others: readonly NodeState[]): Promise<LaneDetails> {
  const having = others.filter(({ lanes }) => (lanes[lane.lane] ?? 0) > 0)
  const sum = (own: number, of: (node: NodeState) => number) =>
    having.reduce((total, node) => total + of(node), own)
  const details = {
    ...lane,
    workers: having.length + (lane.slots > 0 ? 1 : 0),
    allSlots: sum(lane.slots, node => node.lanes[lane.lane] ?? 0),
    allRunning: sum(lane.running, node => node.busy?.[lane.lane] ?? 0),
  }
  return defined({ ...details, waitsFor: await waitOf(core, details) })
}

async function waitOf(core: Core, lane: LaneDetails): Promise<LaneWait | undefined> {
  if (lane.waiting === 0) return undefined
  if (lane.paused) return 'paused'
  if (lane.workers === 0) return 'no-worker'
  if (core.broker.remote?.health().connected === false) return 'broker'
  if (lane.oldestWaitingAt === undefined) return (await waitsForLimit(core, lane.lane)) ? 'limit' : 'time'
  return lane.allRunning >= lane.allSlots ? 'slots' : undefined
}

/** Tasks that are looked at: the newest that will be tried again. */
const lookedAt = 20

/** Whether one of the tasks that wait for a time found a limit, or a budget, used up. */
async function waitsForLimit({ store }: Core, lane: string): Promise<boolean> {
  const { items } = await store.queries.list({ lane, status: ['RETRYING'] }, { pageSize: lookedAt })
  return items.some(({ errorInfo }) => errorInfo?.errorClass === 'rate-limited')
}
