import type { ServerResponse } from 'node:http'
import type { OutputEvent } from '../../engine/output.ts'
import type { OutputPlace } from '../../store/store.ts'
import { defined } from '../../task/defined.ts'
import type { OpenStream, StreamEnd } from './places.ts'
import { sseText } from './sse.ts'

/** One stream of the output of a task. It reads the next event when the client has taken the one before, so nothing is buffered for a slow client. */
export class OutputStream implements OpenStream {
  readonly #response: ServerResponse
  readonly #ended: (why: StreamEnd) => void
  readonly #ending = new AbortController()
  #drained: (() => void) | undefined
  #isOver = false

  constructor(response: ServerResponse, ended: (why: StreamEnd) => void) {
    this.#response = response
    this.#ended = ended
    response.on('drain', () => this.#goOn())
    response.on('close', () => this.end('client'))
    response.on('error', () => this.end('client'))
  }

  /** Sends the events of `follow` until they end. Rejects with their error; the client sees the end of the stream. */
  async send(follow: (signal: AbortSignal) => AsyncIterable<OutputEvent>): Promise<void> {
    try {
      await this.#write('retry: 3000\n\n')
      for await (const event of follow(this.#ending.signal)) {
        if (this.#isOver) return
        await this.#write(textOf(event))
      }
      this.end('done')
    } catch (error) {
      if (this.#isOver) return
      this.end('shutdown')
      throw error
    }
  }

  beat(): void {
    if (!this.#isOver && !this.#response.writableNeedDrain) this.#response.write(': hb\n\n')
  }

  end(why: StreamEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#ended(why)
    this.#ending.abort()
    // A client that does not read would not see the end either, and would keep its connection.
    if (this.#response.writableNeedDrain) this.#response.destroy()
    else this.#response.end()
    this.#goOn()
  }

  /** Resolves when the client takes more, or has disconnected. */
  #write(text: string): Promise<void> | undefined {
    if (this.#response.write(text)) return undefined
    return new Promise(resolve => {
      this.#drained = resolve
    })
  }

  #goOn(): void {
    const drained = this.#drained
    this.#drained = undefined
    drained?.()
  }
}

function textOf(event: OutputEvent): string {
  switch (event.kind) {
    case 'text': {
      const { attempt, sequence, text } = event
      return sseText({ id: outputId(event), event: 'text', data: { attempt, sequence, text } })
    }
    case 'reset': {
      const { attempt } = event
      return sseText({ id: outputId({ attempt, sequence: 0 }), event: 'reset', data: { attempt } })
    }
    case 'end':
      return sseText({
        id: `${outputId(event.place)}${endMark}`,
        event: 'end',
        data: defined({ status: event.status, deleted: event.deleted }),
      })
  }
}

const endMark = '.end'

/** Returns the id of a place in an output: the id of its event, and the place to resume from. */
export function outputId({ attempt, sequence }: OutputPlace): string {
  return `${attempt}.${sequence}`
}

/** The form of ids that `parseOutputId` reads. */
export const outputIdPattern = /^\d{1,9}\.\d{1,9}(\.end)?$/

/** Returns the place that an id names, and whether its client received the end. */
export function parseOutputId(id: string): { place: OutputPlace; isEnd: boolean } {
  const [attempt, sequence] = id.split('.', 2)
  return { place: { attempt: Number(attempt), sequence: Number(sequence) }, isEnd: id.endsWith(endMark) }
}
