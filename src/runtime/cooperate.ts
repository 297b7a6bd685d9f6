/**
 * Long computations on the main thread that yield to the event loop: however many of them run at once, together they hold it for 2 ms at a
 * stretch, and it goes through all its phases in between.
 */

/** Milliseconds that the computations of this process together may hold the event loop at a stretch. */
const stretchMs = 2

let stretchEnds = 0
let isOpen = false
/** Computations that used up a stretch, the longest waiting first. */
const waiting: (() => void)[] = []

function openStretch(): void {
  isOpen = true
  stretchEnds = performance.now() + stretchMs
  setImmediate(resumeNext)
}

/** Computations go on, one after the other, for a stretch per round of the event loop; a callback of `setImmediate` that is set within one runs in the next round. */
function resumeNext(): void {
  isOpen = false
  if (waiting.length === 0) return
  openStretch()
  resumeWhileTime()
}

/** Those that need little of the stretch leave the rest to the next ones. */
function resumeWhileTime(): void {
  const next = waiting.shift()
  if (next === undefined) return
  next()
  queueMicrotask(() => {
    if (hasTime()) resumeWhileTime()
  })
}

/** Whether there is time left in this stretch; the first to ask in a round of the event loop begins one. */
function hasTime(): boolean {
  if (isOpen) return performance.now() < stretchEnds
  openStretch()
  return true
}

function yieldToOthers(): Promise<void> {
  return new Promise(resolve => waiting.push(resolve))
}

/**
 * Returns a function to be awaited between small steps of a computation: it yields to the event loop whenever the stretch is over. It
 * rejects with the signal's reason when the signal has been aborted.
 */
export function yieldWhenDue(signal?: AbortSignal): () => Promise<void> {
  return async () => {
    if (!hasTime()) await yieldToOthers()
    signal?.throwIfAborted()
  }
}

/** Runs a short computation, of which there may be many at once, when there is time left in the stretch. */
export async function takeTurn<T>(work: () => T): Promise<T> {
  // Nothing is awaited between the question and the work.
  if (!hasTime()) await yieldToOthers()
  return work()
}

/** A computation that yields now and then. */
export type Steps<T> = Generator<void, T, void>

/** Returns what `map` of a list does; yields once for every `perStep` items. */
export function* mapped<Item, Made>(
  items: readonly Item[],
  make: (item: Item, index: number) => Made,
  perStep = 256,
): Steps<Made[]> {
  const made: Made[] = []
  for (const [index, item] of items.entries()) {
    if (index % perStep === 0) yield
    made.push(make(item, index))
  }
  return made
}

/**
 * Runs a computation that yields now and then, and yields to the event loop whenever the stretch is over. The computation should yield
 * at least once a millisecond. Rejects with the signal's reason when it is aborted.
 */
export async function cooperate<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    // Nothing is awaited between the question and the step: of many that begin at once, only one takes the stretch.
    if (!hasTime()) await yieldToOthers()
    signal?.throwIfAborted()
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** Runs the same computation without a pause. */
export function runThrough<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}
