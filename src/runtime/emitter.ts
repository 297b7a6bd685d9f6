/** Listeners of one kind. A listener that throws or rejects does not keep the others from hearing, nor the caller from going on. */
export interface Emitter<Args extends readonly unknown[] = []> {
  /** How many listen. */
  readonly size: number
  /** Listens; the same function given twice is called twice. Returns an unsubscribe function. */
  on(listener: (...args: Args) => unknown): () => void
  /** Calls every listener. */
  emit(...args: Args): void
}

/**
 * Returns an emitter without listeners.
 *
 * @param failed Called with what a listener threw, or rejected with; default nothing is done.
 */
export function createEmitter<Args extends readonly unknown[] = []>(
  failed: (error: unknown, ...args: Args) => void = () => undefined,
): Emitter<Args> {
  const listeners = new Set<{ call(...args: Args): unknown }>()
  return {
    get size() {
      return listeners.size
    },
    on(listener) {
      const own = { call: listener }
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    emit(...args) {
      for (const own of listeners) {
        try {
          const answer = own.call(...args)
          if (answer instanceof Promise) answer.catch(error => failed(error, ...args))
        } catch (error) {
          failed(error, ...args)
        }
      }
    },
  }
}
