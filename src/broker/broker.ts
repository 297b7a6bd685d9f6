/**
 * Who wakes up: the port of a broker. The store is the truth; a broker may lose, repeat or reorder what it is given, and no answer
 * of the API changes by it.
 */
import type { Delivery } from '../store/store.ts'

/** A lane and how many tasks of it this process runs at once. */
export interface LaneSlots {
  lane: string
  slots: number
}

/** What became of one publish: with the broker, not routable, or unknown (it stays to be told). */
export type Published = 'confirmed' | 'returned' | 'unconfirmed'

/** A delivery in the hands of a worker slot. */
export interface Received {
  delivery: Delivery
  /** The outcome is durable, or the claim was refused: the broker may forget the message. */
  ack(): void
}

/** Runs one delivery; resolves when the slot is free for the next one, and never rejects. */
export type Receiver = (received: Received) => Promise<void>

/** The port of a broker. */
export interface Broker {
  readonly kind: string
  open(lanes: readonly LaneSlots[]): Promise<void>
  publish(deliveries: readonly Delivery[]): Promise<Published[]>
  /** Starts handing a lane's deliveries to `receiver`, at most `slots` at once. Answers how to stop taking new ones. */
  consume(lane: LaneSlots, receiver: Receiver): () => void
  /**
   * Takes a free slot of the lane for a task that this process is about to create; nothing of the lane may wait here. Answers how to
   * free the slot, or undefined when there is none. A broker of many processes has none to give.
   */
  reserve?(lane: string): (() => void) | undefined
  /** Deliveries of the lane that wait in this process for a slot, plus free slots to fill: how many more are useful now. */
  room(lane: string): number
  /** Calls back when a lane has room again. */
  onRoom(listener: (lane: string) => void): void
  close(): Promise<void>
}
