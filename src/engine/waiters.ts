import { createEmitter, type Emitter } from '../runtime/emitter.ts'
import type { TaskRecord } from '../task/task.ts'

/** How a task ended. */
export type End = Pick<TaskRecord, 'id' | 'status' | 'result' | 'errorInfo'>

/** A wait for the end of one task. */
export interface Waiter {
  found(end: End): void
  failed(reason: unknown): void
}

/**
 * The waits for the ends of tasks. An end that this process saw resolves them at once; since events may get lost, the engine also asks
 * the store for ends that were waited for long.
 */
export interface Waiters {
  /** How many ends were seen so far. A handle keeps the number: a later end may be the end of its task. */
  readonly seen: number
  /** Returns how the task ended, if this was one of the last ends, and came after that number. */
  recent(taskId: string, since: number): End | undefined
  /** Returns whether every end after that number is still remembered. */
  remembersSince(seen: number): boolean
  /** Waits; `found` or `failed` is called once. Returns a function that ends the wait. */
  wait(taskId: string, waiter: Waiter): () => void
  /** Resolves the waits for the task. */
  resolve(end: End): void
  /** The task runs again: its end is no longer one. */
  reopen(taskId: string): void
  /** The tasks whose ends are waited for. */
  waitedFor(): readonly string[]
  isWaitedFor(taskId: string): boolean
  /** Fails every wait, now and later. */
  close(reason: unknown): void
}

/** Ends that are remembered, so that a wait that begins right after the end needs no look-up. */
const mostRecent = 1_024

/**
 * Returns waiters without a wait.
 *
 * @param onWait Called each time that a wait begins.
 */
export function createWaiters(onWait: () => void): Waiters {
  const waits = new Map<string, Waiter[]>()
  const recent = new Map<string, { end: End; seen: number }>()
  let closed: { reason: unknown } | undefined
  let seen = 0
  let dropped = 0

  return {
    get seen() {
      return seen
    },
    recent(taskId, since) {
      const last = recent.get(taskId)
      return last !== undefined && last.seen > since ? last.end : undefined
    },
    remembersSince: since => since >= dropped,
    wait(taskId, waiter) {
      if (closed !== undefined) waiter.failed(closed.reason)
      onWait()
      const waiting = waits.get(taskId)
      if (waiting === undefined) waits.set(taskId, [waiter])
      else waiting.push(waiter)
      return () => {
        const left = waits.get(taskId)?.filter(other => other !== waiter)
        if (left === undefined || left.length === 0) waits.delete(taskId)
        else waits.set(taskId, left)
      }
    },
    resolve(end) {
      seen += 1
      if (recent.size >= mostRecent) {
        recent.clear()
        dropped = seen
      }
      recent.set(end.id, { end, seen })
      const waiting = waits.get(end.id)
      if (waiting === undefined) return
      waits.delete(end.id)
      for (const waiter of waiting) waiter.found(end)
    },
    reopen: taskId => recent.delete(taskId),
    waitedFor: () => [...waits.keys()],
    isWaitedFor: taskId => waits.has(taskId),
    close(reason) {
      closed = { reason }
      const all = [...waits.values()].flat()
      waits.clear()
      for (const waiter of all) waiter.failed(reason)
    },
  }
}

/** Signals that a task has more output, or began to run elsewhere. Best effort: followers also look at intervals. */
export interface OutputSignals {
  emit(taskId: string): void
  /** Listens to one task. Returns an unsubscribe function. */
  on(taskId: string, listener: () => void): () => void
}

/** Returns signals without listeners. */
export function createOutputSignals(): OutputSignals {
  const emitters = new Map<string, Emitter>()
  return {
    emit: taskId => emitters.get(taskId)?.emit(),
    on(taskId, listener) {
      const own = emitters.get(taskId) ?? createEmitter()
      emitters.set(taskId, own)
      const stop = own.on(listener)
      return () => {
        stop()
        if (own.size === 0 && emitters.get(taskId) === own) emitters.delete(taskId)
      }
    },
  }
}
