/** Sub-tasks that start after siblings: the order in which they are created, and what becomes of each when one that it waits for has ended. */
import { decideSuccessor, statusesThatBlock } from '../task/decide.ts'
import type { SubTaskOptions } from '../task/definition.ts'
import { QuillworkError } from '../task/errors.ts'
import { subTaskId } from '../task/id.ts'
import { firstAwaited, type NewTask, type Predecessors, type TaskRecord } from '../task/task.ts'
import type { Transition } from '../task/transition.ts'
import type { Core } from './core.ts'

/** Siblings that one sub-task may start after. */
const mostPredecessors = 10_000
/** Siblings that are read at once. */
const perRead = 50

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
interface Held {
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
   * `end` finds them in the store.
   */
  readonly #known = new Set<string>()
  readonly #held = new Set<Held>()
  readonly #waiting = new Map<string, Held[]>()
  #keepsKeys = false

  /** Returns what can be created: the task, unless it is held back, and what was held back for it. */
  add(task: NewTask): NewTask[] {
    const key = task.parent?.key ?? ''
    this.#keepsKeys ||= task.after !== undefined
    const missing = task.after?.keys.filter(each => !this.#known.has(each)) ?? []
    if (missing.length === 0) {
      if (this.#waiting.size > 0) return [task, ...this.#goesAhead(key)]
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

  /**
   * No task is added any more. Returns what can be created because its siblings were there before, and what is refused. `earlier` resolves when
   * siblings that are on their way are there.
   */
  async end(
    { store }: Core,
    parentId: string,
    earlier: () => Promise<unknown>,
  ): Promise<{ tasks: NewTask[]; refused: RefusedSubTask[] }> {
    const keys = this.#unknown()
    const tasks: NewTask[] = []
    if (keys.length > 0) await earlier()
    for (let from = 0; from < keys.length; from += perRead) {
      const part = keys.slice(from, from + perRead)
      const found = await store.queries.get(part.map(key => subTaskId(parentId, key)))
      for (const [index, key] of part.entries())
        if (found[index] !== undefined) tasks.push(...this.#goesAhead(key))
    }
    return { tasks, refused: this.#refusals() }
  }

  /** Returns what was held back for this sub-task alone, and for what thereby goes ahead too. */
  #goesAhead(first: string): NewTask[] {
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
  #unknown(): string[] {
    const held = new Set([...this.#held].map(({ key }) => key))
    return [...this.#waiting.keys()].filter(key => !held.has(key))
  }

  #refusals(): RefusedSubTask[] {
    if (this.#held.size === 0) return []
    const errors = new Map<Held, QuillworkError>()
    const unknown = this.#unknown()
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
function cyclesOf(rest: readonly Held[]): ReadonlyMap<Held, readonly string[]> {
  const byKey = new Map(rest.map(held => [held.key, held]))
  const next = ({ task }: Held) =>
    task.after?.keys.map(key => byKey.get(key)).find(each => each !== undefined)
  const cycles = new Map<Held, readonly string[]>()
  for (const start of rest) {
    const path = new Map<Held, number>()
    let at: Held | undefined = start
    for (; at !== undefined && !cycles.has(at) && !path.has(at); at = next(at)) path.set(at, path.size)
    if (at === undefined) continue
    const from = path.get(at) ?? 0
    const cycle = cycles.get(at) ?? [...path.keys()].slice(from).map(({ key }) => key)
    for (const held of path.keys()) cycles.set(held, cycle)
  }
  return cycles
}

/** Returns the transition of a sub-task that waits for siblings, of which one has ended. */
export async function followPredecessors(core: Core, record: TaskRecord): Promise<Transition> {
  return decideSuccessor(record, await findBlocker(core, record), core.store.tasks.now())
}

/**
 * Returns a sibling that keeps a sub-task from starting; undefined where none does. Looks from the one that it waits for on, so that all that become
 * of it in turn are read about twice.
 */
export async function findBlocker({ store }: Core, record: TaskRecord): Promise<TaskRecord | undefined> {
  const { after, parentTaskId, predecessor } = record
  if (after === undefined || parentTaskId === undefined) return undefined
  const { keys } = after
  const from = keys.lastIndexOf(predecessor ?? firstAwaited(after))
  const inTurn = [...keys.slice(0, from + 1).reverse(), ...keys.slice(from + 1).reverse()]
  const statuses = statusesThatBlock(after)
  for (let read = 0; read < inTurn.length; read += perRead) {
    const ids = inTurn.slice(read, read + perRead).map(key => subTaskId(parentTaskId, key))
    const found = (await store.queries.get(ids, statuses)).find(each => each !== undefined)
    if (found !== undefined) return found
  }
  return undefined
}
