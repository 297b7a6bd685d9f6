/** News within the process: a task has more output, or began to run elsewhere. Best effort; nothing hangs on it but how soon a follower looks. */
export interface OutputNews {
  tell(taskId: string): void
  /** Calls back whenever the task may have more. Returns an unsubscribe function. */
  listen(taskId: string, listener: () => void): () => void
}

/** News that nobody listens to yet. */
export function createOutputNews(): OutputNews {
  const listeners = new Map<string, Set<() => void>>()
  return {
    tell(taskId) {
      for (const listener of listeners.get(taskId) ?? []) listener()
    },
    listen(taskId, listener) {
      const own = listeners.get(taskId) ?? new Set()
      listeners.set(taskId, own.add(listener))
      return () => {
        own.delete(listener)
        if (own.size === 0 && listeners.get(taskId) === own) listeners.delete(taskId)
      }
    },
  }
}
