/**
 * What this process knows of what may be due, so that it asks the server for little: its own writes are noted, and what other
 * processes wrote is looked for every second or two.
 */
import { createPeriod, type Period } from './period.ts'

/** Milliseconds between looks for what other processes wrote, or left behind. */
const lookEveryMs = {
  /** Tasks that could run now. */
  ready: 1_000,
  /** Tasks whose time has come. */
  tell: 1_000,
  /** Records for the aggregator. */
  look: 1_000,
  /** Deliveries that are presumed lost. */
  lost: 1_000,
  /** Sub-tasks that are not counted yet. */
  uncounted: 2_000,
  /** Dead letters that nobody was told of. */
  notices: 2_000,
  /** The end of a task whose last attempt crashed, and that was sent from here. */
  quarantined: 200,
} as const

/** What may be due. */
export interface Hints {
  /** A task of the lane may be ready; without a name, of any lane. */
  noteReady(lane?: string): void
  /** A task waits for this time (epoch milliseconds). */
  noteTell(at: number): void
  /** Whether the lane is worth a look. */
  isReady(lane: string): boolean
  /** The lane is looked at now; what is noted from here on makes it worth another look. */
  looksAt(lane: string): void
  /** A task whose last attempt crashed may be ready. */
  quarantined: boolean
  /** A record may have to be looked at. */
  look: boolean
  /** The `order` of the record that the last look ended with, for the next one to go on from. */
  lookedAt: number
  /** The earliest time that a task is known to wait for. */
  tellAt: number | undefined
  /** For the looks that nothing calls for. */
  readonly periods: Readonly<Record<keyof typeof lookEveryMs, Period>>
}

/** At first anything may be due. */
export function createHints(now: () => number): Hints {
  const quiet = new Set<string>()
  const period = (ms: number) => createPeriod(ms, now)
  return {
    noteReady(lane) {
      if (lane === undefined) quiet.clear()
      else quiet.delete(lane)
    },
    noteTell(at) {
      if (this.tellAt === undefined || at < this.tellAt) this.tellAt = at
    },
    isReady: lane => !quiet.has(lane),
    looksAt: lane => void quiet.add(lane),
    quarantined: true,
    look: true,
    lookedAt: 0,
    tellAt: undefined,
    periods: {
      ready: period(lookEveryMs.ready),
      tell: period(lookEveryMs.tell),
      look: period(lookEveryMs.look),
      lost: period(lookEveryMs.lost),
      uncounted: period(lookEveryMs.uncounted),
      notices: period(lookEveryMs.notices),
      quarantined: period(lookEveryMs.quarantined),
    },
  }
}
