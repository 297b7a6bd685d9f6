import type { Engine, EngineHealth, LaneInfo, TaskStatus } from '../index.ts'
import type { LimitUse } from '../rate-limit/limiter.ts'
import { atMost } from '../runtime/at-most.ts'
import type { EventBacklog } from '../store/store.ts'

/** Milliseconds that a part has to answer; metrics of one that is away are left out, the others are shown. */
const answerWithinMs = 2_000

/** What the parts answer when metrics are read: asked once for all of them. */
export interface Snapshot {
  readonly now: number
  readonly counts: Readonly<Record<TaskStatus, number>> | undefined
  readonly lanes: readonly LaneInfo[] | undefined
  readonly health: EngineHealth | undefined
  /** Only where events leave the process. */
  readonly backlog: EventBacklog | undefined
  /** What this process knows of limits. */
  readonly limits: readonly LimitUse[]
}

/** Asks the parts. Never throws. */
export async function takeSnapshot(engine: Engine): Promise<Snapshot> {
  const { store } = engine
  const [counts, lanes, health, backlog] = await Promise.all([
    answered(engine.tasks.counts()),
    answered(engine.lanes.list()),
    answered(engine.health()),
    answered(store.events?.backlog()),
  ])
  return { now: store.tasks.now(), counts, lanes, health, backlog, limits: engine.limiter.describe() }
}

/** The answer, or undefined when there is none in time. */
async function answered<T>(asked: Promise<T> | undefined): Promise<T | undefined> {
  if (asked === undefined) return undefined
  try {
    return await atMost(answerWithinMs, asked, () => undefined)
  } catch {
    return undefined
  }
}
