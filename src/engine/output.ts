import { longestOutput, longestPiece, type OutputPiece } from '../store/store.ts'
import { QuillworkError } from '../task/errors.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'
import { isHopeless } from './persist.ts'
import { foundStale } from './stale.ts'

/** Milliseconds over which text is gathered: at most four appends a second. */
const gatherMs = 250
/** Pieces per append. */
const perAppend = 16
const firstWaitMs = 100
const longestWaitMs = 5_000
/** Milliseconds that an attempt which is done waits for its output to be taken: its result is worth more. */
const patienceMs = 60_000

/**
 * What an attempt writes while it runs: gathered, cut into pieces, and appended in the order in which it was written. All of it is written
 * before the attempt is settled.
 */
export class OutputWriter {
  readonly #core: Core
  readonly #attempt: Attempt
  /** Text that is in no piece yet. */
  #text = ''
  /** Pieces that are not known to be durable, in order. */
  #pieces: OutputPiece[] = []
  #length = 0
  /** Sequence of the last piece. */
  #last = 0
  #isOver = false
  /** By the monotonic clock; set when the attempt is done. */
  #giveUpAt = Number.POSITIVE_INFINITY
  #cancelTimer: (() => void) | undefined
  #appending: Promise<void> = Promise.resolve()

  constructor(core: Core, attempt: Attempt) {
    this.#core = core
    this.#attempt = attempt
  }

  /** Adds text. What comes once the attempt has ended, or was interrupted, is dropped. Throws OUTPUT_TOO_LARGE. */
  write(text: string): void {
    if (text === '' || this.#isOver || this.#attempt.interruption !== undefined) return
    if (this.#length + text.length > longestOutput) {
      throw new QuillworkError(
        'OUTPUT_TOO_LARGE',
        `An attempt may write ${longestOutput} characters of output; keep longer texts elsewhere and write a part of them.`,
      )
    }
    this.#length += text.length
    this.#text += text
    this.#cancelTimer ??= this.#core.clock.after(gatherMs, () => {
      this.#cancelTimer = undefined
      void this.#append({ isEnd: false })
    })
  }

  /** Writes what is left, and takes no more. */
  async finish(): Promise<void> {
    this.#isOver = true
    this.#giveUpAt = this.#core.clock.monotonic() + patienceMs
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    await this.#append({ isEnd: true })
  }

  #append({ isEnd }: { isEnd: boolean }): Promise<void> {
    const { pieces, rest } = cutPieces(this.#text, isEnd)
    this.#text = rest
    for (const text of pieces) {
      this.#last += 1
      this.#pieces.push({ sequence: this.#last, text })
    }
    this.#appending = this.#appending.then(() => this.#appendAll())
    return this.#appending
  }

  /** A store that is away for a while costs no text: pieces wait in their order, and one that was written unbeknown meets itself. */
  async #appendAll(): Promise<void> {
    for (let waitMs = firstWaitMs; this.#pieces.length > 0; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
      try {
        while (this.#pieces.length > 0) await this.#appendSome()
      } catch (error) {
        if (this.#isGivenUp(error)) return this.#drop()
        await new Promise<void>(resolve => this.#core.clock.after(waitMs, resolve))
      }
    }
  }

  async #appendSome(): Promise<void> {
    const { id: taskId, attempt } = this.#attempt.record
    const writes = this.#pieces.slice(0, perAppend).map(piece => ({ taskId, attempt, ...piece }))
    const answers = await this.#core.store.output.append(writes)
    this.#pieces.splice(0, writes.length)
    if (answers.every(answer => answer === 'applied')) this.#core.outputNews.tell(taskId)
    else {
      this.#drop()
      foundStale(this.#core, this.#attempt)
    }
  }

  /** An attempt that was told to end does not wait for a store that is away; one that is done waits for a while. */
  #isGivenUp(error: unknown): boolean {
    const isGivenUp =
      isHopeless(error) ||
      this.#attempt.interruption !== undefined ||
      this.#core.clock.monotonic() >= this.#giveUpAt
    this.#core.log.warn(
      { err: error, taskId: this.#attempt.record.id, pieces: this.#pieces.length },
      isGivenUp ? 'output of an attempt is lost' : 'output of an attempt could not be written; trying again',
    )
    return isGivenUp
  }

  #drop(): void {
    this.#isOver = true
    this.#pieces = []
    this.#text = ''
  }
}

/**
 * Cuts a text into pieces that the store takes, never within a character; half of one at the end waits for its other half unless that
 * will not come.
 */
export function cutPieces(text: string, isEnd: boolean): { pieces: string[]; rest: string } {
  const end = !isEnd && isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.length - 1 : text.length
  const pieces: string[] = []
  for (let from = 0; from < end; ) {
    let to = Math.min(end, from + longestPiece)
    if (to < end && isHighSurrogate(text.charCodeAt(to - 1))) to -= 1
    pieces.push(text.slice(from, to))
    from = to
  }
  return { pieces, rest: text.slice(end) }
}

/** The first of the two units of a character beyond the basic plane (Unicode, section 3.8). */
function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
