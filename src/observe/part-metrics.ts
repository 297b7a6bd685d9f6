/** Metrics of the parts of an engine: what its store, its broker, its sweep and its limiter answer when metrics are read. */
import { type LaneInfo, taskStatuses } from '../index.ts'
import { type Metered, type Reading, single } from './registry.ts'
import type { Snapshot } from './snapshot.ts'

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
    'Tasks by status',
    () => {
      const counts = latest()?.counts
      return counts === undefined ? [] : taskStatuses.map(status => [counts[status], { status }] as const)
    },
    ['status'],
  )
  const byLane = (name: string, help: string, value: (lane: LaneInfo, now: number) => number) =>
    metered.gauge(name, help, () => lanesOf(latest(), value), ['lane'])
  byLane('tasks_waiting', 'Tasks that wait for a slot, or for their time', ({ waiting }) => waiting)
  byLane('oldest_waiting_seconds', 'Age of the task that is next in turn', ({ oldestWaitingAt }, now) =>
    secondsSince(oldestWaitingAt, now),
  )
  byLane('lane_running', 'Attempts that this process runs', ({ running }) => running)
  byLane('lane_paused', '1 while a lane is paused', ({ paused }) => (paused ? 1 : 0))
}

function lanesOf(snapshot: Snapshot | undefined, value: (lane: LaneInfo, now: number) => number): Reading {
  const { lanes = [], now = 0 } = snapshot ?? {}
  return lanes.map(lane => [value(lane, now), { lane: lane.lane }] as const)
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
  const broker = () => latest()?.health?.broker
  const read = (value: (health: NonNullable<ReturnType<typeof broker>>) => number) => (): Reading => {
    const health = broker()
    return single(health === undefined ? undefined : value(health))
  }
  metered.gauge(
    'broker_connected',
    '1 while connected to the broker',
    read(({ connected }) => (connected ? 1 : 0)),
  )
  metered.gauge(
    'broker_blocked',
    '1 while the broker takes no messages, because its memory or disk is low',
    read(({ blocked }) => (blocked ? 1 : 0)),
  )
  metered.counter(
    'broker_reconnects_total',
    'Connections to the broker made again',
    read(({ reconnects }) => reconnects),
  )
  metered.counter(
    'publish_returned_total',
    'Messages that the broker could not route; they stay to be sent',
    read(({ returned }) => returned),
  )
  metered.counter(
    'publish_unconfirmed_total',
    'Messages that the broker did not confirm; they are sent again',
    read(({ unconfirmed }) => unconfirmed),
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
