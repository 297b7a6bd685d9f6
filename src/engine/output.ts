import { type GatheredCalls, gatherCalls } from '../runtime/gather.ts'
import { retryUntilStored } from '../runtime/retry-until-stored.ts'
import { longestOutput, longestPiece, type OutputPiece, type OutputPlace } from '../store/store.ts'
import { QuillworkError } from '../task/errors.ts'
import { type EndedStatus, hasEnded, type TaskStatus } from '../task/status.ts'
import type { Attempt } from './attempt.ts'
import type { Core } from './core.ts'
import { readTask } from './read-task.ts'
import { foundStale, isFinal } from './settle.ts'

/** Milliseconds over which text is gathered: at most four appends a second. */
const gatherMs = 250
/** Pieces per append. */
const perAppend = 16
/** Milliseconds that an attempt which is done waits for its output to be stored: its result is worth more. */
const finishMs = 60_000

/** Writes the output of an attempt: gathered, cut into pieces, and appended in order; all of it before the attempt is settled. */
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
  readonly #calls: GatheredCalls
  #appending: Promise<void> = Promise.resolve()

  constructor(core: Core, attempt: Attempt) {
    this.#core = core
    this.#attempt = attempt
    this.#calls = gatherCalls(core.clock, gatherMs, () => void this.#append({ isEnd: false }))
  }

  /** Adds text. What comes once the attempt has ended, or was interrupted, is dropped. Throws OUTPUT_TOO_LARGE. */
  write(text: string): void {
    if (text === '' || this.#isOver || this.#attempt.isOver) return
    if (this.#length + text.length > longestOutput) {
      const message = `An attempt may write ${longestOutput} characters of output; keep longer texts elsewhere and write a part of them.`
      throw new QuillworkError('OUTPUT_TOO_LARGE', message)
    }
    this.#length += text.length
    this.#text += text
    this.#calls.soon()
  }

  /** Writes what is left, and takes no more. */
  async finish(): Promise<void> {
    this.#isOver = true
    this.#giveUpAt = this.#core.clock.monotonic() + finishMs
    this.#calls.cancel()
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

  /** A store that is away for a while costs no text: pieces wait in their order, and one that was written already recognises itself. */
  async #appendAll(): Promise<void> {
    while (this.#pieces.length > 0) {
      const again = (error: unknown) => !this.#isGivenUp(error)
      await retryUntilStored(() => this.#appendSome(), { clock: this.#core.clock, again }).catch(() =>
        this.#drop(),
      )
    }
  }

  async #appendSome(): Promise<void> {
    const { id: taskId, attempt } = this.#attempt.record
    const writes = this.#pieces.slice(0, perAppend).map(piece => ({ taskId, attempt, ...piece }))
    const answers = await this.#core.store.output.append(writes)
    this.#pieces.splice(0, writes.length)
    if (answers.every(answer => answer === 'applied')) this.#core.outputSignals.emit(taskId)
    else {
      this.#drop()
      foundStale(this.#core, this.#attempt)
    }
  }

  /** An attempt that was interrupted does not wait for a store that is away; one that is done waits for a while. */
  #isGivenUp(error: unknown): boolean {
    const isGivenUp = isFinal(error) || this.#attempt.isOver || this.#core.clock.monotonic() >= this.#giveUpAt
    this.#core.log.warn(
      { err: error, taskId: this.#attempt.record.id, pieces: this.#pieces.length },
      isGivenUp ? 'attempt output lost' : 'attempt output write failed; will retry',
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

/** What a follower of the output of a task receives. */
export type OutputEvent =
  /** The next text. */
  | { kind: 'text'; attempt: number; sequence: number; text: string }
  /** A newer attempt began to write: the text before is not of that attempt. */
  | { kind: 'reset'; attempt: number }
  /** The task ended, and all of its output was read; `deleted`: what may have come after the place is not kept any more. */
  | { kind: 'end'; status: EndedStatus; place: OutputPlace; deleted?: true }

/** How output is followed. */
export interface FollowOptions {
  /** Go on after this place; default from the start. */
  from?: OutputPlace
  /** Ends the following. */
  signal?: AbortSignal
}

/** The place before all output. */
export const outputStart: OutputPlace = { attempt: 0, sequence: 0 }

/** Pieces per read: at most some megabytes. */
const perRead = 50
/** Milliseconds between two reads where other processes write: more and more while a task has no output, for it may not run for long. */
const readEveryMs = 300
const longestReadMs = 1_000

/**
 * Returns the output of a task from a place on, as it grows, until the task has ended. Nothing is read before the next event is asked for,
 * so a slow follower costs no memory. Throws TASK_NOT_FOUND, ENGINE_STOPPED when the engine stops, and what the store throws.
 */
export async function* followOutput(
  core: Core,
  taskId: string,
  { from = outputStart, signal }: FollowOptions,
): AsyncGenerator<OutputEvent, void, undefined> {
  using watch = watchOutput(core, taskId, signal)
  await watch.begin()
  let place = from
  let waitMs = readEveryMs
  while (signal?.aborted !== true) {
    // Taken before the read: what was written before the end is then read before the end is reported.
    const { status } = watch
    const { attempt, pieces } = await core.store.output.read(taskId, place, perRead)
    if (attempt !== place.attempt && attempt !== 0) {
      if (place.attempt !== 0) yield { kind: 'reset', attempt }
      place = { attempt, sequence: 0 }
    }
    for (const { sequence, text } of pieces) {
      place = { attempt, sequence }
      yield { kind: 'text', attempt, sequence, text }
    }
    if (pieces.length > 0) continue
    if (status !== undefined) {
      const isDeleted = attempt === 0 && place.attempt !== 0
      return yield { kind: 'end', status, place, ...(isDeleted ? { deleted: true } : {}) }
    }
    const isSignalled = await watch.more(waitMs)
    waitMs = isSignalled || attempt !== 0 ? readEveryMs : Math.min(waitMs * 2, longestReadMs)
  }
}

/** Returns what is stored of the output of a task, and the attempt that wrote it; 0 where there is none. */
export async function readOutput(
  { store }: Pick<Core, 'store'>,
  taskId: string,
): Promise<{ attempt: number; text: string }> {
  let place = outputStart
  const texts: string[] = []
  for (;;) {
    const { attempt, pieces } = await store.output.read(taskId, place, perRead)
    if (attempt !== place.attempt) texts.length = 0
    texts.push(...pieces.map(({ text }) => text))
    place = { attempt, sequence: pieces.at(-1)?.sequence ?? 0 }
    if (pieces.length === 0) return { attempt, text: texts.join('') }
  }
}

/** Waits for more output, or the end of the task. */
interface OutputWatch extends Disposable {
  /** How the task ended, once it has. */
  readonly status: EndedStatus | undefined
  /** Reads whether the task has ended. Throws TASK_NOT_FOUND. */
  begin(): Promise<void>
  /** Resolves when there may be more: true after a signal, false after the time. Throws when the engine stops. */
  more(waitMs: number): Promise<boolean>
}

function watchOutput(core: Core, taskId: string, signal: AbortSignal | undefined): OutputWatch {
  let status: EndedStatus | undefined
  let failure: { reason: unknown } | undefined
  let isNew = false
  let wake: () => void = () => undefined
  const signalled = () => {
    isNew = true
    wake()
  }
  const stopSignals = core.outputSignals.on(taskId, signalled)
  const ended = (end: { status: TaskStatus }) => {
    if (hasEnded(end.status)) status = end.status
    signalled()
  }
  const stopWaiting = core.waiters.wait(taskId, {
    found: ended,
    failed(reason) {
      failure = { reason }
      signalled()
    },
  })
  signal?.addEventListener('abort', signalled, { once: true })
  return {
    get status() {
      return status
    },
    async begin() {
      ended(await readTask(core, taskId))
    },
    async more(waitMs) {
      if (!isNew) await next(core, waitMs, resolve => (wake = resolve))
      const isSignalled = isNew
      isNew = false
      if (failure !== undefined) throw failure.reason
      return isSignalled
    },
    [Symbol.dispose]() {
      stopSignals()
      stopWaiting()
      signal?.removeEventListener('abort', signalled)
    },
  }
}

/** Waits for a signal; where other processes write too, at most for a while. */
async function next(
  { store, clock }: Core,
  waitMs: number,
  onWake: (wake: () => void) => void,
): Promise<void> {
  let cancelTimer: (() => void) | undefined
  await new Promise<void>(resolve => {
    onWake(resolve)
    if (store.capabilities.manyProcesses) cancelTimer = clock.after(waitMs, resolve)
  })
  cancelTimer?.()
}
