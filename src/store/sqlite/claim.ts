import type { TaskRecord } from '../../task/task.ts'
import { claiming } from '../../task/transition.ts'
import { type Claim, type Claimed, type ClaimedRecord, priorities } from '../store.ts'
import { parentAllows } from './create.ts'
import { recordOf, type TaskRow } from './rows.ts'
import type { Session } from './session.ts'
import type { Known } from './window.ts'

const statement = `
UPDATE tasks SET status = ?, attempt = attempt + 1, version = version + 1, queue = NULL, wake_at = NULL, claim_token = ?, node = ?,
  lease_until = ?, started_at = coalesce(started_at, ?), last_attempt_at = ?, next_attempt_at = NULL, updated_at = ?
WHERE seq = ? AND version = ? AND attempt = ? AND queue IS NOT NULL AND cancel_requested_at IS NULL`

/** A task that was claimed. */
type Won = Known & { record: ClaimedRecord }

/** Starts attempts: one guarded write each, by id. A claim that is refused answers undefined. */
export async function claim(session: Session, claims: readonly Claim[]): Promise<Claimed[]> {
  const { window } = session
  const claimed = await session.file.write(
    () => {
      const parents: Parents = new Map()
      return claims.map(wish => claimOne(session, wish, parents))
    },
    won => {
      for (const known of won) {
        if (known === undefined) continue
        window.unhand(known.record.id)
        window.hold(known)
      }
    },
  )
  return claimed.map(known => known?.record)
}

/** Whether a parent lets its sub-tasks run, asked once for the claims of one moment. */
type Parents = Map<string, boolean>

function claimOne(session: Session, wish: Claim, parents: Parents): Won | undefined {
  const known = session.window.handed.get(wish.taskId)?.known ?? find(session, wish.taskId)
  if (known === undefined || session.order.lane(known.record.lane).paused) return undefined
  const parentId = known.record.parentTaskId
  if (parentId !== undefined) {
    const allows = parents.get(parentId) ?? parentAllows(session, parentId)
    parents.set(parentId, allows)
    if (!allows) return undefined
  }
  return claimKnown(session, wish, known, parents)
}

function claimKnown(session: Session, wish: Claim, known: Known, parents: Parents): Won | undefined {
  const { sql, tally, order } = session
  const { record, seq, rank } = known
  const now = session.now()
  const leaseUntil = now + wish.leaseMs
  const { changes } = sql(statement).run(
    claiming.to,
    wish.token,
    wish.executionNodeId,
    leaseUntil,
    now,
    now,
    now,
    seq,
    record.version,
    wish.attempt,
  )
  if (changes === 0) return retryFresh(session, wish, known, parents)
  order.left(placeOf(record, rank), true)
  tally.moved(record.status, claiming.to)
  if (record.parentTaskId !== undefined)
    tally.childMoved(record.parentTaskId, { from: record.status, to: claiming.to })
  return { seq, rank, record: claimedRecord(record, wish, now, leaseUntil) }
}

/** What the window knew was old: look at the row itself once. */
function retryFresh(session: Session, wish: Claim, stale: Known, parents: Parents): Won | undefined {
  if (session.window.handed.get(wish.taskId)?.known !== stale) return undefined
  session.window.unhand(wish.taskId)
  const fresh = find(session, wish.taskId)
  return fresh === undefined || fresh.record.version === stale.record.version
    ? undefined
    : claimOne(session, wish, parents)
}

/** A task that was not handed out here, as its row says; what was remembered of it is about to be old. */
function find({ sql, window }: Session, taskId: string): Known | undefined {
  const row = sql('SELECT * FROM tasks WHERE id = ?').get(taskId) as TaskRow | undefined
  if (row === undefined) return undefined
  window.recall(row.seq)
  return { seq: row.seq, rank: row.rank, record: recordOf(row, sql) }
}

/** Where a task waits, for the counters. */
function placeOf(record: TaskRecord, rank: number) {
  return {
    userId: record.userId,
    lane: record.lane,
    priority: priorities.indexOf(record.priority),
    rank,
    isRoot: record.parentTaskId === undefined,
  }
}

function claimedRecord(before: TaskRecord, wish: Claim, now: number, leaseUntil: number): ClaimedRecord {
  const claimed = {
    status: claiming.to,
    attempt: before.attempt + 1,
    version: before.version + 1,
    claimToken: wish.token,
    executionNodeId: wish.executionNodeId,
    leaseUntil,
    startedAt: before.startedAt ?? now,
    lastAttemptTimestamp: now,
    updatedAt: now,
    waitedMs: Math.max(0, now - (before.nextAttemptTimestamp ?? before.updatedAt)),
  }
  if (before.version > 1) {
    const { nextAttemptTimestamp: _, ...rest } = before
    return { ...rest, ...claimed }
  }
  // A task fresh from its creation, the usual case: one literal costs a quarter of what a spread does.
  const record: ClaimedRecord = {
    id: before.id,
    taskType: before.taskType,
    userId: before.userId,
    lane: before.lane,
    priority: before.priority,
    tags: before.tags,
    status: claimed.status,
    phase: before.phase,
    version: claimed.version,
    parameters: before.parameters,
    parametersVersion: before.parametersVersion,
    attempt: claimed.attempt,
    retryCount: before.retryCount,
    crashCount: before.crashCount,
    round: before.round,
    createdAt: before.createdAt,
    updatedAt: now,
    startedAt: claimed.startedAt,
    lastAttemptTimestamp: now,
    executionNodeId: wish.executionNodeId,
    claimToken: wish.token,
    leaseUntil,
    rootTaskId: before.rootTaskId,
    depth: before.depth,
    waitedMs: claimed.waitedMs,
  }
  if (before.parentTaskId !== undefined) record.parentTaskId = before.parentTaskId
  if (before.subTaskKey !== undefined) record.subTaskKey = before.subTaskKey
  if (before.deadline !== undefined) record.deadline = before.deadline
  if (before.traceparent !== undefined) record.traceparent = before.traceparent
  if (before.budget !== undefined) record.budget = before.budget
  if (before.idempotencyKey !== undefined) record.idempotencyKey = before.idempotencyKey
  return record
}
