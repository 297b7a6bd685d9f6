import { firstAwaited, type NewTask, type TaskRecord } from '../task/task.ts'
import { claiming } from '../task/transition.ts'

/**
 * Returns the record of a task that is created now (epoch milliseconds); it has a `nextAttemptTimestamp` if it waits for a time, a
 * `predecessor` if it waits for a sibling.
 */
export function newRecord(task: NewTask, now: number): TaskRecord {
  const record: TaskRecord = {
    id: task.id,
    taskType: task.taskType,
    userId: task.userId,
    lane: task.lane,
    priority: task.priority,
    tags: task.tags,
    status: 'QUEUED',
    phase: 'executing',
    version: 1,
    parameters: task.parameters,
    parametersVersion: task.parametersVersion,
    attempt: 0,
    retryCount: 0,
    crashCount: 0,
    round: 0,
    createdAt: now,
    updatedAt: now,
    rootTaskId: task.parent?.rootTaskId ?? task.id,
    depth: task.parent?.depth ?? 0,
  }
  const startAt = task.startAt ?? (task.delay === undefined ? undefined : now + task.delay)
  if (startAt !== undefined && startAt > now) record.nextAttemptTimestamp = startAt
  if (task.deadlineAfter !== undefined) record.deadline = now + task.deadlineAfter
  if (task.idempotencyKey !== undefined) record.idempotencyKey = task.idempotencyKey
  if (task.submissionHash !== undefined) record.submissionHash = task.submissionHash
  if (task.rerunOf !== undefined) record.rerunOf = task.rerunOf
  if (task.traceparent !== undefined) record.traceparent = task.traceparent
  if (task.budget !== undefined) record.budget = task.budget
  if (task.parent !== undefined) {
    record.parentTaskId = task.parent.taskId
    record.subTaskKey = task.parent.key
  }
  if (task.retry !== undefined) record.retry = task.retry
  if (task.after !== undefined) {
    record.after = task.after
    record.predecessor = firstAwaited(task.after)
  }
  return record
}

/** Makes the claim that comes with the creation: the task runs from its first write on, without a delivery. */
export function startRecord(record: TaskRecord, claim: NewTask['claim'] & object, now: number): void {
  record.status = claiming.to
  record.attempt = 1
  record.claimToken = claim.token
  record.executionNodeId = claim.executionNodeId
  record.leaseUntil = now + claim.leaseMs
  record.startedAt = now
  record.lastAttemptTimestamp = now
}
