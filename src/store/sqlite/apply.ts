import { weightOf } from '../../runtime/gather.ts'
import { unranked } from '../../task/fairness.ts'
import type { Phase, TaskStatus } from '../../task/status.ts'
import { isQuarantined, type TaskRecord } from '../../task/task.ts'
import {
  type Applied,
  claiming,
  endsAttempt,
  type RecordChange,
  type Transition,
} from '../../task/transition.ts'
import { priorities, queueOf } from '../store.ts'
import { mostAttempts } from '../transfer.ts'
import { insertAttempt } from './attempts.ts'
import type { Place } from './fair-order.ts'
import { columnOf, columnValue, deleteTags, inlineText, readTask, storeLarge, type Value } from './rows.ts'
import { noteWake, type Session } from './session.ts'

/** As SQLite says it, or this process. */
type Flag = boolean | 0 | 1

/** What must be known of a row before a transition is written over it. */
interface Before extends Pick<TaskRecord, 'status' | 'crashCount' | 'userId' | 'lane'> {
  /** The record of the attempt, if this process runs it. */
  held?: TaskRecord
  seq: number
  rank: number
  waiting: Flag
  ended: Flag
  /** Its tree is being deleted. */
  pruning: Flag
  priority: number
  parentId: string | null
  /** The name of a sub-task. */
  key: string | null
  /** Or may have some. */
  hasSubTasks: Flag
  node: string | null
  lastAttemptAt: number | null
}

/** Writes transitions, each guarded by the statuses it may leave and by its fence; none, unless the first `required` can be written. */
export function apply(session: Session, transitions: readonly Transition[], { required } = { required: 0 }) {
  return session.file.write(
    () => {
      const canBe = transitions.slice(0, required).every(transition => canApply(session, transition))
      return transitions.map(transition => (canBe ? applyOne : refuse)(session, transition))
    },
    answers => {
      answers.forEach((answer, index) => {
        const transition = transitions[index]
        if (answer !== 'missing' && transition !== undefined) afterwards(session, transition, answer)
      })
    },
    transitions.reduce((size, { set }) => size + weightOf(set.result?.length ?? 0), 0),
  )
}

/**
 * An attempt that ended is no longer held; a request to cancel is remembered with it. The delivery of a task that was moved is in the queue of its
 * earlier lane, where its claim will be refused: the task is due again without it. A stale write says nothing of these.
 */
function afterwards({ inFlight }: Session, { taskId, fence, wake, set }: Transition, answer: Applied): void {
  if (answer === 'applied' && set.lane !== undefined) {
    inFlight.handedOut.delete(taskId)
    inFlight.reclaim(taskId)
  }
  const held = inFlight.held(taskId)
  if (answer !== 'applied' || held === undefined || !('attempt' in fence)) return
  if (held.record.attempt !== fence.attempt) return
  if (wake !== 'as-it-was') inFlight.release(taskId)
  else held.record.cancelRequestedAt = set.cancelRequestedAt ?? held.record.updatedAt
}

/** Statements of the completion of a held attempt, by its phase and the status that it gets: what is the same in each costs nothing to bind. */
const completions = new Map<string, string>()

function completionOf(phase: Phase, status: TaskStatus): string {
  const name = `${phase} ${status}`
  let text = completions.get(name)
  if (text === undefined) {
    text = `UPDATE tasks SET version = version + 1, updated_at = ?, completed_at = ?, status = '${status}', result = ?,
      lease_until = NULL, claim_token = NULL, padding = NULL WHERE seq = ? AND status = '${claiming.to}' AND attempt = ? AND phase = '${phase}'`
    completions.set(name, text)
  }
  return text
}

/**
 * Writes the end of nearly every task: an attempt that this process runs completes, has failed at nothing before, and has no sub-tasks.
 * Returns whether that was so; if not, nothing was written. It is half of what `applyOne` costs.
 */
function completeHeld(session: Session, { name, taskId, fence, fromPhase, set }: Transition): boolean {
  const { status, result, completedAt = null } = set
  if (name !== 'completed' || !('attempt' in fence) || status === undefined || typeof result !== 'string')
    return false
  if (fromPhase === undefined) return false
  const held = session.inFlight.held(taskId)
  if (held === undefined || held.record.attempt !== fence.attempt) return false
  const { seq, record, hasSubTasks = record.subTaskStatusSummary !== undefined } = held
  if (hasSubTasks || record.crashCount > 0 || record.errorInfo !== undefined) return false
  const { sql, aggregate, listing, dirty } = session
  const write = sql(completionOf(fromPhase, status))
  if (write.run(session.now(), completedAt, inlineText(result), seq, fence.attempt).changes === 0)
    return false
  storeLarge(sql, seq, set)
  listing.moved(seq)
  aggregate.moved(record.status, status)
  if (record.parentTaskId === undefined) return true
  aggregate.childMoved(record.parentTaskId, { from: record.status, to: status, key: record.subTaskKey })
  dirty.parents = true
  return true
}

function applyOne(session: Session, transition: Transition): Applied {
  if (completeHeld(session, transition)) return 'applied'
  const before = heldBefore(session, transition) ?? readBefore(session, transition.taskId)
  if (before === undefined) return 'missing'
  if (before.pruning) return 'stale'
  const now = session.now()
  const wake = wakeOf(transition, before, now)
  const place = {
    userId: before.userId,
    lane: before.lane,
    priority: before.priority,
    isRoot: before.parentId === null,
  }
  const joins = before.ended && wake.waiting
  const rank = joins ? session.order.rankFor(place) : transition.leavesLine ? unranked : before.rank
  if (update(session, transition, { before, now, wake, rank }) === 0) return earlierSelf(session, transition)
  if (wake.wakeAt !== null) noteWake(session, wake.wakeAt)
  // Only the result of a task without parent and sub-tasks is known to leave no parent to reconcile.
  if (
    typeof transition.set.result !== 'string' ||
    before.parentId !== null ||
    before.hasSubTasks ||
    transition.set.phase !== undefined
  )
    session.dirty.parents = true
  count(session, transition, before, wake, { ...place, rank })
  if (endsAttempt(transition)) recordAttempt(session, transition, before, now)
  return 'applied'
}

function canApply(session: Session, { taskId, from, fromPhase, fence }: Transition): boolean {
  const before = readBefore(session, taskId)
  if (before === undefined || before.pruning) return false
  const values: Value[] = [before.seq]
  const guards = guard(fence, fromPhase, values)
  const text = `SELECT 1 FROM tasks WHERE seq = ? AND ${isOneOf(from)}${guards}`
  return session.sql(text).get(...values) !== undefined
}

function refuse(session: Session, { taskId }: Transition): Applied {
  return readBefore(session, taskId) === undefined ? 'missing' : 'stale'
}

interface Wake {
  queue: string | null
  wakeAt: number | null
  waiting: boolean
}

function wakeOf({ wake, leavesLine, set }: Transition, before: Before, now: number): Wake {
  const at = wake === 'now' ? now : typeof wake === 'object' ? wake.at : undefined
  if (at === undefined)
    return { queue: null, wakeAt: null, waiting: wake === 'as-it-was' && Boolean(before.waiting) }
  // One that waits for its start has no place in line yet, and gets one when it is due.
  const hasNoPlace = leavesLine === true || (before.rank === unranked && !before.ended)
  if (at > now || hasNoPlace) return { queue: null, wakeAt: at, waiting: true }
  return {
    queue: queueOf(before.lane, isQuarantined(set.crashCount ?? before.crashCount)),
    wakeAt: null,
    waiting: true,
  }
}

/** What the attempt that this process runs is known to be; it was claimed here, so its row says the same unless it moved on. */
function heldBefore({ inFlight }: Session, { taskId, fence }: Transition): Before | undefined {
  const held = inFlight.held(taskId)
  if (held === undefined || !('attempt' in fence) || held.record.attempt !== fence.attempt) return undefined
  const { record, seq, rank } = held
  return {
    held: record,
    seq,
    rank,
    status: record.status,
    waiting: false,
    ended: false,
    pruning: false,
    crashCount: record.crashCount,
    userId: record.userId,
    lane: record.lane,
    priority: priorities.indexOf(record.priority),
    parentId: record.parentTaskId ?? null,
    key: record.subTaskKey ?? null,
    hasSubTasks: held.hasSubTasks === true || record.subTaskStatusSummary !== undefined,
    node: record.executionNodeId ?? null,
    lastAttemptAt: record.lastAttemptTimestamp ?? null,
  }
}

/** The row as it is; what was remembered of it since its creation is about to be old. */
function readBefore({ sql, inFlight }: Session, taskId: string): Before | undefined {
  const before = sql(`SELECT seq, rank, status, queue IS NOT NULL OR wake_at IS NOT NULL AS waiting,
    completed_at IS NOT NULL AS ended, crash_count AS crashCount, user_id AS userId, lane, priority, parent_id AS parentId,
    sub_task_key AS key, node,
    (SELECT pruning FROM tasks AS root WHERE root.id = coalesce(tasks.root_id, tasks.id)) IS NOT NULL AS pruning,
    last_attempt_at AS lastAttemptAt, 1 AS hasSubTasks FROM tasks WHERE id = ?`).get(taskId) as
    | Before
    | undefined
  if (before !== undefined) inFlight.recall(before.seq)
  return before
}

interface Write {
  before: Before
  now: number
  wake: Wake
  rank: number
}

/** One UPDATE; its text depends only on which fields change and how it is guarded, so it is prepared once per kind of move. */
function update(session: Session, transition: Transition, { before, now, wake, rank }: Write): number {
  const { set, fence, from, fromPhase } = transition
  const keys = changedKeys(set, before)
  const values: Value[] = [now]
  for (const key of keys) values.push(columnValue(key, set[key]))
  if (set.deadLetter !== undefined) values.push(set.deadLetter?.fingerprint ?? null)
  // What neither waited nor will wait has no place in a queue to write.
  const moves = transition.wake !== 'as-it-was' && (before.waiting || wake.waiting)
  if (moves) values.push(wake.queue, wake.wakeAt, rank)
  values.push(before.seq)
  const fences = guard(fence, fromPhase, values)
  const shape = `${keys.join()}|${fences}|${moves}|${from.join()}`
  let text = texts.get(shape)
  if (text === undefined) {
    const assignments = keys.map(key => `${columnOf[key]} = ?`)
    if (set.deadLetter !== undefined) assignments.push('fingerprint = ?')
    if (set.predecessor !== undefined) assignments.push('predecessor_ended = NULL')
    if (moves) assignments.push('queue = ?', 'wake_at = ?', 'rank = ?')
    text = `UPDATE tasks SET version = version + 1, updated_at = ?, ${assignments.join(', ')}
      WHERE seq = ? AND ${isOneOf(from)}${fences}`
    texts.set(shape, text)
  }
  if (set.tags !== undefined) deleteTags(session.sql, before.seq)
  const { changes } = session.sql(text).run(...values)
  // Also where the write was refused: then it is indexed by what it keeps.
  if (set.tags !== undefined || set.lane !== undefined) session.listing.wrote(before.seq)
  if (changes > 0) storeLarge(session.sql, before.seq, set)
  return changes
}

/** The fields to write; of a held attempt it is known that some are cleared already, and each index left alone is a write less. */
function changedKeys(set: RecordChange, { held }: Before): (keyof RecordChange)[] {
  const keys = Object.keys(set) as (keyof RecordChange)[]
  if (held === undefined) return keys
  return keys.filter(
    key =>
      !(key === 'errorInfo' && set.errorInfo === null && held.errorInfo === undefined) &&
      !(key === 'crashCount' && set.crashCount === held.crashCount) &&
      !(
        key === 'nextAttemptTimestamp' &&
        set.nextAttemptTimestamp === null &&
        held.nextAttemptTimestamp === undefined
      ),
  )
}

/** Texts of the statements by their shape: a few per kind of transition. */
const texts = new Map<string, string>()

function isOneOf(statuses: readonly TaskStatus[]): string {
  return `status IN (${statuses.map(status => `'${status}'`).join(', ')})`
}

function guard(fence: Transition['fence'], fromPhase: Transition['fromPhase'], values: Value[]): string {
  let text = ''
  if ('version' in fence) {
    text += ' AND version = ?'
    values.push(fence.version)
  } else {
    text += ' AND attempt = ?'
    values.push('attempt' in fence ? fence.attempt : fence.lastAttempt)
    if (fence.leaseUntil !== undefined) {
      text += ' AND lease_until = ?'
      values.push(fence.leaseUntil)
    }
    if (fence.signalCount !== undefined) {
      text += ' AND coalesce(signal_count, 0) = ?'
      values.push(fence.signalCount)
    }
  }
  if (fromPhase === undefined) return text
  values.push(fromPhase)
  return `${text} AND phase = ?`
}

/**
 * A refused write of an attempt may be the second telling of one that was applied: nobody else writes for that attempt. Behind a
 * version stand people and the aggregator, who may want the same thing at the same moment: one of them did it, the other did not.
 */
function earlierSelf({ sql }: Session, { taskId, fence, set, from }: Transition): Applied {
  const row = readTask(sql, taskId)?.record
  if (row === undefined) return 'missing'
  if (!('attempt' in fence) || row.attempt !== fence.attempt) return 'stale'
  if (set.status !== undefined) return row.status === set.status ? 'applied' : 'stale'
  if (set.phase !== undefined) return row.phase === set.phase ? 'applied' : 'stale'
  return row.cancelRequestedAt !== undefined && from.some(status => status === row.status)
    ? 'applied'
    : 'stale'
}

function count(session: Session, { set }: Transition, before: Before, wake: Wake, place: Place): void {
  const { aggregate, order, listing } = session
  const lane = set.lane ?? before.lane
  const leaves = !wake.waiting || lane !== before.lane
  if (before.waiting && leaves) order.left({ ...place, rank: before.rank }, false)
  if (wake.waiting && (!before.waiting || leaves)) order.entered({ ...place, lane })
  if (typeof set.predecessor === 'string' && wake.waiting && before.parentId !== null)
    aggregate.childWaits(before.parentId, before.seq, set.predecessor)
  if (set.status === undefined || set.status === before.status) return
  listing.moved(before.seq)
  aggregate.moved(before.status, set.status)
  if (before.parentId === null) return
  aggregate.childMoved(before.parentId, { from: before.status, to: set.status, key: before.key })
}

/** The history of attempts that did not complete, the last fifty; the one that completed is in the record itself. */
function recordAttempt({ sql }: Session, transition: Transition, before: Before, now: number): void {
  const { name, set, fence } = transition
  if (name === 'completed' || name === 'awaiting-subtasks' || !('attempt' in fence)) return
  insertAttempt(sql, before.seq, {
    attempt: fence.attempt,
    executionNodeId: before.node,
    startedAt: before.lastAttemptAt ?? now,
    endedAt: now,
    outcome: name,
    code: set.errorInfo?.code,
    message: set.errorInfo?.message,
    // One without frames says nothing.
    stack: set.errorInfo?.stack || undefined,
  })
  if (fence.attempt <= mostAttempts) return
  const oldest = fence.attempt - mostAttempts
  sql('DELETE FROM attempts WHERE task_seq = ? AND attempt <= ?').run(before.seq, oldest)
}
