/**
 * Who wakes up: the port of a broker. The store is the truth; a broker may lose, repeat or reorder what it is given, and no answer
 * of the API changes by it.
 */
import type { DeadLetterNotification, Delivery } from '../store/store.ts'
import type { SequencedEvent } from '../task/events.ts'

/** A lane and how many tasks of it this process runs at once. */
export interface LaneSlots {
  lane: string
  slots: number
}

/** The outcome of one publish: the broker has it, it is not routable, or unknown (it stays pending). */
export type Published = 'confirmed' | 'returned' | 'unconfirmed'

/** A delivery that a worker slot holds. */
export interface Received {
  delivery: Delivery
  /** The outcome is durable, or the claim was refused: the broker may forget the message. */
  ack(): void
  /** The task ended with a dead letter: the message goes where others learn of it. Instead of `ack`. */
  deadLetter(): void
}

/** Runs one delivery; resolves when the slot is free for the next one, and never rejects. */
export type Receiver = (received: Received) => Promise<void>

/** The port of a broker. */
export interface Broker {
  readonly kind: string
  open(lanes: readonly LaneSlots[]): Promise<void>
  publish(deliveries: readonly Delivery[]): Promise<Published[]>
  /**
   * Starts handing a lane's deliveries to `receiver`, at most `slots` at once. Called again for a lane that was not stopped, it changes how many: what runs
   * goes on, also where it is too much. Returns a function that stops taking new ones, from all calls for the lane.
   */
  consume(lane: LaneSlots, receiver: Receiver): () => void
  /**
   * Takes a free slot of the lane for a task that this process is about to create; nothing of the lane may wait here. Returns a function that
   * frees the slot, or undefined when there is none.
   */
  reserve?(lane: string): (() => void) | undefined
  /** Returns how many more deliveries of the lane are useful now. */
  capacity(lane: string): number
  /** Whether nothing of the lane waits in a queue between processes: what was sent there a while ago, and not taken, is lost. */
  isEmpty?(lane: string): boolean
  /** Whether a delivery that goes ahead of all that wait reaches a slot of the lane soon, also where the lane has no capacity. */
  takesUrgent?(lane: string): boolean
  /** Whether the other processes cannot be reached: what is published starts in this process, as far as a slot is free. */
  isAlone?(): boolean
  /** Calls back when a lane has capacity again. */
  onCapacity(listener: (lane: string) => void): void
  close(): Promise<void>
  /** What only a broker between processes offers. */
  readonly remote?: RemoteBroker
}

/** Messages between processes, best effort. A process that misses one learns the same from the store a little later. */
export type ControlMessage =
  /** The attempt of a task is asked to stop. */
  | { kind: 'cancel'; taskId: string; attempt: number }
  /**
   * What may be sent has changed: a lane was paused or resumed, or has other slots, or a schedule was made; or, with `partitions`, something became due in these, or without a name a process gave its
   * share back.
   */
  | { kind: 'lanes'; partitions?: readonly string[] }
  /** A provider refused a call: nothing for this key before `until` (epoch milliseconds). */
  | { kind: 'parked'; key: string; until: number }

/** A message of the dead letter queue. */
export interface DeadMessage {
  /** Hash of body, properties and the broker's story, so that a redelivery is recognised. */
  id: string
  /** What it names, where it can be read; anything may be absent in a malformed or foreign message. */
  taskId?: string
  attempt?: number
  /** Why it cannot be read, for people; absent for a message of ours. */
  malformed?: string
  /** The text as it was found; what is not text, as base64 after `base64:`. */
  content: string
  /** The broker's account of its way (queue, reason, count, time), for people. */
  story: string
}

/** What is signed where the installation has a secret. */
export type SignedMessage = 'delivery' | 'control' | 'event'

/** The state of a broker, for health checks, `doctor` and metrics. */
export interface BrokerHealth {
  connected: boolean
  /** The broker takes no messages for now: its memory or disk is low. */
  blocked: boolean
  /** What is wrong now and what to do, for people. */
  problems: readonly string[]
  reconnects: number
  returned: number
  unconfirmed: number
  /** Messages without a valid signature, or that could not be read, which were dropped. */
  rejected: Readonly<Record<SignedMessage, number>>
}

/** Which events a process receives. */
export type HeardEvents = 'all' | 'ends'

/** What only a broker between processes offers. */
export interface RemoteBroker {
  /** Milliseconds, ascending, that the broker can hold a delivery for. */
  readonly delays: readonly number[]
  /** Sends to every process, this one too. */
  sendControl(message: ControlMessage): void
  onControl(listener: (message: ControlMessage) => void): () => void
  /** Publishes dead letters whose delivery is not there to be nacked. */
  publishNotifications(notifications: readonly DeadLetterNotification[]): Promise<Published[]>
  /** Takes the messages of the dead letter queue, each acknowledged when `receiver` resolves. Returns an unsubscribe function. */
  consumeDeadLetters(receiver: (message: DeadMessage) => Promise<void>): () => void
  /** Whether events are published at all. */
  readonly publishesEvents: boolean
  /** Publishes events to other processes, in order. */
  publishEvents(events: readonly SequencedEvent[]): Promise<Published[]>
  /**
   * Events of every process, from now on: all, or only those that end tasks. `gap`: some may have been missed, since listening begins, or begins
   * again. Returns an unsubscribe function.
   */
  onEvents(listeners: { event(event: SequencedEvent): void; gap(): void }, which?: HeardEvents): () => void
  health(): BrokerHealth
}
