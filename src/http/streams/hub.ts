import type { ServerResponse } from 'node:http'
import type { Engine } from '../../engine/engine.ts'
import type { Logger } from '../../runtime/log.ts'
import type { HttpSettings } from '../settings.ts'
import { type StreamOwner, StreamPlaces } from './places.ts'
import { EventRing } from './ring.ts'
import type { StreamFormat } from './sse.ts'
import { type EventFilter, EventStream } from './stream.ts'

/** Milliseconds of one turn of the event loop for streams: many of them hold up nothing else. */
const turnMs = 4

/** A client that subscribes to events. */
export interface StreamRequest extends StreamOwner {
  /** The id of the last event that the client received. */
  lastEventId: string | undefined
  matches: EventFilter
  /** How the data of its events is written; default `plain`. */
  format?: StreamFormat
}

/** The events of all processes; those of this process where there is no other. */
export type LiveEvents = Pick<Engine, 'live' | 'events' | 'onGap'>

/** All event streams of the process: one subscription, one ring of kept events, any number of readers. */
export class StreamHub {
  readonly ring: EventRing
  /** The places of all streams, with those of output streams. */
  readonly places: StreamPlaces
  readonly #settings: HttpSettings
  readonly #streams = new Set<EventStream>()
  /** Those that may have something to send. */
  readonly #due = new Set<EventStream>()
  /** Events came that no stream was asked to send yet. */
  #hasNew = false
  readonly #events: LiveEvents
  #unsubscribe: (() => void) | undefined
  #isScheduled = false
  #isClosed = false

  constructor(events: LiveEvents, settings: HttpSettings, log?: Logger) {
    this.#settings = settings
    this.ring = new EventRing(settings.keptEvents, settings.keptBytes, log)
    this.places = new StreamPlaces(settings)
    this.#events = events
  }

  /** Called when the server listens. Subscribes to other processes, which takes too long once a client is waiting. */
  begin(): void {
    if (!this.#isClosed && this.#events.live !== this.#events.events) this.#unsubscribe ??= this.#listen()
  }

  /** Returns whether the id is known and nothing that matches came after it: its client has received everything. */
  async isLastFor(lastEventId: string, matches: EventFilter): Promise<boolean> {
    const from = this.ring.resume(lastEventId)
    if (from === undefined) return false
    for (let sequence = from + 1; sequence <= this.ring.last; sequence++) {
      const kept = this.ring.at(sequence)
      if (kept?.event === undefined || (await matches(kept.event))) return false
    }
    return true
  }

  /** Starts a stream. The head of the response has been written. */
  open(request: StreamRequest, response: ServerResponse): void {
    const { lastEventId, matches, format = 'plain', ...owner } = request
    const resumed = lastEventId === undefined ? undefined : this.ring.resume(lastEventId)
    const stream: EventStream = new EventStream({
      ring: this.ring,
      response,
      matches,
      format,
      backlog: this.#settings.streamBacklog,
      position: resumed ?? this.ring.last,
      drained: () => {
        this.#due.add(stream)
        this.#schedule()
      },
      ended: why => {
        this.#streams.delete(stream)
        this.#due.delete(stream)
        this.places.leave(stream, why)
      },
    })
    this.#unsubscribe ??= this.#listen()
    this.#streams.add(stream)
    this.places.take(owner, stream)
    stream.open(lastEventId !== undefined && resumed === undefined ? 'unknown-or-too-old' : undefined)
  }

  /** Ends every stream and admits no new one. */
  close(): void {
    this.#isClosed = true
    this.#unsubscribe?.()
    this.places.close()
  }

  /** Keeps events from the first stream on. Until then, the events of this process cost nothing. Returns an unsubscribe function. */
  #listen(): () => void {
    const { live, onGap } = this.#events
    const unsubscribes = [
      live.onAny(event => {
        if (this.ring.add(event)) this.#tellAll()
      }),
      onGap(() => {
        this.ring.addGap()
        this.#tellAll()
      }),
    ]
    return () => {
      for (const unsubscribe of unsubscribes) unsubscribe()
    }
  }

  #tellAll(): void {
    this.#hasNew = true
    this.#schedule()
  }

  /** Sends several events of one turn of the event loop together. */
  #schedule(): void {
    if (this.#isScheduled || this.#streams.size === 0) return
    this.#isScheduled = true
    setImmediate(() => this.#pump())
  }

  /** Sends to the streams that have something to send, as many as one turn has time for; the others are for the next. */
  #pump(): void {
    this.#isScheduled = false
    if (this.#hasNew) for (const stream of this.#streams) this.#due.add(stream)
    this.#hasNew = false
    const until = performance.now() + turnMs
    for (const stream of this.#due) {
      this.#due.delete(stream)
      stream.pump()
      if (performance.now() >= until) break
    }
    if (this.#due.size > 0) this.#schedule()
  }
}
