/** Faults that tests cause on purpose; never set in production. */
export interface StoreFaults {
  /** Runs before each operation is sent. May throw, or wait. `operation` is the name that the adapter gives it, such as `claim`. */
  before?(operation: string): Promise<void> | void
  /** Runs after each operation was executed, before anybody is told. May throw: the operation was executed, its caller does not know. */
  after?(operation: string): Promise<void> | void
}
