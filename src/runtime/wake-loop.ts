/**
 * Wakes those who wait for what is shared out, once there is capacity again: the half of a limit and of a budget that does not lie in the
 * account. Best effort: what is not woken comes at its own time.
 */
import type { Clock } from './clock.ts'

/** Milliseconds over which freed capacity is gathered into one check of the store. */
export const gatherMs = 20
/** Items, or tasks, per check. */
export const perCheck = 200

/** How a loop wakes. */
export interface WakeOptions<Item> {
  clock: Pick<Clock, 'after'>
  /** Checks who may be woken, and makes them due. */
  wake(items: readonly Item[]): Promise<void>
  onError(error: unknown, items: readonly Item[]): void
}

/** What is gathered for one group. */
interface Group<Item> {
  items: Map<string, Item>
  cancelTimer?: (() => void) | undefined
  running?: Promise<void> | undefined
}

/** Gathers what may be woken, and wakes it a moment later, group by group. */
export class WakeLoop<Item> {
  readonly #options: WakeOptions<Item>
  readonly #groups = new Map<string, Group<Item>>()
  #isStopped = false

  constructor(options: WakeOptions<Item>) {
    this.#options = options
  }

  /** Wakes the item after `afterMs` milliseconds, together with those of its group that are named meanwhile; each name once. */
  soon(group: string, name: string, item: Item, afterMs: number): void {
    if (this.#isStopped) return
    const gathered = this.#groups.get(group) ?? { items: new Map() }
    this.#groups.set(group, gathered)
    gathered.items.set(name, item)
    this.#plan(group, gathered, afterMs)
  }

  /** Drops what was gathered, and gathers nothing more. */
  cancel(): void {
    this.#isStopped = true
    for (const { cancelTimer } of this.#groups.values()) cancelTimer?.()
  }

  /** Wakes at once what was gathered, and gathers nothing more; resolves when that is done. */
  async finish(): Promise<void> {
    this.cancel()
    const running: (Promise<void> | undefined)[] = []
    for (const [group, gathered] of this.#groups) {
      running.push(gathered.running)
      if (gathered.items.size > 0) this.#run(group, gathered, 0)
      running.push(gathered.running)
    }
    await Promise.all(running)
  }

  /** Batches of a group go one after the other. */
  #plan(group: string, gathered: Group<Item>, afterMs: number): void {
    if (gathered.running !== undefined || this.#isStopped) return
    gathered.cancelTimer ??= this.#options.clock.after(afterMs, () => this.#run(group, gathered, afterMs))
  }

  #run(group: string, gathered: Group<Item>, afterMs: number): void {
    gathered.cancelTimer = undefined
    const batch = [...gathered.items].slice(0, perCheck)
    for (const [name] of batch) gathered.items.delete(name)
    gathered.running = this.#wake(batch.map(([, item]) => item)).then(() => {
      gathered.running = undefined
      if (gathered.items.size > 0) this.#plan(group, gathered, afterMs)
      else this.#groups.delete(group)
    })
  }

  async #wake(items: readonly Item[]): Promise<void> {
    try {
      await this.#options.wake(items)
    } catch (error) {
      this.#options.onError(error, items)
    }
  }
}
