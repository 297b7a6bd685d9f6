/** Faults that tests and benchmarks cause on purpose; never set in production. */
export interface StoreFaults {
  /** Milliseconds that every sync of the log takes longer. */
  syncDelayMs?: number
  /** Runs within the transaction, before its commit. */
  beforeCommit?(): void
  /** Runs after the sync, before anybody is told. */
  afterCommit?(): void
}
