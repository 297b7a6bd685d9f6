import type { Document, Filter } from 'mongodb'
import { hasEnded, liveStatuses } from '../../task/status.ts'
import { isQuarantined } from '../../task/task.ts'
import { type Applied, claiming } from '../../task/transition.ts'
import type { Claim, Claimed, Fenced, Lease, Overdue } from '../store.ts'
import { mayGoOn, type TaskDocument } from './documents.ts'
import { collections } from './indexes.ts'
import { literal, type TaskUpdate, updateMerged } from './merge-updates.ts'
import { recordsOf } from './payloads.ts'
import { after, derived, eventStage, flagged, removed, since, unqueued } from './pipeline.ts'
import { aggregateTasks, findTasks, readFields, type Session, updateTasks } from './session.ts'

/** A delivery that the broker held may come this much early, milliseconds. */
const mayBeEarlyMs = 50

/**
 * Starts attempts: one guarded write each, by id. Returns undefined for a claim that is refused; one that is sent again finds itself by its
 * token. Of a sub-task the parent is read first; which tasks are sub-tasks is known of most, and read where the claim is refused.
 */
export async function claimAll(session: Session, claims: readonly Claim[]): Promise<Claimed[]> {
  const won = new Map<string, TaskDocument>()
  const paused = [...(await session.paused.current())]
  await claimRound(session, claims, { won, paused })
  const others = await unknownSubTasks(session, claims, won)
  if (others.length > 0) await claimRound(session, others, { won, paused })
  const found = [...won.values()]
  const records = await recordsOf(session, found)
  noteClaimed(session, found)
  const claimed = records.map((record, at) => Object.assign(record, { waitedMs: found[at]?.waitedMs ?? 0 }))
  const byToken = new Map(claimed.map(record => [record.claimToken, record]))
  return claims.map(({ token }) => byToken.get(token))
}

/** Claims what may be claimed as far as is known, nothing of a paused lane, and adds those that won under their tokens. */
async function claimRound(
  session: Session,
  claims: readonly Claim[],
  { won, paused }: { won: Map<string, TaskDocument>; paused: readonly string[] },
): Promise<void> {
  const allowed = await withoutStopped(session, claims)
  const now = session.now()
  const updates = allowed.map(claim => ({
    filter: {
      ...claimGuard(session, claim, now),
      ...(claim.lane === undefined && paused.length === 0 ? {} : { lane: laneGuard(claim, paused) }),
    },
    update: claimPipeline(session, claim),
  }))
  for (const document of await writeClaims(session, updates, allowed))
    if (document.claimToken !== undefined) won.set(document.claimToken, document)
}

/** The lane that a task must wait in: that of the slot, and none that is paused. */
function laneGuard({ lane }: Claim, paused: readonly string[]) {
  return { ...(lane !== undefined && { $eq: lane }), ...(paused.length > 0 && { $nin: [...paused] }) }
}

/** Leaves out sub-tasks of parents that ended or were asked to stop. */
async function withoutStopped(session: Session, claims: readonly Claim[]): Promise<readonly Claim[]> {
  const parentOf = ({ taskId }: Claim) => session.parents.parentOf(taskId) ?? undefined
  const parents = [...new Set(claims.map(parentOf))].filter(id => id !== undefined)
  if (parents.length === 0) return claims
  const filter = { _id: { $in: parents } }
  const found = await readFields(session, 'read parents', filter, ['status', 'cancelRequestedAt'])
  const allow = found.filter(parent => !hasEnded(parent.status) && parent.cancelRequestedAt === undefined)
  const allowing = new Set(allow.map(({ _id }) => _id))
  return claims.filter(claim => {
    const parent = parentOf(claim)
    return parent === undefined || allowing.has(parent)
  })
}

async function writeClaims(session: Session, updates: readonly TaskUpdate[], claims: readonly Claim[]) {
  const [first] = updates
  if (first === undefined) return []
  if (updates.length === 1) {
    const claimed = await session.database.run('claim', () =>
      session.tasks.findOneAndUpdate(first.filter, first.update, { returnDocument: 'after' }),
    )
    return claimed === null ? findClaimed(session, claims) : [claimed]
  }
  await updateMerged(session, 'claim', updates)
  return findClaimed(session, claims)
}

/** Returns the tasks that these claims hold, by their tokens: now, or since an earlier send whose answer was lost. */
async function findClaimed(session: Session, claims: readonly Claim[]): Promise<TaskDocument[]> {
  const ids = claims.map(({ taskId }) => taskId)
  const found = await findTasks(session, 'find claimed', { _id: { $in: ids } })
  const tokens = new Set(claims.map(({ token }) => token))
  return found.filter(({ claimToken }) => claimToken !== undefined && tokens.has(claimToken))
}

/** Returns the claims that were refused because this process did not know that they are of sub-tasks. */
async function unknownSubTasks(
  session: Session,
  claims: readonly Claim[],
  won: ReadonlyMap<string, unknown>,
): Promise<Claim[]> {
  const { parents } = session
  const isUnknown = ({ taskId, token }: Claim) => !won.has(token) && parents.parentOf(taskId) === undefined
  const refused = claims.filter(isUnknown)
  if (refused.length === 0) return []
  const filter = {
    _id: { $in: refused.map(({ taskId }) => taskId) },
    status: { $in: [...claiming.from] },
    parentTaskId: { $exists: true },
  }
  const found = await readFields(session, 'which are sub-tasks', filter, ['parentTaskId'])
  for (const { _id, parentTaskId } of found) parents.set(_id, parentTaskId)
  const ids = new Set(found.map(({ _id }) => _id))
  return refused.filter(({ taskId }) => ids.has(taskId))
}

/** What a task must be to be claimed; a sub-task must have been counted, for else its parent would not know that it lives. */
function claimGuard(session: Session, { taskId, attempt }: Claim, now: number): TaskUpdate['filter'] {
  const parent = session.parents.parentOf(taskId) ?? undefined
  const early = session.features.delays.length > 0 ? mayBeEarlyMs : 0
  return {
    _id: taskId,
    attempt,
    status: { $in: [...claiming.from] },
    ...mayGoOn,
    wakeAt: { $not: { $gt: new Date(now + early) } },
    ...(parent === undefined
      ? { parentTaskId: { $exists: false } }
      : { parentTaskId: parent, counted: { $exists: true } }),
  }
}

function claimPipeline(session: Session, claim: Claim): Document[] {
  const now = session.serverNow()
  const set = {
    ...unqueued,
    ...flagged,
    status: claiming.to,
    attempt: { $add: ['$attempt', 1] },
    version: { $add: ['$version', 1] },
    claimToken: literal(claim.token),
    executionNodeId: literal(claim.executionNodeId),
    leaseUntil: after(now, claim.leaseMs),
    startedAt: { $ifNull: ['$startedAt', now] },
    lastAttemptTimestamp: now,
    updatedAt: now,
    nextAttemptTimestamp: removed,
    // Since when the task could run, by its document before the claim.
    waitedMs: since({ $ifNull: ['$nextAttemptTimestamp', '$updatedAt'] }, now),
  }
  const stages: Document[] = [{ $set: set }]
  const fields = { executionNodeId: literal(claim.executionNodeId), waitedMs: '$waitedMs' }
  if (session.features.events) stages.push(eventStage(session, 'started', fields))
  return [...stages, derived]
}

function noteClaimed(session: Session, documents: readonly TaskDocument[]): void {
  const { parents, inFlight, order, features, writtenEvents } = session
  for (const document of documents) {
    parents.set(document._id, document.parentTaskId)
    inFlight.claimed(document._id, isQuarantined(document.crashCount))
    order.passed(document)
  }
  const moved = documents.map(({ _id: taskId, partition }) => ({ taskId, partition }))
  parents.moved(moved, { isLive: true })
  if (features.events) writtenEvents.note(documents.map(({ _id }) => _id))
}

/** Extends the leases that are still held, by id and token. Returns which are lost or asked to stop. */
export async function extend(session: Session, leases: readonly Lease[], leaseMs: number) {
  session.requireOpen()
  if (leases.length === 0) return []
  // Each token is given once, so a task and a token of the same list belong together.
  const held = {
    _id: { $in: leases.map(({ taskId }) => taskId) },
    claimToken: { $in: leases.map(({ token }) => token) },
  }
  const leaseUntil = after(session.serverNow(), leaseMs)
  await updateTasks(session, 'extend', { ...held, leaseUntil: { $exists: true } }, [{ $set: { leaseUntil } }])
  const found = await readFields(session, 'read leases', held, ['claimToken', 'cancelRequestedAt'])
  const byId = new Map(found.map(task => [task._id, task]))
  return leases.map(({ taskId, token }) => {
    const task = byId.get(taskId)
    if (task?.claimToken !== token) return { held: false, cancelRequested: false }
    return { held: true, cancelRequested: task.cancelRequestedAt !== undefined }
  })
}

/** Returns records whose lease has expired, then waiting ones whose deadline has passed; the longest overdue first. */
export async function overdue(session: Session, limit: number): Promise<Overdue[]> {
  session.requireOpen()
  const passed = { $lte: new Date(session.now()) }
  const isExpired = { status: claiming.to, leaseUntil: passed }
  const isLate = { deadline: passed, status: { $in: [...liveStatuses] }, leaseUntil: { $exists: false } }
  const late = [{ $match: isLate }, { $sort: { deadline: 1 } }, { $limit: limit }]
  const found = await aggregateTasks<TaskDocument>(session, 'overdue tasks', 'tasks_lease', [
    { $match: isExpired },
    { $sort: { leaseUntil: 1 } },
    { $limit: limit },
    { $unionWith: { coll: collections.tasks, pipeline: late } },
    { $limit: limit },
  ])
  const records = await recordsOf(session, found)
  return records.map((record, index) => ({
    record,
    why: found[index]?.leaseUntil === undefined ? 'deadline' : 'lease',
  }))
}

/** What shows whether an attempt holds a task. */
export type Holder = Pick<TaskDocument, '_id' | 'attempt' | 'leaseUntil' | 'large' | 'output'>

/** Returns the filter of a task as long as the attempt holds it: what a write of an attempt is fenced by, without a transaction. */
export function heldBy({ taskId, attempt }: Fenced): Filter<TaskDocument> {
  return { _id: { $eq: taskId }, attempt: { $eq: attempt }, leaseUntil: { $type: 'date' } }
}

/** Returns a name for an attempt that no other one has. */
export function attemptName({ taskId, attempt }: Fenced): string {
  return `${taskId}/${attempt}`
}

/** Returns the answer for a write of an attempt, by what its task is now. */
export function answerFor({ attempt }: Fenced, holder: Holder | undefined): Applied {
  if (holder === undefined) return 'missing'
  return holder.attempt === attempt && holder.leaseUntil instanceof Date ? 'applied' : 'stale'
}

/** Returns what the tasks of these writes are now, by id. */
export async function findHolders(
  session: Session,
  operation: string,
  writes: readonly Fenced[],
): Promise<ReadonlyMap<string, Holder>> {
  const filter = { _id: { $in: writes.map(({ taskId }) => taskId) } }
  const fields = ['attempt', 'leaseUntil', 'large', 'output'] as const
  const found: Holder[] = await readFields(session, operation, filter, fields)
  return new Map(found.map(holder => [holder._id, holder]))
}
