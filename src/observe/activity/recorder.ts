/**
 * Counts what this process does, and looks how much of the limits is in use, minute by minute, and keeps it in the store about once a minute. An event costs two look-ups and some additions;
 * all else happens once a minute. What is not in the store yet is in rings of a fixed size: while the store is away for longer, the oldest is lost.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Engine, Logger, TaskEvent } from '../../index.ts'
import { type Clock, systemClock } from '../../runtime/clock.ts'
import { type Loop, startLoop } from '../../runtime/loop.ts'
import { answered, deadLetterReason } from '../metrics.ts'
import { Activity, type CountName, type Counts, observe } from './counts.ts'

/** A length of buckets in milliseconds, and how many make what is shown. */
export interface Span {
  readonly length: number
  readonly count: number
}

/** The last hour by minute, the last day by 15 minutes, the last week by two hours. */
export const spans = {
  hour: { length: 60_000, count: 60 },
  day: { length: 900_000, count: 96 },
  week: { length: 7_200_000, count: 84 },
} as const satisfies Record<string, Span>

/** One of the times that are shown. */
export type SpanName = keyof typeof spans

/** Milliseconds between two looks for what has expired. */
const expireEveryMs = 3_600_000
/** Records deleted at once. */
const expiredAtOnce = 500
/** Milliseconds for which buckets are kept beyond what is shown, so that nothing is missed at its edge. */
const spareMs = 86_400_000

/** A bucket in memory, and its beginning. */
export interface Unkept {
  readonly at: number
  readonly counts: Activity
}

/** What a process counts. */
export interface Recorder {
  /** Returns the buckets that begin at this time or later and of which the store may have less, by the id under which they are kept. */
  unkept(span: Span, from: number): ReadonlyMap<string, Unkept>
  /** The 99th percentile of how late the event loop was, in milliseconds, in the minute before this one. */
  readonly loopDelayMs: number
  /** Looks how much of the limits is in use: what counts against the minute that ends now, and what runs and waits now. Never rejects. */
  measure(): Promise<void>
  /** Begins to keep what is counted, and to measure once a minute. */
  begin(): void
  /** Keeps what is left and counts no more. Never rejects. */
  close(): Promise<void>
}

/** The parts of a recorder. */
export interface RecorderOptions {
  engine: Pick<Engine, 'events' | 'limits' | 'onUsage' | 'settings' | 'store'>
  log: Logger
  /** Default: that of the system. */
  clock?: Clock
}

/** A bucket of a ring. `isKept`: the store has it as it is. */
interface Slot extends Unkept {
  isKept: boolean
}

/** Buckets of one length in memory: the one that is being filled, and those that the store does not have. The oldest gives way. */
class Ring {
  readonly span: Span
  slots: Slot[] = []

  constructor(span: Span) {
    this.span = span
  }

  /** Adds what was counted at a time, which is never earlier than that of the call before. */
  add(time: number, counts: Activity): void {
    const { length, count } = this.span
    const at = time - (time % length)
    let slot = this.slots.at(-1)
    if (slot?.at !== at) {
      slot = { at, counts: new Activity(), isKept: false }
      this.slots.push(slot)
      if (this.slots.length > count) this.slots.shift()
    }
    slot.counts.add(counts)
    slot.isKept = false
  }

  /** Writes what the store does not have. Throws what the store throws; that is written the next time. */
  async keep(store: Engine['store'], idOf: (span: Span, at: number) => string): Promise<void> {
    const { length } = this.span
    for (const slot of this.slots.filter(({ isKept }) => !isKept)) {
      const { at, counts } = slot
      // What is counted while it is written is written the next time.
      slot.isKept = true
      try {
        await store.activity.keep([{ id: idOf(this.span, at), length, at, ...counts.kept() }])
      } catch (error) {
        slot.isKept = false
        throw error
      }
    }
  }

  /** Lets go of what is in the store and is not filled any more. */
  drop(time: number): void {
    this.slots = this.slots.filter(({ at, isKept }) => !isKept || at + this.span.length > time)
  }
}

/** Returns a recorder that counts from now on. Times are those of the store, which all processes share. */
export function createRecorder({ engine, log, clock = systemClock }: RecorderOptions): Recorder {
  const { store, settings } = engine
  const rings = Object.values(spans).map(span => new Ring(span))
  const delay = measureLoopDelay()
  /** The minute that is being filled: the one place to which an event adds. */
  let minute = { at: 0, end: 0, counts: new Activity() }
  let loop: Loop | undefined
  let expireAt = 0

  /** Returns what is counted now. A clock that is set back stays in its minute. */
  function current(): Activity {
    const now = store.tasks.now()
    if (now >= minute.end) {
      merge()
      const at = now - (now % minuteMs)
      minute = { at, end: at + minuteMs, counts: new Activity() }
      delay.next()
    }
    return minute.counts
  }

  function merge(): void {
    if (minute.counts.isEmpty) return
    for (const ring of rings) ring.add(minute.at, minute.counts)
    minute.counts = new Activity()
  }

  const stopCounting = countEvents(engine, current)

  const idOf = ({ length }: Span, at: number) => `${length}/${at}/${settings.nodeId}`

  async function keep(): Promise<void> {
    current()
    merge()
    for (const ring of rings) {
      await ring.keep(store, idOf)
      ring.drop(minute.at)
    }
  }

  async function measure(): Promise<void> {
    const uses = await answered(engine.limits.list())
    current().limits.add(uses ?? [])
  }

  async function expire(): Promise<void> {
    const now = store.tasks.now()
    if (now < expireAt) return
    await deleteOld(store, now)
    expireAt = now + expireEveryMs
  }

  const tried = (...work: (() => Promise<void>)[]) =>
    inTurn(work).catch(error => void log.warn({ err: error }, 'activity not kept; will retry'))

  return {
    unkept(span, from) {
      current()
      merge()
      const { slots = [] } = rings.find(ring => ring.span.length === span.length) ?? {}
      return new Map(slots.filter(({ at }) => at >= from).map(slot => [idOf(span, slot.at), slot]))
    },
    measure,
    get loopDelayMs() {
      return delay.ms()
    },
    begin() {
      loop ??= startLoop({ clock, everyMs: minuteMs, step: () => tried(measure, keep, expire) })
    },
    async close() {
      stopCounting()
      delay.stop()
      await loop?.stop()
      if (loop !== undefined) await tried(keep)
    },
  }
}

const minuteMs = spans.hour.length

/** Counts what the engine tells of, in what is current. Returns what ends that. */
function countEvents({ events, onUsage }: RecorderOptions['engine'], current: () => Activity): () => void {
  const stopEvents = events.onAny(event => {
    if (isCounted(event)) count(current().at(event.lane, event.taskType), event)
  })
  const stopUsage = onUsage(({ lane, taskType }, { cost = 0 }) => {
    const { of } = current().at(lane, taskType)
    of.calls += 1
    of.cost += cost
  })
  return () => {
    stopEvents()
    stopUsage()
  }
}

async function inTurn(work: readonly (() => Promise<void>)[]): Promise<undefined> {
  for (const each of work) await each()
}

/** Deletes what is shown no more, of every process. */
async function deleteOld(store: Engine['store'], now: number): Promise<void> {
  for (const { length, count } of Object.values(spans)) {
    const before = now - length * count - spareMs
    while ((await store.activity.expire(length, before, expiredAtOnce)) === expiredAtOnce);
  }
}

/** Whether an event changes a count: most, such as progress, do not. */
function isCounted(event: TaskEvent): boolean {
  return event.name in counted || ('ranMs' in event && event.ranMs !== undefined)
}

/** What an event is counted as. */
const counted: { readonly [N in TaskEvent['name']]?: CountName } = {
  started: 'started',
  completed: 'completed',
  failed: 'failed',
  deadLettered: 'failed',
  cancelled: 'cancelled',
  retrying: 'retries',
}

function count(counts: Counts, event: TaskEvent): void {
  // Not an attempt that failed, and not as long as one: the task found out that it has to wait.
  if (event.name === 'retrying' && event.errorInfo?.errorClass === 'rate-limited') return
  const name = counted[event.name]
  if (name !== undefined) counts.of[name] += 1
  if (event.name === 'started') observe(counts.waited, event.waitedMs)
  else if ('ranMs' in event && event.ranMs !== undefined) observe(counts.ran, event.ranMs)
  if (deadLetterReason(event) !== undefined) counts.of.deadLetters += 1
}

/** Milliseconds between two looks at how late the event loop is. */
const loopEveryMs = 20

/** Measures how late the event loop is, minute by minute. */
function measureLoopDelay() {
  const delay = monitorEventLoopDelay({ resolution: loopEveryMs })
  delay.enable()
  // It measures from one look to the next.
  let last = 0
  return {
    /** Returns the 99th percentile of the minute before. */
    ms: () => last,
    next() {
      last = delay.count === 0 ? 0 : Math.max(0, Math.round(delay.percentile(99) / 1e6 - loopEveryMs))
      delay.reset()
    },
    stop: () => delay.disable(),
  }
}
