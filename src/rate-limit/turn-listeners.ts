type Listener = (key: string, ticket: string) => void

/** Those who want to hear that a ticket's turn came early. */
export class TurnListeners {
  readonly #listeners = new Set<Listener>()

  /** Whether anybody listens. */
  get any(): boolean {
    return this.#listeners.size > 0
  }

  /** Returns an unsubscribe function. */
  add(listener: Listener): () => void {
    // A function of its own per call, so that a listener added twice is two, each with its own end.
    const own: Listener = (key, ticket) => listener(key, ticket)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  /** A listener that throws must not fail the call whose commit freed the room: the ticket still has its turn. */
  call(key: string, ticket: string): void {
    for (const listener of this.#listeners) {
      try {
        listener(key, ticket)
      } catch {
        // Best effort by contract.
      }
    }
  }
}
