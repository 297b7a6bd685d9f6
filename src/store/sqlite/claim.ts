import type { TaskRecord } from '../../task/task.ts'
import { claiming } from '../../task/transition.ts'
import {
  type Claim,
  type Claimed,
  type ClaimedRecord,
  type Extended,
  type Lease,
  type Overdue,
  priorities,
} from '../store.ts'
import { parentAllows } from './create.ts'
import type { Known } from './in-flight.ts'
import { noCancelRequested, padding, readTask, readTasks } from './rows.ts'
import type { Session } from './session.ts'

const statement = `
UPDATE tasks SET status = '${claiming.to}', attempt = attempt + 1, version = version + 1, queue = NULL, wake_at = NULL, padding = ${padding.running}, claim_token = ?, node = ?,
  lease_until = ?, started_at = coalesce(started_at, ?), last_attempt_at = ?, next_attempt_at = NULL, updated_at = ?
WHERE seq = ? AND version = ? AND attempt = ? AND queue IS NOT NULL AND ${noCancelRequested}`

type Won = Known & { record: ClaimedRecord }

/** Starts attempts: one guarded write each, by id. A refused claim returns undefined. */
export async function claim(session: Session, claims: readonly Claim[]): Promise<Claimed[]> {
  const { inFlight } = session
  const claimed = await session.file.write(
    () => {
      const parents: Parents = new Map()
      return claims.map(request => claimOne(session, request, parents))
    },
    won => {
      for (const known of won) {
        if (known === undefined) continue
        inFlight.reclaim(known.record.id)
        inFlight.hold(known)
      }
    },
    claims.length,
  )
  return claimed.map(known => known?.record)
}

/** Whether a parent lets its sub-tasks run, asked once for the claims of one moment. */
type Parents = Map<string, boolean>

function claimOne(session: Session, request: Claim, parents: Parents): Won | undefined {
  const known = session.inFlight.published.get(request.taskId)?.known ?? find(session, request.taskId)
  if (known === undefined || session.order.lane(known.record.lane).paused) return undefined
  if (request.lane !== undefined && request.lane !== known.record.lane) return undefined
  const parentId = known.record.parentTaskId
  if (parentId !== undefined) {
    const allows = parents.get(parentId) ?? parentAllows(session, parentId)
    parents.set(parentId, allows)
    if (!allows) return undefined
  }
  return claimKnown(session, request, known, parents)
}

function claimKnown(session: Session, request: Claim, known: Known, parents: Parents): Won | undefined {
  const { sql, aggregate, order, listing } = session
  const { record, seq, rank } = known
  const now = session.now()
  const { token, executionNodeId: node, attempt } = request
  const leaseUntil = now + request.leaseMs
  const update = sql(statement)
  const { changes } = update.run(token, node, leaseUntil, now, now, now, seq, record.version, attempt)
  if (changes === 0) return retryFresh(session, request, known, parents)
  const { userId, lane, parentTaskId: parentId } = record
  const place = { userId, lane, priority: priorities.indexOf(record.priority), rank }
  order.left({ ...place, isRoot: parentId === undefined }, true)
  listing.moved(seq)
  aggregate.moved(record.status, claiming.to)
  if (parentId !== undefined) aggregate.childMoved(parentId, { from: record.status, to: claiming.to })
  return { seq, rank, record: claimedRecord(record, request, now, leaseUntil) }
}

/** Reads the row once where what is in flight was out of date. */
function retryFresh(session: Session, request: Claim, stale: Known, parents: Parents): Won | undefined {
  if (session.inFlight.published.get(request.taskId)?.known !== stale) return undefined
  session.inFlight.reclaim(request.taskId)
  const fresh = find(session, request.taskId)
  return fresh === undefined || fresh.record.version === stale.record.version
    ? undefined
    : claimOne(session, request, parents)
}

/** Reads the row of a task that was not published here, and drops what was remembered of it. */
function find({ sql, inFlight }: Session, taskId: string): Known | undefined {
  const found = readTask(sql, taskId)
  if (found !== undefined) inFlight.recall(found.seq)
  return found
}

function claimedRecord(before: TaskRecord, request: Claim, now: number, leaseUntil: number): ClaimedRecord {
  const claimed = {
    status: claiming.to,
    attempt: before.attempt + 1,
    version: before.version + 1,
    claimToken: request.token,
    executionNodeId: request.executionNodeId,
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
    executionNodeId: request.executionNodeId,
    claimToken: request.token,
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
  if (before.retry !== undefined) record.retry = before.retry
  if (before.idempotencyKey !== undefined) record.idempotencyKey = before.idempotencyKey
  if (before.submissionHash !== undefined) record.submissionHash = before.submissionHash
  if (before.rerunOf !== undefined) record.rerunOf = before.rerunOf
  return record
}

/** Extends the leases that are still held, by id and token. Returns which are lost or asked to stop. */
export function extend(session: Session, leases: readonly Lease[], leaseMs: number): Promise<Extended[]> {
  const { sql, inFlight } = session
  const until = session.now() + leaseMs
  return session.file.write(
    () =>
      leases.map(({ taskId, token }) => {
        const update = sql('UPDATE tasks SET lease_until = ? WHERE id = ? AND claim_token = ?')
        if (update.run(until, taskId, token).changes === 0) return { held: false, cancelRequested: false }
        const requested = sql('SELECT cancel_requested_at FROM tasks WHERE id = ?').pluck().get(taskId)
        return { held: true, cancelRequested: requested !== null }
      }),
    results => {
      for (const [index, { taskId }] of leases.entries()) {
        const held = inFlight.held(taskId)
        if (held !== undefined && results[index]?.held === true) held.record.leaseUntil = until
      }
    },
  )
}

/** Records whose lease has expired, and waiting ones whose deadline has passed; the longest overdue first. */
export async function overdue(session: Session, limit: number): Promise<Overdue[]> {
  const { sql, listing, file } = session
  const mayHaveExpired = mayLeaseHaveExpired(session)
  if (mayHaveExpired) await listing.fill()
  return file.read(() => {
    const now = session.now()
    const expired = mayHaveExpired ? expiredLeases(session, now, limit) : []
    const late = 'tasks WHERE deadline <= ? AND completed_at IS NULL AND lease_until IS NULL'
    const overdue = readTasks(sql, `${late} ORDER BY deadline LIMIT ?`, now, limit - expired.length)
    return [
      ...expired.map(({ record }): Overdue => ({ record, why: 'lease' })),
      ...overdue.map(({ record }): Overdue => ({ record, why: 'deadline' })),
    ]
  })
}

/** Reads the rows although no lease is known to have expired, once in this many calls. */
const checkAnyway = 20

/**
 * This process gave every lease that is not void, so it knows when one may have expired: leases need no index, which would cost
 * each task two writes. Rows are read only then, and now and then in case that knowledge is wrong.
 */
function mayLeaseHaveExpired({ inFlight, dirty, now }: Session): boolean {
  dirty.leaseChecks += 1
  return dirty.voidLeases || inFlight.earliestLease() <= now() || dirty.leaseChecks % checkAnyway === 0
}

/** Those that the index of listings has, and those that it leaves out. */
function expiredLeases({ sql, dirty, listing }: Session, now: number, limit: number): Known[] {
  const expired = 'lease_until <= ? ORDER BY lease_until LIMIT ?'
  const listed = 'listing INDEXED BY listing_status CROSS JOIN tasks USING (seq) WHERE listing.status = ?'
  const found = readTasks(sql, `${listed} AND ${expired}`, claiming.to, now, limit)
  const left = 'tasks WHERE seq > ? AND status = ?'
  found.push(
    ...readTasks(sql, `${left} AND ${expired}`, listing.last, claiming.to, now, limit - found.length),
  )
  if (found.length === 0) dirty.voidLeases = false
  return found
}

/** This process is the only owner of the file: whatever held a lease when it was opened is gone. */
export function voidLeases({ sql, dirty, listing }: Session): void {
  const held = 'UPDATE tasks SET lease_until = 0 WHERE status = ? AND lease_until IS NOT NULL AND'
  sql(`${held} seq IN (SELECT seq FROM listing INDEXED BY listing_status WHERE status = ?)`).run(
    claiming.to,
    claiming.to,
  )
  sql(`${held} seq > ?`).run(claiming.to, listing.last)
  dirty.voidLeases = true
}
