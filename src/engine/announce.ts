import { type Loop, startLoop } from '../runtime/loop.ts'
import type { EventOutbox, PendingEvents } from '../store/store.ts'
import type { SequencedEvent } from '../task/events.ts'
import type { Core } from './core.ts'

/** Milliseconds over which events are gathered before they are told: a few writes of a task, and those of its neighbours, go together. */
const gatherMs = 15
/** Records per step. */
const perStep = 200
/** Milliseconds between looks for what another process left behind. */
const leftBehindEveryMs = 2_000
/** Milliseconds of the longest pause after a step of which nothing was confirmed. */
const longestPauseMs = 30_000

/**
 * Tells other processes and services what happened: events leave the record's outbox in order, at least once. Progress, which is in
 * no outbox, is told once and may be lost. Returns an unsubscribe function.
 */
export function announceEvents(core: Core, outbox: EventOutbox): () => Promise<void> {
  const remote = core.broker.remote
  if (remote === undefined || !remote.tellsEvents) return async () => undefined
  outbox.keep()
  /** When what others left behind is looked for, and until when nothing is told: by the monotonic clock. */
  let lookAt = Number.NEGATIVE_INFINITY
  let pauseUntil = Number.NEGATIVE_INFINITY
  let pauseMs = 0

  async function step(): Promise<number | undefined> {
    try {
      const now = core.clock.monotonic()
      const { connected, blocked } = remote?.health() ?? { connected: false, blocked: false }
      if (!connected || blocked || now < pauseUntil) return undefined
      const leftBehind = now >= lookAt
      const untold = await outbox.due(perStep, { leftBehind })
      const isFull = untold.length >= perStep
      // What is left behind may be much more than one look finds.
      if (leftBehind) lookAt = isFull ? now : now + leftBehindEveryMs
      if (untold.length === 0) return undefined
      const told = await tellOthers(core, outbox, untold)
      pauseMs = told > 0 ? 0 : Math.min(longestPauseMs, Math.max(1_000, pauseMs * 2))
      pauseUntil = now + pauseMs
      return isFull && told > 0 ? 0 : undefined
    } catch (error) {
      core.log.error({ err: error }, 'events could not be told; trying again')
      return undefined
    }
  }

  const loop = startLoop({ clock: core.clock, everyMs: leftBehindEveryMs, step })
  const stopListening = outbox.onPending(gathered(core, loop))
  const stopProgress = core.bus.on('progress', event => {
    remote.publishEvents([event]).catch(error => {
      core.log.error({ err: error, taskId: event.taskId }, 'progress could not be told to others')
    })
  })
  return async () => {
    stopListening()
    stopProgress()
    await loop.stop()
    await step()
  }
}

/** Returns the number of records of which something was confirmed. */
async function tellOthers(
  core: Core,
  outbox: EventOutbox,
  untold: readonly PendingEvents[],
): Promise<number> {
  const events = untold.flatMap(record => record.events)
  const published = (await core.broker.remote?.publishEvents(events)) ?? []
  const confirmed = new Set<SequencedEvent>(events.filter((_, index) => published[index] === 'confirmed'))
  const told = untold.flatMap(({ taskId, events: own }) => {
    const sequence = lastTold(own, confirmed)
    return sequence === undefined ? [] : [{ taskId, sequence }]
  })
  if (told.length > 0) await outbox.published(told)
  return told.length
}

/** The last event before the first one that nobody confirmed. */
function lastTold(
  events: readonly SequencedEvent[],
  confirmed: ReadonlySet<SequencedEvent>,
): number | undefined {
  let last: number | undefined
  for (const event of events) {
    if (!confirmed.has(event)) break
    last = event.sequence
  }
  return last
}

/** Wakes the loop once for all that comes within a moment. */
function gathered(core: Core, loop: Loop): () => void {
  let isWaiting = false
  return () => {
    if (isWaiting) return
    isWaiting = true
    core.clock.after(gatherMs, () => {
      isWaiting = false
      loop.wake()
    })
  }
}
