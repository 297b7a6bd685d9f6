import type { TaskRecord } from './task.ts'

/** A root task, for whoever chooses which trees are deleted. */
export interface RootTask extends Pick<TaskRecord, 'id' | 'taskType' | 'tags'> {
  /** As they were submitted; undefined where they cannot be read. */
  readonly parameters: unknown
}

/** Deletes trees of tasks before their retention is over: for a task that deletes what they are about. */
export interface Erasure {
  /** Returns the ids of at most `limit` root tasks of a user that `isOne` picks, the oldest first; never the tree of this task. Default limit: none. */
  find(userId: string, isOne: (root: RootTask) => boolean, limit?: number): Promise<string[]>
  /** Cancels a tree. One that has ended, or is gone, stays as it is. */
  cancel(rootTaskId: string): Promise<void>
  /**
   * Cancels a tree, waits until all of it has ended, and deletes it with what it left: parameters, results, errors, checkpoints, output, log, dead letter.
   * What its model calls used is kept: it is the history of cost. Returns the number of deleted tasks. Throws the reason of the signal.
   */
  erase(rootTaskId: string): Promise<number>
  /** Overwrites the bytes of what was deleted, in a store that has a file of its own. */
  scrub(): Promise<void>
}
