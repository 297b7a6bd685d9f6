/** What operators set while processes run, as this process follows it. What one sets holds in all of them within seconds. */
import type { Logger } from '../runtime/log.ts'
import type { OperatorValueStore, OperatorValues } from '../store/store.ts'
import { isClosed } from '../task/errors.ts'

/** Reads what was set in any process, and takes it into use. */
export class FollowedValues {
  readonly #store: OperatorValueStore
  readonly #use: (values: OperatorValues) => void
  readonly #log: Logger
  /** Reads follow one another, so that an older answer never comes last. */
  #reading: Promise<void> = Promise.resolve()

  constructor(store: OperatorValueStore, use: (values: OperatorValues) => void, log: Logger) {
    this.#store = store
    this.#use = use
    this.#log = log
  }

  /** Rejects as the store does; then what was read before stays in use. */
  read(): Promise<void> {
    const reading = this.#reading.then(async () => this.#use(await this.#store.read()))
    this.#reading = reading.catch(() => undefined)
    return reading
  }

  /** As `read`, but never rejects: what could not be read stays until the next time. */
  async refresh(): Promise<void> {
    try {
      await this.read()
    } catch (error) {
      if (!isClosed(error))
        this.#log.warn({ err: error }, 'values that operators set could not be read; those before stay')
    }
  }
}
