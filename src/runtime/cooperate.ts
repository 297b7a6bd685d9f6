/**
 * Long computations on the main thread, in turns: however many of them run at once, together they hold the event loop for 8 ms at a
 * stretch, and it goes through all its phases in between.
 */

/** Milliseconds that the computations of this process together may hold the event loop at a stretch. */
const turn = 8

let turnEnds = 0
let isOpen = false
/** Those who used up a turn, the longest waiting first. */
const waiting: (() => void)[] = []

function openTurn(): void {
  isOpen = true
  turnEnds = performance.now() + turn
  setImmediate(nextTurn)
}

/** One computation goes on per round of the event loop; a callback of `setImmediate` that is set within one runs in the next round. */
function nextTurn(): void {
  isOpen = false
  const next = waiting.shift()
  if (next === undefined) return
  openTurn()
  next()
}

/** Whether there is time left in this turn; the first to ask in a round of the event loop begins one. */
function hasTurn(): boolean {
  if (isOpen) return performance.now() < turnEnds
  openTurn()
  return true
}

function nextInLine(): Promise<void> {
  return new Promise(resolve => waiting.push(resolve))
}

/**
 * Returns a function to be awaited between small steps of a computation: it gives the event loop back whenever the turn is over. It
 * rejects with the signal's reason when the signal has been aborted.
 */
export function turnTaking(signal?: AbortSignal): () => Promise<void> {
  return async () => {
    if (!hasTurn()) await nextInLine()
    signal?.throwIfAborted()
  }
}

/**
 * Runs a computation that yields now and then, and gives the event loop back whenever the turn is over. The computation should yield
 * at least once a millisecond. Rejects with the signal's reason when it is aborted.
 */
export async function cooperate<T>(steps: Generator<void, T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    // Nothing is awaited between the question and the step: of many that begin at once, only one takes the turn.
    if (!hasTurn()) await nextInLine()
    signal?.throwIfAborted()
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
