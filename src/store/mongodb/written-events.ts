/** Which records this process left events in since they were last asked for. */
export interface WrittenEvents {
  note(taskIds: readonly string[]): void
  take(limit: number): string[]
  onUntold(listener: () => void): () => void
}

/** Records that are remembered; the others are found as those of another process are. */
const mostWritten = 10_000

/** Nothing is written yet. */
export function createWrittenEvents(): WrittenEvents {
  const written = new Set<string>()
  const listeners = new Set<() => void>()
  return {
    note(taskIds) {
      if (taskIds.length === 0) return
      for (const id of taskIds) if (written.size < mostWritten) written.add(id)
      for (const listener of listeners) listener()
    },
    take(limit) {
      const taken: string[] = []
      for (const id of written) {
        if (taken.length >= limit) break
        taken.push(id)
        written.delete(id)
      }
      return taken
    },
    onUntold(listener) {
      const own = () => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
  }
}
