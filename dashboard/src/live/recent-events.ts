import type { LiveMessage, TaskEvent } from './apply.ts'

/** What came over the stream, or became of the stream itself. Numbers rise in the order in which it came. */
export type Happening =
  | { readonly number: number; readonly kind: 'task'; readonly event: TaskEvent }
  | {
      readonly number: number
      /** The connection was lost; it stands again; events may be missing. */
      readonly kind: 'lost' | 'back' | 'reset'
      /** RFC 3339, by the clock of the browser. */
      readonly at: string
    }

/** What is kept at most. */
export const mostKept = 500

/** Told of what came, the newest first. */
type Listener = (newer: readonly Happening[]) => void

/** The last of what came over the stream while the tab is open, the newest first. */
export class RecentEvents {
  #all: readonly Happening[] = []
  #last = 0
  /** Undefined until the stream stands for the first time. */
  #isOpen: boolean | undefined
  readonly #listeners = new Set<Listener>()

  get all(): readonly Happening[] {
    return this.#all
  }

  /** Takes the messages of the stream since the last time. */
  take(messages: readonly LiveMessage[]): void {
    this.#add(
      messages.map(message =>
        message.kind === 'task'
          ? { number: this.#next(), kind: 'task', event: message.event }
          : { number: this.#next(), kind: 'reset', at: new Date().toISOString() },
      ),
    )
  }

  /** The stream stands, or does not any more. Its first beginning is no event. */
  noteConnection(isOpen: boolean): void {
    const before = this.#isOpen
    if (before === isOpen || (before === undefined && !isOpen)) return
    this.#isOpen = isOpen
    if (before === undefined) return
    this.#add([{ number: this.#next(), kind: isOpen ? 'back' : 'lost', at: new Date().toISOString() }])
  }

  /** Forgets everything: somebody else may sign in. */
  clear(): void {
    this.#all = []
    this.#isOpen = undefined
  }

  /**
   * Calls back for what comes from now on, and at once for what came behind `seen`: between what is first drawn and what listens there is a moment. Returns
   * an unsubscribe function.
   */
  listen(listener: Listener, seen: readonly Happening[]): () => void {
    const last = seen[0]?.number ?? 0
    const missed = this.#all.filter(({ number }) => number > last)
    if (missed.length > 0) listener(missed)
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #next(): number {
    this.#last += 1
    return this.#last
  }

  #add(came: readonly Happening[]): void {
    const newer = came.toReversed()
    this.#all = [...newer, ...this.#all].slice(0, mostKept)
    for (const listener of this.#listeners) listener(newer)
  }
}

/** What came over the stream of this tab. */
export const recentEvents = new RecentEvents()
