/** Parts of a session that work with the whole of it. */
import type { Delivery } from '../store.ts'

/** How long a delivery that was sent may stay unclaimed before it is sent again; milliseconds. */
export interface ResendAfter {
  /** Nobody knows whether it reached the broker. */
  unconfirmed: number
  /** The broker has it; doubles with every time it is sent. */
  confirmed: number
}

/** The deliveries in the hands of this process. */
export interface Hands {
  /** A look took the right to send these; those that are not told are taken back by the next look at the lane. */
  offer(deliveries: readonly Delivery[], by: string): void
  /** The write that created the task took the right to send it. */
  sending(taskId: string, by: string): void
  told(deliveries: readonly Delivery[]): void
  forget(taskIds: readonly string[]): void
  /** See the outbox. */
  putAside(taskIds: readonly string[], ms: number): Promise<void>
  /** This process runs the task. */
  claimed(taskId: string, quarantined: boolean): void
  /** An attempt of the task ended here. */
  settled(taskId: string): void
  /** What was offered in these lanes and not told, and what was forgotten, stands in line again. */
  takeBack(lanes: readonly string[]): Promise<void>
  /** How many tasks whose last attempt crashed are on their way from here, or run here. */
  quarantinedOut(): Promise<number>
  /** Writes down what is pending. */
  flush(): Promise<void>
}

/** The families that this process has to do with. */
export interface Families {
  /** The parent of a task, undefined for a root, as a write or a read has just told it. */
  know(taskId: string, parentId: string | undefined): void
  /** The parent as it is known: null for a root, undefined when nothing is known of the task. */
  parentOf(taskId: string): string | null | undefined
  /** Whether this process saw a sub-task of it. */
  isParent(taskId: string): boolean
  /** These tasks moved: the parents of those that have one count them soon; a little later when `isLive`, for they move again. */
  moved(taskIds: readonly string[], options?: { isLive: boolean }): void
  /** Counts what moved before this call. Rejects when the database fails; the sweep counts it then. */
  count(parentId: string): Promise<void>
  /** Resolves when what is to be counted soon, and moved before this call, is counted, or could not be. */
  idle(): Promise<void>
  /** As `idle`, with all that moved. */
  flush(): Promise<void>
  /** Counts what others left. */
  sweep(): Promise<void>
  /** Which of these parents have sub-tasks that are not counted. */
  withUncounted(parentIds: readonly string[]): Promise<ReadonlySet<string>>
}
