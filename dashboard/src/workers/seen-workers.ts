import type { components } from '../api/schema.ts'

/** A process, as the API returns it. */
export type Worker = components['schemas']['Worker']

/** How a process stands: it sends heartbeats; it has sent none for a while; it is not listed any more. */
export type WorkerState = 'live' | 'silent' | 'gone'

/** A process, with what is known of its heartbeats. */
export interface SeenWorker {
  readonly worker: Worker
  readonly state: WorkerState
}

/** Milliseconds: heartbeats come every 10 s, and one may be late. */
const silentAfterMs = 25_000
/** Processes that are gone and still shown. */
const mostGone = 20

/**
 * Returns the processes that are listed now, and behind them those that were listed before and are gone, the last that was heard of first. Times are
 * compared with each other, not with the clock of the browser: the process that answers is heard of as it answers.
 */
export function seenWorkers(before: readonly SeenWorker[], listed: readonly Worker[]): SeenWorker[] {
  const now = Math.max(0, ...listed.map(({ seenAt }) => Date.parse(seenAt)))
  const isListed = new Set(listed.map(({ nodeId }) => nodeId))
  const gone = before
    .filter(({ worker }) => !isListed.has(worker.nodeId))
    .map(({ worker }): SeenWorker => ({ worker, state: 'gone' }))
    .sort((one, other) => Date.parse(other.worker.seenAt) - Date.parse(one.worker.seenAt))
  return [
    ...listed.map((worker): SeenWorker => {
      const isSilent = now - Date.parse(worker.seenAt) > silentAfterMs
      return { worker, state: isSilent ? 'silent' : 'live' }
    }),
    ...gone.slice(0, mostGone),
  ]
}

/** What a lane has in a process. */
export interface LaneSlots {
  readonly lane: string
  readonly slots: number
  /** Undefined where the build of the process does not say. */
  readonly busy: number | undefined
}

/** Returns the lanes of a process by name: those with slots, and those that it still runs something of. */
export function laneSlotsOf({ lanes, busy }: Worker): LaneSlots[] {
  const names = [...new Set([...Object.keys(lanes), ...Object.keys(busy ?? {})])].sort()
  return names
    .map(lane => ({
      lane,
      slots: lanes[lane] ?? 0,
      busy: busy === undefined ? undefined : (busy[lane] ?? 0),
    }))
    .filter(each => each.slots > 0 || (each.busy ?? 0) > 0)
}
