import { setTimeout as moment, setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../runtime/clock.ts'
import { type Duration, durationMs } from '../task/duration.ts'

/** A clock that a test moves by hand. Nothing waits for the system's time, so a test of an hour takes a moment. */
export interface ManualClock extends Clock {
  /**
   * Lets time pass: fires the timers that become due, in order, each at its own time, and lets what a timer sets off come to rest
   * before the next one fires.
   */
  advance(duration: Duration): Promise<void>
  /**
   * Time passes at once, as for a computer that slept: timers that became due meanwhile fire once each, late, at the new time.
   * For spans of days, in which `advance` would fire every periodic timer.
   */
  jump(duration: Duration): Promise<void>
  /** The wall time steps, forward or back, as when the system's clock is set; timers and `monotonic` do not notice. */
  stepWallTime(ms: number): void
  /** Lets what is under way in this process come to rest; no time passes. A handler that waits for time or for its signal goes on waiting. */
  settle(): Promise<void>
  /** Timers that wait. */
  readonly timers: number
}

/** How a manual clock begins. */
export interface ManualClockOptions {
  /** Wall time at the beginning; default 2026-01-01T00:00:00Z. */
  startAt?: Date
  /** Whether something outside this process, such as a database, is still at work for it; default never. `settle` waits for that too. */
  isBusy?: () => boolean
}

interface Timer {
  at: number
  callback: () => void
}

const defaultStart = Date.UTC(2026, 0, 1)

/** Makes a clock that stands still until it is moved. */
export function createManualClock({ startAt, isBusy = never }: ManualClockOptions = {}): ManualClock {
  const settle = () => comeToRest(isBusy)
  const timers = new Set<Timer>()
  let wallOffset = startAt?.getTime() ?? defaultStart
  let elapsed = 0

  function firstUntil(until: number): Timer | undefined {
    let first: Timer | undefined
    // Of those that are due together the one that was set first, for a set keeps its order.
    for (const timer of timers)
      if (timer.at <= until && (first === undefined || timer.at < first.at)) first = timer
    return first
  }

  async function fireUntil(until: number): Promise<void> {
    await settle()
    for (let timer = firstUntil(until); timer !== undefined; timer = firstUntil(until)) {
      timers.delete(timer)
      elapsed = Math.max(elapsed, timer.at)
      timer.callback()
      await settle()
    }
    elapsed = Math.max(elapsed, until)
  }

  return {
    now: () => wallOffset + elapsed,
    monotonic: () => elapsed,
    after(ms, callback) {
      const timer = { at: elapsed + Math.max(0, ms), callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    stayAlive: () => () => undefined,
    advance: duration => fireUntil(elapsed + durationMs(duration, 'duration')),
    async jump(duration) {
      await settle()
      elapsed += durationMs(duration, 'duration')
      await fireUntil(elapsed)
    },
    stepWallTime(ms) {
      wallOffset += ms
    },
    settle,
    get timers() {
      return timers.size
    },
  }
}

const never = () => false

/** Requests that end by themselves, as Node names them: file system requests and callbacks of the next turn. */
const underWay = /^(FSReq\w*|\w*CloseReq|Immediate)$/
/** Turns of the event loop without anything under way after which the process is at rest. */
const quietTurns = 2
/** Turns after which what is under way is a disk or a server at work, which would get less of the processor for more turns. */
const briskTurns = 20

/**
 * Resolves when nothing is under way in this process any more: no file system request, no callback of the next turn, no promise
 * that can go on. Timers, sockets and whoever waits for them do not count.
 */
async function comeToRest(isBusy: () => boolean): Promise<void> {
  for (let [quiet, turns] = [0, 0]; quiet < quietTurns; turns += 1) {
    await nextTurn()
    const isElsewhere = isBusy()
    if (isElsewhere || (quiet === 0 && turns > briskTurns)) await moment(1)
    const isUnderWay = isElsewhere || process.getActiveResourcesInfo().some(name => underWay.test(name))
    quiet = isUnderWay ? 0 : quiet + 1
  }
}
