import { type AdmissionLimits, refusalOf } from '../../task/admission.ts'
import { QuillworkError } from '../../task/errors.ts'
import { unranked } from '../../task/fairness.ts'
import { hasEnded, type Phase, type TaskStatus } from '../../task/status.ts'
import type { NewTask, TaskRecord } from '../../task/task.ts'
import { claiming } from '../../task/transition.ts'
import { type Created, priorities } from '../store.ts'
import type { Place } from './fair-order.ts'
import type { Known } from './in-flight.ts'
import { insertTags, longestInline, readTask, readTasks, storeText } from './rows.ts'
import { noteWake, queueOf, type Session } from './session.ts'

/** What every row has; what few rows have costs nothing where it is absent. */
const always = `id, task_type, user_id, lane, priority, rank, queue, status, phase, version, attempt, retry_count, crash_count,
  created_at, updated_at, depth, parameters, parameters_version, lease_until, claim_token, node, started_at, last_attempt_at`
const sometimes =
  'wake_at, next_attempt_at, deadline, root_id, parent_id, sub_task_key, idempotency_key, tags, traceparent, budget'
const values = '?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?'
const insertPlain = `INSERT INTO tasks (${always}) VALUES (${values}) ON CONFLICT DO NOTHING`
const insertFull = `INSERT INTO tasks (${always}, ${sometimes}) VALUES (${values}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

const born: { status: TaskStatus; phase: Phase } = { status: 'QUEUED', phase: 'executing' }

/** Writes new tasks; a task whose id or idempotency key exists is answered with the record that was found. */
export async function create(
  session: Session,
  tasks: readonly NewTask[],
  limits: AdmissionLimits,
): Promise<Created[]> {
  const written = await session.file.write(
    () => {
      const now = session.now()
      const parents = new Map<string, boolean>()
      return tasks.map(task => createOne(session, task, { now, limits, parents }))
    },
    made => {
      for (const { known } of made) {
        if (known === undefined) continue
        if (known.record.claimToken === undefined) session.inFlight.remember(known)
        else session.inFlight.hold(known)
      }
    },
  )
  return written.map(({ answer }) => answer)
}

interface Written {
  answer: Created
  /** The row that was made, when it can run at once or runs already. */
  known?: Known
}

interface Moment {
  now: number
  limits: AdmissionLimits
  /** Whether an attempt of a parent is still running, asked once per attempt. */
  parents: Map<string, boolean>
}

function createOne(session: Session, task: NewTask, moment: Moment): Written {
  const { aggregate, order } = session
  const isRoot = task.parent === undefined
  const admission = isRoot ? admit(session, task, moment.limits) : admitChild(session, task, moment.parents)
  if (admission !== undefined) return existingOr(session, task, { outcome: 'refused', code: admission })
  const priority = priorities.indexOf(task.priority)
  const place: Place = { userId: task.userId, lane: task.lane, priority, isRoot, rank: unranked }
  const record = newRecord(task, moment.now)
  if (record.nextAttemptTimestamp === undefined) place.rank = order.rankFor(place)
  const starts =
    task.claim !== undefined && record.nextAttemptTimestamp === undefined && laneIsEmpty(session, task.lane)
  if (starts) startRecord(record, task.claim, moment.now)
  const seq = insertRow(session, task, record, place)
  if (seq === undefined) return existingOr(session, task, undefined)
  aggregate.moved(undefined, record.status)
  if (task.parent !== undefined) adopt(session, task.parent.taskId, record.status)
  if (!starts) order.entered(place)
  if (record.nextAttemptTimestamp === undefined)
    return { answer: { outcome: 'created', record }, known: { seq, rank: place.rank, record } }
  noteWake(session.dirty, record.nextAttemptTimestamp)
  return { answer: { outcome: 'created', record } }
}

/** The parent counts one more sub-task. */
function adopt({ aggregate, inFlight }: Session, parentId: string, status: TaskStatus): void {
  aggregate.childMoved(parentId, { to: status })
  const parent = inFlight.held(parentId)
  if (parent !== undefined) parent.hasSubTasks = true
}

/** Whether nothing that could run waits in the lane, so that a new task overtakes nobody. */
function laneIsEmpty({ sql, order }: Session, name: string): boolean {
  const lane = order.lane(name)
  if (lane.paused) return false
  if (lane.waiting === 0) return true
  const first = sql('SELECT 1 FROM tasks WHERE queue IN (?, ?) LIMIT 1').get(
    queueOf(name, false),
    queueOf(name, true),
  )
  return first === undefined
}

/** The claim that comes with the creation. */
function startRecord(record: TaskRecord, claim: NewTask['claim'], now: number): void {
  if (claim === undefined) return
  record.status = claiming.to
  record.attempt = 1
  record.claimToken = claim.token
  record.executionNodeId = claim.executionNodeId
  record.leaseUntil = now + claim.leaseMs
  record.startedAt = now
  record.lastAttemptTimestamp = now
}

function admit({ order }: Session, task: NewTask, limits: AdmissionLimits) {
  if (limits.waitingPerLane === undefined && limits.waitingPerUser === undefined) return undefined
  return refusalOf(order.waiting(task.userId, task.lane), limits)
}

function admitChild(
  { sql }: Session,
  task: NewTask,
  parents: Map<string, boolean>,
): 'PARENT_NOT_RUNNING' | undefined {
  const parent = task.parent
  if (parent === undefined) return undefined
  const attempt = `${parent.taskId}\n${parent.attempt}`
  let running = parents.get(attempt)
  if (running === undefined) {
    const row = sql(
      'SELECT attempt, lease_until IS NOT NULL AND cancel_requested_at IS NULL AS running FROM tasks WHERE id = ?',
    ).get(parent.taskId) as { attempt: number; running: number } | undefined
    running = row?.running === 1 && row.attempt === parent.attempt
    parents.set(attempt, running)
  }
  return running ? undefined : 'PARENT_NOT_RUNNING'
}

/** A refusal yields to the task that is there already: submitting it again is not one more. */
function existingOr(session: Session, task: NewTask, refusal: Created | undefined): Written {
  const { sql } = session
  const { id, userId, taskType, idempotencyKey } = task
  const sameKey = 'tasks WHERE user_id = ? AND task_type = ? AND idempotency_key = ?'
  const found =
    readTask(sql, id) ??
    (idempotencyKey === undefined ? undefined : readTasks(sql, sameKey, userId, taskType, idempotencyKey)[0])
  if (found !== undefined) return { answer: { outcome: 'existing', record: found.record } }
  if (refusal !== undefined) return { answer: refusal }
  throw new QuillworkError(
    'STORE_FAILED',
    `The task ${id} was neither written nor found; the database is damaged.`,
  )
}

function newRecord(task: NewTask, now: number): TaskRecord {
  const record: TaskRecord = {
    id: task.id,
    taskType: task.taskType,
    userId: task.userId,
    lane: task.lane,
    priority: task.priority,
    tags: task.tags,
    status: born.status,
    phase: born.phase,
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
  if (task.traceparent !== undefined) record.traceparent = task.traceparent
  if (task.budget !== undefined) record.budget = task.budget
  if (task.parent !== undefined) {
    record.parentTaskId = task.parent.taskId
    record.subTaskKey = task.parent.key
  }
  return record
}

function isPlain(record: TaskRecord, wakeAt: number | null): boolean {
  return (
    wakeAt === null &&
    record.parentTaskId === undefined &&
    record.idempotencyKey === undefined &&
    record.deadline === undefined &&
    record.traceparent === undefined &&
    record.budget === undefined &&
    record.tags.length === 0
  )
}

/** The row's number, or undefined when the id or the idempotency key is taken. */
function insertRow({ sql }: Session, task: NewTask, record: TaskRecord, place: Place): number | undefined {
  const wakeAt = record.nextAttemptTimestamp ?? null
  const large = record.parameters.length > longestInline
  const inAllRows = [
    record.id,
    record.taskType,
    record.userId,
    record.lane,
    place.priority,
    place.rank,
    wakeAt === null && record.leaseUntil === undefined ? queueOf(record.lane, false) : null,
    record.status,
    record.phase,
    record.attempt,
    record.createdAt,
    record.updatedAt,
    record.depth,
    large ? '' : record.parameters,
    record.parametersVersion,
    record.leaseUntil ?? null,
    record.claimToken ?? null,
    record.executionNodeId ?? null,
    record.startedAt ?? null,
    record.lastAttemptTimestamp ?? null,
  ]
  const { changes, lastInsertRowid } = isPlain(record, wakeAt)
    ? sql(insertPlain).run(inAllRows)
    : sql(insertFull).run(
        inAllRows,
        wakeAt,
        wakeAt,
        record.deadline ?? null,
        record.parentTaskId === undefined ? null : record.rootTaskId,
        record.parentTaskId ?? null,
        record.subTaskKey ?? null,
        record.idempotencyKey ?? null,
        record.tags.length === 0 ? null : JSON.stringify(record.tags),
        record.traceparent ?? null,
        record.budget === undefined ? null : JSON.stringify(record.budget),
      )
  if (changes === 0) return undefined
  const seq = Number(lastInsertRowid)
  if (large) storeText(sql, seq, 'parameters', task.parameters)
  insertTags(sql, seq, record.tags)
  return seq
}

/** Whether a parent lets its sub-tasks run: it has not ended and nobody asked to cancel it. */
export function parentAllows({ sql }: Session, parentId: string): boolean {
  const row = sql('SELECT status, cancel_requested_at FROM tasks WHERE id = ?').get(parentId) as
    | { status: TaskStatus; cancel_requested_at: number | null }
    | undefined
  return row !== undefined && !hasEnded(row.status) && row.cancel_requested_at === null
}
