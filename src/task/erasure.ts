import type { Page, PageRequest } from './page.ts'
import type { TaskStatus } from './status.ts'
import type { TaskRecord } from './task.ts'

/** A root task, for whoever chooses which trees are deleted. */
export interface RootTask extends Pick<TaskRecord, 'id' | 'taskType' | 'tags' | 'createdAt'> {
  /** As they were submitted; undefined where they cannot be read. */
  readonly parameters: unknown
}

/** Which root tasks. Absent fields do not restrict. */
export interface RootFilter {
  readonly userId: string
  readonly tag?: string
  readonly taskType?: readonly string[]
  readonly status?: readonly TaskStatus[]
}

/** Deletes trees of tasks before their retention is over: for a task that deletes what they are about. */
export interface Erasure {
  /** When this task was submitted, epoch milliseconds. A retry may come weeks later: what was made since is not what it was asked to delete. */
  readonly submittedAt: number
  /** Returns a page of the root tasks of a user, the oldest first; never the tree of this task. */
  roots(filter: RootFilter, page: PageRequest): Promise<Page<RootTask>>
  /** Cancels a tree. One that has ended, or is gone, stays as it is. */
  cancel(rootTaskId: string): Promise<void>
  /**
   * Cancels a tree, waits until all of it has ended, and deletes it with what it left: parameters, results, errors, checkpoints, output, log, dead letter.
   * What its model calls used is kept: it is the history of cost. Returns the number of deleted tasks. Throws the reason of the signal.
   */
  erase(rootTaskId: string): Promise<number>
  /** Removes the schedules that had been made for a user when this task was submitted: they would submit more. */
  removeSchedules(userId: string): Promise<void>
  /** Overwrites the bytes of what was deleted, in a store that has a file of its own. Throws STORE_FAILED, STORE_FULL where some may be left. */
  scrub(): Promise<void>
}
