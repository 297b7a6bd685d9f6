import { randomBytes } from 'node:crypto'
import type { SequencedEvent } from '../../task/events.ts'
import { eventData, sseText, streamNames } from './event-text.ts'

/** One kept event, or a place where events may be missing; with its text once somebody needed it. */
export interface Kept {
  readonly sequence: number
  /** Absent where events may be missing. */
  readonly event?: SequencedEvent
  text?: string
}

/** What was last heard of a task. */
interface Heard {
  sequence: number
  version: number
}

/**
 * The last events, numbered in the order in which they came. An id is `<epoch>-<sequence>`; the epoch is another one in every process,
 * so that an id of an earlier process is told from one of this. Events of other processes may come twice; what is kept does not.
 */
export class EventRing {
  readonly epoch: string
  readonly #kept: (Kept | undefined)[]
  /** The newest kept event of each task whose events are numbered. Never more tasks than kept events. */
  readonly #heard = new Map<string, Heard>()
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

  /** Keeps an event, unless it is known or older than one of its task that is. Returns whether it was kept. */
  add(event: SequencedEvent): boolean {
    const heard = this.#heard.get(event.taskId)
    if (heard !== undefined && !isNews(event, heard)) return false
    this.#keep({ sequence: this.#next, event })
    const { sequence, version } = event
    if (sequence !== undefined) this.#heard.set(event.taskId, { sequence, version })
    return true
  }

  /** The number, within its task, of the newest numbered event of a task; undefined when none is kept. */
  lastOf(taskId: string): number | undefined {
    return this.#heard.get(taskId)?.sequence
  }

  /** Keeps that events may be missing here. */
  addGap(): void {
    this.#keep({ sequence: this.#next })
  }

  #keep(kept: Kept): void {
    const place = kept.sequence % this.#kept.length
    const gone = this.#kept[place]?.event
    if (gone !== undefined && this.#heard.get(gone.taskId)?.sequence === gone.sequence)
      this.#heard.delete(gone.taskId)
    this.#kept[place] = kept
    this.#next = kept.sequence + 1
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

  /** The text of a kept event; made once for all streams. Where events may be missing, the client is told to read the tasks again. */
  textOf(kept: Kept): string {
    const id = this.idOf(kept.sequence)
    kept.text ??=
      kept.event === undefined
        ? sseText({ id, event: 'reset', data: { reason: 'gap' } })
        : sseText({ id, event: streamNames[kept.event.name], data: eventData(kept.event) })
    return kept.text
  }
}

/** Progress is not numbered: it is old when the task has moved on since. */
function isNews({ sequence, version }: SequencedEvent, heard: Heard): boolean {
  return sequence === undefined ? version >= heard.version : sequence > heard.sequence
}
