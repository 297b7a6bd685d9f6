/**
 * Who listens within this process: to events, to the ends of tasks, to their output. All of it is best effort: nothing that correctness needs
 * hangs on it, and what somebody misses is in the store.
 */
import { createEmitter, type Emitter } from '../runtime/emitter.ts'
import type { Logger } from '../runtime/log.ts'
import type { TaskEvent, TaskEventName, TaskEvents } from '../task/events.ts'
import type { TaskRecord } from '../task/task.ts'

/** Listens to one kind of event. */
export type TaskEventListener<N extends TaskEventName> = (event: { name: N } & TaskEvents[N]) => void

/** The in-process bus. It may lose: an event without a listener is gone, and a listener that throws harms nobody. */
export interface TaskBus {
  /** Listens to one kind of event. Returns an unsubscribe function. */
  on<N extends TaskEventName>(name: N, listener: TaskEventListener<N>): () => void
  /** Listens to everything. Returns an unsubscribe function. */
  onAny(listener: (event: TaskEvent) => void): () => void
  /** Whether an event of this name has a listener: else it need not be made. */
  wants(name: TaskEventName): boolean
  emit(event: TaskEvent): void
}

/**
 * Returns a bus without listeners.
 *
 * @param onListen Called before each listener is added; default nothing.
 */
export function createBus(log: Logger, onListen: () => void = () => undefined): TaskBus {
  const failed = (error: unknown, event: TaskEvent) =>
    log.error({ err: error, event: event.name, taskId: event.taskId }, 'event listener failed')
  const named = new Map<TaskEventName, Emitter<[event: never]>>()
  const any = createEmitter<[event: TaskEvent]>(failed)

  return {
    on(name, listener) {
      onListen()
      const listeners = named.get(name) ?? createEmitter<[event: never]>(failed)
      named.set(name, listeners)
      return listeners.on(listener)
    },
    onAny(listener) {
      onListen()
      return any.on(listener)
    },
    wants: name => any.size > 0 || (named.get(name)?.size ?? 0) > 0,
    emit(event) {
      named.get(event.name)?.emit(event as never)
      any.emit(event)
    },
  }
}

/** How a task ended. */
export type End = Pick<TaskRecord, 'id' | 'status' | 'result' | 'errorInfo'>

/** A wait for the end of one task. */
export interface Waiter {
  found(end: End): void
  failed(reason: unknown): void
}

/** What the waits call back. */
export interface WaitersOptions {
  /** Called each time that a wait begins. */
  onWait(): void
  /** Called with what a waiter threw. */
  failed(error: unknown, taskId: string): void
}

/** Ends that are remembered, so that a wait that begins right after the end needs no look-up. */
const mostRecent = 1_024
/** A longer result is read from the store, so that those that are remembered have some megabytes together. Characters. */
const longestRemembered = 4_096

/**
 * The waits for the ends of tasks. An end that this process saw resolves them at once; since events may get lost, the engine also asks
 * the store for ends that were waited for long.
 */
export class Waiters {
  /** Ends seen so far. A handle keeps the number: a later end may be the end of its task. */
  seen = 0
  readonly #options: WaitersOptions
  readonly #waits = new Map<string, Waiter[]>()
  /** Without the end where it is not known here, or its result is too long to be remembered. */
  readonly #recent = new Map<string, { end: End | undefined; seen: number }>()
  #closed: { reason: unknown } | undefined
  #dropped = 0

  constructor(options: WaitersOptions) {
    this.#options = options
  }

  /** Returns how the task ended, if this was one of the last ends, and came after that number. */
  recent(taskId: string, since: number): End | undefined {
    const last = this.#recent.get(taskId)
    return last !== undefined && last.seen > since ? last.end : undefined
  }

  /** Returns whether an end of the task after that number would be remembered. */
  remembers(taskId: string, since: number): boolean {
    const last = this.#recent.get(taskId)
    const isNotHere = last !== undefined && last.seen > since && last.end === undefined
    return since >= this.#dropped && !isNotHere
  }

  /** Waits; `found` or `failed` is called once, `failed` at once when the waits are closed. Returns a function that ends the wait. */
  wait(taskId: string, waiter: Waiter): () => void {
    if (this.#closed !== undefined) waiter.failed(this.#closed.reason)
    this.#options.onWait()
    const waiting = this.#waits.get(taskId)
    if (waiting === undefined) this.#waits.set(taskId, [waiter])
    else waiting.push(waiter)
    return () => {
      const left = this.#waits.get(taskId)?.filter(other => other !== waiter) ?? []
      if (left.length === 0) this.#waits.delete(taskId)
      else this.#waits.set(taskId, left)
    }
  }

  /** Resolves the waits for the task. */
  resolve({ id, status, result, errorInfo }: End): void {
    // Not the whole record that it may be: its parameters are not remembered.
    const end: End = { id, status }
    if (result !== undefined) end.result = result
    if (errorInfo !== undefined) end.errorInfo = errorInfo
    this.#remember(id, (end.result?.length ?? 0) <= longestRemembered ? end : undefined)
    const waiting = this.#waits.get(end.id)
    if (waiting === undefined) return
    this.#waits.delete(end.id)
    for (const waiter of waiting) this.#call(end.id, () => waiter.found(end))
  }

  /** The task ended in another process, and nobody waits for it: a wait that begins now has to look it up. */
  endedElsewhere(taskId: string): void {
    this.#remember(taskId, undefined)
  }

  #remember(taskId: string, end: End | undefined): void {
    this.seen += 1
    if (this.#recent.size >= mostRecent) {
      this.#recent.clear()
      this.#dropped = this.seen
    }
    this.#recent.set(taskId, { end, seen: this.seen })
  }

  /** The task runs again: its end is no longer one. */
  reopen(taskId: string): void {
    this.#recent.delete(taskId)
  }

  /** The tasks whose ends are waited for. */
  waitedFor(): readonly string[] {
    return [...this.#waits.keys()]
  }

  isWaitedFor(taskId: string): boolean {
    return this.#waits.has(taskId)
  }

  /** Fails every wait, now and later. */
  close(reason: unknown): void {
    this.#closed = { reason }
    const all = [...this.#waits]
    this.#waits.clear()
    for (const [taskId, waiting] of all)
      for (const waiter of waiting) this.#call(taskId, () => waiter.failed(reason))
  }

  /** A waiter that throws, such as by the signal of its caller, keeps the end from no other. */
  #call(taskId: string, call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#options.failed(error, taskId)
    }
  }
}

/** Signals that a task has more output, or began to run elsewhere. Best effort: followers also look at intervals. */
export class OutputSignals {
  readonly #emitters = new Map<string, Emitter>()

  emit(taskId: string): void {
    this.#emitters.get(taskId)?.emit()
  }

  /** Listens to one task. Returns an unsubscribe function. */
  on(taskId: string, listener: () => void): () => void {
    const own = this.#emitters.get(taskId) ?? createEmitter()
    this.#emitters.set(taskId, own)
    const stop = own.on(listener)
    return () => {
      stop()
      if (own.size === 0 && this.#emitters.get(taskId) === own) this.#emitters.delete(taskId)
    }
  }
}
