import { randomBytes } from 'node:crypto'
import { type Logger, silentLog } from '../../runtime/log.ts'
import { type SequencedEvent, sizeOfEvent } from '../../task/events.ts'
import { eventText, resetText, type StreamFormat } from './sse.ts'

/** One kept event, or a gap where events may be missing, with its text in each format once a stream needed it. */
export interface Kept {
  readonly sequence: number
  /** Absent for a gap. */
  readonly event?: SequencedEvent
  /** Bytes that it takes in memory, about; those of its plain text count from the start. */
  size: number
  readonly texts: Partial<Record<StreamFormat, string>>
}

/** Pieces that are kept, mostly of some 20 kB each, and the bytes of the largest: for streams that are a little behind the others. */
const mostPieces = 64
const largestPiece = 131_072

/** The newest kept event of a task. */
type Newest = Pick<SequencedEvent, 'name' | 'at' | 'version'> & { sequence: number }

/**
 * The last events, numbered in the order in which they came. An id is `<epoch>-<sequence>`; the epoch differs in every process,
 * so that the ids of an earlier process are recognized. Events of other processes may arrive twice, and are kept once. The oldest are
 * dropped when there are more than `size`, or all have more than `bytes` together; the newest is kept in any case.
 */
export class EventRing {
  readonly epoch = randomBytes(6).toString('hex')
  readonly #kept: (Kept | undefined)[]
  /** The newest kept event of each task whose events are numbered. Never more tasks than kept events. */
  readonly #newest = new Map<string, Newest>()
  readonly #bytes: number
  /** Sequence of the next event, and of the oldest that is kept. */
  #next = 1
  #first = 1
  #size = 0

  /** What was sent in one piece, by its format and place; the newest. */
  readonly #pieces = new Map<string, Uint8Array>()

  readonly #log: Logger

  constructor(size: number, bytes: number, log: Logger = silentLog) {
    this.#log = log
    this.#kept = new Array<Kept | undefined>(size)
    this.#bytes = bytes
  }

  /** Returns the sequence of the newest event, 0 before the first. */
  get last(): number {
    return this.#next - 1
  }

  /** Returns the sequence of the oldest kept event, one above `last` where there is none. */
  get first(): number {
    return this.#first
  }

  /** Keeps an event, unless it or a newer one of its task is kept already. Returns whether it was kept. */
  add(event: SequencedEvent): boolean {
    const newest = this.#newest.get(event.taskId)
    if (newest !== undefined && !isNewer(event, newest)) return false
    this.#keep({ sequence: this.#next, event, size: 2 * sizeOfEvent(event), texts: {} })
    const { sequence, version, name, at } = event
    if (sequence !== undefined) this.#newest.set(event.taskId, { sequence, version, name, at })
    return true
  }

  /** Returns the number, within its task, of the newest numbered event of a task; undefined when none is kept. */
  lastOf(taskId: string): number | undefined {
    return this.#newest.get(taskId)?.sequence
  }

  /** Keeps a gap: events may be missing here. */
  addGap(): void {
    this.#keep({ sequence: this.#next, size: 256, texts: {} })
  }

  #keep(kept: Kept): void {
    if (this.#next - this.#first >= this.#kept.length) this.#dropOldest()
    this.#kept[kept.sequence % this.#kept.length] = kept
    this.#next = kept.sequence + 1
    this.#size += kept.size
    while (this.#size > this.#bytes && this.#first < kept.sequence) this.#dropOldest()
  }

  #dropOldest(): void {
    const place = this.#first % this.#kept.length
    const { event, size = 0 } = this.#kept[place] ?? {}
    if (event !== undefined && this.#newest.get(event.taskId)?.sequence === event.sequence)
      this.#newest.delete(event.taskId)
    this.#kept[place] = undefined
    this.#size -= size
    this.#first += 1
  }

  /** Returns the event of a sequence; undefined when it is not kept any more, or does not exist yet. */
  at(sequence: number): Kept | undefined {
    const kept = this.#kept[sequence % this.#kept.length]
    return kept?.sequence === sequence ? kept : undefined
  }

  /** Returns the id of a sequence. */
  idOf(sequence: number): string {
    return `${this.epoch}-${sequence}`
  }

  /** Returns the sequence of an id after which nothing is missing; undefined when it is unknown or too old. */
  resume(id: string): number | undefined {
    const match = /^([\da-f]{1,40})-(\d{1,15})$/.exec(id)
    if (match === null || match[1] !== this.epoch) return undefined
    const sequence = Number(match[2])
    return sequence >= this.first - 1 && sequence <= this.last ? sequence : undefined
  }

  /**
   * Returns the text of a kept event, made once for all streams of a format. The text of a gap tells the client to read the tasks again; that of an event
   * that has none is empty.
   */
  textOf(kept: Kept, format: StreamFormat = 'plain'): string {
    const there = kept.texts[format]
    if (there !== undefined) return there
    const text = this.#textOf(kept, format)
    kept.texts[format] = text
    if (format !== 'plain' && this.at(kept.sequence) === kept) {
      kept.size += 2 * text.length
      this.#size += 2 * text.length
    }
    return text
  }

  /** Returns the texts of kept events that follow each other, as bytes; made once for the streams that are at the same place. */
  bytesOf({ first, last }: { first: number; last: number }, format: StreamFormat): Uint8Array {
    const name = `${format} ${first}-${last}`
    const made = this.#pieces.get(name)
    if (made !== undefined) return made
    let text = ''
    for (let sequence = first; sequence <= last; sequence++) {
      const kept = this.at(sequence)
      if (kept !== undefined) text += this.textOf(kept, format)
    }
    const bytes = Buffer.from(text)
    if (bytes.length > largestPiece) return bytes
    this.#pieces.set(name, bytes)
    const [oldest] = this.#pieces.keys()
    if (this.#pieces.size > mostPieces && oldest !== undefined) this.#pieces.delete(oldest)
    return bytes
  }

  #textOf({ sequence, event }: Kept, format: StreamFormat): string {
    const id = this.idOf(sequence)
    if (event === undefined) return resetText(id, 'gap', format)
    try {
      return eventText(id, event, format)
    } catch (error) {
      this.#log.warn({ err: error, taskId: event.taskId }, 'an event has no text; left out of all streams')
      return ''
    }
  }
}

/**
 * Returns whether an event is newer. Progress is not numbered: it is old when the task has a newer version. What the store has confirmed as the
 * newest is not kept out by the number of another event, which may be false, but only by itself.
 */
function isNewer({ name, at, sequence, version, isNewest }: SequencedEvent, newest: Newest): boolean {
  if (sequence === undefined) return version >= newest.version
  if (sequence !== newest.sequence) return sequence > newest.sequence || isNewest === true
  return isNewest === true && (name !== newest.name || at !== newest.at)
}
