import type { ServerResponse } from 'node:http'
import type { Engine } from '../../engine/engine.ts'
import { QuillworkError } from '../../task/errors.ts'
import type { HttpSettings } from '../settings.ts'
import { EventRing } from './ring.ts'
import { type EventFilter, EventStream, type StreamEnd } from './stream.ts'

/** A client that wants events. */
export interface StreamRequest {
  client: string
  /** The id of the last event that the client saw. */
  lastEventId: string | undefined
  matches: EventFilter
}

/** Counters of the streams, for metrics. */
export interface StreamCounts {
  readonly open: number
  readonly opened: number
  readonly dropped: number
}

/** Where events of all processes come from; the same as those of this process where there is no other. */
export type LiveEvents = Pick<Engine, 'live' | 'events' | 'onGap'>

/** All event streams of the process: one listener, one ring of kept events, any number of readers. */
export class StreamHub {
  readonly ring: EventRing
  readonly #settings: HttpSettings
  readonly #streams = new Map<EventStream, { client: string; endsAt: number }>()
  readonly #perClient = new Map<string, number>()
  readonly #events: LiveEvents
  #unsubscribe: (() => void) | undefined
  #heartbeat: NodeJS.Timeout | undefined
  #isScheduled = false
  #isClosed = false
  #opened = 0
  #dropped = 0

  constructor(events: LiveEvents, settings: HttpSettings) {
    this.#settings = settings
    this.ring = new EventRing(settings.keptEvents)
    this.#events = events
    // To hear of other processes takes a moment to begin: too long once somebody watches.
    if (events.live !== events.events) this.#unsubscribe = this.#listen()
  }

  get counts(): StreamCounts {
    return { open: this.#streams.size, opened: this.#opened, dropped: this.#dropped }
  }

  /** Throws TOO_MANY_STREAMS, and ENGINE_STOPPED while the server shuts down. */
  admit(client: string): void {
    if (this.#isClosed) throw new QuillworkError('ENGINE_STOPPED', 'The server is shutting down.')
    const { streams, streamsPerClient } = this.#settings
    if (this.#streams.size >= streams)
      throw new QuillworkError('TOO_MANY_STREAMS', `All ${streams} event streams of the server are in use.`)
    if ((this.#perClient.get(client) ?? 0) >= streamsPerClient)
      throw new QuillworkError(
        'TOO_MANY_STREAMS',
        `One address may hold ${streamsPerClient} event streams; close another one first.`,
      )
  }

  /** Whether the id is known and nothing that matches came after it: its client has been told everything. */
  async isToldAfter(lastEventId: string, matches: EventFilter): Promise<boolean> {
    const from = this.ring.resume(lastEventId)
    if (from === undefined) return false
    for (let sequence = from + 1; sequence <= this.ring.last; sequence++) {
      const kept = this.ring.at(sequence)
      if (kept?.event === undefined || (await matches(kept.event))) return false
    }
    return true
  }

  /** Begins to stream. The head of the response has been written. */
  open(request: StreamRequest, response: ServerResponse): void {
    const { client, lastEventId, matches } = request
    const resumed = lastEventId === undefined ? undefined : this.ring.resume(lastEventId)
    const stream: EventStream = new EventStream({
      ring: this.ring,
      response,
      matches,
      backlog: this.#settings.streamBacklog,
      place: resumed ?? this.ring.last,
      ended: why => this.#ended(stream, why),
    })
    this.#unsubscribe ??= this.#listen()
    this.#streams.set(stream, { client, endsAt: this.#endOfLife() })
    this.#perClient.set(client, (this.#perClient.get(client) ?? 0) + 1)
    this.#opened += 1
    this.#heartbeat ??= this.#startHeartbeat()
    stream.open(lastEventId !== undefined && resumed === undefined ? 'unknown-or-too-old' : undefined)
  }

  /** Ends every stream and takes no new one. */
  close(): void {
    this.#isClosed = true
    this.#unsubscribe?.()
    for (const stream of [...this.#streams.keys()]) stream.end('shutdown')
  }

  /** From the first stream on, events are kept: those of this process alone cost nothing while nobody ever watched. */
  #listen(): () => void {
    const { live, onGap } = this.#events
    const stops = [
      live.onAny(event => {
        if (this.ring.add(event)) this.#schedule()
      }),
      onGap(() => {
        this.ring.addGap()
        this.#schedule()
      }),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }

  /** Several events of one turn of the event loop are told together. */
  #schedule(): void {
    if (this.#isScheduled || this.#streams.size === 0) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      for (const stream of [...this.#streams.keys()]) stream.pump()
    })
  }

  #endOfLife(): number {
    return performance.now() + this.#settings.streamLifeMs * (1 - Math.random() / 5)
  }

  #startHeartbeat(): NodeJS.Timeout {
    const beat = () => {
      const now = performance.now()
      for (const [stream, { endsAt }] of [...this.#streams]) {
        if (now >= endsAt) stream.end('life')
        else stream.beat()
      }
    }
    return setInterval(beat, this.#settings.heartbeatMs).unref()
  }

  #ended(stream: EventStream, why: StreamEnd): void {
    const kept = this.#streams.get(stream)
    if (kept === undefined) return
    this.#streams.delete(stream)
    const left = (this.#perClient.get(kept.client) ?? 1) - 1
    if (left > 0) this.#perClient.set(kept.client, left)
    else this.#perClient.delete(kept.client)
    if (why === 'slow') this.#dropped += 1
    if (this.#streams.size > 0) return
    clearInterval(this.#heartbeat)
    this.#heartbeat = undefined
  }
}
