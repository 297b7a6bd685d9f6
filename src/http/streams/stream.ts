import type { ServerResponse } from 'node:http'
import type { TaskEvent } from '../../task/events.ts'
import type { OpenStream, StreamEnd } from './places.ts'
import type { EventRing } from './ring.ts'
import { sseText } from './sse.ts'

/** Whether a stream tells an event; a promise where that must be looked up. */
export type EventFilter = (event: TaskEvent) => boolean | Promise<boolean>

/**
 * One event stream: a place in the ring that moves on as fast as its client reads. Nothing is queued for a client that does not
 * read; one that falls behind the ring, or further behind than the backlog allows, is dropped and may come back.
 */
export class EventStream implements OpenStream {
  readonly #ring: EventRing
  readonly #response: ServerResponse
  readonly #matches: EventFilter
  readonly #backlog: number
  readonly #ended: (why: StreamEnd) => void
  /** Sequence of the last event that was told or passed over. */
  #place: number
  #told: number
  #behind = 0
  #counted: number
  #isWaiting = false
  #isPumping = false
  #isOver = false

  constructor(options: {
    ring: EventRing
    response: ServerResponse
    matches: EventFilter
    backlog: number
    place: number
    ended(why: StreamEnd): void
  }) {
    this.#ring = options.ring
    this.#response = options.response
    this.#matches = options.matches
    this.#backlog = options.backlog
    this.#ended = options.ended
    this.#place = options.place
    this.#told = options.place
    this.#counted = options.place
    options.response.on('drain', () => this.#drained())
    options.response.on('close', () => this.end('client'))
    options.response.on('error', () => this.end('client'))
  }

  /** The first bytes: how long to wait before coming back, and the place from which to go on. */
  open(reset: string | undefined): void {
    this.#write(`retry: 3000\nid: ${this.#ring.idOf(this.#place)}\n\n`)
    if (reset !== undefined)
      this.#write(sseText({ id: this.#ring.idOf(this.#place), event: 'reset', data: { reason: reset } }))
    this.pump()
  }

  /** Tells what is new. */
  pump(): void {
    if (this.#isOver || this.#isPumping) return
    if (this.#isWaiting) this.#countBacklog()
    else {
      this.#isPumping = true
      this.#tellNew().then(
        () => this.#rest(),
        // A filter that cannot ask the store any more: the server is stopping.
        () => this.end('shutdown'),
      )
    }
  }

  #rest(): void {
    this.#isPumping = false
    if (!this.#isWaiting && this.#place < this.#ring.last) this.pump()
  }

  async #tellNew(): Promise<void> {
    while (!this.#isOver && !this.#isWaiting && this.#place < this.#ring.last) {
      const kept = this.#ring.at(this.#place + 1)
      if (kept === undefined) return this.end('slow')
      // A missing event may be one that the client wants.
      const matches = kept.event === undefined || this.#matches(kept.event)
      const tells = typeof matches === 'boolean' ? matches : await matches
      this.#place = kept.sequence
      if (!tells || this.#isOver) continue
      this.#told = kept.sequence
      this.#write(this.#ring.textOf(kept))
    }
  }

  /** A sign of life; it also moves the client's place past events that its filter left out. */
  beat(): void {
    if (this.#isOver || this.#isWaiting) return
    const moved = this.#place > this.#told ? `id: ${this.#ring.idOf(this.#place)}\n` : ''
    this.#told = this.#place
    this.#write(`${moved}: hb\n\n`)
  }

  end(why: StreamEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#ended(why)
    if (why === 'slow') this.#response.destroy()
    else this.#response.end()
  }

  #write(text: string): void {
    if (!this.#response.write(text)) this.#isWaiting = true
  }

  #drained(): void {
    this.#isWaiting = false
    this.#behind = 0
    this.#counted = Math.max(this.#counted, this.#place)
    this.pump()
  }

  /** What is waiting for a client that does not read, in UTF-16 code units; too much ends the stream. */
  #countBacklog(): void {
    for (let sequence = Math.max(this.#counted, this.#place) + 1; sequence <= this.#ring.last; sequence++) {
      const kept = this.#ring.at(sequence)
      this.#counted = sequence
      if (kept !== undefined && (kept.event === undefined || this.#mayMatch(kept.event)))
        this.#behind += this.#ring.textOf(kept).length
      if (this.#behind > this.#backlog) break
    }
    const isOvertaken = this.#place < this.#ring.last && this.#ring.at(this.#place + 1) === undefined
    if (isOvertaken || this.#behind > this.#backlog) this.end('slow')
  }
  /** What must be looked up, or cannot be, may be wanted. */
  #mayMatch(event: TaskEvent): boolean {
    const matches = this.#matches(event)
    if (typeof matches === 'boolean') return matches
    matches.catch(() => undefined)
    return true
  }
}
