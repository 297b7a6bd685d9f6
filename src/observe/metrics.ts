import { monitorEventLoopDelay } from 'node:perf_hooks'
import {
  type Engine,
  type EngineHealth,
  type LaneInfo,
  type TaskEvent,
  type TaskStatus,
  taskStatuses,
} from '../index.ts'
import type { LimitUse } from '../rate-limit/limiter.ts'
import { atMost } from '../runtime/at-most.ts'
import type { EventBacklog } from '../store/store.ts'
import { Metered, single } from './registry.ts'

/** The metrics of one engine, in the text format of Prometheus. */
export interface Metrics {
  readonly contentType: string
  text(): Promise<string>
  /** Stops counting. */
  close(): void
}

/** What is measured. */
export interface MetricsSource {
  engine: Engine
  /** Counters of the event streams; default none. */
  streams?: () => { open: number; opened: number; dropped: number }
  version?: string
}

/** Upper bounds in seconds: from an in-process hand-over to a long call of a model. */
const buckets = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1_800]

/**
 * Counts the events of the bus, in plain numbers, and asks the parts when the text is read. A part that does not answer is left
 * out. Labels are task types, lanes and outcomes, never ids, so that the number of lines is bounded.
 */
export function createMetrics({ engine, streams, version }: MetricsSource): Metrics {
  const metered = new Metered()
  const stop = countEvents(engine, metered)
  let snapshot: Snapshot | undefined
  describeParts(metered, () => snapshot)
  if (streams !== undefined) describeStreams(metered, streams)
  const delay = describeProcess(metered, version)
  return {
    contentType: metered.contentType,
    async text() {
      snapshot = await takeSnapshot(engine)
      return metered.text()
    },
    close() {
      stop()
      delay.disable()
    },
  }
}

function countEvents({ events }: Engine, metered: Metered): () => void {
  const created = metered.tally('tasks_created_total', 'Tasks created, sub-tasks too', ['type'])
  const attempts = metered.tally('task_attempts_total', 'Attempts ended, by how', ['type', 'outcome'])
  const letters = metered.tally('dead_letters_total', 'Dead letters opened, by why', ['reason'])
  const redrives = metered.tally('redrives_total', 'Ended tasks that run again', ['type'])
  const expired = metered.tally('leases_expired_total', 'Attempts whose process stopped extending its lease')
  const waited = metered.times(
    'task_wait_seconds',
    'From when a task could run to the start of its attempt',
    'lane',
    buckets,
  )
  const ran = metered.times('task_run_seconds', 'From the start of an attempt to its end', 'type', buckets)

  return events.onAny(event => {
    if (event.name === 'submitted') created.add(event.taskType)
    else if (event.name === 'started') waited.add(event.lane, event.waitedMs / 1_000)
    else if (event.name === 'reopened') redrives.add(event.taskType)
    else if ('ranMs' in event && event.ranMs !== undefined) {
      ran.add(event.taskType, event.ranMs / 1_000)
      attempts.add(event.taskType, event.name)
    }
    const reason = deadLetterReason(event)
    if (reason !== undefined) letters.add(reason)
    if ('errorInfo' in event && event.errorInfo?.errorClass === 'lease-lost') expired.add()
  })
}

/** Why a task has a dead letter, as its record says it; undefined for an event that opens none. */
export function deadLetterReason(event: TaskEvent): string | undefined {
  if (event.name === 'failed') return event.errorInfo.code === 'DEADLINE_PASSED' ? 'deadline' : 'permanent'
  if (event.name !== 'deadLettered') return undefined
  if (event.errorInfo.code === 'RECORD_UNREADABLE') return 'unreadable'
  return event.errorInfo.errorClass === 'lease-lost' ? 'crashes' : 'attempts-exhausted'
}

function describeStreams(metered: Metered, streams: NonNullable<MetricsSource['streams']>): void {
  metered.gauge('sse_connections', 'Open event streams', () => [[streams().open]])
  metered.counter('sse_opened_total', 'Event streams opened', () => [[streams().opened]])
  metered.counter('sse_dropped_total', 'Event streams dropped because their client did not read', () => [
    [streams().dropped],
  ])
}

function describeProcess(metered: Metered, version = 'unknown') {
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  metered.gauge('event_loop_lag_seconds', '99th percentile since the last reading', () => {
    const seconds = delay.percentile(99) / 1e9
    delay.reset()
    return [[seconds]]
  })
  metered.gauge('resident_memory_bytes', 'Resident memory of the process', () => [
    [process.memoryUsage.rss()],
  ])
  const about = { version, node: process.versions.node }
  metered.gauge('build_info', 'Version of the package and of Node', () => [[1, about]], ['version', 'node'])
  return delay
}

/** Milliseconds that a part has to answer; metrics of one that is away are left out, the others are shown. */
const answerWithinMs = 2_000

/** What the parts answer when they are looked at: asked once for all of them. */
interface Snapshot {
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
async function takeSnapshot(engine: Engine): Promise<Snapshot> {
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
export async function answered<T>(asked: Promise<T> | undefined): Promise<T | undefined> {
  if (asked === undefined) return undefined
  try {
    return await atMost(answerWithinMs, asked, () => undefined)
  } catch {
    return undefined
  }
}

type Latest = () => Snapshot | undefined

/** @param latest What the parts answered last; what is not in it is left out. */
function describeParts(metered: Metered, latest: Latest): void {
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
