/** What the store uses of a driver of SQLite: the part of `better-sqlite3` that a connection and its statements are. */

/** A prepared statement. */
export interface Statement {
  run(...values: unknown[]): { changes: number; lastInsertRowid: number | bigint }
  get(...values: unknown[]): unknown
  all(...values: unknown[]): unknown[]
  iterate(...values: unknown[]): IterableIterator<unknown>
  /** From now on it answers with the first column of each row. */
  pluck(): this
  /** From now on it answers with each row as a list. */
  raw(): this
}

/** A connection to a file. */
export interface Database {
  readonly name: string
  readonly open: boolean
  readonly inTransaction: boolean
  prepare(sql: string): Statement
  exec(sql: string): unknown
  pragma(text: string, options?: { simple: boolean }): unknown
  /** Returns a function that runs `work` in a transaction. */
  transaction(work: () => void): () => void
  /** Makes a function that SQL can call. */
  function(
    name: string,
    options: { deterministic: boolean },
    work: (...values: unknown[]) => unknown,
  ): unknown
  /**
   * Copies the whole file into another one, some pages in each turn of the event loop. `progress` answers with how many are next. Where a
   * transaction is open, it may resolve with no pages, having copied none.
   */
  backup(
    file: string,
    options: { progress(state: { totalPages: number; remainingPages: number }): number },
  ): Promise<{ totalPages: number }>
  close(): unknown
}
