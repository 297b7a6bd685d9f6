import type { DatabaseFile } from './database.ts'
import type { FairOrder } from './fair-order.ts'
import type { Statements } from './statements.ts'
import type { Tally } from './tally.ts'
import type { Window } from './window.ts'

/** What the parts of this adapter share. */
export interface Session {
  file: DatabaseFile
  sql: Statements
  tally: Tally
  order: FairOrder
  window: Window
  /** What the next look for due tasks can leave out; kept in memory, for this process makes every change. */
  hints: Hints
  /** Epoch milliseconds. */
  now(): number
}

/** What is known to be absent. */
export interface Hints {
  /** Leases of an earlier owner of the file may be left. */
  voidLeases: boolean
  /** How often expired leases were asked for. */
  leaseLooks: number
  /** A parent may have to be looked at. */
  parents: boolean
  /** The row of the last parent that was looked at, for the next look to go on from. */
  lookedAt: number
  /** No task waits for an earlier time than this; undefined when none waits for a time. */
  wakeAt: number | undefined
}

/** Remembers that a task waits for a time. */
export function noteWake(hints: Hints, at: number): void {
  if (hints.wakeAt === undefined || at < hints.wakeAt) hints.wakeAt = at
}

/** The suffix of a queue whose tasks crashed their last attempt: they are handed out one at a time. */
const quarantinedSuffix = '~suspect'

/** The queue of a lane for a task. */
export function queueOf(lane: string, quarantined: boolean): string {
  return quarantined ? lane + quarantinedSuffix : lane
}
