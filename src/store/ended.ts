/** The port of what follows the ends of tasks: root tasks in the order in which they ended, a few fields of each. */
import type { EndedStatus } from '../task/status.ts'
import type { Page, PageRequest } from './queries.ts'

/** A root task that has ended. */
export interface EndedTask {
  taskId: string
  taskType: string
  userId: string
  lane: string
  status: EndedStatus
  /** Epoch milliseconds. */
  endedAt: number
}

/** The ends of root tasks. */
export interface EndedTasks {
  /**
   * Returns root tasks that ended at a time or later (epoch milliseconds) and have not run again since, in no order that a caller may rely on. Every task
   * that had ended by then when the first page was read, and is still there, is on one of the pages; one may be on two.
   */
  since(from: number, page: PageRequest): Promise<Page<EndedTask>>
}
