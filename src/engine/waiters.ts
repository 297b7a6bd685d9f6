import type { TaskRecord } from '../task/task.ts'

/**
 * Those who wait for the end of a task. An end that this process saw reaches them at once; since news may get lost, the engine also
 * asks the store for those who have waited long.
 */
export interface Waiters {
  /** How many ends were told so far; a handle remembers it, to know whether an end may have been told before it asked. */
  readonly told: number
  /** The record, if the task ended a moment ago. */
  recent(taskId: string): TaskRecord | undefined
  /** Whether every end since then is still remembered. */
  remembersSince(told: number): boolean
  wait(taskId: string, listener: (record: TaskRecord) => void): () => void
  tell(record: TaskRecord): void
  /** The task runs again: its end is no longer one. */
  forget(taskId: string): void
  /** The tasks that somebody waits for. */
  waitedFor(): readonly string[]
}

/** Ends that are remembered, so that asking right after the end needs no look-up. */
const mostRecent = 4_096

/** Nobody waits yet. */
export function createWaiters(): Waiters {
  const listeners = new Map<string, Set<(record: TaskRecord) => void>>()
  const recent = new Map<string, TaskRecord>()
  let told = 0
  let forgotten = 0

  return {
    get told() {
      return told
    },
    recent: taskId => recent.get(taskId),
    remembersSince: since => since >= forgotten,
    wait(taskId, listener) {
      const waiting = listeners.get(taskId)
      if (waiting === undefined) listeners.set(taskId, new Set([listener]))
      else waiting.add(listener)
      return () => {
        const set = listeners.get(taskId)
        set?.delete(listener)
        if (set?.size === 0) listeners.delete(taskId)
      }
    },
    tell(record) {
      told += 1
      if (recent.size >= mostRecent) {
        recent.clear()
        forgotten = told
      }
      recent.set(record.id, record)
      const waiting = listeners.get(record.id)
      if (waiting === undefined) return
      listeners.delete(record.id)
      for (const listener of waiting) listener(record)
    },
    forget: taskId => recent.delete(taskId),
    waitedFor: () => [...listeners.keys()],
  }
}
