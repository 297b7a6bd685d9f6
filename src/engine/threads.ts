/** The threads that run handlers with `runIn: 'thread'`. */
import { isMainThread, MessageChannel, Worker, workerData } from 'node:worker_threads'
import type { Clock } from '../runtime/clock.ts'
import { defined } from '../task/defined.ts'
import { QuillworkError } from '../task/errors.ts'
import { isA, messageOf } from '../task/thrown.ts'
import type { Attempt } from './attempt.ts'
import type { EngineSettings } from './settings.ts'
import { Line, type Methods, type RunMessage, type RunRequest, threadMark } from './thread-line.ts'

/** Milliseconds that a thread with nothing to run is kept for the next attempt. */
const idleMs = 60_000

/** The threads of one engine: started when they are needed, reused, terminated when they idle. None keeps the process alive. */
export class Threads {
  readonly #settings: EngineSettings['threads']
  readonly #clock: Clock
  readonly #all = new Set<Thread>()
  /** Attempts that have a thread, or are getting one. */
  #taken = 0
  /** Attempts that wait for one, the longest waiting first. */
  readonly #waiting = new Set<() => void>()
  /** By when they were used, with what cancels their end. */
  readonly #idle = new Map<Thread, () => void>()

  constructor(settings: EngineSettings['threads'], clock: Clock) {
    this.#settings = settings
    this.#clock = clock
  }

  /** Returns a thread for an attempt, once there is one; undefined when the attempt was interrupted before. */
  async take(attempt: Attempt): Promise<Thread | undefined> {
    if (attempt.isOver) return undefined
    if (this.#taken < this.#settings.max) this.#taken += 1
    else if (!(await this.#place(attempt))) return undefined
    for (const [thread, keep] of this.#idle) {
      keep()
      this.#idle.delete(thread)
      if (thread.isFree) return thread
    }
    try {
      const thread: Thread = new Thread(this.#settings.heapMb, () => this.#all.delete(thread))
      this.#all.add(thread)
      return thread
    } catch (error) {
      this.#next()
      throw error
    }
  }

  /** Gives back the thread of an attempt that is over. One whose handler goes on is terminated. */
  release(thread: Thread): void {
    if (!thread.isFree) return void thread.terminate().then(() => this.#next())
    const retire = () => {
      this.#idle.delete(thread)
      void thread.terminate()
    }
    this.#idle.set(thread, this.#clock.after(idleMs, retire))
    this.#next()
  }

  /** Terminates the threads. */
  async close(): Promise<void> {
    for (const keep of this.#idle.values()) keep()
    this.#idle.clear()
    await Promise.all([...this.#all].map(thread => thread.terminate()))
  }

  /** Waits for the place of another attempt. Returns whether there is one: not when the attempt was interrupted before. */
  async #place(attempt: Attempt): Promise<boolean> {
    let isGranted = false
    await attempt.until(go => {
      const grant = () => {
        isGranted = true
        go()
      }
      this.#waiting.add(grant)
      return [() => this.#waiting.delete(grant)]
    })
    return isGranted
  }

  /** Passes a place on. */
  #next(): void {
    const [grant] = this.#waiting
    if (grant === undefined) this.#taken -= 1
    else grant()
  }
}

/** One thread, which runs one handler at a time. */
export class Thread {
  readonly #worker: Worker
  /** What was thrown in it and caught by nobody. */
  #failure: unknown
  #hasEnded = false
  /** It could not load the module of a task, which Node does not try again as long as the thread lives. */
  #isSpoilt = false
  /** Ends the run of the handler that runs. */
  #fail: ((error: unknown) => void) | undefined

  constructor(heapMb: number | undefined, ended: () => void) {
    this.#worker = new Worker(new URL('./thread-entry.js', import.meta.url), {
      workerData: threadMark,
      resourceLimits: defined({ maxOldGenerationSizeMb: heapMb }),
    })
    this.#worker.unref()
    this.#worker.on('error', error => {
      this.#failure = error
    })
    this.#worker.on('exit', exitCode => {
      this.#hasEnded = true
      ended()
      this.#fail?.(threadEnded(exitCode, this.#failure))
    })
  }

  /** Whether it can run another handler. */
  get isFree(): boolean {
    return !this.#hasEnded && !this.#isSpoilt && this.#fail === undefined
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }

  /**
   * Runs the handler of an attempt. Resolves with what it returns; rejects with what it throws, THREAD_ENDED, THREAD_MODULE_UNUSABLE,
   * PARAMETERS_INVALID, VALUE_NOT_STORABLE.
   *
   * @param signal Of the attempt: passed on to the handler.
   * @param methodsOf Returns what the handler may call, given what has it run the step with a number.
   */
  async run(
    request: RunRequest,
    signal: AbortSignal,
    methodsOf: (runStep: (step: number) => Promise<unknown>) => Methods,
  ): Promise<unknown> {
    const { port1, port2 } = new MessageChannel()
    const aborted = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject
    })
    const line: Line = new Line(
      port1,
      methodsOf(step => line.call('step', step)),
      error => this.#fail?.(error),
    )
    port1.unref()
    const abort = () => {
      Atomics.store(aborted, 0, 1)
      line.tell('abort')
    }
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    const message: RunMessage = { port: port2, aborted }
    this.#worker.postMessage(message, [port2])
    const answered = line.call('run', request).finally(() => {
      this.#fail = undefined
    })
    try {
      return await Promise.race([answered, failed])
    } catch (error) {
      if (isA(error, QuillworkError) && error.code === 'THREAD_MODULE_UNUSABLE') this.#isSpoilt = true
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
      port1.close()
    }
  }
}

function threadEnded(exitCode: number, failure: unknown): QuillworkError {
  const why =
    failure === undefined
      ? `process.exit(${exitCode}) was called in it; return from the handler, or throw`
      : messageOf(failure)
  const message = `The thread of the handler ended: ${why}.`
  return new QuillworkError('THREAD_ENDED', message, { cause: failure })
}

/** Throws THREAD_UNSUPPORTED in a thread that runs handlers: each would make an engine of its own, whose handlers have threads. */
export function refuseHandlerThread(): void {
  if (isMainThread || workerData !== threadMark) return
  const message =
    'An engine is made in the thread of a handler, because the module of the task makes one when it is loaded; define the task in a module of its own.'
  throw new QuillworkError('THREAD_UNSUPPORTED', message)
}
