import { type Loop, startLoop } from '../runtime/loop.ts'
import { type Duration, durationMs } from '../task/duration.ts'
import { QuillworkError } from '../task/errors.ts'
import { type Consumer, startConsumer } from './consume.ts'
import type { Core } from './core.ts'
import { consumeDeadLetters } from './dead-letter-queue.ts'
import { askForWaiters } from './handle.ts'
import { startHeartbeat } from './heartbeat.ts'
import type { Link } from './link.ts'
import { prune } from './prune.ts'
import { startRelay } from './relay.ts'
import { rescue } from './rescue.ts'
import { type planSchedules, startSchedules } from './schedule.ts'
import { wakeOnCapacity } from './wake.ts'

/** Starting and stopping, in flow order and in reverse. */
export interface Lifecycle {
  start(): Promise<void>
  stop(options?: { grace?: Duration }): Promise<void>
}

/**
 * @param parts Where the relay is put once it runs, for those who wake it.
 * @param link What ties the process to the others, also before it is started.
 */
export function createLifecycle(
  core: Core,
  planned: ReturnType<typeof planSchedules>,
  { parts, link }: { parts: { relay?: Loop }; link: Link },
): Lifecycle {
  let running: Running | undefined
  let stopping: Promise<void> | undefined
  /** When the grace time is over, by the monotonic clock. */
  let graceUntil = Number.POSITIVE_INFINITY

  async function start(): Promise<void> {
    if (stopping !== undefined)
      throw new QuillworkError('ENGINE_STOPPED', 'The engine was stopped; make a new one.')
    running ??= startAll(core, planned, parts)
  }

  async function stopOnce(): Promise<void> {
    core.stopping = true
    running?.pause()
    await Promise.all([parts.relay?.stop(), ...(running?.upkeep ?? []).map(loop => loop.stop())])
    await drain(core, () => graceUntil)
    await running?.heartbeat.stop()
    await core.budgets.stop()
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
  /** What nobody else does: the sweep, and the schedules. */
  upkeep: readonly Loop[]
  /** Nothing new is taken. */
  pause(): void
  /** The process may end. */
  release(): void
}

function startAll(core: Core, planned: ReturnType<typeof planSchedules>, parts: { relay?: Loop }): Running {
  const release = core.clock.stayAlive()
  const relay = startRelay(core)
  parts.relay = relay
  const stops = [core.store.outbox.onDue(() => relay.wake()), wakeOnCapacity(core)]
  core.broker.onRoom(() => relay.wake())
  const { roles } = core.settings
  let consumer: Consumer | undefined
  if (roles.has('worker')) consumer = startConsumer(core)
  const upkeep = roles.has('maintenance') ? startUpkeep(core, planned, stops) : []
  const heartbeat = startHeartbeat(core)
  relay.wake()
  return {
    heartbeat,
    upkeep,
    pause() {
      consumer?.pause()
      for (const stop of stops) stop()
    },
    release,
  }
}

function startUpkeep(core: Core, planned: ReturnType<typeof planSchedules>, stops: (() => void)[]): Loop[] {
  const sweep = startLoop({
    clock: core.clock,
    everyMs: core.settings.sweepIntervalMs,
    step: () => sweepOnce(core),
  })
  const schedules = startSchedules(core, planned)
  stops.push(consumeDeadLetters(core))
  sweep.wake()
  schedules.wake()
  return [sweep, schedules]
}

/** What fails keeps the rest from nothing. */
async function sweepOnce(core: Core): Promise<undefined> {
  const errors: unknown[] = []
  for (const step of [rescue, askWhatIsWaitedFor, prune])
    await step(core).catch(error => void errors.push(error))
  if (errors.length === 0) core.swept.at = core.clock.now()
  else core.log.error({ err: errors[0] }, 'the sweep could not finish; trying again')
}

function askWhatIsWaitedFor(core: Core): Promise<void> {
  return askForWaiters(core, core.waiters.waitedFor())
}

/** Milliseconds that a store which is away has to come back, once the grace time is over. */
const writeMs = 5_000

/**
 * Running attempts may end by themselves; when the grace time is over they get their signal and are given back at once. So does an
 * attempt that begins later still, of a claim that was on its way: the end of the grace time is asked for anew each time, for a
 * second stop may have moved it.
 */
async function drain(core: Core, graceUntil: () => number): Promise<void> {
  while (core.running.size > 0 || core.claims.inFlight > 0) {
    const now = core.clock.monotonic()
    if (now >= graceUntil()) interruptAll(core)
    if (now >= graceUntil() + writeMs) {
      core.log.error(
        { running: core.running.size },
        'the store did not take the outcome of these attempts; their leases run out',
      )
      return
    }
    await new Promise<void>(resolve => core.clock.after(5, resolve))
  }
}

function interruptAll(core: Core): void {
  for (const attempt of core.running.values()) attempt.interrupt('stopping')
}
