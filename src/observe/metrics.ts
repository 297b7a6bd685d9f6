import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Registry } from 'prom-client'
import type { Engine, TaskEvent } from '../index.ts'
import { taskStatuses } from '../index.ts'
import { Tally, TimeHistogram } from './tally.ts'

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
 * Counts what the bus tells, in plain numbers; text is made only when somebody asks. Labels are task types, lanes and outcomes, never
 * ids, so that the number of lines is bounded.
 */
export function createMetrics(source: MetricsSource): Metrics {
  const registry = new Registry()
  const counts = countEvents(source.engine, registry)
  describeStore(source.engine, registry)
  describeStreams(source.streams, registry)
  const delay = describeProcess(source.version, registry)
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    close() {
      counts.stop()
      delay.disable()
    },
  }
}

function countEvents({ events }: Engine, registry: Registry): { stop(): void } {
  const created = counter(registry, 'tasks_created_total', 'Tasks created, sub-tasks too', ['type'])
  const attempts = counter(registry, 'task_attempts_total', 'Attempts ended, by how', ['type', 'outcome'])
  const letters = counter(registry, 'dead_letters_total', 'Dead letters opened, by status of the task', [
    'status',
  ])
  const redrives = counter(registry, 'redrives_total', 'Ended tasks that run again', ['type'])
  const expired = counter(
    registry,
    'leases_expired_total',
    'Attempts whose process stopped extending its lease',
    [],
  )
  const waited = times(
    registry,
    'task_wait_seconds',
    'From when a task could run to the start of its attempt',
    'lane',
  )
  const ran = times(registry, 'task_run_seconds', 'From the start of an attempt to its end', 'type')

  const onEvent = (event: TaskEvent) => {
    if (event.name === 'submitted') created.add(event.taskType)
    else if (event.name === 'started') waited.add(event.lane, event.waitedMs / 1_000)
    else if (event.name === 'reopened') redrives.add(event.taskType)
    else if ('ranMs' in event && event.name !== 'cancelled') {
      ran.add(event.taskType, event.ranMs / 1_000)
      attempts.add(event.taskType, event.name)
    } else if (event.name === 'givenBack' || event.name === 'cancelled')
      attempts.add(event.taskType, event.name)
    if (event.name === 'failed' || event.name === 'deadLettered')
      letters.add(event.name === 'failed' ? 'FAILED' : 'DEAD_LETTER')
    if ('errorInfo' in event && event.errorInfo?.errorClass === 'lease-lost') expired.add()
  }
  return { stop: events.onAny(onEvent) }
}

function counter(registry: Registry, name: string, help: string, labelNames: string[]): Tally {
  const tally = new Tally()
  registry.registerMetric(
    new Counter({
      name: `quillwork_${name}`,
      help,
      labelNames,
      registers: [],
      collect() {
        this.reset()
        for (const [labels, count] of tally.entries())
          this.inc(Object.fromEntries(labelNames.map((label, index) => [label, labels[index] ?? ''])), count)
      },
    }),
  )
  return tally
}

function times(registry: Registry, name: string, help: string, label: string): TimeHistogram {
  const histogram = new TimeHistogram({ name: `quillwork_${name}`, help, label, buckets })
  registry.registerMetric(histogram)
  return histogram
}

/** Read from the store's own counters when asked, so that they hold after a restart too. */
function describeStore(engine: Engine, registry: Registry): void {
  gauge(registry, 'tasks', 'Tasks by status', ['status'], async set => {
    const counts = await engine.tasks.counts()
    for (const status of taskStatuses) set({ status }, counts[status])
  })
  gauge(registry, 'tasks_waiting', 'Tasks that could run now', ['lane'], async set => {
    for (const { lane, waiting } of await engine.lanes.list()) set({ lane }, waiting)
  })
  gauge(
    registry,
    'oldest_waiting_seconds',
    'Age of the task that has waited longest',
    ['lane'],
    async set => {
      const now = engine.store.tasks.now()
      for (const { lane, oldestWaitingAt } of await engine.lanes.list())
        set({ lane }, oldestWaitingAt === undefined ? 0 : Math.max(0, now - oldestWaitingAt) / 1_000)
    },
  )
  gauge(registry, 'lane_running', 'Attempts that this process runs', ['lane'], async set => {
    for (const { lane, running } of await engine.lanes.list()) set({ lane }, running)
  })
  gauge(registry, 'lane_paused', '1 while a lane is paused', ['lane'], async set => {
    for (const { lane, paused } of await engine.lanes.list()) set({ lane }, paused ? 1 : 0)
  })
}

function describeStreams(streams: MetricsSource['streams'], registry: Registry): void {
  if (streams === undefined) return
  gauge(registry, 'sse_connections', 'Open event streams', [], set => set({}, streams().open))
  for (const [name, help, field] of [
    ['sse_opened_total', 'Event streams opened', 'opened'],
    ['sse_dropped_total', 'Event streams dropped because their client did not read', 'dropped'],
  ] as const) {
    registry.registerMetric(
      new Counter({
        name: `quillwork_${name}`,
        help,
        registers: [],
        collect() {
          this.reset()
          this.inc(streams()[field])
        },
      }),
    )
  }
}

function describeProcess(version: string | undefined, registry: Registry): IntervalHistogram {
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  gauge(registry, 'event_loop_lag_seconds', '99th percentile since the last look', [], set => {
    set({}, delay.percentile(99) / 1e9)
    delay.reset()
  })
  gauge(registry, 'resident_memory_bytes', 'Resident memory of the process', [], set =>
    set({}, process.memoryUsage.rss()),
  )
  gauge(registry, 'build_info', 'Version of the package and of Node', ['version', 'node'], set =>
    set({ version: version ?? 'unknown', node: process.versions.node }, 1),
  )
  return delay
}

type SetValue = (labels: Record<string, string>, value: number) => void

function gauge(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  read: (set: SetValue) => void | Promise<void>,
): void {
  registry.registerMetric(
    new Gauge({
      name: `quillwork_${name}`,
      help,
      labelNames,
      registers: [],
      async collect() {
        this.reset()
        await read((labels, value) => this.set(labels, value))
      },
    }),
  )
}
