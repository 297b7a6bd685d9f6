import type { Task } from '../api/task.ts'
import type { LetterFilter } from './letter-queries.ts'

/** What is to be done to which tasks. */
export interface AskedBulk {
  action: 'retry' | 'purge'
  filter: LetterFilter
  count: number
}

/** What can be asked for on the page: it is done in a dialog. */
export interface LetterActions {
  onBulk: (asked: AskedBulk) => void
  onEdit: (task: Task) => void
  onPurge: (task: Task) => void
  /** Opens the details of a task. */
  onInspect: (taskId: string) => void
}
