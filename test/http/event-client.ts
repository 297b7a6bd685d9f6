import { type ClientRequest, type IncomingMessage, request } from 'node:http'

/** One event as a browser would see it. */
export interface SeenEvent {
  id: string
  event: string
  data: Record<string, unknown>
}

/** A client of an event stream, in the way of WHATWG HTML section 9.2, whose connection can be cut anywhere. */
export class EventClient {
  readonly events: SeenEvent[] = []
  readonly comments: string[] = []
  /** What a browser sends as Last-Event-ID when it comes back. */
  lastEventId = ''
  retry: number | undefined
  status: number | undefined
  headers: IncomingMessage['headers'] = {}
  readonly #url: string
  readonly #watchers = new Set<() => void>()
  #request: ClientRequest | undefined
  #response: IncomingMessage | undefined
  #text = ''
  #bytesLeft = Number.POSITIVE_INFINITY
  #isClosed = true

  constructor(url: string) {
    this.#url = url
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Connects; resolves with the status. With `cutAfter`, the connection is destroyed after so many bytes. */
  async connect(options: { cutAfter?: number; headers?: Record<string, string> } = {}): Promise<number> {
    const { cutAfter = Number.POSITIVE_INFINITY, headers = {} } = options
    this.#text = ''
    this.#bytesLeft = cutAfter
    const resumed = this.lastEventId === '' ? {} : { 'last-event-id': this.lastEventId }
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      this.#request = request(this.#url, { agent: false, headers: { ...resumed, ...headers } }, resolve)
      this.#request.on('error', reject)
      this.#request.end()
    })
    this.#response = response
    this.#isClosed = false
    this.status = response.statusCode
    this.headers = response.headers
    response.on('data', (chunk: Buffer) => this.#take(chunk))
    response.on('error', () => undefined)
    response.on('close', () => {
      this.#isClosed = true
      this.#notify()
    })
    return response.statusCode ?? 0
  }

  /** Stops reading; the server's buffers fill up. */
  pause(): void {
    this.#response?.pause()
  }

  resume(): void {
    this.#response?.resume()
  }

  cut(): void {
    this.#request?.destroy()
  }

  /** Resolves once the condition holds; looked at after each piece that arrives. */
  until(holds: (client: this) => boolean): Promise<void> {
    return new Promise(resolve => {
      const look = () => {
        if (!holds(this)) return
        this.#watchers.delete(look)
        resolve()
      }
      this.#watchers.add(look)
      look()
    })
  }

  /** Resolves with the first event of that name. */
  async first(event: string): Promise<SeenEvent> {
    const find = () => this.events.find(seen => seen.event === event)
    await this.until(() => find() !== undefined)
    return find() as SeenEvent
  }

  #notify(): void {
    for (const look of [...this.#watchers]) look()
  }

  #take(chunk: Buffer): void {
    const taken = chunk.subarray(0, Math.min(chunk.length, this.#bytesLeft))
    this.#bytesLeft -= taken.length
    // Cut within a character or not: what is not a whole event is forgotten with the connection.
    this.#text += taken.toString('latin1')
    for (let end = this.#text.indexOf('\n\n'); end >= 0; end = this.#text.indexOf('\n\n')) {
      this.#dispatch(Buffer.from(this.#text.slice(0, end), 'latin1').toString('utf8'))
      this.#text = this.#text.slice(end + 2)
    }
    if (this.#bytesLeft === 0) this.cut()
    this.#notify()
  }

  #dispatch(block: string): void {
    let event = 'message'
    const data: string[] = []
    for (const line of block.split('\n')) {
      const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
      if (field === '') this.comments.push(value)
      else if (field === 'id') this.lastEventId = value
      else if (field === 'event') event = value
      else if (field === 'retry') this.retry = Number(value)
      else if (field === 'data') data.push(value)
    }
    if (data.length > 0)
      this.events.push({
        id: this.lastEventId,
        event,
        data: JSON.parse(data.join('\n')) as Record<string, unknown>,
      })
  }
}
