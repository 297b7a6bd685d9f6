import { inspect } from 'node:util'

/** Keys that stand in variables of the environment. Nothing that prints, copies or stores the configuration has them. */
export class EnvironmentKeys {
  readonly #keys: ReadonlyMap<string, string>

  /** Takes the keys by the names of their variables. */
  constructor(keys: ReadonlyMap<string, string>) {
    this.#keys = keys
  }

  /** The key in a variable; undefined when it is not set. */
  read(variable: string): string | undefined {
    return this.#keys.get(variable)
  }

  toJSON(): string {
    return '(not shown)'
  }

  [inspect.custom](): string {
    return '(not shown)'
  }
}
