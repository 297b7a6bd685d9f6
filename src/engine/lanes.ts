import type { LaneState } from '../store/store.ts'
import type { Core } from './core.ts'
import { requireLane } from './submit.ts'

/** A lane with what this process makes of it. */
export interface LaneInfo extends LaneState {
  /** Worker slots of this process. */
  slots: number
  /** Attempts of the lane that this process runs. */
  running: number
}

/** The named work queues. Pausing survives a restart; running attempts go on. */
export interface Lanes {
  list(): Promise<readonly LaneInfo[]>
  /** Throws LANE_UNKNOWN. */
  pause(lane: string): Promise<void>
  /** Throws LANE_UNKNOWN. */
  resume(lane: string): Promise<void>
}

/** The lanes of an engine. */
export function lanesOf(core: Core): Lanes {
  async function setPaused(lane: string, paused: boolean): Promise<void> {
    requireLane(core, lane)
    await core.store.lanes.setPaused(lane, paused)
    core.broker.remote?.sendControl({ kind: 'lanes' })
    core.wakeRelay()
  }

  return {
    async list() {
      const states = new Map((await core.store.lanes.lanes()).map(state => [state.lane, state]))
      const attempts = [...core.running.values()]
      return [...core.settings.lanes].map(([lane, { slots }]) => {
        const state = states.get(lane) ?? { lane, paused: false, waiting: 0 }
        return { ...state, slots, running: attempts.filter(({ record }) => record.lane === lane).length }
      })
    },
    pause: lane => setPaused(lane, true),
    resume: lane => setPaused(lane, false),
  }
}
