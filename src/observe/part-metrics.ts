/** Metrics of the parts of an engine: what its store, its broker, its sweep and its limiter answer when metrics are read. */
import { type Engine, type EngineHealth, type LaneInfo, type TaskStatus, taskStatuses } from '../index.ts'
import type { LimitUse } from '../rate-limit/limiter.ts'
import { atMost } from '../runtime/at-most.ts'
import type { EventBacklog } from '../store/store.ts'
import { type Metered, single } from './registry.ts'

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

type Latest = () => Snapshot | undefined

/** @param latest What the parts answered last; what is not in it is left out. */
export function describeParts(metered: Metered, latest: Latest): void {
  describeTasks(metered, latest)
  describeOutbox(metered, latest)
  describeBroker(metered, latest)
  describeUpkeep(metered, latest)
}

/** From the store's own counters, so that they hold after a restart, and for every process. */
function describeTasks(metered: Metered, latest: Latest): void {
  metered.gauge('store_up', '1 while the store answers', () => {
    const health = latest()?.health
    return [[health !== undefined && health.store.problem === undefined ? 1 : 0]]
  })
  metered.gauge(
    'tasks',
    'Tasks by status; with MongoDB each counted up to 100,000',
    () => {
      const counts = latest()?.counts
      return counts === undefined ? [] : taskStatuses.map(status => [counts[status], { status }] as const)
    },
    ['status'],
  )
  const byLane = (name: string, help: string, value: (lane: LaneInfo, now: number) => number) => {
    const read = () => {
      const { lanes = [], now = 0 } = latest() ?? {}
      return lanes.map(lane => [value(lane, now), { lane: lane.lane }] as const)
    }
    metered.gauge(name, help, read, ['lane'])
  }
  byLane(
    'tasks_waiting',
    'Tasks that wait for a slot, or for their time; counted as tasks are',
    ({ waiting }) => waiting,
  )
  byLane('oldest_waiting_seconds', 'Age of the task that is next in turn', ({ oldestWaitingAt }, now) =>
    secondsSince(oldestWaitingAt, now),
  )
  byLane('lane_running', 'Attempts that this process runs', ({ running }) => running)
  byLane('lane_paused', '1 while a lane is paused', ({ paused }) => (paused ? 1 : 0))
}

function secondsSince(at: number | undefined, now: number): number {
  return at === undefined ? 0 : Math.max(0, now - at) / 1_000
}

function describeOutbox(metered: Metered, latest: Latest): void {
  metered.gauge('outbox_pending', 'Records whose events are not published yet, to 10,000', () =>
    single(latest()?.backlog?.records),
  )
  metered.gauge('outbox_lag_seconds', 'Since when the oldest of them waits', () => {
    const { backlog, now = 0 } = latest() ?? {}
    return single(backlog === undefined ? undefined : secondsSince(backlog.oldestAt, now))
  })
}

/** Only of a broker between processes: one within the process cannot be away. */
function describeBroker(metered: Metered, latest: Latest): void {
  const read = (field: 'connected' | 'blocked' | 'reconnects' | 'returned' | 'unconfirmed') => () => {
    const value = latest()?.health?.broker?.[field]
    return single(value === undefined ? undefined : Number(value))
  }
  metered.gauge('broker_connected', '1 while connected to the broker', read('connected'))
  metered.gauge(
    'broker_blocked',
    '1 while the broker takes no messages, because its memory or disk is low',
    read('blocked'),
  )
  metered.counter('broker_reconnects_total', 'Connections to the broker made again', read('reconnects'))
  metered.counter(
    'publish_returned_total',
    'Messages that the broker could not route; they stay to be sent',
    read('returned'),
  )
  metered.counter(
    'publish_unconfirmed_total',
    'Messages that the broker did not confirm; they are sent again',
    read('unconfirmed'),
  )
  metered.counter(
    'messages_rejected_total',
    'Messages without a valid signature, or that could not be read, by what they were; dropped',
    () => {
      const rejected = latest()?.health?.broker?.rejected
      return Object.entries(rejected ?? {}).map(([kind, count]) => [count, { kind }] as const)
    },
    ['kind'],
  )
  metered.counter(
    'events_unconfirmed_total',
    'Events of the broker that the store did not confirm; they were not shown',
    () => {
      const { broker, counts } = latest()?.health ?? {}
      return single(broker === undefined ? undefined : counts?.unconfirmedEvents)
    },
  )
}

function describeUpkeep(metered: Metered, latest: Latest): void {
  metered.counter('fenced_writes_total', 'Writes refused because their attempt had lost its task', () =>
    single(latest()?.health?.counts.fencedWrites),
  )
  metered.gauge('sweeper_last_run_timestamp_seconds', 'When this process last finished a sweep', () => {
    const sweptAt = latest()?.health?.sweptAt
    return single(sweptAt === undefined ? undefined : sweptAt / 1_000)
  })
  metered.counter(
    'sweeper_repaired_total',
    'Tasks that a sweep of this process moved, by why',
    () => {
      const rescued = latest()?.health?.counts.rescued
      return Object.entries(rescued ?? {}).map(([kind, count]) => [count, { kind }] as const)
    },
    ['kind'],
  )
  metered.gauge('rate_limit_parked_keys', 'Keys for which a provider asked to wait', () => {
    const { limits = [] } = latest() ?? {}
    return [[limits.filter(({ parkedUntil }) => parkedUntil !== undefined).length]]
  })
}
