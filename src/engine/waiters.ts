import type { TaskRecord } from '../task/task.ts'

/** What is known of a task that ended. */
export type End = Pick<TaskRecord, 'id' | 'status' | 'result' | 'errorInfo'>

/**
 * Those who wait for the end of a task. An end that this process saw reaches them at once; since news may get lost, the engine also
 * asks the store for those who have waited long.
 */
export interface Waiters {
  /** How many ends were told so far; a handle remembers it, to know whether an end may have been told before it asked. */
  readonly told: number
  /** How the task ended, if it ended a moment ago and was told after `since`. */
  recent(taskId: string, since: number): End | undefined
  /** Whether every end since then is still remembered. */
  remembersSince(told: number): boolean
  /** Calls back once: with the end, or with the reason why it will not be known here. */
  wait(taskId: string, waiter: Waiter): () => void
  tell(end: End): void
  /** The task runs again: its end is no longer one. */
  forget(taskId: string): void
  /** The tasks that somebody waits for. */
  waitedFor(): readonly string[]
  isWaitedFor(taskId: string): boolean
  /** Nobody will tell any more. */
  close(reason: unknown): void
}

/** Somebody who waits for the end of one task. */
export interface Waiter {
  found(end: End): void
  failed(reason: unknown): void
}

/** Ends that are remembered, so that asking right after the end needs no look-up. */
const mostRecent = 1_024

/**
 * Nobody waits yet.
 *
 * @param onWait Called each time that somebody begins to wait.
 */
export function createWaiters(onWait: () => void): Waiters {
  const listeners = new Map<string, Waiter[]>()
  const recent = new Map<string, { end: End; told: number }>()
  let closed: { reason: unknown } | undefined
  let told = 0
  let forgotten = 0

  return {
    get told() {
      return told
    },
    recent(taskId, since) {
      const last = recent.get(taskId)
      return last !== undefined && last.told > since ? last.end : undefined
    },
    remembersSince: since => since >= forgotten,
    wait(taskId, waiter) {
      if (closed !== undefined) waiter.failed(closed.reason)
      onWait()
      const waiting = listeners.get(taskId)
      if (waiting === undefined) listeners.set(taskId, [waiter])
      else waiting.push(waiter)
      return () => {
        const left = listeners.get(taskId)?.filter(other => other !== waiter)
        if (left === undefined || left.length === 0) listeners.delete(taskId)
        else listeners.set(taskId, left)
      }
    },
    tell(end) {
      told += 1
      if (recent.size >= mostRecent) {
        recent.clear()
        forgotten = told
      }
      recent.set(end.id, { end, told })
      const waiting = listeners.get(end.id)
      if (waiting === undefined) return
      listeners.delete(end.id)
      for (const waiter of waiting) waiter.found(end)
    },
    forget: taskId => recent.delete(taskId),
    waitedFor: () => [...listeners.keys()],
    isWaitedFor: taskId => listeners.has(taskId),
    close(reason) {
      closed = { reason }
      const all = [...listeners.values()].flat()
      listeners.clear()
      for (const waiter of all) waiter.failed(reason)
    },
  }
}
