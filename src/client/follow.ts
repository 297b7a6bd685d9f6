import { backoff, isTransient, pause } from './pause.ts'
import { type Message, messagesOf } from './read-stream.ts'

/** A stream that is read across connections. */
export interface Following {
  /** Connects, to resume after that event. Returns undefined where the server says that all was sent. Throws ApiError. */
  open(lastEventId: string | undefined, signal: AbortSignal): Promise<Response | undefined>
  lastEventId: string | undefined
  signal: AbortSignal | undefined
  /** Whether nothing is to come, so that a new connection tells whether all was sent; asked when a connection is open. Default: never. */
  isOver?(): Promise<boolean>
  /** Whether this event is the last one of its kind: then as for `isOver`. Default: none is. */
  isEnd?(message: Message): boolean
}

/** A server sends a heartbeat every 15 seconds. One that is silent for longer is not there any more. Milliseconds. */
const silentMs = 60_000
/** Longest time without an event before a stream of which nothing is to come is asked again, milliseconds. */
const longestIdleMs = 15_000

/** Yields the events of a stream. Connects again when it breaks or ends, and resumes after the last event: none is missing, none comes twice. */
export async function* follow(stream: Following): AsyncGenerator<Message> {
  const { open, signal, isEnd = () => false, isOver = async () => false } = stream
  let lastEventId = stream.lastEventId
  let over = false
  let idleMs = 0
  for (let failures = 0; ; ) {
    const watch = new Watch(signal)
    try {
      const response = await open(lastEventId, watch.signal)
      if (response === undefined) return
      let isFirst = true
      for await (const message of messagesOf(response)) {
        failures = 0
        // An output begins without an id: what was received before holds.
        lastEventId = message.id ?? lastEventId
        if (message.data !== '') yield message
        over ||= (isFirst && (await isOver())) || isEnd(message)
        isFirst = false
        // What has arrived since is sent again.
        if (over && idleMs === 0) break
        watch.restart(over ? idleMs : silentMs)
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (!watch.isSilent && !isTransient(error)) throw error
      if (!watch.isSilent) await pause(backoff(++failures, error), signal)
    } finally {
      watch.stop()
    }
    if (over) idleMs = Math.min(longestIdleMs, Math.max(1_000, idleMs * 2))
    else if (failures === 0) await pause(backoff(0), signal)
  }
}

/** Ends a connection on which nothing arrives. */
class Watch {
  readonly signal: AbortSignal
  readonly #silent = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal === undefined ? this.#silent.signal : AbortSignal.any([signal, this.#silent.signal])
    this.restart(silentMs)
  }

  get isSilent(): boolean {
    return this.#silent.signal.aborted
  }

  restart(ms: number): void {
    this.stop()
    this.#timer = setTimeout(() => this.#silent.abort(), ms)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
