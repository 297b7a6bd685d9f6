import type { ServerResponse } from 'node:http'
import type { TaskEvent } from '../../task/events.ts'
import type { OpenStream, StreamEnd } from './places.ts'
import type { EventRing, Kept } from './ring.ts'
import { resetText, type StreamFormat } from './sse.ts'

/** Returns whether a stream sends an event; a promise where the store must be asked. */
export type EventFilter = (event: TaskEvent) => boolean | Promise<boolean>

/** Code units that are sent in one piece, about. */
const largestWrite = 65_536
const eventsPerPiece = 64

/**
 * One event stream: a position in the ring that advances as fast as its client reads. Nothing is queued for a client that does not read. A
 * client that falls behind the ring, or further than the backlog allows, is dropped and may reconnect.
 */
export class EventStream implements OpenStream {
  readonly #ring: EventRing
  readonly #format: StreamFormat
  readonly #response: ServerResponse
  readonly #matches: EventFilter
  readonly #backlog: number
  readonly #wasDrained: () => void
  readonly #ended: (why: StreamEnd) => void
  /** Sequence of the last event that was sent or left out by the filter. */
  #position: number
  /** Sequence that the client knows as its last event id; less than `#position` after events that the filter left out, until the next heartbeat. */
  #sent: number
  /** Events that follow each other and are sent in one piece; `length` of their texts. */
  #run: { first: number; last: number; length: number } | undefined
  /** The socket took no more: nothing is sent until it drains. */
  #isWaiting = false
  /** While the socket takes nothing: code units of the events from `#position` to `#counted` that would have been sent. */
  #behind = 0
  /** Sequence of the last event that `#behind` has; never less than `#position` when it is counted on. */
  #counted: number
  /** New events are being sent, or the filter asks the store about one. */
  #isPumping = false
  #isOver = false

  constructor(options: {
    ring: EventRing
    response: ServerResponse
    matches: EventFilter
    format: StreamFormat
    backlog: number
    position: number
    /** Its client takes more: `pump` is to be called. */
    drained(): void
    ended(why: StreamEnd): void
  }) {
    this.#ring = options.ring
    this.#response = options.response
    this.#matches = options.matches
    this.#format = options.format
    this.#backlog = options.backlog
    this.#wasDrained = options.drained
    this.#ended = options.ended
    this.#position = options.position
    this.#sent = options.position
    this.#counted = options.position
    options.response.on('drain', () => this.#drained())
    options.response.on('close', () => this.end('client'))
    options.response.on('error', () => this.end('client'))
  }

  /**
   * Sends the first bytes: the time before a reconnect, and the position to resume from. A reset comes with the position, never after it: a client that
   * lost its connection in between would resume without having been reset.
   */
  open(reset: string | undefined): void {
    const id = this.#ring.idOf(this.#position)
    const first = reset === undefined ? `id: ${id}\n\n` : resetText(id, reset, this.#format)
    this.#write(`retry: 3000\n${first}`)
    this.pump()
  }

  /** Sends new events. */
  pump(): void {
    if (this.#isOver || this.#isPumping) return
    if (this.#isWaiting) this.#countBacklog()
    else {
      this.#isPumping = true
      this.#sendNew().then(
        () => this.#rest(),
        // The filter cannot ask the store any more: the server is stopping.
        () => this.end('shutdown'),
      )
    }
  }

  #rest(): void {
    this.#isPumping = false
    if (!this.#isWaiting && this.#position < this.#ring.last) this.pump()
  }

  async #sendNew(): Promise<void> {
    while (!this.#isOver && !this.#isWaiting && this.#position < this.#ring.last) {
      const kept = this.#ring.at(this.#position + 1)
      if (kept === undefined) return this.end('slow')
      // In a gap may be an event that matches.
      let matches = kept.event === undefined || this.#matches(kept.event)
      if (typeof matches !== 'boolean') {
        // A heartbeat meanwhile says that all up to the position was sent.
        this.#sendRun()
        matches = await matches
        // It went meanwhile: the client would not learn that it missed it.
        if (this.#ring.at(kept.sequence) !== kept) return this.end('slow')
      }
      if (!matches) this.#sendRun()
      this.#position = kept.sequence
      if (matches) this.#gather(kept)
    }
    this.#sendRun()
  }

  /** Adds an event to those that are sent in one piece: what comes in one turn of the event loop costs each client one write. */
  #gather(kept: Kept): void {
    const { length } = this.#ring.textOf(kept, this.#format)
    this.#run ??= { first: kept.sequence, last: kept.sequence, length: 0 }
    this.#run.last = kept.sequence
    this.#run.length += length
    // Streams that are behind begin and end their pieces at the same places, so that each is made once.
    if (this.#run.length >= largestWrite || kept.sequence % eventsPerPiece === 0) this.#sendRun()
  }

  #sendRun(): void {
    const run = this.#run
    this.#run = undefined
    if (run === undefined || run.length === 0 || this.#isOver) return
    this.#sent = run.last
    this.#write(this.#ring.bytesOf(run, this.#format))
  }

  /** Sends a heartbeat, which also moves the client past events that its filter left out. */
  beat(): void {
    if (this.#isOver || this.#isWaiting) return
    const moved = this.#position > this.#sent ? `id: ${this.#ring.idOf(this.#position)}\n` : ''
    this.#sent = this.#position
    this.#write(`${moved}: hb\n\n`)
  }

  end(why: StreamEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#ended(why)
    // A client that does not read would not see the end either, and would keep its connection.
    if (why === 'slow' || this.#isWaiting) this.#response.destroy()
    else this.#response.end()
  }

  #write(piece: string | Uint8Array): void {
    if (!this.#response.write(piece)) this.#isWaiting = true
  }

  #drained(): void {
    if (this.#isOver) return
    this.#isWaiting = false
    this.#behind = 0
    this.#counted = Math.max(this.#counted, this.#position)
    this.#wasDrained()
  }

  /** Counts what waits for a client that does not read, in UTF-16 code units. Too much ends the stream. */
  #countBacklog(): void {
    for (
      let sequence = Math.max(this.#counted, this.#position) + 1;
      sequence <= this.#ring.last;
      sequence++
    ) {
      const kept = this.#ring.at(sequence)
      this.#counted = sequence
      if (kept !== undefined && (kept.event === undefined || this.#mayMatch(kept.event)))
        this.#behind += this.#ring.textOf(kept, this.#format).length
      if (this.#behind > this.#backlog) break
    }
    const isOvertaken = this.#position < this.#ring.last && this.#ring.at(this.#position + 1) === undefined
    if (isOvertaken || this.#behind > this.#backlog) this.end('slow')
  }

  /** Returns whether an event may match. True where the store must be asked, or cannot be. */
  #mayMatch(event: TaskEvent): boolean {
    const matches = this.#matches(event)
    if (typeof matches === 'boolean') return matches
    matches.catch(() => undefined)
    return true
  }
}
