import type { Collection } from 'mongodb'
import type { OpenableDatabase } from './database.ts'
import type { LaneDocument, PayloadDocument, TaskDocument } from './documents.ts'
import type { FairOrder } from './fair-order.ts'
import type { Hints } from './hints.ts'
import type { Families, Hands, ResendAfter } from './parts.ts'
import type { PausedLanes } from './paused.ts'
import type { WrittenEvents } from './written-events.ts'

/** What the parts of this adapter share. */
export interface Session {
  database: OpenableDatabase
  tasks: Collection<TaskDocument>
  payloads: Collection<PayloadDocument>
  lanes: Collection<LaneDocument>
  /** The server's time, epoch milliseconds, as far as this process knows it; its own clock may jump. */
  now(): number
  /**
   * The server's time within a pipeline update or an `$expr`: `$$NOW`. With an injected clock, the date that it tells.
   */
  serverNow(): '$$NOW' | Date
  /** A fresh name for a write, a look or a payload; no other process gives the same. */
  nextName(): string
  /** The number of the next task: rises with submission. */
  nextNumber(): number
  order: FairOrder
  families: Families
  hands: Hands
  hints: Hints
  paused: PausedLanes
  events: WrittenEvents
  /** When a sent delivery is presumed lost. */
  resendAfter: ResendAfter
  /** What the engine asked to be kept. */
  keeps: Keeps
  /** Tells those who listen that something may be due. */
  tell(): void
  /** Throws STORE_CLOSED once the store is closed, or closing. */
  requireOpen(): void
}

/** What the engine asked to be kept, because others are told of it. */
export interface Keeps {
  events: boolean
  notices: boolean
  /** Milliseconds, ascending, that the broker can hold a delivery for. */
  delays: readonly number[]
}
