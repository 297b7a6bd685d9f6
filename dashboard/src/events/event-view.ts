import { type Happening, mostKept } from '../live/recent-events.ts'
import type { EventsSearch } from '../queries/search.ts'

/** What the list of events shows, and what waits to be shown; the newest first, each at most 500. */
export interface EventView {
  readonly shown: readonly Happening[]
  readonly waiting: readonly Happening[]
}

/** Returns what says whether something is listed. What became of the connection always is: it says where events may be missing. */
export function matching({ type, lane, task }: EventsSearch): (happening: Happening) => boolean {
  return happening => {
    if (happening.kind !== 'task') return true
    const { taskType, taskId, rootTaskId, parentTaskId, ...event } = happening.event
    return (
      (type === undefined || type === taskType) &&
      (lane === undefined || lane === event.lane) &&
      (task === undefined || [taskId, rootTaskId, parentTaskId].includes(task))
    )
  }
}

/** Returns the view with what came; while it is held, that waits. */
export function withNewer(view: EventView, newer: readonly Happening[], isHeld: boolean): EventView {
  const waiting = [...newer, ...view.waiting].slice(0, mostKept)
  return isHeld ? { shown: view.shown, waiting } : withWaiting({ shown: view.shown, waiting })
}

/** Returns the view with all that waited. */
export function withWaiting({ shown, waiting }: EventView): EventView {
  return { shown: [...waiting, ...shown].slice(0, mostKept), waiting: [] }
}

/** Returns how many events wait. */
export function waitingCount({ waiting }: EventView): number {
  return waiting.filter(({ kind }) => kind === 'task').length
}
