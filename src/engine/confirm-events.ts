/**
 * Confirms by the store what the broker says of tasks, before it is shown. Anybody who may write to the exchange of events can publish one, so
 * an end, a task that runs again, and a number that leaves others out are shown only when the record says the same. All others, which come one
 * after another while a task runs, are passed on without a read.
 */
import { gatherCalls } from '../runtime/gather.ts'
import { startLoop } from '../runtime/loop.ts'
import type { LastEvent } from '../store/store.ts'
import { endNames, endsTask, eventOf, type SequencedEvent, sizeOfEvent } from '../task/events.ts'
import { hasEnded } from '../task/status.ts'
import type { Core } from './core.ts'

/** Tasks per read. */
const perRead = 500
/** Bytes of events that wait for the store at most. */
const mostHeldBytes = 16 * 1_048_576
/** Bytes of them below which there is room again, and those who follow are told that some were dropped. */
const roomAgainBytes = mostHeldBytes / 4
/** Tasks whose last number is remembered; of others the next event is confirmed. */
const mostSeen = 20_000
/** Milliseconds until the store is asked again after an error. */
const againMs = 1_000
/** Milliseconds between two log lines about events that were not confirmed. */
const logEveryMs = 60_000

/** What was passed on of a task last. */
interface Seen {
  sequence: number
  isEnd: boolean
}

/** Where the confirmed events go. */
export interface ConfirmOptions {
  show(event: SequencedEvent): void
  /** Some were dropped unseen, because the store was away for long. */
  lost(): void
}

/** Events on their way from the broker to those who follow. */
export interface EventGate {
  take(event: SequencedEvent): void
  stop(): void
}

/** Returns a gate. Events of one task leave it in order; those of other tasks do not wait for it. */
export function createEventGate(core: Core, { show, lost }: ConfirmOptions): EventGate {
  const seen = new Map<string, Seen>()
  /** By task, in order. The first waits for the store, the others for the first. */
  const held = new Map<string, { event: SequencedEvent; size: number }[]>()
  let heldBytes = 0
  let isLosing = false
  let pauseUntil = Number.NEGATIVE_INFINITY
  const refuse = refusalOf(core)

  function pass(event: SequencedEvent): void {
    const { taskId, sequence } = event
    const last = seen.get(taskId)
    // What is the newest by the record shows that higher numbers were false.
    if (sequence !== undefined && (last === undefined || sequence > last.sequence || event.isNewest)) {
      if (seen.size >= mostSeen) seen.clear()
      seen.set(taskId, { sequence, isEnd: endsTask(event) })
    }
    show(event)
  }

  /** Shows what a read confirms of the first `count` events of a task; what came during the read waits for the next one. */
  function settle(taskId: string, count: number, last: LastEvent | undefined): void {
    const waiting = held.get(taskId) ?? []
    held.delete(taskId)
    for (const [index, { event, size }] of waiting.entries()) {
      const how = needs(event, seen.get(taskId))
      if (how === 'store' && index >= count) return void held.set(taskId, waiting.slice(index))
      heldBytes -= size
      const confirmed = how === 'store' ? confirm(event, last) : how
      if (typeof confirmed === 'object') pass(confirmed)
      else if (confirmed === 'nothing') pass(event)
      else if (confirmed === 'false') refuse(event)
    }
  }

  async function step(): Promise<undefined> {
    while (held.size > 0 && core.clock.monotonic() >= pauseUntil) {
      const counts = new Map([...held].slice(0, perRead).map(([id, { length }]) => [id, length]))
      try {
        const answers = (await core.store.events?.lastOf([...counts.keys()])) ?? []
        for (const [index, [id, count]] of [...counts].entries()) settle(id, count, answers[index])
      } catch (error) {
        pauseUntil = core.clock.monotonic() + againMs
        core.log.warn({ err: error }, 'event confirmation failed; will retry')
      }
      // Here, for while tasks end one after another something is always held.
      if (!isLosing || heldBytes > roomAgainBytes) continue
      isLosing = false
      lost()
    }
  }

  const reading = startLoop({ clock: core.clock, everyMs: againMs, step })
  // What comes with one packet is read together.
  const soon = gatherCalls(core.clock, 0, reading.wake)
  return {
    take(event) {
      const waiting = held.get(event.taskId)
      const how = waiting === undefined ? needs(event, seen.get(event.taskId)) : 'store'
      if (how === 'nothing') return pass(event)
      if (how === 'superseded') return
      const size = sizeOfEvent(event)
      isLosing ||= heldBytes + size > mostHeldBytes
      if (heldBytes + size > mostHeldBytes) return
      heldBytes += size
      if (waiting === undefined) held.set(event.taskId, [{ event, size }])
      else waiting.push({ event, size })
      soon.soon()
    },
    stop() {
      soon.cancel()
      held.clear()
      void reading.stop()
    },
  }
}

/** Returns what counts an event that the store does not confirm, and logs that there are some. */
function refusalOf({ counts, clock, log }: Core): (event: SequencedEvent) => void {
  let loggedAt = Number.NEGATIVE_INFINITY
  return ({ taskId, name }) => {
    counts.unconfirmedEvents += 1
    const now = clock.monotonic()
    if (now - loggedAt < logEveryMs) return
    loggedAt = now
    log.warn({ taskId, event: name }, 'the store does not confirm an event of the broker; not shown')
  }
}

/** Returns what an event needs before it is shown: the store, or nothing. Of an ended task it may be old. */
function needs(event: SequencedEvent, last: Seen | undefined): 'store' | 'nothing' | 'superseded' {
  const { name, sequence, sequenceFrom } = event
  if (last?.isEnd === true && (sequence === undefined || sequence <= last.sequence)) return 'superseded'
  if (endsTask(event) || name === 'reopened' || last?.isEnd === true) return 'store'
  if (sequence === undefined) return 'nothing'
  // A number that was passed on before comes with a second delivery, or after a false event had taken it.
  const isNext = sequenceFrom === undefined && sequence === (last?.sequence ?? 0) + 1
  return isNext ? 'nothing' : 'store'
}

/**
 * Returns what may be shown of an event: an end as the record has it, whatever else the message says; another event of a live task with the
 * owner and the place of the record. `superseded`: the record has gone on, and what follows tells it.
 */
function confirm(
  event: SequencedEvent,
  last: LastEvent | undefined,
): SequencedEvent | 'false' | 'superseded' {
  const { name, sequence = Number.POSITIVE_INFINITY, version, attempt, at } = event
  if (last === undefined || sequence > last.sequence || version > last.task.version) return 'false'
  const { task } = last
  const { status, phase, retryCount } = task
  if (sequence < last.sequence && (endsTask(event) || hasEnded(status))) return 'superseded'
  const isNewest = sequence === last.sequence
  if (!endsTask(event) && !hasEnded(status))
    return { ...event, ...eventOf(name, task, at), version, attempt, isNewest } as SequencedEvent
  if (!hasEnded(status) || endNames[status] !== name) return 'false'
  const { stack: _stack, ...errorInfo } = task.errorInfo ?? { stack: undefined }
  return {
    ...eventOf(name, task, task.completedAt ?? at),
    sequence,
    isNewest,
    status,
    phase,
    retryCount,
    ...('ranMs' in event && Number.isSafeInteger(event.ranMs) ? { ranMs: event.ranMs } : {}),
    ...(task.errorInfo === undefined ? {} : { errorInfo }),
  } as SequencedEvent
}
