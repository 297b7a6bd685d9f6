import { createBatch } from '../batch.ts'
import { closedError } from './failures.ts'

/** What became of one item: its answer, or why there is none. */
export type Told<Answer> = { answer: Answer } | { error: unknown }

/** Calls that share round trips: those of one moment go together, and while one batch is on its way the next gathers. */
export interface Coalesced<Item, Answer> {
  /** Returns one for one; rejects with the error of the first item that has one. */
  send(items: readonly Item[]): Promise<Answer[]>
  /** Resolves when nothing is waiting or on its way. */
  idle(): Promise<void>
}

interface Waiting<Item, Answer> {
  item: Item
  tell(told: Told<Answer>): void
}

/**
 * @param work Does the work of many items; a rejection is told to all of them.
 * @param largest Items per batch at most.
 */
export function coalesce<Item, Answer>(
  work: (items: readonly Item[]) => Promise<readonly Told<Answer>[]>,
  largest: number,
): Coalesced<Item, Answer> {
  const batch = createBatch<Waiting<Item, Answer>>(async waiting => {
    let told: readonly Told<Answer>[]
    try {
      told = await work(waiting.map(({ item }) => item))
    } catch (error) {
      told = waiting.map(() => ({ error }))
    }
    waiting.forEach(({ tell }, index) => {
      tell(told[index] ?? { error: closedError() })
    })
  }, largest)

  function sendOne(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const tell = (told: Told<Answer>) => ('error' in told ? reject(told.error) : resolve(told.answer))
      batch.add({ item, tell })
    })
  }

  return {
    send: items => Promise.all(items.map(sendOne)),
    idle: () => batch.idle(),
  }
}
