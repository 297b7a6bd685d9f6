import type { OutputPlace } from '../store/store.ts'
import { QuillworkError } from '../task/errors.ts'
import { type EndedStatus, hasEnded, type TaskStatus } from '../task/status.ts'
import type { Core } from './core.ts'

/** What a follower of the output of a task is told. */
export type OutputEvent =
  /** The next text. */
  | { kind: 'text'; attempt: number; sequence: number; text: string }
  /** A newer attempt began to write: what was told before is not its text. */
  | { kind: 'reset'; attempt: number }
  /** The task ended, and all was told. */
  | { kind: 'end'; status: EndedStatus; place: OutputPlace }

/** How output is followed. */
export interface FollowOptions {
  /** Go on after this place; default from the start. */
  from?: OutputPlace
  /** Ends the following. */
  signal?: AbortSignal
}

/** Where nothing was read yet. */
export const outputStart: OutputPlace = { attempt: 0, sequence: 0 }

/** Pieces per read: at most some megabytes. */
const perRead = 50
/** Milliseconds between two looks for what other processes wrote: more and more while a task has no output, which may wait for long. */
const lookEveryMs = 300
const longestLookMs = 1_000

/**
 * Tells the output of a task from a place on, as it grows, until the task has ended. Nothing is read ahead of whoever asks for the next
 * event, however slow. Throws TASK_NOT_FOUND, ENGINE_STOPPED when the engine stops, and what the store throws.
 */
export async function* followOutput(
  core: Core,
  taskId: string,
  { from = outputStart, signal }: FollowOptions,
): AsyncGenerator<OutputEvent, void, undefined> {
  using watch = watchOutput(core, taskId, signal)
  await watch.begin()
  let place = from
  let lookMs = lookEveryMs
  while (signal?.aborted !== true) {
    // Looked at before the read: what was written before the end is then read before it is told.
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
    if (status !== undefined) return yield { kind: 'end', status, place }
    const wasTold = await watch.news(lookMs)
    lookMs = wasTold || attempt !== 0 ? lookEveryMs : Math.min(lookMs * 2, longestLookMs)
  }
}

/** What a follower waits for. */
interface OutputWatch extends Disposable {
  /** How the task ended, once it has. */
  readonly status: EndedStatus | undefined
  /** Looks whether the task is there, and has ended. Throws TASK_NOT_FOUND. */
  begin(): Promise<void>
  /** Resolves when there may be something new since the last time; whether it was told, or is time to look. Throws when nobody will know. */
  news(lookMs: number): Promise<boolean>
}

function watchOutput(core: Core, taskId: string, signal: AbortSignal | undefined): OutputWatch {
  let status: EndedStatus | undefined
  let failure: { reason: unknown } | undefined
  let isNew = false
  let wake: () => void = () => undefined
  const notice = () => {
    isNew = true
    wake()
  }
  const stopNews = core.outputNews.listen(taskId, notice)
  const ended = (end: { status: TaskStatus }) => {
    if (hasEnded(end.status)) status = end.status
    notice()
  }
  const stopWaiting = core.waiters.wait(taskId, {
    found: ended,
    failed(reason) {
      failure = { reason }
      notice()
    },
  })
  signal?.addEventListener('abort', notice, { once: true })
  return {
    get status() {
      return status
    },
    async begin() {
      const [record] = await core.store.queries.get([taskId])
      if (record === undefined) throw new QuillworkError('TASK_NOT_FOUND', `There is no task ${taskId}.`)
      ended(record)
    },
    async news(lookMs) {
      if (!isNew) await next(core, lookMs, resolve => (wake = resolve))
      const wasTold = isNew
      isNew = false
      if (failure !== undefined) throw failure.reason
      return wasTold
    },
    [Symbol.dispose]() {
      stopNews()
      stopWaiting()
      signal?.removeEventListener('abort', notice)
    },
  }
}

/** Waits for the news; where others write too, at most until it is time to look. */
async function next(
  { store, clock }: Core,
  lookMs: number,
  onWake: (wake: () => void) => void,
): Promise<void> {
  let cancelTimer: (() => void) | undefined
  await new Promise<void>(resolve => {
    onWake(resolve)
    if (store.capabilities.manyProcesses) cancelTimer = clock.after(lookMs, resolve)
  })
  cancelTimer?.()
}
