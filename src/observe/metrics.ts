import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Engine, TaskEvent } from '../index.ts'
import { describeParts, type Snapshot, takeSnapshot } from './part-metrics.ts'
import { Metered } from './registry.ts'

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
function deadLetterReason(event: TaskEvent): string | undefined {
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
