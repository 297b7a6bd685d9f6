import type { ErrorInfo } from '../../src/task/errors.ts'
import type { Phase, TaskStatus } from '../../src/task/status.ts'
import type { TaskRecord } from '../../src/task/task.ts'
import type { Transition } from '../../src/task/transition.ts'

/** Now, in the tables of this folder. */
export const now = 1_800_000_000_000

/** A running first attempt, changed as a row of a table says. */
export function recordOf(change: Partial<TaskRecord> = {}): TaskRecord {
  return {
    id: 'task-1',
    taskType: 'Write',
    userId: 'ann',
    lane: 'default',
    priority: 'normal',
    tags: [],
    status: 'RUNNING',
    phase: 'executing',
    version: 7,
    parameters: '{}',
    parametersVersion: 1,
    attempt: 1,
    retryCount: 0,
    crashCount: 0,
    round: 0,
    createdAt: now - 60_000,
    updatedAt: now - 1_000,
    rootTaskId: 'task-1',
    depth: 0,
    ...change,
  }
}

/** An error as a record keeps it. */
export const someError: ErrorInfo = {
  code: 'HANDLER_FAILED',
  message: 'it broke',
  retryable: true,
  errorClass: 'retryable',
}

/** Where a transition leads from a record. */
export function endOf(record: TaskRecord, { set }: Transition): { status: TaskStatus; phase: Phase } {
  return { status: set.status ?? record.status, phase: set.phase ?? record.phase }
}
