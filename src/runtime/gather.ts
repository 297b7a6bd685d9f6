/** Calls of one moment as one call: the one batcher of the engine, of every store, and of what may be written a moment later. */

import type { Clock } from './clock.ts'

/** Calls that leave together, each answered by itself. */
export interface Gather<Item, Answer> {
  /** Adds an item. `done` gets its answer: a callback, for paths too hot for a promise per step. An item that answers itself leaves it out. */
  add(item: Item, done?: Done<Answer>): void
  /** Adds items and resolves with their answers, one for one. Rejects with the first error among them. */
  send(items: readonly Item[]): Promise<Answer[]>
  /** Items that wait for the next batch. */
  size(): number
  /** Resolves when no item waits or is on its way. */
  idle(): Promise<void>
}

/** Gets an answer, or why there is none. */
export type Done<Answer> = (error: unknown, answer: Answer | undefined) => void

/** Why one item of a batch has no answer, in the place of the answer. */
export class Failed {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

/** How items are put together. */
export interface GatherOptions<Item> {
  /**
   * Items per batch at most. One batch is then on its way at a time: it leaves with the current turn of the event loop, the next one when
   * `work` resolves. Nobody waits for a batch to fill.
   */
  largest?: number
  /**
   * Items per call of `work` at most, where batches may overlap: more of one turn are several calls, one in each of the turns of the event
   * loop from then on. Default all are one.
   */
  perCall?: number
  /** For how many an item counts in `perCall`; default one. */
  weightOf?(item: Item): number
  /** Called with what the `done` of an item threw; its neighbours are answered all the same. Default nothing is done. */
  failed?(error: unknown): void
}

/**
 * Gathers calls. Without options a batch leaves with the current turn of the microtask queue, whatever else is on its way.
 *
 * @param work Does the work of many items, and returns their answers one for one. A rejection is the error of all of them.
 */
export function gather<Item, Answer>(
  work: (items: Item[]) => Promise<readonly (Answer | Failed)[]>,
  {
    largest = Number.POSITIVE_INFINITY,
    perCall = Number.POSITIVE_INFINITY,
    weightOf = () => 1,
    failed = () => undefined,
  }: GatherOptions<Item> = {},
): Gather<Item, Answer> {
  const overlaps = largest === Number.POSITIVE_INFINITY
  /** The calls to come, oldest first; the last one may have room. */
  const calls: Call<Item, Answer>[] = []
  let inFlight = 0
  let isLeaving = false
  let idleListeners: (() => void)[] = []

  function add(item: Item, done?: Done<Answer>): void {
    const weight = weightOf(item)
    const last = calls.at(-1)
    const hasRoom = last !== undefined && last.items.length < largest && last.weight + weight <= perCall
    const call: Call<Item, Answer> = hasRoom ? last : { items: [], listeners: [], weight: 0 }
    if (!hasRoom) calls.push(call)
    call.items.push(item)
    call.listeners.push(done)
    call.weight += weight
    if (isLeaving || (!overlaps && inFlight > 0)) return
    isLeaving = true
    if (overlaps) queueMicrotask(leave)
    else setImmediate(leave)
  }

  function leave(): void {
    const next = calls.shift()
    isLeaving = overlaps && calls.length > 0
    if (isLeaving) setImmediate(leave)
    if (next !== undefined) begin(next)
  }

  function begin({ items, listeners }: Call<Item, Answer>): void {
    inFlight += 1
    attempt(work, items)
      .then(
        answers => answerAll(listeners, index => answers[index], failed),
        error => answerAll(listeners, () => new Failed(error), failed),
      )
      .then(next)
  }

  function next(): void {
    inFlight -= 1
    if (calls.length > 0 && !overlaps) leave()
    if (calls.length > 0 || inFlight > 0) return
    const idle = idleListeners
    idleListeners = []
    for (const listener of idle) listener()
  }

  return {
    add,
    send: sent => sendAll(add, sent),
    size: () => calls.reduce((sum, { items }) => sum + items.length, 0),
    idle: () =>
      calls.length === 0 && inFlight === 0
        ? Promise.resolve()
        : new Promise(resolve => idleListeners.push(resolve)),
  }
}

/** The items of one call of the work, and who gets their answers. */
interface Call<Item, Answer> {
  readonly items: Item[]
  readonly listeners: (Done<Answer> | undefined)[]
  weight: number
}

/** What one listener throws takes no answer from the others. */
function answerAll<Answer>(
  waiting: readonly (Done<Answer> | undefined)[],
  answerOf: (index: number) => Answer | Failed | undefined,
  failed: (error: unknown) => void,
): void {
  for (let index = 0; index < waiting.length; index++) {
    const answer = answerOf(index)
    try {
      if (answer instanceof Failed) waiting[index]?.(answer.error, undefined)
      else waiting[index]?.(undefined, answer)
    } catch (error) {
      failed(error)
    }
  }
}

/** Characters that take as long to write as one record. */
const perRecord = 2_000

/** Returns for how many records one counts whose texts are so long. */
export function weightOf(characters: number): number {
  return 1 + Math.floor(characters / perRecord)
}

/** Work that throws at once is refused as work that rejects. */
function attempt<Item, Answer>(work: (items: Item[]) => Promise<Answer>, items: Item[]): Promise<Answer> {
  try {
    return work(items)
  } catch (error) {
    return Promise.reject(error)
  }
}

/** One promise for all, and none for each. */
function sendAll<Item, Answer>(add: Gather<Item, Answer>['add'], items: readonly Item[]): Promise<Answer[]> {
  if (items.length === 0) return Promise.resolve([])
  return new Promise((resolve, reject) => {
    const answers: Answer[] = []
    let missing = items.length
    items.forEach((item, index) => {
      add(item, (error, answer) => {
        if (error !== undefined) return reject(error)
        answers[index] = answer as Answer
        missing -= 1
        if (missing === 0) resolve(answers)
      })
    })
  })
}

/** A call that stands for many. */
export interface GatheredCalls {
  /** Asks for the call. */
  soon(): void
  /** Takes back what was asked for. */
  cancel(): void
}

/** Gathers calls: `run` is called once, `ms` milliseconds after the first that asked for it. */
export function gatherCalls(clock: Pick<Clock, 'after'>, ms: number, run: () => void): GatheredCalls {
  let cancelTimer: (() => void) | undefined
  return {
    soon() {
      cancelTimer ??= clock.after(ms, () => {
        cancelTimer = undefined
        run()
      })
    },
    cancel() {
      cancelTimer?.()
      cancelTimer = undefined
    },
  }
}

/** What is written a moment later, together with its neighbours: the newest value of each key. */
export interface LazyWrites<V> {
  set(key: string, value: V): void
  /** The value that is not written yet, or on its way. */
  get(key: string): V | undefined
  delete(key: string): void
  /** Writes what is there now, and waits for what is on its way. Rejects when that fails; its values are dropped then. */
  flush(): Promise<void>
}

/** @param everyMs Milliseconds over which values are gathered. */
export function createLazyWrites<V>(
  everyMs: number,
  write: (values: ReadonlyMap<string, V>) => Promise<void>,
): LazyWrites<V> {
  let gathered = new Map<string, V>()
  const onTheirWay = new Map<ReadonlyMap<string, V>, Promise<void>>()
  let timer: NodeJS.Timeout | undefined

  function send(): void {
    if (gathered.size === 0) return
    const values = gathered
    gathered = new Map()
    const written = write(values).finally(() => onTheirWay.delete(values))
    onTheirWay.set(values, written)
    // The caller of `flush` gets the error.
    written.catch(() => undefined)
  }

  async function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    send()
    await Promise.all(onTheirWay.values())
  }

  return {
    set(key, value) {
      gathered.set(key, value)
      timer ??= setTimeout(() => void flush().catch(() => undefined), everyMs).unref()
    },
    get(key) {
      if (gathered.has(key)) return gathered.get(key)
      return [...onTheirWay.keys()].findLast(values => values.has(key))?.get(key)
    },
    delete: key => void gathered.delete(key),
    flush,
  }
}
