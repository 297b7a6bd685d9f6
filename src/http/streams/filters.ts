import type { Engine } from '../../engine/engine.ts'
import type { TaskEvent } from '../../task/events.ts'
import type { TaskRecord } from '../../task/task.ts'
import type { EventFilter } from './stream.ts'

/** Which events a client wants; absent fields do not restrict. */
export interface WantedEvents {
  taskType?: readonly string[] | undefined
  userId?: string | undefined
  lane?: string | undefined
  parentTaskId?: string | undefined
  rootTaskId?: string | undefined
  /** Only tasks without a parent. */
  rootsOnly?: boolean | undefined
}

/** The filter of a stream over all tasks. */
export function wantedEvents(wanted: WantedEvents): EventFilter {
  const types = wanted.taskType === undefined ? undefined : new Set(wanted.taskType)
  const equal = (['userId', 'lane', 'parentTaskId', 'rootTaskId'] as const).filter(
    field => wanted[field] !== undefined,
  )
  return event =>
    (types === undefined || types.has(event.taskType)) &&
    (wanted.rootsOnly !== true || event.parentTaskId === undefined) &&
    equal.every(field => event[field] === wanted[field])
}

/** Parents whose place in the tree is remembered per stream. */
const mostRemembered = 10_000

/** The filter of a stream over a task and all tasks below it. */
export function treeEvents(engine: Engine, top: TaskRecord): EventFilter {
  if (top.parentTaskId === undefined) return event => event.rootTaskId === top.id
  const isBelow = new Map<string, boolean>()
  return event => {
    if (event.rootTaskId !== top.rootTaskId) return false
    if (event.taskId === top.id || event.parentTaskId === top.id) return true
    if (event.parentTaskId === undefined) return false
    return isBelow.get(event.parentTaskId) ?? lookUp(engine, top, { event, isBelow })
  }
}

/** Walks up from the event's parent; a tree is at most some levels deep, and each parent is asked for once. */
async function lookUp(
  engine: Engine,
  top: TaskRecord,
  { event, isBelow }: { event: TaskEvent; isBelow: Map<string, boolean> },
): Promise<boolean> {
  let found = false
  for (let id = event.parentTaskId; id !== undefined && !found; ) {
    const [parent] = await engine.store.queries.get([id])
    found = parent?.parentTaskId === top.id
    id = parent?.parentTaskId
  }
  if (isBelow.size < mostRemembered && event.parentTaskId !== undefined)
    isBelow.set(event.parentTaskId, found)
  return found
}
