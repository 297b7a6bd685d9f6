import type { ServerResponse } from 'node:http'
import type { OutputEvent } from '../../engine/output.ts'
import type { OutputPlace } from '../../store/store.ts'
import { sseText } from './event-text.ts'
import type { OpenStream, StreamEnd } from './places.ts'

/**
 * One stream of the output of a task. The next event is asked for when the client has taken the one before: nothing is kept for a client
 * that does not read.
 */
export class OutputStream implements OpenStream {
  readonly #response: ServerResponse
  readonly #ended: (why: StreamEnd) => void
  readonly #leaving = new AbortController()
  #drained: (() => void) | undefined
  #isOver = false

  constructor(response: ServerResponse, ended: (why: StreamEnd) => void) {
    this.#response = response
    this.#ended = ended
    response.on('drain', () => this.#goOn())
    response.on('close', () => this.end('client'))
    response.on('error', () => this.end('client'))
  }

  /** Tells what is followed until it ends; rejects with what went wrong, which its client learns by the end of the stream. */
  async tell(follow: (signal: AbortSignal) => AsyncIterable<OutputEvent>): Promise<void> {
    try {
      await this.#write('retry: 3000\n\n')
      for await (const event of follow(this.#leaving.signal)) {
        if (this.#isOver) return
        await this.#write(textOf(event))
      }
      this.end('told')
    } catch (error) {
      if (this.#isOver) return
      this.end('shutdown')
      throw error
    }
  }

  beat(): void {
    if (!this.#isOver && this.#drained === undefined) this.#response.write(': hb\n\n')
  }

  end(why: StreamEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#ended(why)
    this.#leaving.abort()
    // A client that does not read would not see the end either.
    if (this.#drained === undefined) this.#response.end()
    else this.#response.destroy()
    this.#goOn()
  }

  /** Resolves when the client has room for more, or is gone. */
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
        data: { status: event.status },
      })
  }
}

const endMark = '.end'

/** The id of a place in an output; told as the id of events, and taken to go on. */
export function outputId({ attempt, sequence }: OutputPlace): string {
  return `${attempt}.${sequence}`
}

/** What `parseOutputId` reads. */
export const outputIdPattern = /^\d{1,9}\.\d{1,9}(\.end)?$/

/** The place that an id names, and whether its client was told the end. */
export function parseOutputId(id: string): { place: OutputPlace; isEnd: boolean } {
  const [attempt, sequence] = id.split('.', 2)
  return { place: { attempt: Number(attempt), sequence: Number(sequence) }, isEnd: id.endsWith(endMark) }
}
