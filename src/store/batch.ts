/**
 * One coalescer for all adapters: what arrives while a batch is on its way goes together in the next one. Nobody waits for a batch
 * to fill; an idle batch leaves with the current turn of the event loop.
 */

/** A queue of items that are sent together. */
export interface Batch<Item> {
  add(item: Item): void
  /** How many wait for the next batch. */
  size(): number
  /** Resolves when nothing is waiting or on its way. */
  idle(): Promise<void>
}

/**
 * @param send Sends the items; the next batch leaves when its promise resolves. It must not reject: it tells each item how it went.
 * @param largest Items per batch at most; keeps one turn of the event loop short.
 */
export function createBatch<Item>(send: (items: Item[]) => Promise<void>, largest: number): Batch<Item> {
  let waiting: Item[] = []
  let busy = false
  let idleListeners: (() => void)[] = []

  async function pump(): Promise<void> {
    while (waiting.length > 0) {
      const items = waiting.length <= largest ? waiting : waiting.slice(0, largest)
      waiting = waiting.length <= largest ? [] : waiting.slice(largest)
      await send(items)
    }
    busy = false
    const listeners = idleListeners
    idleListeners = []
    for (const listener of listeners) listener()
  }

  return {
    add(item) {
      waiting.push(item)
      if (busy) return
      busy = true
      setImmediate(() => void pump())
    },
    size: () => waiting.length,
    idle: () => (busy ? new Promise(resolve => idleListeners.push(resolve)) : Promise.resolve()),
  }
}
