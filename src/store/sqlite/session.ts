import type { Aggregate } from './aggregate.ts'
import type { DatabaseFile, Statements } from './database.ts'
import type { FairOrder } from './fair-order.ts'
import type { InFlight } from './in-flight.ts'
import type { Keys } from './keys.ts'
import type { ListingIndex } from './listing-index.ts'

/** What the parts of this adapter share. */
export interface Session {
  file: DatabaseFile
  sql: Statements
  aggregate: Aggregate
  order: FairOrder
  inFlight: InFlight
  listing: ListingIndex
  keys: Keys
  /** What the next reads can leave out; kept in memory, because this process makes every change. */
  dirty: {
    /** Leases of an earlier owner of the file may be left. */
    voidLeases: boolean
    /** How often expired leases were asked for. */
    leaseChecks: number
    /** A parent may have to be reconciled. */
    parents: boolean
    /** The row of the last parent that was reconciled, where the next read goes on. */
    lastParent: number
    /** No task waits for an earlier time than this; undefined when none waits for a time. */
    wakeAt: number | undefined
  }
  /** Reports of usage, which read in several steps, and what moves rows from one of their tables to another. */
  usageTurns: Turns
  /** Epoch milliseconds. */
  now(): number
}

/** Remembers that a task waits for a time. */
export function noteWake({ dirty }: Session, at: number): void {
  if (dirty.wakeAt === undefined || at < dirty.wakeAt) dirty.wakeAt = at
}

/** Work that must not see each other: any number of reads at once, or one write. */
interface Turns {
  read<T>(work: () => Promise<T>): Promise<T>
  write<T>(work: () => Promise<T>): Promise<T>
}

/** Returns turns in the order of the calls: a write waits for the reads before it, and a read for the writes before it. */
export function createTurns(): Turns {
  let reads: Promise<unknown> = Promise.resolve()
  let writes: Promise<unknown> = Promise.resolve()
  return {
    read(work) {
      const done = writes.then(work)
      // What was read is not kept.
      reads = Promise.allSettled([reads, done]).then(() => undefined)
      return done
    },
    write(work) {
      const done = Promise.all([reads, writes]).then(work)
      writes = done.catch(() => undefined)
      return done
    },
  }
}
