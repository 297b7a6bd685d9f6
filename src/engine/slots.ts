/** The worker slots of the lanes in this process: as it was configured, unless an operator set others while it runs. */
import { createEmitter, type Emitter } from '../runtime/emitter.ts'
import type { Logger } from '../runtime/log.ts'
import { QuillworkError } from '../task/errors.ts'
import { type EngineSettings, slotsOf } from './settings.ts'

/** Worker slots that an operator may set for a lane in each process. */
export const mostSlots = 1_000

/** The worker slots of this process. */
export class Slots {
  readonly #configured: ReadonlyMap<string, number>
  readonly #changes: Emitter<[lane: string, slots: number]>
  #set: ReadonlyMap<string, number> = new Map()

  constructor(settings: EngineSettings, log: Logger) {
    this.#configured = new Map(slotsOf(settings).map(({ lane, slots }) => [lane, slots]))
    this.#changes = createEmitter<[lane: string, slots: number]>(error =>
      log.error({ err: error }, 'changing the slots of a lane failed'),
    )
  }

  /** Returns the slots of a lane now. A lane that this process was configured to leave to others has none, whatever was set. */
  of(lane: string): number {
    const configured = this.#configured.get(lane) ?? 0
    return configured === 0 ? 0 : (this.#set.get(lane) ?? configured)
  }

  /** Returns what an operator set for a lane; undefined for nothing. */
  setOf(lane: string): number | undefined {
    return this.#set.get(lane)
  }

  /** Returns the slots of every lane of this process. */
  all(): { lane: string; slots: number }[] {
    return [...this.#configured.keys()].map(lane => ({ lane, slots: this.of(lane) }))
  }

  /** Listens to changes. Returns an unsubscribe function. */
  onChange(listener: (lane: string, slots: number) => void): () => void {
    return this.#changes.on(listener)
  }

  /** Takes what operators set into use, and has what changed followed. */
  use(set: ReadonlyMap<string, number>): void {
    const before = this.all()
    this.#set = set
    for (const { lane, slots } of before) {
      const now = this.of(lane)
      if (now !== slots) this.#changes.emit(lane, now)
    }
  }
}

/** Throws OPTION_INVALID for a number of slots that nobody may set. */
export function requireSlots(slots: number): void {
  if (Number.isInteger(slots) && slots >= 1 && slots <= mostSlots) return
  const message = `The slots of a lane are a whole number from 1 to ${mostSlots}, not ${slots}. To start no more tasks of it, pause it.`
  throw new QuillworkError('OPTION_INVALID', message)
}
