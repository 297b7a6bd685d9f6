/** Sub-tasks that start after siblings: what they may name, the order in which they are created, and which of them could never start. */
import type { SubTaskOptions } from './definition.ts'
import { QuillworkError } from './errors.ts'
import { firstAwaited, type NewTask, type Predecessors } from './task.ts'

/** Siblings that one sub-task may start after. */
const mostPredecessors = 10_000

/** Returns the siblings that a sub-task is to start after; undefined for none. Throws OPTION_INVALID. */
export function predecessorsOf({
  key,
  after,
  startWhen = 'completed',
}: SubTaskOptions): Predecessors | undefined {
  if (after === undefined) return undefined
  const keys = [...new Set(after)]
  const name = JSON.stringify(key)
  if (keys.length > mostPredecessors) {
    const message = `The sub-task ${name} is to start after ${keys.length} others, and may after ${mostPredecessors}. Put one between them, which starts after a part of them.`
    throw new QuillworkError('OPTION_INVALID', message)
  }
  if (startWhen !== 'completed' && startWhen !== 'ended') {
    const message = `startWhen of the sub-task ${name} is ${JSON.stringify(startWhen)}; give 'completed' or 'ended'.`
    throw new QuillworkError('OPTION_INVALID', message)
  }
  return keys.length === 0 ? undefined : { keys, startWhen }
}

/** A sub-task that is held back, and how many it starts after have not gone ahead. */
interface HeldBack {
  key: string
  task: NewTask
  missing: number
}

/** A sub-task that is not created, and why. */
export interface RefusedSubTask {
  key: string
  error: QuillworkError
}

/**
 * Puts the sub-tasks of a call in line, each behind those that it starts after: so they are stored. A retry that takes them in the order of their
 * submission thus comes to what a task waits for before it comes to the task.
 */
export class SubTaskLine {
  /**
   * Keys that are known to exist, or are on their way. Kept for the whole call once a sub-task has `after`; before that dropped with each part, for
   * they are found in the store.
   */
  readonly #known = new Set<string>()
  readonly #held = new Set<HeldBack>()
  readonly #waiting = new Map<string, HeldBack[]>()
  #keepsKeys = false

  /** Returns what can be created: the task, unless it is held back, and what was held back for it. */
  add(task: NewTask): NewTask[] {
    const key = task.parent?.key ?? ''
    this.#keepsKeys ||= task.after !== undefined
    const missing = task.after?.keys.filter(each => !this.#known.has(each)) ?? []
    if (missing.length === 0) {
      if (this.#waiting.size > 0) return [task, ...this.goesAhead(key)]
      this.#known.add(key)
      return [task]
    }
    const held = { key, task, missing: missing.length }
    this.#held.add(held)
    for (const each of missing) {
      const waiting = this.#waiting.get(each)
      if (waiting === undefined) this.#waiting.set(each, [held])
      else waiting.push(held)
    }
    return []
  }

  /** A part was created. */
  dropWritten(): void {
    if (!this.#keepsKeys) this.#known.clear()
  }

  /** This sub-task goes ahead, or was there before. Returns what was held back for it alone, and for what thereby goes ahead too. */
  goesAhead(first: string): NewTask[] {
    const keys = [first]
    const tasks: NewTask[] = []
    for (const key of keys) {
      this.#known.add(key)
      for (const held of this.#waiting.get(key) ?? []) {
        held.missing -= 1
        if (held.missing > 0) continue
        this.#held.delete(held)
        tasks.push(held.task)
        keys.push(held.key)
      }
      this.#waiting.delete(key)
    }
    return tasks
  }

  /** Returns the keys that something waits for and that did not come. */
  unknown(): string[] {
    const held = new Set([...this.#held].map(({ key }) => key))
    return [...this.#waiting.keys()].filter(key => !held.has(key))
  }

  /** No sub-task is added, or goes ahead, any more. Returns what is still held back, and why it is refused. */
  refusals(): RefusedSubTask[] {
    if (this.#held.size === 0) return []
    const errors = new Map<HeldBack, QuillworkError>()
    const unknown = this.unknown()
    for (const key of unknown)
      for (const held of this.#waiting.get(key) ?? []) {
        if (errors.has(held)) continue
        errors.set(held, unknownError(held.key, key))
        unknown.push(held.key)
      }
    const rest = [...this.#held].filter(held => !errors.has(held))
    for (const [held, cycle] of cyclesOf(rest)) errors.set(held, cycleError(held.key, cycle))
    return [...errors].map(([{ key }, error]) => ({ key, error }))
  }
}

function unknownError(key: string, unknown: string): QuillworkError {
  const message = `The sub-task ${JSON.stringify(key)} is to start after ${JSON.stringify(unknown)}, which the parent does not have: it was not submitted before, and comes not, or was refused, in this call.`
  return new QuillworkError('SUBTASK_UNKNOWN', message)
}

/** Keys of a cycle that a message names. */
const mostNamed = 10

function cycleError(key: string, cycle: readonly string[]): QuillworkError {
  const named = cycle.slice(0, mostNamed).map(each => JSON.stringify(each))
  const closed = cycle.length > mostNamed ? [...named, '...'] : [...named, ...named.slice(0, 1)]
  const message = `The sub-task ${JSON.stringify(key)} could never start: it waits for sub-tasks that start after each other, ${closed.join(' after ')}.`
  return new QuillworkError('SUBTASK_CYCLE', message)
}

/** Returns for each of some sub-tasks, of which every one starts after another one of them, a cycle that it is in or waits for. */
function cyclesOf(rest: readonly HeldBack[]): ReadonlyMap<HeldBack, readonly string[]> {
  const byKey = new Map(rest.map(held => [held.key, held]))
  const next = ({ task }: HeldBack) =>
    task.after?.keys.map(key => byKey.get(key)).find(each => each !== undefined)
  const cycles = new Map<HeldBack, readonly string[]>()
  for (const start of rest) {
    const path = new Map<HeldBack, number>()
    let at: HeldBack | undefined = start
    for (; at !== undefined && !cycles.has(at) && !path.has(at); at = next(at)) path.set(at, path.size)
    if (at === undefined) continue
    const from = path.get(at) ?? 0
    const cycle = cycles.get(at) ?? [...path.keys()].slice(from).map(({ key }) => key)
    for (const held of path.keys()) cycles.set(held, cycle)
  }
  return cycles
}

/**
 * Returns the keys of the siblings that a sub-task starts after, in the order in which they are looked at: from the one that it waits for on, so that
 * all that become of it in turn are read about twice.
 */
export function keysInTurn(after: Predecessors, predecessor: string | undefined): string[] {
  const { keys } = after
  const from = keys.lastIndexOf(predecessor ?? firstAwaited(after))
  return [...keys.slice(0, from + 1).reverse(), ...keys.slice(from + 1).reverse()]
}
