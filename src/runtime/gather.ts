/**
 * Calls of one moment as one call: what is added within a turn of the microtask queue goes together, and each adder is told its
 * own answer by a callback. For paths that are too hot for a promise per step.
 */
export interface Gather<Item, Answer> {
  add(item: Item, done: (error: unknown, answer: Answer | undefined) => void): void
}

/** @param send Sends many items and answers one for one. */
export function gather<Item, Answer>(
  send: (items: Item[]) => Promise<readonly Answer[]>,
): Gather<Item, Answer> {
  let items: Item[] = []
  let listeners: ((error: unknown, answer: Answer | undefined) => void)[] = []

  function leave(): void {
    const sent = items
    const told = listeners
    items = []
    listeners = []
    send(sent).then(
      answers => {
        for (let index = 0; index < told.length; index++) told[index]?.(undefined, answers[index])
      },
      error => {
        for (const done of told) done(error, undefined)
      },
    )
  }

  return {
    add(item, done) {
      items.push(item)
      listeners.push(done)
      if (items.length === 1) queueMicrotask(leave)
    },
  }
}
