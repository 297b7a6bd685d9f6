/**
 * Moving the tasks of a store into another one, with their output and usage, as rows that know nothing of either: ids, attempts, versions
 * and times stay as they are. Both stores are at rest meanwhile. Rows replace what has their id, so a transfer that was cut off is made again
 * from the start. All else that a store keeps is records, copied by kind, and the pauses of its lanes.
 *
 * What only concerns one store stays behind: deliveries that were sent, and events that others were not told of yet.
 */
import type { TaskRecord } from '../task/task.ts'
import type { AttemptRow, LogLine, OutputWrite, UsageRow } from './store.ts'

/** Attempts of a task that go along, the last ones: as many as the store that keeps the fewest. */
export const mostAttempts = 50

/** A task with all that hangs on it. */
export interface TransferredTask {
  /** The counts of sub-tasks are exact. A lease is void where it is written: `rescue` settles its attempt there. */
  record: TaskRecord
  /** Its place in the fair order of its lane; `unranked` while it waits for a time without one, and gets one when it joins the line. */
  rank: number
  /** Oldest first, at most fifty. */
  attempts: readonly AttemptRow[]
  /** Values of finished steps, by key. */
  checkpoints: ReadonlyMap<string, string>
  /** In order, numbered without a gap. */
  logs: readonly (LogLine & { sequence: number })[]
}

/** One call of a model; its task may be gone. */
export interface TransferredUsage extends UsageRow {
  taskId: string
  rootTaskId: string
  userId: string
}

/** A piece of what the newest attempt of a task wrote. */
export type TransferredPiece = OutputWrite

/** Reads page after page: each begins after the place of the last row of the one before, and is made into what is moved. */
export async function* readPages<Row, Place, Moved>(steps: {
  start: Place
  /** An empty page is the end. */
  read(after: Place): Promise<readonly Row[]>
  placeOf(row: Row): Place
  make(rows: readonly Row[]): readonly Moved[] | Promise<readonly Moved[]>
}): AsyncGenerator<readonly Moved[]> {
  for (let after = steps.start; ; ) {
    const rows = await steps.read(after)
    const last = rows.at(-1)
    if (last === undefined) return
    yield await steps.make(rows)
    after = steps.placeOf(last)
  }
}

/** Rows of one kind. */
export interface RowsTransfer<Row> {
  /** All rows, a bounded page at a time. */
  read(): AsyncIterable<readonly Row[]>
  /** Writes rows in place of those with their ids. */
  write(rows: readonly Row[]): Promise<void>
}

/** The tasks of a store, in the order in which they are copied. */
export interface StoreTransfer {
  /**
   * Takes the store to be filled; `from` says for people where the rows come from. What a transfer that was cut off left is deleted.
   * Throws STORE_NOT_EMPTY when it holds anything else.
   */
  begin(from: string): Promise<void>
  /** In the order of submission: a parent stands before its sub-tasks. */
  readonly tasks: RowsTransfer<TransferredTask>
  /** After the tasks. */
  readonly output: RowsTransfer<TransferredPiece>
  readonly usage: RowsTransfer<TransferredUsage>
  /** After the last row was written: brings what is derived from the rows in step with them, and lets the store be used. */
  finish(): Promise<void>
}
