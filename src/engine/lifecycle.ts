import { atMost } from '../runtime/at-most.ts'
import { type Loop, startLoop, together } from '../runtime/loop.ts'
import type { UsagePlace } from '../store/store.ts'
import { type Duration, durationMs, startOfDay } from '../task/duration.ts'
import { QuillworkError } from '../task/errors.ts'
import { startConsumers } from './consume.ts'
import type { Core } from './core.ts'
import { consumeDeadLetters } from './dead-letter.ts'
import { findEnds } from './handle.ts'
import { rescue, startHeartbeat } from './lease.ts'
import type { Link } from './link.ts'
import { startRelay } from './relay.ts'
import { startSchedules } from './schedule.ts'
import type { Plans } from './schedule-plans.ts'
import { rejoinLimits, wakeOnCapacity } from './wake.ts'

/** Starting and stopping, in flow order and in reverse. */
export interface Lifecycle {
  start(): Promise<void>
  stop(options?: { grace?: Duration }): Promise<void>
}

/**
 * Returns the lifecycle of an engine that is not started.
 *
 * @param link What ties the process to the others, also before it is started.
 */
export function createLifecycle(core: Core, plans: Plans, link: Link): Lifecycle {
  let running: Running | undefined
  let stopping: Promise<void> | undefined
  /** When the grace time is over, by the monotonic clock. */
  let graceUntil = Number.POSITIVE_INFINITY

  async function start(): Promise<void> {
    if (stopping !== undefined)
      throw new QuillworkError('ENGINE_STOPPED', 'The engine was stopped; make a new one.')
    if (running !== undefined) return
    running = startAll(core, plans)
    core.started = true
    core.slots.onChange(() => link.report())
    link.report()
  }

  async function stopOnce(): Promise<void> {
    core.stopping = true
    link.report()
    running?.pause()
    await running?.feeding.stop()
    await releasePartitions(core)
    await drain(core, () => graceUntil)
    // A call of native code, such as of another program, ends before its thread does.
    await atMost(writeMs, core.threads.close(), () => undefined, core.clock)
    await running?.heartbeat.stop()
    await core.budgets.stop()
    // What was submitted before the stop, more than one write takes.
    await atMost(writeMs, core.writes.create.idle(), () => undefined, core.clock)
    await atMost(writeMs, core.limiter.stop(), () => undefined, core.clock)
    await link.stop()
    await core.broker.close()
    await core.store.tasks.close()
    core.waiters.close(
      new QuillworkError('ENGINE_STOPPED', 'The engine stopped; the task goes on when one is started again.'),
    )
    running?.release()
  }

  return {
    start,
    stop({ grace } = {}) {
      const graceMs = grace === undefined ? core.settings.graceMs : durationMs(grace, 'grace')
      graceUntil = Math.min(graceUntil, core.clock.monotonic() + graceMs)
      if (stopping !== undefined && graceMs === 0) interruptAll(core)
      stopping ??= stopOnce()
      return stopping
    },
  }
}

/** What runs between start and stop. */
interface Running {
  heartbeat: Loop
  /** What brings new work: the relay, and in a process with the role maintenance the sweep and the schedules. */
  feeding: Loop
  /** Takes nothing new. */
  pause(): void
  /** Lets the process end. */
  release(): void
}

function startAll(core: Core, plans: Plans): Running {
  const release = core.clock.stayAlive()
  const relay = startRelay(core)
  core.wakeRelay = relay.wake
  const stops = [core.store.outbox.onDue(relay.wake), wakeOnCapacity(core)]
  core.broker.onCapacity(relay.wake)
  const { roles } = core.settings
  if (roles.has('worker')) stops.push(startConsumers(core))
  const upkeep = roles.has('maintenance') ? startUpkeep(core, plans, stops) : []
  if (roles.has('maintenance')) void rejoinLimits(core)
  const heartbeat = startHeartbeat(core)
  const following = followOperatorValues(core)
  relay.wake()
  return {
    heartbeat,
    feeding: together([relay, ...following, ...upkeep]),
    pause() {
      for (const stop of stops) stop()
    },
    release,
  }
}

/** Milliseconds until a change of another process is seen whose message got lost. */
const valuesEveryMs = 15_000

/** Follows what operators set in other processes; in the one that owns its store there is no other. */
function followOperatorValues({ clock, operatorValues, store }: Core): Loop[] {
  if (!store.capabilities.manyProcesses) return []
  const step = async () => {
    await operatorValues.refresh()
    return undefined
  }
  return [startLoop({ clock, everyMs: valuesEveryMs, step })]
}

function startUpkeep(core: Core, plans: Plans, stops: (() => void)[]): Loop[] {
  const everyMs = core.settings.sweepIntervalMs
  const sweeping = startLoop({ clock: core.clock, everyMs, step: () => sweep(core) })
  const schedules = startSchedules(core, plans)
  core.wakeSchedules = schedules.wake
  const rollUp = startRollUp(core)
  stops.push(consumeDeadLetters(core))
  const upkeep = [sweeping, schedules, rollUp]
  for (const loop of upkeep) loop.wake()
  return upkeep
}

/** Runs every step, also after one that fails. */
async function sweep(core: Core): Promise<undefined> {
  const errors: unknown[] = []
  // A process that owns the store sees each end. Between processes the link asks for those that others made, where there is one.
  const isSilent = core.store.capabilities.manyProcesses && core.broker.remote === undefined
  const steps = [rescue, ...(isSilent ? [findEnds] : []), prune, trim, compact]
  for (const step of steps) await step(core).catch(error => void errors.push(error))
  if (errors.length === 0) core.swept.at = core.clock.now()
  else core.log.error({ err: errors[0] }, 'sweep failed; will retry')
}

/** Records deleted per write: a short one. */
const prunedPerWrite = 500
/** Such writes per sweep, so that a large backlog of old trees does not hold up the rest. */
const pruningWrites = 20

/** Deletes ended trees that are older than their status is kept. */
async function prune({ settings, store }: Core): Promise<void> {
  if (Object.keys(settings.retention).length === 0) return
  for (let writes = 0; writes < pruningWrites; writes++)
    if ((await store.tasks.prune(settings.retention, prunedPerWrite)) < prunedPerWrite) return
}

async function compact({ store }: Core): Promise<void> {
  await store.compact?.()
}

/** Milliseconds for which the output of a COMPLETED task is kept, so that all who follow it read its end. */
const outputMs = 600_000

/** Milliseconds between two walks over what COMPLETED tasks keep, where processes share the store and none ended here: each asks the database. */
const trimEveryMs = 30_000

/** Deletes what COMPLETED tasks need no more. What keeps its checkpoints and output, because it may run again, is passed each time. */
async function trim({ clock, store, swept }: Core): Promise<void> {
  if (store.capabilities.manyProcesses && clock.monotonic() < swept.trimAgainAt) return
  swept.trimAgainAt = clock.monotonic() + trimEveryMs
  for (let writes = 0; writes < pruningWrites; writes++)
    if (!(await store.tasks.trim(outputMs, prunedPerWrite))) return
}

/** Rows that one write of the store takes: some milliseconds on SQLite, where each is in six indexes. */
const rolledUpPerWrite = 100
/** Such writes at a time, so that a large backlog of old calls is spread. */
const rollUpWrites = 100
/** Milliseconds for which messages and records that cannot be read are kept: 30 days. */
const unparsableMs = 30 * 86_400_000

/**
 * Starts the loop that has old model calls summed by day, and deletes sums, messages that cannot be read, and lines of the audit trail that are
 * older than they are kept. All of it changes with the day alone: once it has gone over it, it asks nothing of the store until the next day. It is no step of the
 * sweep, because it waits for reports that are being read.
 */
function startRollUp(core: Core): Loop {
  const { clock, log, settings, store } = core
  const { callsMs, daysMs } = settings.usageRetention
  let rolledUpUntil = Number.NEGATIVE_INFINITY
  let expiredUntil = Number.NEGATIVE_INFINITY
  let unparsableUntil = Number.NEGATIVE_INFINITY
  let auditUntil = Number.NEGATIVE_INFINITY
  /** Where the walk over the old calls goes on. */
  let from: UsagePlace | undefined

  async function rollUp(before: number): Promise<void> {
    from = await store.usage.rollUp({ before, from, limit: rolledUpPerWrite })
    if (from === undefined) rolledUpUntil = before
  }

  async function expire(before: number): Promise<void> {
    if ((await store.usage.expire(before, rolledUpPerWrite)) < rolledUpPerWrite) expiredUntil = before
  }

  async function expireUnparsable(before: number): Promise<void> {
    if ((await store.unparsable.expire(before, rolledUpPerWrite)) < rolledUpPerWrite) unparsableUntil = before
  }

  async function expireAudit(before: number): Promise<void> {
    if ((await store.audit.expire(before, rolledUpPerWrite)) < rolledUpPerWrite) auditUntil = before
  }

  async function step(): Promise<undefined> {
    const now = store.tasks.now()
    const [calls, days] = [startOfDay(now - callsMs), startOfDay(now - daysMs)]
    const unparsable = startOfDay(now - unparsableMs)
    const audit = startOfDay(now - settings.auditRetentionMs)
    for (let writes = 0; writes < rollUpWrites && !core.stopping; writes++) {
      if (calls > rolledUpUntil) await rollUp(calls)
      else if (days > expiredUntil) await expire(days)
      else if (unparsable > unparsableUntil) await expireUnparsable(unparsable)
      else if (audit > auditUntil) await expireAudit(audit)
      else return
    }
  }

  return startLoop({
    clock,
    everyMs: settings.sweepIntervalMs,
    step: () =>
      step().catch(err => {
        log.error({ err }, 'daily upkeep failed; will retry')
        return undefined
      }),
  })
}

/** Others go on with what this process dispatched. Where that fails the lease expires. */
async function releasePartitions({ clock, log, store }: Core): Promise<void> {
  const released = store.partitions?.release().catch(error => {
    log.warn({ err: error }, 'partitions not given back; their lease will expire')
  })
  if (released !== undefined) await atMost(writeMs, released, () => undefined, clock)
}

/** Milliseconds that a store which is away has to come back, once the grace time is over. */
const writeMs = 5_000

/**
 * Running attempts may end by themselves; when the grace time is over they get their signal and are given back at once, as is an attempt
 * that begins later, of a claim that was on its way. The end of the grace time is read each time, for a second stop may have moved it.
 */
async function drain(core: Core, graceUntil: () => number): Promise<void> {
  while (core.running.size > 0 || core.claims.inFlight > 0) {
    const now = core.clock.monotonic()
    if (now >= graceUntil()) interruptAll(core)
    if (now >= graceUntil() + writeMs) {
      core.log.error(
        { running: core.running.size },
        'outcomes not stored before the stop; leases will expire',
      )
      return
    }
    await new Promise<void>(resolve => core.clock.after(5, resolve))
  }
}

function interruptAll(core: Core): void {
  for (const attempt of core.running.values()) attempt.interrupt('stopping')
}
