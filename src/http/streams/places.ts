import { QuillworkError } from '../../task/errors.ts'
import type { HttpSettings } from '../settings.ts'

/** Why a stream ended. `done`: there is nothing more to send; `refused`: who opened it may not any more. */
export type StreamEnd = 'client' | 'slow' | 'life' | 'shutdown' | 'done' | 'refused'

/** An open stream. */
export interface OpenStream {
  /** Sends a heartbeat. */
  beat(): void
  end(why: StreamEnd): void
}

/** Who opened a stream. */
export interface StreamOwner {
  /** The address of the client. */
  readonly client: string
  /** Returns whether its credential still holds; asked with each heartbeat. Default: it does. */
  mayStay?(): Promise<boolean>
}

/** The places for streams of the process, limited in number and per client. Each stream has heartbeats and a longest life. */
export class StreamPlaces {
  readonly #settings: HttpSettings
  readonly #streams = new Map<OpenStream, StreamOwner & { endsAt: number }>()
  readonly #perClient = new Map<string, number>()
  #heartbeat: NodeJS.Timeout | undefined
  #isClosed = false
  #opened = 0
  #dropped = 0

  constructor(settings: HttpSettings) {
    this.#settings = settings
  }

  /** Counters for metrics. */
  get counts() {
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

  /** Gives the stream of an admitted client its place. */
  take(owner: StreamOwner, stream: OpenStream): void {
    const { client } = owner
    const endsAt = performance.now() + this.#settings.streamLifeMs * (1 - Math.random() / 5)
    this.#streams.set(stream, { ...owner, endsAt })
    this.#perClient.set(client, (this.#perClient.get(client) ?? 0) + 1)
    this.#opened += 1
    this.#heartbeat ??= this.#startHeartbeat()
  }

  /** Frees the place of a stream that has ended. */
  leave(stream: OpenStream, why: StreamEnd): void {
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

  /** Ends every stream and admits no new one. */
  close(): void {
    this.#isClosed = true
    for (const stream of [...this.#streams.keys()]) stream.end('shutdown')
  }

  #startHeartbeat(): NodeJS.Timeout {
    const beat = () => {
      const now = performance.now()
      for (const [stream, { endsAt, mayStay }] of [...this.#streams]) {
        if (now >= endsAt) {
          stream.end('life')
          continue
        }
        stream.beat()
        void mayStay?.().then(isStill => (isStill ? undefined : stream.end('refused')))
      }
    }
    return setInterval(beat, this.#settings.heartbeatMs).unref()
  }
}
