import { randomUUID } from 'node:crypto'
import { availableParallelism, hostname } from 'node:os'
import type { Retention } from '../store/store.ts'
import { lanePattern } from '../task/definition-checks.ts'
import { type Duration, durationMs } from '../task/duration.ts'
import { QuillworkError } from '../task/errors.ts'
import type { TaskStatus } from '../task/status.ts'

/** What may be set of an engine beside its parts. Durations are milliseconds or texts such as `'30s'`. */
export interface EngineTimes {
  /** How long a claim is good for unless extended; default 30 s. A crashed worker's tasks run again after at most this and a sweep. */
  lease?: Duration
  /** Between two sweeps (expired leases, deadlines, retention); default 5 s. */
  sweepInterval?: Duration
  /** How long running attempts may go on when the engine stops; default 30 s. */
  grace?: Duration
  /** How long a handler may ignore its signal before the attempt is ended without it; default 10 s. */
  abortGrace?: Duration
}

/** The threads that run handlers with `runIn: 'thread'`. */
export interface ThreadOptions {
  /** How many run at once in this process, whatever the slots; default one less than the processors, at least 1. */
  max?: number
  /** Megabytes of memory for the objects of one thread: one that needs more is ended (THREAD_ENDED). Default: as Node sets it. */
  heapMb?: number
}

/** How long it is kept what calls of models used. Durations are milliseconds or texts such as `'30d'`. */
export interface UsageRetention {
  /**
   * Each call by itself; default 30 days. Then calls of ended trees become one sum per day (UTC), user, subject and model: sums by task and by
   * tree no longer have them.
   */
  calls?: Duration
  /** These sums, from their day on; default 1,095 days (three years). Then they are deleted. */
  days?: Duration
}

/** The settings as the engine uses them: nothing optional, nothing half-filled. */
export interface EngineSettings {
  readonly nodeId: string
  readonly lanes: ReadonlyMap<string, { readonly slots: number }>
  readonly leaseMs: number
  readonly sweepIntervalMs: number
  readonly graceMs: number
  readonly abortGraceMs: number
  readonly parametersBytes: number
  readonly retention: Retention
  readonly usageRetention: { readonly callsMs: number; readonly daysMs: number }
  readonly auditRetentionMs: number
  readonly roles: ReadonlySet<EngineRole>
  readonly threads: { readonly max: number; readonly heapMb: number | undefined }
}

/** What a started engine does beside publishing what it submits: run tasks, or the upkeep (sweep, schedules). */
export type EngineRole = 'worker' | 'maintenance'

/** Returns the worker slots of this process by lane; 0 without the role `worker`. */
export function slotsOf({ lanes, roles }: EngineSettings): { lane: string; slots: number }[] {
  return [...lanes].map(([lane, { slots }]) => ({ lane, slots: roles.has('worker') ? slots : 0 }))
}

/** Worker slots of a lane that nobody configured. */
const defaultSlots = 10

/** Largest parameters of a task that nobody configured. */
const usualParametersBytes = 16 * 1_048_576

function atLeastOne(count: number, option: string): number {
  if (Number.isSafeInteger(count) && count > 0) return count
  throw new QuillworkError('OPTION_INVALID', `${option} is ${count}; give a whole number of at least 1.`)
}

function resolveThreads({ max, heapMb }: ThreadOptions): EngineSettings['threads'] {
  return {
    max: atLeastOne(max ?? Math.max(1, availableParallelism() - 1), 'threads.max'),
    heapMb: heapMb === undefined ? undefined : atLeastOne(heapMb, 'threads.heapMb'),
  }
}

/** Checks the settings and fills in the defaults. Throws OPTION_INVALID, naming the option. */
export function resolveSettings(
  options: {
    lanes?: Record<string, { slots: number }>
    times?: EngineTimes
    retention?: Partial<Record<TaskStatus, Duration>>
    usageRetention?: UsageRetention
    auditRetention?: Duration
    parametersBytes?: number
    nodeId?: string
    roles?: readonly EngineRole[]
    threads?: ThreadOptions
  },
  lanesOfTasks: Iterable<string>,
): EngineSettings {
  const times = options.times ?? {}
  refuseRenamedTimes(times)
  return Object.freeze({
    nodeId: options.nodeId ?? `${hostname()}-${randomUUID().slice(0, 8)}`,
    lanes: resolveLanes(options.lanes ?? {}, lanesOfTasks),
    leaseMs: positive(times.lease ?? '30s', 'times.lease'),
    sweepIntervalMs: positive(times.sweepInterval ?? '5s', 'times.sweepInterval'),
    graceMs: durationMs(times.grace ?? '30s', 'times.grace'),
    abortGraceMs: durationMs(times.abortGrace ?? '10s', 'times.abortGrace'),
    parametersBytes: atLeastOne(options.parametersBytes ?? usualParametersBytes, 'parametersBytes'),
    retention: resolveRetention(options.retention ?? {}),
    usageRetention: {
      callsMs: durationMs(options.usageRetention?.calls ?? '30d', 'usageRetention.calls'),
      daysMs: durationMs(options.usageRetention?.days ?? '1095d', 'usageRetention.days'),
    },
    auditRetentionMs: durationMs(options.auditRetention ?? '90d', 'auditRetention'),
    roles: new Set<EngineRole>(options.roles ?? ['worker', 'maintenance']),
    threads: resolveThreads(options.threads ?? {}),
  })
}

/** Former names of times, with the names that they have now. */
const renamedTimes = { sweep: 'sweepInterval', obey: 'abortGrace' }

function refuseRenamedTimes(times: object): void {
  for (const [former, name] of Object.entries(renamedTimes))
    if (Object.hasOwn(times, former))
      throw new QuillworkError('OPTION_INVALID', `times.${former} is now called times.${name}.`)
}

function resolveRetention(configured: Partial<Record<TaskStatus, Duration>>): Retention {
  const ages = Object.entries(configured).map(([status, age]) => [
    status,
    durationMs(age, `retention.${status}`),
  ])
  return Object.fromEntries(ages) as Retention
}

function resolveLanes(
  configured: Record<string, { slots: number }>,
  ofTasks: Iterable<string>,
): Map<string, { slots: number }> {
  const lanes = new Map(Object.entries(configured))
  for (const lane of ['default', ...ofTasks]) if (!lanes.has(lane)) lanes.set(lane, { slots: defaultSlots })
  for (const [lane, { slots }] of lanes) {
    if (!lanePattern.test(lane)) {
      const message = `The lane name ${JSON.stringify(lane)} must be 1 to 60 letters, digits, '_' or '-'.`
      throw new QuillworkError('OPTION_INVALID', message)
    }
    if (!Number.isInteger(slots) || slots < 0) {
      const message = `lanes.${lane}.slots is ${slots}; give a whole number of at least 0.`
      throw new QuillworkError('OPTION_INVALID', message)
    }
  }
  return lanes
}

function positive(duration: Duration, option: string): number {
  const ms = durationMs(duration, option)
  if (ms > 0) return ms
  throw new QuillworkError('OPTION_INVALID', `${option} is ${ms} ms; it must be longer than nothing.`)
}
