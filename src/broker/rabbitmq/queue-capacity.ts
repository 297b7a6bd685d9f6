/**
 * How many more deliveries a lane's queue should get. The queue stays short, because what is in it can no longer be overtaken: whose turn
 * it is, the store decides when a delivery is sent.
 *
 *   capacity = wanted − depth, never below 0
 *   wanted   = the greater of window × consumers, and what they take in 50 ms; with no consumer 50
 *   depth  = ready + not counted − taken
 *
 * `ready` and `consumers` are what the broker counted last, for all processes. `not counted` are messages that this process sent and
 * that may not have been in that count; `taken` are those that its slots got since, and those that other processes took, by the pace at
 * which the queue drained between the last counts. What others send is seen with the next count. Too much capacity sends a few deliveries
 * early; too little is made good within a count.
 *
 * The 50 ms are for tasks so short that a trip of the relay takes longer than a window of them: then the queue would run empty on each
 * trip. The pace of other processes is taken to be that of this one.
 */

/** What the broker said of a queue. */
export interface Count {
  ready: number
  consumers: number
}

/** Deliveries for a queue that nobody consumes, so that a worker finds work when it comes. */
const withoutConsumer = 50
/** Milliseconds that the queue should last, with tasks so short that the window does not. */
const lastsMs = 50
/** How much of what was known of a pace is left after a millisecond of another: half is gone after 100. */
const keptPerMs = 0.5 ** (1 / 100)
/** Milliseconds without capacity after messages of which none arrived: at first, and at most while this goes on. */
const firstPauseMs = 1_000
const longestPauseMs = 10_000
/** A count that is older than this says nothing any more: the queue may be without a quorum. Milliseconds. */
const staleMs = 10_000

/** The capacity of one lane's queue. Times are milliseconds of a clock that only grows. */
export class QueueCapacity {
  readonly #window: number
  #count: Count = { ready: 0, consumers: 0 }
  #countedAt = Number.NEGATIVE_INFINITY
  /** Sent so far, without those that did not arrive; and how many of them the last count surely held. */
  #sent = 0
  #sentCounted = 0
  /** Sent, and neither confirmed nor given up. */
  #inFlight = 0
  #taken = 0
  #takenCounted = 0
  /** Deliveries per millisecond that the slots of this process take. */
  #pace = 0
  /** Messages per millisecond that other processes take from the queue, less those that they send to it. */
  #drain = 0
  /** Counts in a row that said that nothing is there. */
  #emptyCounts = 0
  /** No capacity before this time, since what was sent did not arrive; and how long the pause was made. */
  #pausedUntil = Number.NEGATIVE_INFINITY
  #pauseMs = 0
  /** Slots of this process: they count before the broker has counted them. */
  ownSlots = 0

  constructor(window: number) {
    this.#window = window
  }

  /** How many deliveries are useful now. */
  capacity(now: number): number {
    if (!this.isKnown(now)) return 0
    return Math.max(0, this.#wanted() - this.#depth(now))
  }

  /** Whether the broker counted lately, and what was sent last arrived: nothing should be sent otherwise. */
  isKnown(now: number): boolean {
    return now - this.#countedAt <= staleMs && now >= this.#pausedUntil
  }

  /**
   * Whether the broker said lately, twice in a row, that nothing is in the queue, and nothing was sent since. It also says so of a queue
   * whose leader does not answer, and then counts no consumer: it is not believed where there should be one.
   */
  isEmpty(now: number): boolean {
    if (now - this.#countedAt > staleMs || this.#emptyCounts < 2) return false
    return this.#known() - this.#takenSince() <= 0
  }

  /** Whether so much capacity has come that filling it is worth a trip: half of it, or more. */
  isWorthFilling(now: number): boolean {
    return this.capacity(now) * 2 >= this.#wanted()
  }

  sent(messages: number): void {
    this.#inFlight += messages
    this.#sent += messages
  }

  /** The broker answered for messages that were sent, or will not; `arrived` of them are in the queue, or were. */
  answered(messages: number, arrived: number, now: number): void {
    this.#inFlight -= messages
    this.#sent -= messages - arrived
    if (arrived > 0) this.resume()
    else this.#pause(now)
  }

  /** Ends the pause after messages that did not arrive. */
  resume(): void {
    this.#pausedUntil = Number.NEGATIVE_INFINITY
    this.#pauseMs = 0
  }

  #pause(now: number): void {
    this.#pauseMs = Math.min(Math.max(firstPauseMs, this.#pauseMs * 2), longestPauseMs)
    this.#pausedUntil = now + this.#pauseMs
  }

  taken(): void {
    this.#taken += 1
  }

  /** A count is being asked for. Returns a function that takes the count. */
  counting(): (count: Count, now: number) => void {
    const sent = this.#sent - this.#inFlight
    const taken = this.#taken
    return (count, now) => {
      const elapsed = Math.max(1, now - this.#countedAt)
      const newest = 1 - keptPerMs ** elapsed
      const takenHere = taken - this.#takenCounted
      const takenByOthers = this.#count.ready + sent - this.#sentCounted - count.ready - takenHere
      this.#pace += newest * (takenHere / elapsed - this.#pace)
      this.#drain += newest * (Math.max(0, takenByOthers) / elapsed - this.#drain)
      this.#count = count
      this.#countedAt = now
      const isEmpty = count.ready === 0 && (count.consumers > 0 || this.ownSlots === 0)
      this.#emptyCounts = isEmpty ? this.#emptyCounts + 1 : 0
      this.#sentCounted = sent
      this.#takenCounted = taken
    }
  }

  #wanted(): number {
    const consumers = Math.max(this.#count.consumers, this.ownSlots)
    if (consumers === 0) return withoutConsumer
    const paceOfAll = this.ownSlots === 0 ? 0 : (this.#pace * consumers) / this.ownSlots
    return Math.max(this.#window * consumers, Math.floor(paceOfAll * lastsMs))
  }

  /** What is in the queue now, as far as it can be known between counts. */
  #depth(now: number): number {
    const takenByOthers = Math.floor(this.#drain * Math.max(0, now - this.#countedAt))
    return Math.max(0, this.#known() - this.#takenSince() - takenByOthers)
  }

  /** Messages that the last count saw, and those that were sent since. */
  #known(): number {
    return this.#count.ready + this.#sent - this.#sentCounted
  }

  #takenSince(): number {
    return this.#taken - this.#takenCounted
  }
}
