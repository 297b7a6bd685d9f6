import { type Loop, startLoop } from '../runtime/loop.ts'
import { type Duration, durationMs } from '../task/duration.ts'
import { QuillworkError } from '../task/errors.ts'
import { type Consumer, startConsumer } from './consume.ts'
import type { Core } from './core.ts'
import { askForWaiters } from './handle.ts'
import { startHeartbeat } from './heartbeat.ts'
import { prune } from './prune.ts'
import { startRelay } from './relay.ts'
import { rescue } from './rescue.ts'
import { type planSchedules, startSchedules } from './schedule.ts'
import { wakeOnTurn } from './turns.ts'

/** Starting and stopping, in flow order and in reverse. */
export interface Lifecycle {
  start(): Promise<void>
  stop(options?: { grace?: Duration }): Promise<void>
}

/** @param parts Where the relay is put once it runs, for those who wake it. */
export function createLifecycle(
  core: Core,
  planned: ReturnType<typeof planSchedules>,
  parts: { relay?: Loop },
): Lifecycle {
  let consumer: Consumer | undefined
  let loops: Loop[] = []
  let stopping: Promise<void> | undefined
  /** When the grace time is over, by the monotonic clock. */
  let graceUntil = Number.POSITIVE_INFINITY
  let unsubscribe: () => void = () => undefined
  let release: () => void = () => undefined

  async function start(): Promise<void> {
    if (stopping !== undefined)
      throw new QuillworkError('ENGINE_STOPPED', 'The engine was stopped; make a new one.')
    if (consumer !== undefined) return
    release = core.clock.stayAlive()
    const relay = startRelay(core)
    parts.relay = relay
    const stopListening = core.store.outbox.onTelling(() => relay.wake())
    const stopWaking = wakeOnTurn(core)
    unsubscribe = () => {
      stopListening()
      stopWaking()
    }
    core.broker.onRoom(() => relay.wake())
    consumer = startConsumer(core)
    const sweep = startLoop({
      clock: core.clock,
      everyMs: core.settings.sweepMs,
      step: () => sweepOnce(core),
    })
    const schedules = startSchedules(core, planned)
    loops = [relay, startHeartbeat(core), sweep, schedules]
    sweep.wake()
    relay.wake()
    schedules.wake()
  }

  async function stopOnce(): Promise<void> {
    consumer?.pause()
    unsubscribe()
    const [, heartbeat, ...others] = loops
    await Promise.all([parts.relay, ...others].map(loop => loop?.stop()))
    await drain(core, () => graceUntil)
    await heartbeat?.stop()
    await core.broker.close()
    await core.store.tasks.close()
    core.waiters.close(
      new QuillworkError('ENGINE_STOPPED', 'The engine stopped; the task goes on when one is started again.'),
    )
    release()
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

async function sweepOnce(core: Core): Promise<undefined> {
  try {
    await rescue(core)
    await askForWaiters(core)
    await prune(core)
  } catch (error) {
    core.log.error({ err: error }, 'the sweep could not finish; trying again')
  }
}

/**
 * Running attempts may end by themselves; when the grace time is over they get their signal and are given back at once. So does an
 * attempt that begins later still, of a claim that was on its way: the end of the grace time is asked for anew each time, for a
 * second stop may have moved it.
 */
async function drain(core: Core, graceUntil: () => number): Promise<void> {
  while (core.running.size > 0 || core.claims.inFlight > 0) {
    if (core.clock.monotonic() >= graceUntil()) interruptAll(core)
    await new Promise<void>(resolve => core.clock.after(5, resolve))
  }
}

function interruptAll(core: Core): void {
  for (const attempt of core.running.values()) attempt.interrupt('stopping')
}
