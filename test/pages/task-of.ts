import type { Task } from '../../dashboard/src/api/task.ts'

/** A task as the API tells it that was submitted on the first of January; `fields`: what is different. */
export function taskOf(fields: Partial<Task> = {}): Task {
  const { id = 'task' } = fields
  return {
    id,
    taskType: 'Some',
    userId: 'local',
    status: 'QUEUED',
    done: false,
    phase: 'executing',
    lane: 'default',
    priority: 'normal',
    tags: [],
    parametersVersion: 1,
    timestamps: { createdAt: '2026-01-01T00:00:00.000Z', updatedAt: '2026-01-01T00:00:00.000Z' },
    attempt: 0,
    retryCount: 0,
    rootTaskId: id,
    depth: 0,
    round: 0,
    version: 1,
    ...fields,
  }
}
