import { setImmediate } from 'node:timers/promises'

/** Milliseconds that a cooperative computation may hold the event loop at a stretch. */
const turn = 8

/**
 * Runs a computation that yields now and then, and gives the event loop back whenever it has held it for 8 ms. The
 * computation should yield at least once a millisecond. Rejects with the signal's reason when it is aborted.
 */
export async function cooperate<T>(steps: Generator<void, T>, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted()
  let turnEnds = performance.now() + turn
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    if (performance.now() < turnEnds) continue
    await setImmediate()
    signal?.throwIfAborted()
    turnEnds = performance.now() + turn
  }
}

/** Runs the same computation without a pause. */
export function runThrough<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}
