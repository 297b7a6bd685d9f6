import { skipToken, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { isEnd } from '../api/task.ts'
import { readStream } from './read-stream.ts'

/** What a task has written so far. */
export interface Output {
  /** The attempt that wrote it; 0 when none has. */
  readonly attempt: number
  readonly text: string
  /** Where the text ends: `attempt.sequence`. */
  readonly after: string
  /** The task has ended, and this is all, or all that is kept. */
  readonly isWhole: boolean
  /** More may have come that is not kept any more. */
  readonly isCut?: boolean
}

/** Before anything was written. */
const noOutput: Output = { attempt: 0, text: '', after: '0.0', isWhole: false }

/** How the output of a task is followed. */
interface FollowOptions {
  readonly taskId: string
  /** What is known already; the stream continues behind it. */
  readonly from: Output
  readonly signal: AbortSignal
  /** Called at most four times a second, and at the end. */
  readonly onOutput: (output: Output) => void
}

/** Milliseconds over which text is gathered before it is shown. */
const gatherMs = 250
/** Milliseconds between two questions while there is no stream. */
const askEveryMs = 1_500

/**
 * Follows what a task writes until it has ended or the signal fires. The stream is the usual way; as long as it does not stand (its places are
 * taken, or the connection is broken) the text is asked for instead. Rejects with ApiError where the server refuses.
 */
async function followOutput({ taskId, from, signal, onOutput }: FollowOptions): Promise<void> {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const written = new Written(from, onOutput, () => over.abort())
  // At once, so that the next follower continues behind all that came.
  signal.addEventListener('abort', () => written.close(), { once: true })
  let isStreaming = false
  const asking = askMeanwhile({ taskId, written, signal: either, isNeeded: () => !isStreaming })
  try {
    await readStream({
      path: `/v1/tasks/${encodeURIComponent(taskId)}/output`,
      lastEventId: () => written.after,
      signal: either,
      onState(isOpen) {
        isStreaming = isOpen
      },
      onEvent({ event = '', data }) {
        const change = JSON.parse(data) as OutputChange
        if (event === 'text') written.add(change)
        else if (event === 'reset') written.begin(change.attempt)
        else if (event === 'end') written.end(change.deleted)
      },
    })
    // 204: an earlier connection received everything.
    if (!either.aborted) written.end()
  } finally {
    over.abort()
    written.close()
    await asking
  }
}

/** The data of the events `text`, `reset` and `end`. */
interface OutputChange {
  attempt: number
  sequence: number
  text: string
  deleted?: boolean
}

/** The text as it comes in, shown in steps. */
class Written {
  readonly #show: (output: Output) => void
  readonly #onEnd: () => void
  #output: Output
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(from: Output, show: (output: Output) => void, onEnd: () => void) {
    this.#output = from
    this.#show = show
    this.#onEnd = onEnd
  }

  /** The id of the last event that is in the text. */
  get after(): string {
    return this.#output.after
  }

  begin(attempt: number): void {
    this.#set({ attempt, text: '', after: `${attempt}.0`, isWhole: false })
  }

  add({ attempt, sequence, text }: OutputChange): void {
    if (attempt > this.#output.attempt) this.begin(attempt)
    this.#set({ ...this.#output, text: this.#output.text + text, after: `${attempt}.${sequence}` })
  }

  /** Takes an answer to a question about what came after `asked`; one that was outrun by the stream is of no use. */
  take(asked: string, answer: Omit<Output, 'isWhole'>): void {
    if (asked !== this.after) return
    if (answer.attempt === this.#output.attempt)
      this.#set({ ...this.#output, text: this.#output.text + answer.text, after: answer.after })
    else this.#set({ ...answer, isWhole: false })
  }

  end(isCut = false): void {
    this.#set({ ...this.#output, isWhole: true, isCut })
    this.#onEnd()
  }

  /** Shows what was not shown yet. */
  close(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#show(this.#output)
  }

  #set(output: Output): void {
    this.#output = output
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#show(this.#output)
    }, gatherMs)
  }
}

/** Asks for the text from time to time, as long as that is needed. */
async function askMeanwhile({
  taskId,
  written,
  signal,
  isNeeded,
}: {
  taskId: string
  written: Written
  signal: AbortSignal
  isNeeded: () => boolean
}): Promise<void> {
  while (await pause(askEveryMs, signal)) {
    if (!isNeeded()) continue
    const { after } = written
    const answer = await dataOf(
      api.GET('/v1/tasks/{taskId}/output', { params: { path: { taskId }, query: { after } }, signal }),
    ).catch(() => undefined)
    if (answer === undefined || typeof answer === 'string' || signal.aborted) continue
    const { status, deleted, ...output } = answer
    written.take(after, output)
    if (isEnd(status) && written.after === output.after) written.end(deleted)
  }
}

/** Resolves with true after the time, with false as soon as the signal fires. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve(!signal.aborted)
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}

/**
 * What a task has written, growing while it writes. Kept in the query cache, so that a part of the page that was closed goes on where it was.
 * `isOver`: the task has ended; one that is tried again is followed again.
 */
export function useOutput(taskId: string, isOver: boolean): Output {
  const queries = useQueryClient()
  const { data } = useQuery<Output>({ queryKey: keys.output(taskId), queryFn: skipToken })
  useEffect(() => {
    const key = keys.output(taskId)
    const from = queries.getQueryData<Output>(key) ?? noOutput
    if (from.isWhole && isOver) return
    const leaving = new AbortController()
    followOutput({
      taskId,
      from: { ...from, isWhole: false },
      signal: leaving.signal,
      onOutput: output => queries.setQueryData<Output>(key, output),
    }).catch(() => {
      // There is no such task, or the token is not accepted: the part that shows the task says so.
    })
    return () => leaving.abort()
  }, [queries, taskId, isOver])
  return data ?? noOutput
}
