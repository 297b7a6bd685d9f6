import { randomBytes } from 'node:crypto'
import type { TaskEvent } from '../../task/events.ts'
import { eventData, sseText, streamNames } from './event-text.ts'

/** One kept event, with its text once somebody needed it. */
export interface Kept {
  readonly sequence: number
  readonly event: TaskEvent
  text?: string
}

/**
 * The last events of the process, numbered. An id is `<epoch>-<sequence>`; the epoch is another one in every process, so that an id
 * of an earlier process is told from one of this.
 */
export class EventRing {
  readonly epoch: string
  readonly #kept: (Kept | undefined)[]
  /** Sequence of the next event. */
  #next = 1

  constructor(size: number, epoch: string = randomBytes(6).toString('hex')) {
    this.#kept = new Array<Kept | undefined>(size)
    this.epoch = epoch
  }

  /** Sequence of the newest event; 0 before the first. */
  get last(): number {
    return this.#next - 1
  }

  /** Sequence of the oldest event that is kept; one above `last` when none is. */
  get first(): number {
    return Math.max(1, this.#next - this.#kept.length)
  }

  add(event: TaskEvent): void {
    const sequence = this.#next
    this.#kept[sequence % this.#kept.length] = { sequence, event }
    this.#next = sequence + 1
  }

  /** The event of a sequence; undefined when it is no longer, or not yet, there. */
  at(sequence: number): Kept | undefined {
    const kept = this.#kept[sequence % this.#kept.length]
    return kept?.sequence === sequence ? kept : undefined
  }

  idOf(sequence: number): string {
    return `${this.epoch}-${sequence}`
  }

  /** The sequence of an id after which nothing is missing; undefined when it is unknown or too old. */
  resume(id: string): number | undefined {
    const match = /^([\da-f]{1,40})-(\d{1,15})$/.exec(id)
    if (match === null || match[1] !== this.epoch) return undefined
    const sequence = Number(match[2])
    return sequence >= this.first - 1 && sequence <= this.last ? sequence : undefined
  }

  /** The text of a kept event; made once for all streams. */
  textOf(kept: Kept): string {
    kept.text ??= sseText({
      id: this.idOf(kept.sequence),
      event: streamNames[kept.event.name],
      data: eventData(kept.event),
    })
    return kept.text
  }
}
