/** What is written a moment later, together with its neighbours: the newest value of each task. */
export interface LazyWrites<V> {
  set(taskId: string, value: V): void
  /** The value that is not written yet, or on its way. */
  get(taskId: string): V | undefined
  delete(taskId: string): void
  /** Writes what is there now, and waits for what is on its way. Rejects when that fails; then it is forgotten. */
  flush(): Promise<void>
}

/** @param everyMs Milliseconds over which values are gathered. */
export function createLazyWrites<V>(
  everyMs: number,
  write: (values: ReadonlyMap<string, V>) => Promise<void>,
): LazyWrites<V> {
  let gathered = new Map<string, V>()
  const onTheirWay = new Map<ReadonlyMap<string, V>, Promise<void>>()
  let timer: NodeJS.Timeout | undefined

  function send(): void {
    if (gathered.size === 0) return
    const values = gathered
    gathered = new Map()
    const written = write(values).finally(() => onTheirWay.delete(values))
    onTheirWay.set(values, written)
    // Whoever flushes hears of it.
    written.catch(() => undefined)
  }

  async function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    send()
    await Promise.all(onTheirWay.values())
  }

  return {
    set(taskId, value) {
      gathered.set(taskId, value)
      timer ??= setTimeout(() => void flush().catch(() => undefined), everyMs).unref()
    },
    get(taskId) {
      if (gathered.has(taskId)) return gathered.get(taskId)
      return [...onTheirWay.keys()].findLast(values => values.has(taskId))?.get(taskId)
    },
    delete: taskId => void gathered.delete(taskId),
    flush,
  }
}
