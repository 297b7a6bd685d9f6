import { setImmediate } from 'node:timers/promises'

/** Milliseconds that a cooperative computation may hold the event loop at a stretch. */
const turn = 8

/**
 * Answers a function to be awaited between small steps of a computation: it gives the event loop back whenever 8 ms have
 * passed since it last did. It rejects with the signal's reason when the signal has been aborted.
 */
export function turnTaking(signal?: AbortSignal): () => Promise<void> {
  let turnEnds = performance.now() + turn
  return async () => {
    if (performance.now() >= turnEnds) {
      await setImmediate()
      turnEnds = performance.now() + turn
    }
    signal?.throwIfAborted()
  }
}

/**
 * Runs a computation that yields now and then, and gives the event loop back whenever it has held it for 8 ms. The
 * computation should yield at least once a millisecond. Rejects with the signal's reason when it is aborted.
 */
export async function cooperate<T>(steps: Generator<void, T>, signal?: AbortSignal): Promise<T> {
  const takeTurns = turnTaking(signal)
  for (;;) {
    await takeTurns()
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** Runs the same computation without a pause. */
export function runThrough<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}
